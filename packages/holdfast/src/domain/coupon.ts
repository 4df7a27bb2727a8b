/** The discount of a coupon, and why it may not apply. A discount never exceeds the subtotal. */
import { convertMinor, type ExchangeRate } from './exchange.ts'
import { proportion } from './money.ts'

/** A coupon of the catalog. */
export interface Coupon {
  id: string
  /** Upper case. */
  code: string
  kind: 'percentage' | 'fixed'
  /** Kind `percentage`: parts per million of the subtotal. */
  ratePpm: number | null
  /** Kind `fixed`: minor units of `currency`. */
  amountMinor: number | null
  currency: string | null
  /** Smallest subtotal to which it applies, minor units of `minimumCurrency`. Null: none. */
  minimumMinor: number | null
  minimumCurrency: string | null
  /** First moment at which it is valid, ISO 8601. Null: no limit. */
  startsAt: string | null
  /** First moment at which it is no longer valid, ISO 8601. Null: no limit. */
  endsAt: string | null
  /** Most claims of all customers. Null: no limit. */
  usageLimit: number | null
  /** Most claims of one customer. Null: no limit. */
  usageLimitPerCustomer: number | null
  /** How many claims are held or redeemed. */
  claimed: number
}

/** The subtotal of a cart, and the rates that convert a coupon's amounts to its currency. */
export interface CouponSubtotal {
  amountMinor: number
  currency: string
  exchangeRates: readonly ExchangeRate[]
  baseCurrency: string
}

/** Why a coupon does not apply. `not_convertible`: no exchange rate leads to the cart's currency. */
export type CouponFault = 'unknown' | 'not_started' | 'ended' | 'minimum_not_reached' | 'not_convertible'

/** A discount, or why there is none. `minimumMinor` is set for `minimum_not_reached`, in the subtotal's currency. */
export type CouponEffect =
  | { ok: true; discountMinor: number }
  | { ok: false; fault: CouponFault; minimumMinor?: number }

/**
 * The discount at `now` (database time, ISO 8601), from 0 to the subtotal, rounded half up once; or why the coupon does
 * not apply. Usage limits are not checked here: they are checked under a lock when the coupon is claimed.
 */
export function applyCoupon(coupon: Coupon, subtotal: CouponSubtotal, now: string): CouponEffect {
  const at = Date.parse(now)
  if (coupon.startsAt !== null && at < Date.parse(coupon.startsAt)) return { ok: false, fault: 'not_started' }
  if (coupon.endsAt !== null && at >= Date.parse(coupon.endsAt)) return { ok: false, fault: 'ended' }
  if (coupon.minimumMinor !== null) {
    const minimumMinor = convertTo(subtotal, coupon.minimumMinor, coupon.minimumCurrency)
    if (minimumMinor === null) return { ok: false, fault: 'not_convertible' }
    if (subtotal.amountMinor < minimumMinor) return { ok: false, fault: 'minimum_not_reached', minimumMinor }
  }
  const discountMinor =
    coupon.kind === 'percentage'
      ? proportion(subtotal.amountMinor, coupon.ratePpm ?? 0, 1_000_000)
      : convertTo(subtotal, coupon.amountMinor ?? 0, coupon.currency)
  if (discountMinor === null) return { ok: false, fault: 'not_convertible' }
  return { ok: true, discountMinor: Math.min(discountMinor, subtotal.amountMinor) }
}

function convertTo(subtotal: CouponSubtotal, amountMinor: number, currency: string | null): number | null {
  if (currency === null) return null
  return convertMinor(amountMinor, currency, subtotal.currency, subtotal.exchangeRates, subtotal.baseCurrency)
}
