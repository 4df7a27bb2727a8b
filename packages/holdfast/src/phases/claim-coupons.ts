/**
 * Coupon claims, part of phase 2: a checkout claims its coupon together with its stock. Protects A10: coupon rows are
 * locked, after stock and in the order of their IDs, before a limit is checked. A claim is `held` until it is
 * `redeemed` by the sale (phase 7) or `released` by the undo.
 */
import { type Queryable, statement, type Transaction } from '../database/database.ts'
import type { Cart } from '../domain/cart.ts'
import { couponMessages } from '../domain/cart-messages.ts'
import type { Coupon } from '../domain/coupon.ts'
import type { Failure } from '../domain/failure.ts'
import { type Phase, refusal } from './phase.ts'

const phase = 'inventory_reservation'

const lockCoupons = statement(
  'lock_coupons',
  `select id, code, kind, rate_ppm, amount_minor, currency, minimum_minor, minimum_currency, starts_at, ends_at,
     usage_limit, usage_limit_per_customer, claimed
   from holdfast.coupons
   where code = any(array(
     select upper(coupon_code) from holdfast.carts where coupon_code is not null and id = any(array(
       select cart_id from holdfast.checkouts where id = any($1::uuid[])))))
   order by id for update`,
)
const readCoupons = statement(
  'read_coupons',
  `select id, code, kind, rate_ppm, amount_minor, currency, minimum_minor, minimum_currency, starts_at, ends_at,
     usage_limit, usage_limit_per_customer, claimed
   from holdfast.coupons
   where code = any(array(select upper(coupon_code) from holdfast.carts where id = any($1::text[])))`,
)
const readClaims = statement(
  'read_coupon_claims',
  `select coupon_id, customer, count(*) as claims from holdfast.coupon_claims
   where coupon_id = any($1::uuid[]) and customer = any($2::text[]) and state <> 'released'
   group by coupon_id, customer`,
)
const insertClaims = statement(
  'insert_coupon_claims',
  `insert into holdfast.coupon_claims (checkout_id, coupon_id, customer, state)
   select checkout_id, coupon_id, customer, 'held'
   from json_to_recordset($1) as row (checkout_id uuid, coupon_id uuid, customer text)`,
)
const countClaims = statement(
  'count_coupon_claims',
  `update holdfast.coupons as coupon set claimed = coupon.claimed + row.claims
   from json_to_recordset($1) as row (coupon_id uuid, claims bigint)
   where coupon.id = row.coupon_id`,
)
const redeemClaims = statement(
  'redeem_coupons',
  `update holdfast.coupon_claims set state = 'redeemed' where checkout_id = any($1::uuid[]) and state = 'held'`,
)
const lockClaimedCoupons = statement(
  'lock_claimed_coupons',
  `select 1 from holdfast.coupons
   where id in (select coupon_id from holdfast.coupon_claims where checkout_id = any($1::uuid[]) and state = 'held')
   order by id for update`,
)
const uncountClaims = statement(
  'uncount_coupon_claims',
  `update holdfast.coupons as coupon set claimed = coupon.claimed - held.claims
   from (select coupon_id, count(*) as claims from holdfast.coupon_claims
         where checkout_id = any($1::uuid[]) and state = 'held' group by coupon_id) as held
   where coupon.id = held.coupon_id`,
)
const releaseClaims = statement(
  'release_coupon_claims',
  `update holdfast.coupon_claims set state = 'released' where checkout_id = any($1::uuid[]) and state = 'held'`,
)

interface CouponRow {
  id: string
  code: string
  kind: 'percentage' | 'fixed'
  rate_ppm: number | null
  amount_minor: number | null
  currency: string | null
  minimum_minor: number | null
  minimum_currency: string | null
  starts_at: string | null
  ends_at: string | null
  usage_limit: number | null
  usage_limit_per_customer: number | null
  claimed: number
}

/** Coupons by code, in upper case. */
export type Coupons = ReadonlyMap<string, Coupon>

/** Live and redeemed claims per customer, of coupons that limit them; the key is `claimKey`. */
export type ClaimCounts = Map<string, number>

/** The claim of one checkout. */
export interface CouponClaim {
  coupon: Coupon
  customer: string
}

/** Locks the coupons that the carts of a batch of checkouts name. */
async function read(tx: Transaction, checkoutIds: readonly string[]): Promise<Coupons> {
  return byCode(await tx.query<CouponRow>(lockCoupons, [checkoutIds]))
}

