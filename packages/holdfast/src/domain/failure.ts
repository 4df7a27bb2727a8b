/** What can go wrong with a checkout, as a value (`Failure`) and as an exception (`CheckoutError`). */
import type { PhaseName } from './states.ts'

/**
 * Every stable, machine-readable code. A checkout that ended carries one in its failure; a call that was
 * refused throws a `CheckoutError` with one.
 */
export type CheckoutErrorCode =
  // phase 1
  | 'cart_empty'
  | 'address_missing'
  | 'address_invalid'
  | 'email_missing'
  | 'variant_unavailable'
  | 'price_missing'
  | 'shipping_unavailable'
  // phases 2 and 3
  | 'insufficient_stock'
  | 'coupon_invalid'
  | 'coupon_exhausted'
  | 'cart_changed'
  // payment
  | 'payment_declined'
  | 'payment_mismatch'
  | 'payment_unsettled'
  | 'capture_refused'
  | 'authorization_ended'
  // lifecycle
  | 'checkout_expired'
  | 'checkout_cancelled'
  | 'checkout_released'
  // refused calls
  | 'cart_not_found'
  | 'cart_locked'
  | 'cart_ordered'
  | 'checkout_not_found'
  | 'checkout_not_active'
  | 'checkout_in_progress'
  | 'not_capturable'
  | 'not_refundable'
  | 'refund_refused'
  | 'order_not_found'
  | 'overloaded'
  | 'closed'
  | 'invalid_argument'

/** Why a checkout failed. Stored on the lock, told to listeners and clients. */
export interface Failure {
  /** The phase that failed; null when no phase was running (expiry or cancel while pending). */
  phase: PhaseName | null
  code: CheckoutErrorCode
  /** One sentence a buyer understands. */
  message: string
  /** Machine-readable particulars: sku, requested, available, decline reason … Never a token or a secret. */
  context: Record<string, unknown>
  /** True when the buyer may try the same again and it may work. */
  retryable: boolean
}

/** Thrown for refused calls and by `requireOrder`; expected failures of a checkout are values (`Failure`). */
export class CheckoutError extends Error {
  override readonly name = 'CheckoutError'
  readonly code: CheckoutErrorCode
  readonly phase: PhaseName | null
  readonly context: Record<string, unknown>
  readonly retryable: boolean

  constructor(
    code: CheckoutErrorCode,
    message: string,
    options: {
      phase?: PhaseName | null
      context?: Record<string, unknown>
      retryable?: boolean
      cause?: unknown
    } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.code = code
    this.phase = options.phase ?? null
    this.context = options.context ?? {}
    this.retryable = options.retryable ?? false
  }
}

/** The exception that says what a failure says. */
export function errorOf(failure: Failure): CheckoutError {
  return new CheckoutError(failure.code, failure.message, failure)
}
