/**
 * The sandbox's answers to each operation, in every state of its payment. Pure: the same payment always gives the same
 * answer, so a repeated call and a lookup agree.
 */
import { type GatewayAnswer, type LookupAnswer, noCurrency, type OperationKind } from '../gateway.ts'
import type { EarlierRequest, SandboxPayment, SandboxSettings } from './payment.ts'

/** Decline codes and their reasons. Buyers read those of authorizations and captures. */
const declineReasons = {
  card_declined: 'The card was declined. Use another card.',
  insufficient_funds: 'The card has insufficient funds. Use another card.',
  expired_card: 'The card has expired. Use another card.',
  invalid_token: 'The payment token is unknown to the sandbox.',
  missing_token: 'A card payment needs a payment token.',
  authentication_failed: 'The buyer refused the payment.',
  idempotency_mismatch: 'This idempotency key was used with different parameters.',
  invalid_request: 'The request is invalid.',
  payment_not_found: 'The payment does not exist.',
  already_captured: 'The payment has already been captured.',
  already_voided: 'The authorization has been voided.',
  voided: 'The authorization has been voided.',
  authorization_declined: 'The authorization was declined.',
  authorization_ended: 'The authorization has expired.',
  not_authorized: 'The payment has not been authorized yet.',
  not_captured: 'The payment has not been captured.',
  capture_refused: 'The bank refused the capture.',
  currency_mismatch: 'The currency differs from that of the payment.',
  amount_exceeds_authorization: 'The amount exceeds the authorized amount.',
  already_refunded: 'The payment has already been refunded in full.',
  refund_exceeds_capture: 'The amount exceeds what is left of the captured amount.',
} as const

export type DeclineCode = keyof typeof declineReasons

const reasons: Readonly<Record<string, string>> = declineReasons

/** @param code a `DeclineCode`, or one that the ledger has stored */
export const declined = (code: string, reference?: string): GatewayAnswer => ({
  outcome: 'declined',
  code,
  message: reasons[code] ?? 'The payment was declined.',
  ...(reference === undefined ? {} : { reference }),
})

export const succeeded = (reference: string, amountMinor: number, currency: string): GatewayAnswer => ({
  outcome: 'succeeded',
  reference,
  amountMinor,
  currency,
})

/** The answer to an authorization whose payment is in this state. */
export function authorizationAnswer(payment: SandboxPayment, { terms, actionUrl }: SandboxSettings): GatewayAnswer {
  const { reference } = payment
  switch (payment.status) {
    case 'authorized':
    case 'captured':
      return {
        outcome: 'succeeded',
        reference,
        amountMinor: payment.amountMinor,
        currency: payment.currency,
        ...(payment.validUntil === null ? {} : { validUntil: payment.validUntil }),
      }
    case 'action_required':
      return { outcome: 'action_required', reference, action: { type: 'redirect', url: actionUrl(reference) } }
    case 'pending':
      return { outcome: 'pending', reference, pollAfterMs: terms.pendingMs }
    case 'declined':
      return declined(payment.declineCode ?? 'card_declined', reference)
    case 'voided':
      return declined('voided', reference)
    case 'in_flight':
      return { outcome: 'unknown', message: 'The request is still under way.' }
  }
  return payment.status satisfies never
}

/** The answer that a capture, void, or refund gave before. The amount of a void comes from its payment. */
export function earlierAnswer(earlier: EarlierRequest, payment: SandboxPayment | null): GatewayAnswer {
  if (earlier.declineCode !== null) return declined(earlier.declineCode, earlier.reference)
  if (earlier.kind === 'void') {
    return succeeded(earlier.reference, payment?.amountMinor ?? 0, payment?.currency ?? noCurrency)
  }
  return succeeded(earlier.reference, earlier.amountMinor, earlier.currency)
}

/** The answer to a lookup: the one that the operation itself would give, or `not_found`. */
export function lookupAnswer(
  wanted: { kind: OperationKind; checkoutId: string },
  payment: SandboxPayment | null,
  earlier: EarlierRequest | null,
  settings: SandboxSettings,
): LookupAnswer {
  const notFound: LookupAnswer = { outcome: 'not_found' }
  if (wanted.kind === 'authorize') {
    if (payment === null || payment.checkoutId !== wanted.checkoutId || payment.status === 'in_flight') return notFound
    return authorizationAnswer(payment, settings)
  }
  const known = earlier?.kind === wanted.kind && earlier.checkoutId === wanted.checkoutId ? earlier : null
  if (known !== null && known.declineCode === null) return earlierAnswer(known, payment)
  // The payment decides if the key is forgotten, or was declined because the operation had already been done.
  if (payment?.checkoutId === wanted.checkoutId && payment.capturedMinor > 0) {
    const { reference, capturedMinor, refundedMinor, currency } = payment
    if (wanted.kind === 'capture') return succeeded(reference, capturedMinor, currency)
    if (wanted.kind === 'refund' && refundedMinor === capturedMinor) {
      return succeeded(reference, refundedMinor, currency)
    }
  }
  return known === null ? notFound : earlierAnswer(known, payment)
}