/** The coupons that carts name, without a lock: to show a price, not to decide. */
export async function readCouponsOf(db: Queryable, cartIds: readonly string[]): Promise<Coupons> {
  return byCode(await db.query<CouponRow>(readCoupons, [cartIds]))
}

function byCode(rows: readonly CouponRow[]): Map<string, Coupon> {
  return new Map(rows.map(row => [row.code, couponOf(row)]))
}

function couponOf(row: CouponRow): Coupon {
  return {
    id: row.id,
    code: row.code,
    kind: row.kind,
    ratePpm: row.rate_ppm,
    amountMinor: row.amount_minor,
    currency: row.currency,
    minimumMinor: row.minimum_minor,
    minimumCurrency: row.minimum_currency,
    startsAt: row.starts_at,
    endsAt: row.ends_at,
    usageLimit: row.usage_limit,
    usageLimitPerCustomer: row.usage_limit_per_customer,
    claimed: row.claimed,
  }
}

/** The coupon that a cart names. Null without a code, and for an unknown code, which the quote refuses. */
export function couponFor(coupons: Coupons, cart: Cart): Coupon | null {
  return cart.couponCode === null ? null : (coupons.get(cart.couponCode.toUpperCase()) ?? null)
}

/** Counts the claims of these customers on those of the coupons that have a limit per customer. */
export async function readClaimCounts(tx: Queryable, wanted: readonly CouponClaim[]): Promise<ClaimCounts> {
  const limited = wanted.filter(({ coupon }) => coupon.usageLimitPerCustomer !== null)
  if (limited.length === 0) return new Map()
  const rows = await tx.query<{ coupon_id: string; customer: string; claims: number }>(readClaims, [
    [...new Set(limited.map(({ coupon }) => coupon.id))],
    [...new Set(limited.map(({ customer }) => customer))],
  ])
  return new Map(rows.map(row => [claimKey(row.coupon_id, row.customer), row.claims]))
}

function claimKey(couponId: string, customer: string): string {
  return `${couponId} ${customer}`
}

/** Why this customer may not claim the coupon, null if they may. */
function decide({ coupon, customer }: CouponClaim, counts: ReadonlyMap<string, number>): Failure | null {
  if (coupon.usageLimit !== null && coupon.claimed >= coupon.usageLimit) {
    return exhausted(coupon, couponMessages.used_up)
  }
  const used = counts.get(claimKey(coupon.id, customer)) ?? 0
  if (coupon.usageLimitPerCustomer !== null && used >= coupon.usageLimitPerCustomer) {
    return exhausted(coupon, couponMessages.used_up_by_customer)
  }
  return null
}

function exhausted({ code }: Coupon, why: string): Failure {
  return refusal(phase, 'coupon_exhausted', `${why} Remove it to continue.`, { coupon: code })
}

/** Counts a claim that was decided, so that the next decision of the batch sees it. */
export function countClaim({ coupon, customer }: CouponClaim, counts: ClaimCounts): void {
  coupon.claimed += 1
  const key = claimKey(coupon.id, customer)
  counts.set(key, (counts.get(key) ?? 0) + 1)
}

/** Writes the claims of a batch and counts them on their coupons. */
function write(tx: Transaction, claims: readonly (CouponClaim & { checkoutId: string })[]): void {
  if (claims.length === 0) return
  const counts = new Map<string, number>()
  for (const { coupon } of claims) counts.set(coupon.id, (counts.get(coupon.id) ?? 0) + 1)
  const rows = claims.map(({ checkoutId, coupon, customer }) => ({
    checkout_id: checkoutId,
    coupon_id: coupon.id,
    customer,
  }))
  tx.send(insertClaims, [JSON.stringify(rows)])
  tx.send(countClaims, [JSON.stringify([...counts].map(([coupon_id, count]) => ({ coupon_id, claims: count })))])
}

/** Marks the claims of sold checkouts as redeemed. */
export function redeem(tx: Transaction, checkoutIds: readonly string[]): void {
  tx.send(redeemClaims, [checkoutIds])
}

/** Undo: releases the claims of a batch, and takes them off their coupons' counts. */
function undo(tx: Transaction, checkoutIds: readonly string[]): void {
  for (const step of [lockClaimedCoupons, uncountClaims, releaseClaims]) tx.send(step, [checkoutIds])
}

export const claimCoupons = { phase, read, decide, write, undo } as const satisfies Phase
