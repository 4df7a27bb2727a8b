/** What came of processing a checkout: a value for everything that is expected to happen. */
import { CheckoutError, errorOf, type Failure } from './failure.ts'
import type { CheckoutLock } from './lock.ts'
import type { Order } from './order.ts'

/** What the buyer must do before the payment goes on. Nothing in it is secret. */
export type RequiredAction =
  /** Where to send the buyer. */
  | { type: 'redirect'; url: string }
  /**
   * To be confirmed in the browser, in the gateway's own form (Stripe's Payment Element). `payment`: its id at the
   * gateway. What the form needs is secret, and is asked for when it is shown: `getConfirmation`.
   */
  | { type: 'confirm'; payment: string }

export type Outcome =
  | { status: 'completed'; lock: CheckoutLock; order: Order }
  | { status: 'awaiting_capture'; lock: CheckoutLock; order: Order }
  | { status: 'action_required'; lock: CheckoutLock; action: RequiredAction }
  | { status: 'processing'; lock: CheckoutLock; pollAfterMs: number }
  | { status: 'failed'; lock: CheckoutLock; failure: Failure }

/**
 * The order of a completed outcome (or of one that waits for a later capture).
 * @throws {CheckoutError} with phase and context when the checkout failed, or has not come to an order yet.
 */
export function requireOrder(outcome: Outcome): Order {
  switch (outcome.status) {
    case 'completed':
    case 'awaiting_capture':
      return outcome.order
    case 'failed':
      throw errorOf(outcome.failure)
    case 'action_required':
    case 'processing':
      throw new CheckoutError('checkout_in_progress', 'The checkout has not come to an order yet; resume it later.', {
        phase: outcome.lock.phase,
        context: { status: outcome.status },
        retryable: true,
      })
    default:
      return outcome satisfies never
  }
}
