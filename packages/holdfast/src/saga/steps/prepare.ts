/**
 * The step `prepare`: phases 1 to 3 and the intent to authorize, in one transaction per batch. Requests are served in
 * the order of arrival. A refused checkout fails alone; the others of its batch continue.
 */

import type { CheckoutDetails, CheckoutRow, PathStep } from '../../database/checkout-row.ts'
import { type CheckoutUpdate, changeRows, lockRows } from '../../database/checkouts.ts'
import type { Transaction } from '../../database/database.ts'
import type { Cart } from '../../domain/cart.ts'
import type { Failure } from '../../domain/failure.ts'
import type { Quote } from '../../domain/quote.ts'
import type { NewEvent } from '../../events/outbox.ts'
import type { PaymentMethod } from '../../payments/gateway.ts'
import { validateCart } from '../../phases/1-validate-cart.ts'
import { type Hold, type Inventory, reserveInventory, takeHold } from '../../phases/2-reserve-inventory.ts'
import { lockPrices } from '../../phases/3-lock-prices.ts'
import { authorizePayment } from '../../phases/4-authorize-payment.ts'
import {
  type ClaimCounts,
  type CouponClaim,
  type Coupons,
  couponFor,
  readClaimCounts,
} from '../../phases/claim-coupons.ts'
import { cartsOf } from '../../shop/carts/cart-rows.ts'
import { failureEvents, phaseEvents } from '../announce.ts'
import type { SagaContext } from '../context.ts'
import { expired } from '../failures.ts'
import type { Lease } from '../lease.ts'

export interface PrepareItem {
  lockId: string
  /** Null: the caller may process the checkout of any session. */
  sessionId: string | null
  method: PaymentMethod
  token: string | null
  /** Override the cart's own details. */
  details: Partial<CheckoutDetails>
  expectedTotalMinor: number | undefined
}

export type Prepared =
  /** There is no such checkout, or it belongs to another session. */
  | { kind: 'absent' }
  /** An earlier request has already prepared it. */
  | { kind: 'not_pending'; row: CheckoutRow }
  | { kind: 'refused'; row: CheckoutRow }
  | { kind: 'leased'; lease: Lease }

/** One checkout of the batch, with what the phases have decided so far. */
interface Work {
  row: CheckoutRow
  item: PrepareItem
  details: CheckoutDetails
  cart: Cart | undefined
  customer: string
  failure: Failure | null
  /** How many of the three phases it passed. */
  passed: number
  hold: Hold | null
  quote: Quote | null
}

/** What the phases have read for the whole batch. Each checkout takes its hold from `inventory` and `claimCounts`. */
interface Supply {
  inventory: Inventory
  terms: Awaited<ReturnType<typeof lockPrices.read>>
  claimCounts: ClaimCounts
}

export async function prepare(context: SagaContext, items: readonly PrepareItem[]): Promise<Prepared[]> {
  const { baseCurrency } = context.numbers
  const ids = [...new Set(items.map(item => item.lockId))]
  const { rows, after } = await context.db.transaction(async tx => {
    const startedAt = performance.now()
    const [rows, cartsRead, inventory, terms] = await Promise.all([
      lockRows(tx, ids),
      validateCart.read(tx, ids),
      reserveInventory.read(tx, ids),
      lockPrices.read(tx),
    ])
    const { exchangeRates } = terms
    const carts = cartsOf(cartsRead.carts, cartsRead.lines, { baseCurrency, exchangeRates })
    const works = admit(items, rows, carts)
    const claimCounts = await readClaimCounts(tx, wantedClaims(works, inventory.coupons))
    for (const work of works) work.failure ??= validateCart.decide(work.cart, work.details)
    const validatedAt = performance.now()
    for (const work of works) reserveAndPrice(context, work, { inventory, terms, claimCounts })
    const durationsMs = [validatedAt - startedAt, performance.now() - validatedAt, 0]
    return { rows, after: write(context, tx, works, durationsMs, inventory.alreadyHeld) }
  })
  const rowById = new Map(rows.map(row => [row.id, row]))
  const leased = new Set<string>()
  return items.map((item): Prepared => {
    const row = rowById.get(item.lockId)
    if (row === undefined || !isAllowed(item, row)) return { kind: 'absent' }
    const next = after.get(item.lockId)
    if (next === undefined) return { kind: 'not_pending', row }
    if (next.state === 'failed') return { kind: 'refused', row: next }
    if (leased.has(item.lockId)) return { kind: 'not_pending', row: next }
    leased.add(item.lockId)
    const lease = { row: next, fresh: true, ageMs: 0, token: item.token, reference: null, orderId: null, undo: null }
    return { kind: 'leased', lease }
  })
}

function isAllowed(item: PrepareItem, row: CheckoutRow): boolean {
  return item.sessionId === null || item.sessionId === row.session_id
}

/** The pending checkouts of the batch, each once, in the order of their first request. */
function admit(items: readonly PrepareItem[], rows: readonly CheckoutRow[], carts: Map<string, Cart>): Work[] {
  const rowById = new Map(rows.map(row => [row.id, row]))
  const works: Work[] = []
  for (const item of items) {
    const row = rowById.get(item.lockId)
    if (row === undefined || row.state !== 'pending' || !isAllowed(item, row)) continue
    rowById.delete(item.lockId)
    const cart = carts.get(row.cart_id)
    const details = detailsOf(item, cart)
    works.push({
      row,
      item,
      details,
      cart,
      customer: customerOf(row, details),
      failure: row.expired ? expired() : null,
      passed: 0,
      hold: null,
      quote: null,
    })
  }
  return works
}

