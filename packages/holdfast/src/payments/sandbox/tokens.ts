/**
 * The sandbox's payment tokens and the behaviour that each selects. Protects A12: only the behaviour is stored, never
 * the token.
 */
import type { PaymentMethod } from '../gateway.ts'

/** The behaviour of a payment from its authorization to its end. A declining behaviour is also its decline code. */
export type Behaviour =
  | 'approve'
  | DeclineBehaviour
  | 'action_required'
  | 'pending'
  | 'timeout_before'
  | 'timeout_after'
  | 'error_before'
  | 'error_after'
  | 'late'
  | 'slow'
  | 'capture_decline'
  | 'capture_timeout_after'
  | 'void_fails'
  | 'wrong_amount'

export type DeclineBehaviour =
  | 'card_declined'
  | 'insufficient_funds'
  | 'expired_card'
  | 'invalid_token'
  | 'missing_token'

const behaviours: ReadonlyMap<string, Behaviour> = new Map([
  ['tok_approve', 'approve'],
  ['test_token', 'approve'],
  ['tok_decline', 'card_declined'],
  ['tok_decline_insufficient_funds', 'insufficient_funds'],
  ['tok_decline_expired_card', 'expired_card'],
  ['tok_action_required', 'action_required'],
  ['tok_pending', 'pending'],
  ['tok_timeout_before', 'timeout_before'],
  ['tok_timeout_after', 'timeout_after'],
  ['tok_error_before', 'error_before'],
  ['tok_error_after', 'error_after'],
  ['tok_late', 'late'],
  ['tok_slow', 'slow'],
  ['tok_capture_decline', 'capture_decline'],
  ['tok_capture_timeout_after', 'capture_timeout_after'],
  ['tok_void_fails', 'void_fails'],
  ['tok_wrong_amount', 'wrong_amount'],
])

/** Only a card needs a token. PayPal redirects the buyer to a page, and a bank transfer is confirmed a few seconds later. */
export function behaviourOf(method: PaymentMethod, token: string | null): Behaviour {
  switch (method) {
    case 'card':
      return token === null || token === '' ? 'missing_token' : (behaviours.get(token) ?? 'invalid_token')
    case 'paypal':
      return 'action_required'
    case 'bank_transfer':
      return 'pending'
  }
  method satisfies never
  return 'invalid_token'
}
