/** Creates and changes coupons. Their claims are never changed here (A10). */
import { v7 } from 'uuid'
import { type Database, DatabaseError, statement } from '../../database/database.ts'
import { checkAmount, checkCount, checkRate, checkText, checkTime } from './catalog-input.ts'
import { checkCurrency, invalidArgument } from './check-arguments.ts'

export interface CouponInput {
  /** Stored in upper case. */
  code: string
  /** Deducted from the subtotal: a rate in parts per million (100000 is 10 %), or an amount. */
  discount: { ratePpm: number } | { amountMinor: number; currency: string }
  /** The smallest subtotal that the coupon accepts. Default: any. */
  minimum?: { amountMinor: number; currency: string } | null
  /** ISO 8601. Default: valid immediately, without end. */
  startsAt?: string | null
  endsAt?: string | null
  /** How often the coupon can be redeemed, in total and per customer. Default: no limit. */
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
 * Creates a coupon, or changes the one with this code, and returns its ID. Discounts that a checkout has frozen stay.
 * @throws {CheckoutError} `invalid_argument`, also if the limit is lower than the number of claims.
 */
export async function upsertCoupon(database: Database, coupon: CouponInput): Promise<string> {
  const row = rowOf(coupon)
  const [written] = await database.query<{ id: string }>(upsert, [JSON.stringify(row)]).catch((error: unknown) => {
    if (error instanceof DatabaseError && error.constraint === 'coupon_is_never_overclaimed') {
      throw invalidArgument(
        'usageLimit is lower than the number of times the coupon was claimed. Choose a higher limit.',
        {
          coupon: row.code,
          usageLimit: row.usage_limit,
        },
      )
    }
    throw error
  })
  if (written === undefined) throw new Error('the upserted coupon returned no row')
  return written.id
}

function rowOf(coupon: CouponInput) {
  const { discount, minimum = null } = coupon
  const startsAt = checkTime('startsAt', coupon.startsAt)
  const endsAt = checkTime('endsAt', coupon.endsAt)
  if (startsAt !== null && endsAt !== null && startsAt >= endsAt) {
    throw invalidArgument('endsAt must be later than startsAt.', { startsAt, endsAt })
  }
  const isPercentage = 'ratePpm' in discount
  if (!isPercentage && discount.amountMinor === 0)
    throw invalidArgument('The discount must be more than 0.', { discount })
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
