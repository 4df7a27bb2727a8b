/**
 * Phase 2, `inventory_reservation`: holds every line of a checkout, all or nothing, over one or more warehouses, and
 * claims its coupon. Protects A5 and A10: stock and coupon rows are locked before anything is decided about them, the
 * decision is made in the order in which the buyers came, and the database's constraints refuse what would oversell.
 *
 * A hold is a row of `stock_reservations` and its quantity in `stock_levels.reserved`: `held` from here, `firm` from
 * the decision to capture (phase 5), `committed` when sold (phase 7), `released` when undone (below).
 */

import { type Queryable, statement, type Transaction } from '../database/database.ts'
import { type AllocatedPart, allocate, type StockAt } from '../domain/allocation.ts'
import type { Cart } from '../domain/cart.ts'
import type { Failure } from '../domain/failure.ts'
import type { Coupon } from '../domain/pricing.ts'
import { refusal } from './phase.ts'

const phase = 'inventory_reservation'

const lockStock = statement(
  'lock_stock',
  `select s.variant_id, s.location_id, location.priority, s.on_hand - s.reserved as available
   from holdfast.stock_levels s join holdfast.locations location on location.id = s.location_id
   where s.variant_id = any(array(
       select variant_id from holdfast.cart_lines where cart_id = any(array(
         select cart_id from holdfast.checkouts where id = any($1::uuid[])))))
     and location.active
   order by s.variant_id, s.location_id for update of s`,
)
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
const readHeld = statement(
  'read_held',
  `select checkout_id, line_no, variant_id, sum(quantity) as quantity from holdfast.stock_reservations
   where checkout_id = any($1::uuid[]) and state = 'held' group by checkout_id, line_no, variant_id`,
)
const insertReservations = statement(
  'insert_reservations',
  `insert into holdfast.stock_reservations (checkout_id, line_no, part_no, sku, variant_id, location_id, quantity, state)
   select checkout_id, line_no, part_no, sku, variant_id, location_id, quantity, 'held'
   from json_to_recordset($1) as row (
     checkout_id uuid, line_no int, part_no int, sku text, variant_id uuid, location_id uuid, quantity bigint)`,
)
const addReserved = statement(
  'add_reserved',
  `update holdfast.stock_levels as level set reserved = level.reserved + row.quantity
   from json_to_recordset($1) as row (variant_id uuid, location_id uuid, quantity bigint)
   where level.variant_id = row.variant_id and level.location_id = row.location_id`,
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

interface StockRow {
  variant_id: string
  location_id: string
  priority: number
  available: number
}

interface HeldRow {
  checkout_id: string
  line_no: number
  variant_id: string
  quantity: number
}

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

/** What is left while a set is being decided: each decision takes from it, so that the next one sees the rest. */
export interface Inventory {
  stock: Map<string, StockAt[]>
  coupons: Map<string, Coupon>
  /** Checkouts that hold their stock since they were started: what, by line. */
  alreadyHeld: ReadonlyMap<string, ReadonlyMap<number, HeldRow>>
}

/** Locks the stock and the coupons that a set of checkouts wants. */
async function read(tx: Transaction, checkoutIds: readonly string[]): Promise<Inventory> {
  const [stockRows, couponRows, heldRows] = await Promise.all([
    tx.query<StockRow>(lockStock, [checkoutIds]),
    tx.query<CouponRow>(lockCoupons, [checkoutIds]),
    tx.query<HeldRow>(readHeld, [checkoutIds]),
  ])
  const stock = new Map<string, StockAt[]>()
  for (const row of stockRows) {
    const place = { locationId: row.location_id, priority: row.priority, available: row.available }
    const places = stock.get(row.variant_id)
    if (places === undefined) stock.set(row.variant_id, [place])
    else places.push(place)
  }
  return {
    stock,
    coupons: new Map(couponRows.map(row => [row.code, couponOf(row)])),
    alreadyHeld: byCheckout(heldRows),
  }
}

function byCheckout(rows: readonly HeldRow[]): Map<string, Map<number, HeldRow>> {
  const held = new Map<string, Map<number, HeldRow>>()
  for (const row of rows) {
    const lines = held.get(row.checkout_id)
    if (lines === undefined) held.set(row.checkout_id, new Map([[row.line_no, row]]))
    else lines.set(row.line_no, row)
  }
  return held
}

/** Whether what is held since the start is what the cart wants now: a shop may let carts be changed meanwhile. */
function holdsAll(held: ReadonlyMap<number, HeldRow>, cart: Cart): boolean {
  if (held.size !== cart.lines.length) return false
  return cart.lines.every((line, index) => {
    const row = held.get(index + 1)
    return row?.variant_id === line.variantId && row.quantity === line.quantity
  })
}

/** The coupons that carts name, by code, without locking them: to show, not to decide. */
async function readCouponsOf(db: Queryable, cartIds: readonly string[]): Promise<Map<string, Coupon>> {
  const rows = await db.query<CouponRow>(readCoupons, [cartIds])
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

/** The coupon a cart names, null where it names none or one that does not exist (the quote refuses that). */
function couponFor(inventory: Inventory, cart: Cart): Coupon | null {
  return cart.couponCode === null ? null : (inventory.coupons.get(cart.couponCode.toUpperCase()) ?? null)
}

/** Live claims of customers on coupons that are limited a customer; the key is `claimKey`. */
async function readClaimsOf(
  tx: Queryable,
  wanted: readonly { coupon: Coupon; customer: string }[],
): Promise<Map<string, number>> {
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

/** What one checkout is to hold. */
export interface Hold {
  checkoutId: string
  parts: AllocatedPart[]
  claim: { couponId: string; customer: string } | null
}

/** Takes stock and coupon for one checkout out of `inventory`, all or nothing. */
function decide(
  inventory: Inventory,
  checkoutId: string,
  cart: Cart,
  claims: Map<string, number>,
  customer: string,
): { ok: true; hold: Hold } | { ok: false; failure: Failure } {
  const held = inventory.alreadyHeld.get(checkoutId)
  if (held !== undefined && !holdsAll(held, cart)) {
    const message = 'The cart has changed since its checkout was started. Nothing was charged; start again.'
    return { ok: false, failure: refusal(phase, 'cart_changed', message, {}, true) }
  }
  const coupon = couponFor(inventory, cart)
  if (coupon !== null) {
    if (coupon.usageLimit !== null && coupon.claimed >= coupon.usageLimit) {
      return { ok: false, failure: exhausted(coupon, 'It has been used as often as it can be.') }
    }
    const used = claims.get(claimKey(coupon.id, customer)) ?? 0
    if (coupon.usageLimitPerCustomer !== null && used >= coupon.usageLimitPerCustomer) {
      return { ok: false, failure: exhausted(coupon, 'You have used it as often as you can.') }
    }
  }
  const demands = cart.lines.map((line, index) => ({
    lineNo: index + 1,
    variantId: line.variantId,
    sku: line.sku,
    quantity: line.quantity,
    stockPolicy: line.stockPolicy,
  }))
  const allocation = held === undefined ? allocate(demands, inventory.stock) : ({ ok: true, parts: [] } as const)
  if (!allocation.ok) return allocation
  if (coupon !== null) {
    coupon.claimed += 1
    const key = claimKey(coupon.id, customer)
    claims.set(key, (claims.get(key) ?? 0) + 1)
  }
  const claim = coupon === null ? null : { couponId: coupon.id, customer }
  return { ok: true, hold: { checkoutId, parts: [...allocation.parts], claim } }
}

function exhausted(coupon: Coupon, why: string): Failure {
  return refusal(phase, 'coupon_exhausted', `The coupon ${coupon.code} cannot be used. ${why}`, { coupon: coupon.code })
}

/** Gives back what `decide` took, where a later phase refused the checkout before anything was written. */
function giveBack(inventory: Inventory, hold: Hold, cart: Cart, claims: Map<string, number>): void {
  for (const part of hold.parts) {
    const place = inventory.stock.get(part.variantId)?.find(at => at.locationId === part.locationId)
    if (place !== undefined) place.available += part.quantity
  }
  withoutCoupon(inventory, hold, cart, claims)
}

/** Gives back the coupon alone, where the price was made without it; gives the hold that is left. */
function withoutCoupon(inventory: Inventory, hold: Hold, cart: Cart, claims: Map<string, number>): Hold {
  const coupon = couponFor(inventory, cart)
  if (hold.claim === null || coupon === null) return hold
  coupon.claimed -= 1
  const key = claimKey(coupon.id, hold.claim.customer)
  claims.set(key, (claims.get(key) ?? 1) - 1)
  return { ...hold, claim: null }
}

/** Writes the holds of a set. */
function write(tx: Transaction, holds: readonly Hold[]): void {
  const reservations: Record<string, unknown>[] = []
  const reserved = new Map<string, { variant_id: string; location_id: string; quantity: number }>()
  const claims: Record<string, unknown>[] = []
  const counts = new Map<string, number>()
  for (const hold of holds) {
    for (const part of hold.parts) {
      reservations.push({
        checkout_id: hold.checkoutId,
        line_no: part.lineNo,
        part_no: part.partNo,
        sku: part.sku,
        variant_id: part.variantId,
        location_id: part.locationId,
        quantity: part.quantity,
      })
      if (part.locationId === null) continue
      const key = `${part.variantId} ${part.locationId}`
      const level = reserved.get(key)
      if (level === undefined) {
        reserved.set(key, { variant_id: part.variantId, location_id: part.locationId, quantity: part.quantity })
      } else level.quantity += part.quantity
    }
    if (hold.claim !== null) {
      claims.push({ checkout_id: hold.checkoutId, coupon_id: hold.claim.couponId, customer: hold.claim.customer })
      counts.set(hold.claim.couponId, (counts.get(hold.claim.couponId) ?? 0) + 1)
    }
  }
  if (reservations.length > 0) tx.send(insertReservations, [JSON.stringify(reservations)])
  if (reserved.size > 0) tx.send(addReserved, [JSON.stringify([...reserved.values()])])
  if (claims.length > 0) {
    tx.send(insertClaims, [JSON.stringify(claims)])
    tx.send(countClaims, [JSON.stringify([...counts].map(([coupon_id, count]) => ({ coupon_id, claims: count })))])
  }
}

const lockHeldStock = statement(
  'lock_held_stock',
  `select 1 from holdfast.stock_levels s
   where (s.variant_id, s.location_id) in (
     select variant_id, location_id from holdfast.stock_reservations
     where checkout_id = any($1::uuid[]) and state in ('held', 'firm'))
   order by s.variant_id, s.location_id for update of s`,
)
const lockClaimedCoupons = statement(
  'lock_claimed_coupons',
  `select 1 from holdfast.coupons
   where id in (select coupon_id from holdfast.coupon_claims where checkout_id = any($1::uuid[]) and state = 'held')
   order by id for update`,
)
const subtractReserved = statement(
  'subtract_reserved',
  `update holdfast.stock_levels as level set reserved = level.reserved - held.quantity
   from (select variant_id, location_id, sum(quantity) as quantity from holdfast.stock_reservations
         where checkout_id = any($1::uuid[]) and state in ('held', 'firm') and location_id is not null
         group by variant_id, location_id) as held
   where level.variant_id = held.variant_id and level.location_id = held.location_id`,
)
const releaseReservations = statement(
  'release_reservations',
  `update holdfast.stock_reservations set state = 'released'
   where checkout_id = any($1::uuid[]) and state in ('held', 'firm')`,
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

/** Undo: releases the holds and the coupon claims of a set, whatever there is of them. */
function undo(tx: Transaction, checkoutIds: readonly string[]): void {
  if (checkoutIds.length === 0) return
  for (const step of [
    lockHeldStock,
    lockClaimedCoupons,
    subtractReserved,
    releaseReservations,
    uncountClaims,
    releaseClaims,
  ]) {
    tx.send(step, [checkoutIds])
  }
}

export const reserveInventory = {
  phase,
  read,
  readCouponsOf,
  readClaimsOf,
  couponFor,
  decide,
  giveBack,
  withoutCoupon,
  write,
  lockHeldStock,
  undo,
} as const
