/** The outcome of a call that processes a checkout. Every expected result is a value, not an exception. */
import { CheckoutError, errorOf, type Failure } from './failure.ts'
import type { CheckoutLock } from './lock.ts'
import type { Order } from './order.ts'

/** What the buyer must do before the payment can continue. Contains no secret. */
export type RequiredAction =
  /** Send the buyer to this address. */
  | { type: 'redirect'; url: string }
  /**
   * The buyer confirms in the browser, in the gateway's form (Stripe's Payment Element). `payment`: the gateway's ID of
   * the payment. The form needs a secret, which `getConfirmation` returns.
   */
  | { type: 'confirm'; payment: string }

/**
 * The result of a call for its checkout:
 * - `completed`: paid.
 * - `awaiting_capture`: the order is placed; `captureCheckout` captures the payment, or the buyer's transfer arrives.
 * - `action_required`: the buyer must act; call `resumeCheckout` afterwards.
 * - `processing`: no final answer yet. Work continues; ask again after `pollAfterMs` milliseconds.
 * - `failed`: everything is undone, or is being undone, and the buyer is not charged.
 */
export type Outcome =
  | { status: 'completed'; lock: CheckoutLock; order: Order }
  | { status: 'awaiting_capture'; lock: CheckoutLock; order: Order }
  | { status: 'action_required'; lock: CheckoutLock; action: RequiredAction }
  | { status: 'processing'; lock: CheckoutLock; pollAfterMs: number }
  | { status: 'failed'; lock: CheckoutLock; failure: Failure }

/**
 * The order of an outcome that has one: `completed` or `awaiting_capture`.
 * @throws {CheckoutError} with the failure's code, phase, and context if the checkout failed; `checkout_in_progress` if it
 * has no order yet.
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
      throw new CheckoutError('checkout_in_progress', 'The checkout has no order yet. Resume it later.', {
        phase: outcome.lock.phase,
        context: { status: outcome.status },
        retryable: true,
      })
    default:
      return outcome satisfies never
  }
}
