/** Coupons: made and changed by the shop. What was claimed of them is not touched here (A10). */
import { v7 } from 'uuid'
import { type Database, DatabaseError, statement } from '../../database/database.ts'
import { checkAmount, checkCount, checkCurrency, checkMoment, checkRate, checkText, refusal } from './catalog-input.ts'

export interface CouponInput {
  /** Kept in capitals. */
  code: string
  /** Off the subtotal: parts per million, 100000 is 10 %; or an amount. */
  discount: { ratePpm: number } | { amountMinor: number; currency: string }
  /** Smallest subtotal it is good for. Default: any. */
  minimum?: { amountMinor: number; currency: string } | null
  /** ISO 8601; default: at once, and for ever. */
  startsAt?: string | null
  endsAt?: string | null
  /** How often it can be redeemed, in all and by one customer. Default: no limit. */
  usageLimit?: number | null
  usageLimitPerCustomer?: number | null
}

const upsert = statement(
  'upsert_coupon',
  `insert into holdfast.coupons as c (
     id, code, kind, rate_ppm, amount_minor, currency, minimum_minor, minimum_currency, starts_at, ends_at, usage_limit,
     usage_limit_per_customer)
   select * from json_to_record($1) as row (
     id uuid, code text, kind text, rate_ppm integer, amount_minor bigint, currency text, minimum_minor bigint,
     minimum_currency text, starts_at timestamptz, ends_at timestamptz, usage_limit bigint,
     usage_limit_per_customer bigint)
   on conflict (code) do update set
     kind = excluded.kind, rate_ppm = excluded.rate_ppm, amount_minor = excluded.amount_minor,
     currency = excluded.currency, minimum_minor = excluded.minimum_minor,
     minimum_currency = excluded.minimum_currency, starts_at = excluded.starts_at, ends_at = excluded.ends_at,
     usage_limit = excluded.usage_limit, usage_limit_per_customer = excluded.usage_limit_per_customer
   returning id`,
)

/**
 * Makes a coupon, or changes the one of that code, and gives its id. Discounts that a checkout has frozen hold.
 * @throws {CheckoutError} `invalid_argument`; also when the limit is lower than what was claimed already.
 */
export async function upsertCoupon(database: Database, coupon: CouponInput): Promise<string> {
  const row = rowOf(coupon)
  const [written] = await database.query<{ id: string }>(upsert, [JSON.stringify(row)]).catch((error: unknown) => {
    if (error instanceof DatabaseError && error.constraint === 'coupon_is_never_overclaimed') {
      throw refusal('The coupon has been claimed more often than that already; choose a higher limit.', {
        coupon: row.code,
        usageLimit: row.usage_limit,
      })
    }
    throw error
  })
  if (written === undefined) throw new Error('a coupon that was written has no row')
  return written.id
}

function rowOf(coupon: CouponInput) {
  const { discount, minimum = null } = coupon
  const startsAt = checkMoment('startsAt', coupon.startsAt)
  const endsAt = checkMoment('endsAt', coupon.endsAt)
  if (startsAt !== null && endsAt !== null && startsAt >= endsAt) {
    throw refusal('The coupon would end before it starts.', { startsAt, endsAt })
  }
  const isPercentage = 'ratePpm' in discount
  if (!isPercentage && discount.amountMinor === 0) throw refusal('The coupon would take nothing off.', { discount })
  return {
    id: v7(),
    code: checkText('code', coupon.code).toUpperCase(),
    kind: isPercentage ? 'percentage' : 'fixed',
    rate_ppm: isPercentage ? checkRate('ratePpm', discount.ratePpm, 1) : null,
    amount_minor: isPercentage ? null : checkAmount('amountMinor', discount.amountMinor),
    currency: isPercentage ? null : checkCurrency(discount.currency),
    minimum_minor: minimum === null ? null : checkAmount('minimum', minimum.amountMinor),
    minimum_currency: minimum === null ? null : checkCurrency(minimum.currency),
    starts_at: startsAt,
    ends_at: endsAt,
    usage_limit: limitOf('usageLimit', coupon.usageLimit),
    usage_limit_per_customer: limitOf('usageLimitPerCustomer', coupon.usageLimitPerCustomer),
  }
}

function limitOf(name: string, limit: number | null | undefined): number | null {
  return limit == null ? null : checkCount(name, limit)
}
