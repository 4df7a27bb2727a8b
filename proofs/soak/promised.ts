/** What must have happened at least once in a soak, or nothing is proven of it. */
import { ways } from './webhook-courier.ts'

export interface Promised {
  /** What goes wrong with calls to the gateway. */
  readonly faults: readonly string[]
  readonly webhooks: readonly string[]
  /** What the shop says to webhooks that somebody else made. */
  readonly forgeries: readonly string[]
  /** What buyers do who have to confirm. */
  readonly confirmations: readonly string[]
  /** What buyers are told of checkouts that fail. */
  readonly refusals: readonly string[]
}

/** Whatever the gateway is. */
export const alwaysPromised = {
  webhooks: Object.keys(ways),
  forgeries: ['refused'],
  refusals: ['insufficient_stock', 'coupon_exhausted', 'payment_declined', 'checkout_expired', 'checkout_cancelled'],
} as const satisfies Partial<Promised>
