/** Errors of a checkout: as a value (`Failure`) and as an exception (`CheckoutError`). */
import type { PhaseName } from './states.ts'

/**
 * The stable, machine-readable error codes; `docs/errors.md` explains each. A failed checkout has one in its failure. A
 * refused call throws a `CheckoutError` with one.
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

/** Why a checkout failed. Stored on the lock, and sent to listeners and clients. */
export interface Failure {
  /** The phase that failed. Null if none was running, for example if the checkout expired while pending. */
  phase: PhaseName | null
  code: CheckoutErrorCode
  /** A message for the buyer. */
  message: string
  /** Machine-readable details, such as `sku`, `requested`, and `available`. Never contains a token or a secret. */
  context: Record<string, unknown>
  /** True if the same request may succeed later without a change. */
  retryable: boolean
}

/** Thrown by refused calls and by `requireOrder`. Expected failures of a checkout are values (`Failure`), not exceptions. */
export class CheckoutError extends Error {
  override readonly name = 'CheckoutError'
  readonly code: CheckoutErrorCode
  /** The phase of the failed checkout; null for other refused calls. */
  readonly phase: PhaseName | null
  /** Machine-readable details. Never contains a token or a secret. */
  readonly context: Record<string, unknown>
  /** True if the same call may succeed later without a change. */
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

/** The error of calls to an engine after its `close`. */
export const engineClosed = (): CheckoutError => new CheckoutError('closed', 'the checkout engine is closed')

/** Converts a failure to an exception with the same code, message, and details. */
export function errorOf(failure: Failure): CheckoutError {
  return new CheckoutError(failure.code, failure.message, failure)
}
