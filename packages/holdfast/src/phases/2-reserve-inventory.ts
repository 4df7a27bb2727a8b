/**
 * Phase 2, `inventory_reservation`: holds every line of a checkout, or none, across one or more locations, and claims its
 * coupon. Protects A5: stock rows are locked before the decision, which serves buyers in the order in which they came,
 * and constraints of the database refuse to oversell. A hold is a row of `stock_reservations`, counted in
 * `stock_levels.reserved`: `held`, `firm` from phase 5, `committed` by phase 7, or `released` by the undo.
 */
import { statement, type Transaction } from '../database/database.ts'
import { type AllocatedPart, allocate, type StockAt, takeAllocated } from '../domain/allocation.ts'
import type { Cart } from '../domain/cart.ts'
import type { Failure } from '../domain/failure.ts'
import { groupBy } from '../domain/group-by.ts'
import {
  type ClaimCounts,
  type CouponClaim,
  type Coupons,
  claimCoupons,
  countClaim,
  couponFor,
} from './claim-coupons.ts'
import { notCharged, type Phase, refusal } from './phase.ts'

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
/** Also sent by phase 7, before it sells the holds. */
export const lockHeldStock = statement(
  'lock_held_stock',
  `select 1 from holdfast.stock_levels s
   where (s.variant_id, s.location_id) in (
     select variant_id, location_id from holdfast.stock_reservations
     where checkout_id = any($1::uuid[]) and state in ('held', 'firm'))
   order by s.variant_id, s.location_id for update of s`,
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

/** What the checkouts of a batch compete for. Decisions read it; `takeHold` takes from it what was decided. */
export interface Inventory {
  /** Stock by variant. */
  stock: ReadonlyMap<string, readonly StockAt[]>
  coupons: Coupons
  /** Checkouts that have held their stock since the start (`holdOn: 'start'`): the held row by line number. */
  alreadyHeld: ReadonlyMap<string, ReadonlyMap<number, HeldRow>>
}

/** Locks the stock and the coupons that a batch of checkouts wants. */
async function read(tx: Transaction, checkoutIds: readonly string[]): Promise<Inventory> {
  const [stockRows, coupons, heldRows] = await Promise.all([
    tx.query<StockRow>(lockStock, [checkoutIds]),
    claimCoupons.read(tx, checkoutIds),
    tx.query<HeldRow>(readHeld, [checkoutIds]),
  ])
  const stock = new Map<string, StockAt[]>()
  for (const [variantId, rows] of groupBy(stockRows, row => row.variant_id)) {
    const levels = rows.map(row => ({ locationId: row.location_id, priority: row.priority, available: row.available }))
    stock.set(variantId, levels)
  }
  const alreadyHeld = new Map<string, Map<number, HeldRow>>()
  for (const [checkoutId, rows] of groupBy(heldRows, row => row.checkout_id)) {
    alreadyHeld.set(checkoutId, new Map(rows.map(row => [row.line_no, row])))
  }
  return { stock, coupons, alreadyHeld }
}

/** What one checkout wants to hold. */
export interface HoldRequest {
  checkoutId: string
  cart: Cart
  /** Who claims the coupon. */
  customer: string
}

/** What one checkout will hold. */
export interface Hold {
  checkoutId: string
  parts: AllocatedPart[]
  claim: CouponClaim | null
}

/** Decides what one checkout holds: all of its lines and its coupon, or nothing. */
function decide(
  inventory: Inventory,
  claimCounts: ReadonlyMap<string, number>,
  { checkoutId, cart, customer }: HoldRequest,
): { ok: true; hold: Hold } | { ok: false; failure: Failure } {
  const held = inventory.alreadyHeld.get(checkoutId)
  if (held !== undefined && !holdsAll(held, cart)) {
    const message = 'The cart has changed since this checkout was started. Start again.'
    return { ok: false, failure: refusal(phase, 'cart_changed', message, {}, true) }
  }
  const coupon = couponFor(inventory.coupons, cart)
  const claim = coupon === null ? null : { coupon, customer }
  const refused = claim === null ? null : claimCoupons.decide(claim, claimCounts)
  if (refused !== null) return { ok: false, failure: refused }
  const demands = cart.lines.map((line, index) => ({
    lineNo: index + 1,
    variantId: line.variantId,
    sku: line.sku,
    quantity: line.quantity,
    stockPolicy: line.stockPolicy,
  }))
  const allocation = held === undefined ? allocate(demands, inventory.stock) : ({ ok: true, parts: [] } as const)
  if (!allocation.ok) return { ok: false, failure: notCharged(allocation.failure) }
  return { ok: true, hold: { checkoutId, parts: [...allocation.parts], claim } }
}

/** True if the stock held since the start is what the cart wants now. A shop may allow changes to a locked cart. */
function holdsAll(held: ReadonlyMap<number, HeldRow>, cart: Cart): boolean {
  if (held.size !== cart.lines.length) return false
  return cart.lines.every((line, index) => {
    const row = held.get(index + 1)
    return row?.variant_id === line.variantId && row.quantity === line.quantity
  })
}

/** Takes a hold that was decided from the inventory, so that the next decision of the batch sees what is left. */
export function takeHold(inventory: Inventory, claimCounts: ClaimCounts, hold: Hold): void {
  takeAllocated(inventory.stock, hold.parts)
  if (hold.claim !== null) countClaim(hold.claim, claimCounts)
}

/** Writes the holds of a batch. */
function write(tx: Transaction, holds: readonly Hold[]): void {
  const reservations: Record<string, unknown>[] = []
  const reserved = new Map<string, { variant_id: string; location_id: string; quantity: number }>()
  for (const { checkoutId, parts } of holds) {
    for (const { lineNo, partNo, sku, variantId, locationId, quantity } of parts) {
      reservations.push({
        checkout_id: checkoutId,
        line_no: lineNo,
        part_no: partNo,
        sku,
        variant_id: variantId,
        location_id: locationId,
        quantity,
      })
      if (locationId === null) continue
      const key = `${variantId} ${locationId}`
      const level = reserved.get(key)
      if (level === undefined) reserved.set(key, { variant_id: variantId, location_id: locationId, quantity })
      else level.quantity += quantity
    }
  }
  if (reservations.length > 0) tx.send(insertReservations, [JSON.stringify(reservations)])
  if (reserved.size > 0) tx.send(addReserved, [JSON.stringify([...reserved.values()])])
  claimCoupons.write(
    tx,
    holds.flatMap(({ checkoutId, claim }) => (claim === null ? [] : [{ checkoutId, ...claim }])),
  )
}

/** Undo: releases the stock and the coupon claims of a batch, as far as they are still held. */
function undo(tx: Transaction, checkoutIds: readonly string[]): void {
  if (checkoutIds.length === 0) return
  releaseStock(tx, checkoutIds)
  claimCoupons.undo(tx, checkoutIds)
}

function releaseStock(tx: Transaction, checkoutIds: readonly string[]): void {
  for (const step of [lockHeldStock, subtractReserved, releaseReservations]) tx.send(step, [checkoutIds])
}

export const reserveInventory = { phase, read, decide, write, undo } as const satisfies Phase
