/** What a coupon takes off, and whether it may; protects that a discount never exceeds the subtotal. */
import { convertMinor, type ExchangeRate } from './exchange.ts'
import { proportion } from './money.ts'

export interface Coupon {
  id: string
  code: string
  kind: 'percentage' | 'fixed'
  /** percentage: parts per million of the subtotal */
  ratePpm: number | null
  /** fixed: an amount of `currency` */
  amountMinor: number | null
  currency: string | null
  /** Smallest subtotal it is good for, in `minimumCurrency`. */
  minimumMinor: number | null
  minimumCurrency: string | null
  /** First moment it is good, and the first at which it no longer is; ISO 8601. */
  startsAt: string | null
  endsAt: string | null
  usageLimit: number | null
  usageLimitPerCustomer: number | null
  /** Live and redeemed claims. */
  claimed: number
}

/** What a coupon is measured against. */
export interface CouponSubtotal {
  amountMinor: number
  currency: string
  exchangeRates: readonly ExchangeRate[]
  baseCurrency: string
}

/** Why a coupon takes nothing off; `not_convertible`: no exchange rate leads to the cart's currency. */
export type CouponFault = 'unknown' | 'not_started' | 'ended' | 'minimum_not_reached' | 'not_convertible'

/** `minimumMinor`, in the subtotal's currency, where the fault is that it was not reached. */
export type CouponEffect =
  | { ok: true; discountMinor: number }
  | { ok: false; fault: CouponFault; minimumMinor?: number }

/**
 * True when the coupon is good for a cart of this subtotal at `now` (database time, ISO 8601). Its usage limits are
 * not looked at: only the counters in the database can tell, at the moment of the claim.
 */
export function couponIsLive(coupon: Coupon, subtotal: CouponSubtotal, now: string): boolean {
  return applyCoupon(coupon, subtotal, now).ok
}

/** What the coupon takes off, from 0 to the subtotal, rounded half up once; or why it takes nothing off at `now`. */
export function applyCoupon(coupon: Coupon, subtotal: CouponSubtotal, now: string): CouponEffect {
  const at = Date.parse(now)
  if (coupon.startsAt !== null && at < Date.parse(coupon.startsAt)) return { ok: false, fault: 'not_started' }
  if (coupon.endsAt !== null && at >= Date.parse(coupon.endsAt)) return { ok: false, fault: 'ended' }
  if (coupon.minimumMinor !== null) {
    const minimumMinor = toCurrencyOf(subtotal, coupon.minimumMinor, coupon.minimumCurrency)
    if (minimumMinor === null) return { ok: false, fault: 'not_convertible' }
    if (subtotal.amountMinor < minimumMinor) return { ok: false, fault: 'minimum_not_reached', minimumMinor }
  }
  const offMinor =
    coupon.kind === 'percentage'
      ? proportion(subtotal.amountMinor, coupon.ratePpm ?? 0, 1_000_000)
      : toCurrencyOf(subtotal, coupon.amountMinor ?? 0, coupon.currency)
  if (offMinor === null) return { ok: false, fault: 'not_convertible' }
  return { ok: true, discountMinor: Math.min(offMinor, subtotal.amountMinor) }
}

function toCurrencyOf(subtotal: CouponSubtotal, amountMinor: number, currency: string | null): number | null {
  if (currency === null) return null
  return convertMinor(amountMinor, currency, subtotal.currency, subtotal.exchangeRates, subtotal.baseCurrency)
}
