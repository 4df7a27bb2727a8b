/**
 * What the sandbox's payment tokens ask for. Protects invariant A12: a token ends here; what is kept of it is its
 * behaviour, a word of our own.
 */
import type { PaymentMethod } from '../gateway.ts'

/** What a payment of the sandbox does, from its authorization to its end. The declining ones are their own reason. */
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

/** Every token the sandbox knows, for pages and tests. */
export const sandboxTokens: readonly string[] = [...behaviours.keys()]

/** Only a card needs a token: PayPal sends the buyer to a page, a bank transfer is confirmed some seconds later. */
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
