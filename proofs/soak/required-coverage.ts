/** The events that must occur at least once in a soak. Nothing is proven about an event that never occurred. */
import { ways } from './webhook-courier.ts'

export interface RequiredCoverage {
  /** Faults of gateway calls. */
  readonly faults: readonly string[]
  readonly webhooks: readonly string[]
  /** The shop's answers to forged webhooks. */
  readonly forgeries: readonly string[]
  /** The ways in which buyers confirm. */
  readonly confirmations: readonly string[]
  /** The error codes of failed checkouts. */
  readonly refusals: readonly string[]
}

/** Required with every gateway. */
export const alwaysRequired = {
  webhooks: Object.keys(ways),
  forgeries: ['refused'],
  refusals: ['insufficient_stock', 'coupon_exhausted', 'payment_declined', 'checkout_expired', 'checkout_cancelled'],
} as const satisfies Partial<RequiredCoverage>
