/**
 * The step `prepare`: phases 1, 2 and 3 and the intent to authorize, one transaction for a set of checkouts.
 * Whoever came first is served first; one that is refused fails by itself and the others go on.
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
import { type Hold, reserveInventory, takeHold } from '../../phases/2-reserve-inventory.ts'
import { lockPrices } from '../../phases/3-lock-prices.ts'
import { authorizePayment } from '../../phases/4-authorize-payment.ts'
import { type CouponClaim, type Coupons, couponFor, readClaimCounts } from '../../phases/claim-coupons.ts'
import { cartsOf } from '../../shop/carts/cart-rows.ts'
import { failureEvents, phaseEvents } from '../announce.ts'
import type { SagaContext } from '../context.ts'
import { expired } from '../failures.ts'
import type { Lease } from '../lease.ts'

export interface PrepareItem {
  lockId: string
  /** Null: the caller is trusted with any session's checkout. */
  sessionId: string | null
  method: PaymentMethod
  token: string | null
  /** Replaces what the cart says. */
  details: Partial<CheckoutDetails>
  expectedTotalMinor: number | undefined
}

export type Prepared =
  | { kind: 'absent' }
  /** It was past `pending` already. */
  | { kind: 'not_pending'; row: CheckoutRow }
  | { kind: 'refused'; row: CheckoutRow }
  | { kind: 'leased'; lease: Lease }

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

export async function prepare(context: SagaContext, items: readonly PrepareItem[]): Promise<Prepared[]> {
  const { db, numbers } = context
  const ids = [...new Set(items.map(item => item.lockId))]
  const settled = await db.transaction(async tx => {
    const startedAt = performance.now()
    const [rows, cartsRead, inventory, terms] = await Promise.all([
      lockRows(tx, ids),
      validateCart.read(tx, ids),
      reserveInventory.read(tx, ids),
      lockPrices.read(tx),
    ])
    const carts = cartsOf(cartsRead.carts, cartsRead.lines, {
      baseCurrency: numbers.baseCurrency,
      exchangeRates: terms.exchangeRates,
    })
    const works = admit(items, rows, carts)
    const claimCounts = await readClaimCounts(tx, wantedClaims(works, inventory.coupons))
    const readAt = performance.now()

    for (const work of works) {
      if (work.failure !== null) continue
      work.failure = validateCart.decide(work.cart, work.details)
    }
    const validatedAt = performance.now()
    for (const work of works) {
      const { cart } = work
      if (work.failure !== null || cart === undefined) continue
      work.passed = 1
      const { row, customer } = work
      const held = reserveInventory.decide(inventory, claimCounts, { checkoutId: row.id, cart, customer })
      if (!held.ok) {
        work.failure = held.failure
        continue
      }
      work.passed = 2
      const quoted = lockPrices.decide(
        {
          cart,
          details: work.details,
          terms,
          coupon: couponFor(inventory.coupons, cart),
          baseCurrency: numbers.baseCurrency,
          now: row.now,
          price: context.quote,
        },
        work.item.expectedTotalMinor,
      )
      if (!quoted.ok) {
        work.failure = quoted.failure
        continue
      }
      work.passed = 3
      work.quote = quoted.quote
      // A custom quote may ignore the coupon. Then it is not claimed either.
      work.hold = quoted.quote.coupon === null ? { ...held.hold, claim: null } : held.hold
      takeHold(inventory, claimCounts, work.hold)
    }
    const durations = [readAt - startedAt + (validatedAt - readAt), performance.now() - validatedAt, 0]
    return { after: write(context, tx, works, durations, inventory.alreadyHeld), rows }
  })
  const rowById = new Map(settled.rows.map(row => [row.id, row]))
  const leased = new Set<string>()
  return items.map((item): Prepared => {
    const row = rowById.get(item.lockId)
    if (row === undefined || !isTheirs(item, row)) return { kind: 'absent' }
    const after = settled.after.get(item.lockId)
    if (after === undefined) return { kind: 'not_pending', row }
    if (after.state === 'failed') return { kind: 'refused', row: after }
    if (leased.has(item.lockId)) return { kind: 'not_pending', row: after }
    leased.add(item.lockId)
    return {
      kind: 'leased',
      lease: { row: after, fresh: true, ageMs: 0, token: item.token, reference: null, orderId: null, undo: null },
    }
  })
}

function isTheirs(item: PrepareItem, row: CheckoutRow): boolean {
  return item.sessionId === null || item.sessionId === row.session_id
}

/** The checkouts of this set that are to be worked on, in the order in which they came, each once. */
function admit(items: readonly PrepareItem[], rows: readonly CheckoutRow[], carts: Map<string, Cart>): Work[] {
  const rowById = new Map(rows.map(row => [row.id, row]))
  const works: Work[] = []
  for (const item of items) {
    const row = rowById.get(item.lockId)
    if (row === undefined || row.state !== 'pending' || !isTheirs(item, row)) continue
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

/** Whom the limit of a coupon a customer counts: the user, else the mail address, else the session. */
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

/** Writes everything that was decided; gives the rows as they are now, by id. */
function write(
  context: SagaContext,
  tx: Transaction,
  works: readonly Work[],
  durationsMs: readonly number[],
  alreadyHeld: ReadonlyMap<string, unknown>,
): Map<string, CheckoutRow> {
  const { numbers, gateway } = context
  const holds: Hold[] = []
  const quotes: { checkoutId: string; quote: Quote; totalMinor: number; currency: string }[] = []
  const changes: CheckoutUpdate[] = []
  const paths: PathStep[][] = []
  for (const work of works) {
    const { row, quote } = work
    const units = work.hold?.parts.reduce((sum, part) => sum + part.quantity, 0)
    const path: PathStep[] = states.slice(0, Math.min(work.passed + 1, 3)).map((to, index) => ({
      to,
      durationUs: (durationsMs[index] ?? 0) * 1000,
      ...(to === 'reserving' && !alreadyHeld.has(row.id) ? { facts: { units } } : {}),
    }))
    if (work.failure !== null && work.failure.phase === null) path.length = 0
    paths.push(path)
    if (work.failure !== null || quote === null || work.hold === null) {
      const failure = work.failure ?? expired()
      changes.push({
        row,
        path: [...path, { to: 'failed', facts: { isReleased: alreadyHeld.has(row.id) } }],
        failure,
        holdsCart: false,
        wakeInMs: null,
        leaseOwner: null,
      })
      continue
    }
    holds.push(work.hold)
    quotes.push({ checkoutId: row.id, quote, totalMinor: quote.totalMinor, currency: quote.currency })
    changes.push({
      row,
      path: [...path, { to: 'authorizing' }],
      epoch: row.epoch + 1,
      leaseOwner: context.workerId,
      wakeInMs: numbers.leaseMs,
      tries: 0,
      currency: quote.currency,
      totalMinor: quote.totalMinor,
      gateway: gateway.name,
      details: work.details,
      sealedToken: work.item.token === null ? null : context.seal.seal(row.id, work.item.token),
    })
  }
  reserveInventory.write(tx, holds)
  lockPrices.write(tx, quotes)
  authorizePayment.write(tx, gateway.name, quotes)
  const after = changeRows(tx, changes)
  // Stock held since the start goes back with the refusal.
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
