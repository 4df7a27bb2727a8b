/** The sandbox's reasons for a decline, each with a sentence a buyer or an operator understands. */

const messages: Readonly<Record<string, string>> = {
  card_declined: 'The card was declined.',
  insufficient_funds: 'The card has insufficient funds.',
  expired_card: 'The card has expired.',
  invalid_token: 'The sandbox does not know this payment token.',
  missing_token: 'A card payment needs a token.',
  authentication_failed: 'The buyer refused the payment.',
  idempotency_mismatch: 'This idempotency key was used with other parameters.',
  invalid_request: 'The request is not valid.',
  payment_not_found: 'There is no such payment.',
  already_captured: 'The payment was captured already.',
  already_voided: 'The authorization was voided.',
  voided: 'The authorization was voided.',
  authorization_declined: 'The payment was never authorized.',
  authorization_ended: 'The authorization has ended.',
  not_authorized: 'The payment is not authorized yet.',
  not_captured: 'The payment was not captured.',
  capture_refused: 'The capture was refused.',
  currency_mismatch: 'The currency is not that of the payment.',
  amount_exceeds_authorization: 'The amount is higher than the authorized one.',
  already_refunded: 'Everything was refunded already.',
  refund_exceeds_capture: 'The amount is higher than what is left of the captured one.',
}

/** The sentence for a reason; for one that is not ours, a general one. */
export const declineMessage = (code: string): string => messages[code] ?? 'The payment was declined.'