/** Phases 2 and 3 of one checkout. It takes stock and coupon from the batch's supply only if both phases accept it. */
function reserveAndPrice(context: SagaContext, work: Work, { inventory, terms, claimCounts }: Supply): void {
  const { row, cart, details, customer, item } = work
  if (work.failure !== null || cart === undefined) return
  work.passed = 1
  const held = reserveInventory.decide(inventory, claimCounts, { checkoutId: row.id, cart, customer })
  if (!held.ok) {
    work.failure = held.failure
    return
  }
  work.passed = 2
  const { baseCurrency } = context.numbers
  const coupon = couponFor(inventory.coupons, cart)
  const request = { cart, details, terms, coupon, baseCurrency, now: row.now, price: context.quote }
  const quoted = lockPrices.decide(request, item.expectedTotalMinor)
  if (!quoted.ok) {
    work.failure = quoted.failure
    return
  }
  work.passed = 3
  work.quote = quoted.quote
  // A custom quote may ignore the coupon. Then it is not claimed either.
  work.hold = quoted.quote.coupon === null ? { ...held.hold, claim: null } : held.hold
  takeHold(inventory, claimCounts, work.hold)
}

function detailsOf(item: PrepareItem, cart: Cart | undefined): CheckoutDetails {
  const shippingAddress = item.details.shippingAddress ?? cart?.shippingAddress ?? null
  return {
    method: item.method,
    email: item.details.email ?? cart?.email ?? null,
    shippingAddress,
    billingAddress: item.details.billingAddress ?? cart?.billingAddress ?? shippingAddress,
    shippingMethod: item.details.shippingMethod ?? cart?.shippingMethod ?? null,
    notes: item.details.notes ?? null,
    returnUrl: item.details.returnUrl ?? null,
    captureLater: item.details.captureLater ?? false,
    ...(item.details.confirmsInBrowser === true ? { confirmsInBrowser: true } : {}),
  }
}

/** Whom a coupon's limit per customer counts: the user, else the email address, else the session. */
function customerOf(row: CheckoutRow, details: CheckoutDetails): string {
  if (row.user_id !== null) return `user:${row.user_id}`
  return details.email === null ? `session:${row.session_id}` : `email:${details.email.trim().toLowerCase()}`
}

function wantedClaims(works: readonly Work[], coupons: Coupons): CouponClaim[] {
  return works.flatMap(({ cart, customer }) => {
    const coupon = cart === undefined ? null : couponFor(coupons, cart)
    return coupon === null ? [] : [{ coupon, customer }]
  })
}

const states = ['validating', 'reserving', 'locking_prices'] as const

/** The transitions of the phases that ran, with their durations. A checkout that expired before phase 1 has none. */
function pathOf({ row, hold, failure, passed }: Work, durationsMs: readonly number[], alreadyHeld: Held): PathStep[] {
  if (failure !== null && failure.phase === null) return []
  const units = hold?.parts.reduce((sum, part) => sum + part.quantity, 0)
  return states.slice(0, Math.min(passed + 1, 3)).map((to, index) => ({
    to,
    durationUs: (durationsMs[index] ?? 0) * 1000,
    ...(to === 'reserving' && !alreadyHeld.has(row.id) ? { facts: { units } } : {}),
  }))
}

type Held = Inventory['alreadyHeld']

/** Writes all decisions. Returns the changed rows by ID. */
function write(
  context: SagaContext,
  tx: Transaction,
  works: readonly Work[],
  durationsMs: readonly number[],
  alreadyHeld: Held,
): Map<string, CheckoutRow> {
  const { gateway } = context
  const holds: Hold[] = []
  const quotes: { checkoutId: string; quote: Quote; totalMinor: number; currency: string }[] = []
  const changes: CheckoutUpdate[] = []
  const paths: PathStep[][] = []
  for (const work of works) {
    const { row, quote, hold, failure } = work
    const path = pathOf(work, durationsMs, alreadyHeld)
    paths.push(path)
    if (failure !== null || quote === null || hold === null) {
      changes.push(refusedUpdate(row, path, failure ?? expired(), alreadyHeld.has(row.id)))
      continue
    }
    holds.push(hold)
    quotes.push({ checkoutId: row.id, quote, totalMinor: quote.totalMinor, currency: quote.currency })
    changes.push(authorizingUpdate(context, work, path, quote))
  }
  reserveInventory.write(tx, holds)
  lockPrices.write(tx, quotes)
  authorizePayment.write(tx, gateway.name, quotes)
  const after = changeRows(tx, changes)
  // A refused checkout also releases stock that it has held since its start.
  reserveInventory.undo(
    tx,
    after.filter(row => row.state === 'failed' && alreadyHeld.has(row.id)).map(row => row.id),
  )
  const events = after.flatMap((row, index): NewEvent[] =>
    row.failure === null ? phaseEvents(context, row, paths[index] ?? []) : failureEvents(row, row.failure),
  )
  context.outbox.publish(tx, events)
  return new Map(after.map(row => [row.id, row]))
}

function refusedUpdate(row: CheckoutRow, path: PathStep[], failure: Failure, isReleased: boolean): CheckoutUpdate {
  return {
    row,
    path: [...path, { to: 'failed', facts: { isReleased } }],
    failure,
    holdsCart: false,
    wakeInMs: null,
    leaseOwner: null,
  }
}

function authorizingUpdate(context: SagaContext, work: Work, path: PathStep[], quote: Quote): CheckoutUpdate {
  const { row, item, details } = work
  return {
    row,
    path: [...path, { to: 'authorizing' }],
    epoch: row.epoch + 1,
    leaseOwner: context.workerId,
    wakeInMs: context.numbers.leaseMs,
    tries: 0,
    currency: quote.currency,
    totalMinor: quote.totalMinor,
    gateway: context.gateway.name,
    details,
    sealedToken: item.token === null ? null : context.seal.seal(row.id, item.token),
  }
}
