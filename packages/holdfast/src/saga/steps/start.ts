/**
 * The step `start`: locks carts. Protects A1: the cart's row is locked before anything is read, as in every change of a
 * cart, and a unique index allows one checkout per cart.
 */
import { v7 as uuid } from 'uuid'
import type { CheckoutRow } from '../../database/checkout-row.ts'
import {
  type CheckoutUpdate,
  changeRows,
  insertRows,
  lockExpiredHoldersOf,
  lockOf,
  type NewCheckout,
  readHoldersOf,
  recordStarts,
} from '../../database/checkouts.ts'
import { statement, type Transaction } from '../../database/database.ts'
import { emptyCartMessage } from '../../domain/cart-messages.ts'
import { CheckoutError, type Failure } from '../../domain/failure.ts'
import type { NewEvent } from '../../events/outbox.ts'
import { validateCart } from '../../phases/1-validate-cart.ts'
import { reserveInventory, takeHold } from '../../phases/2-reserve-inventory.ts'
import { lockPrices } from '../../phases/3-lock-prices.ts'
import { cartsOf } from '../../shop/carts/cart-rows.ts'
import { failureEvents } from '../announce.ts'
import type { SagaContext } from '../context.ts'
import { cancelled, expired } from '../failures.ts'
import { transaction } from '../transaction.ts'

export interface StartItem {
  cartId: string
  sessionId: string
  userId: string | null
  ttlMs: number
  metadata: Record<string, unknown>
}

export type Started = { ok: true; row: CheckoutRow } | { ok: false; error: CheckoutError }

const lockCarts = statement(
  'lock_carts',
  `select c.id, c.session_id, c.user_id, exists (select from holdfast.cart_lines l where l.cart_id = c.id) as has_lines
   from holdfast.carts c where c.id = any($1::text[]) order by c.id for update of c`,
)

interface LockedCart {
  id: string
  session_id: string
  user_id: string | null
  has_lines: boolean
}

/** The decision for one request: an error, the cart's current checkout, its new one, or one that a session won first. */
type Verdict = CheckoutError | 'holder' | 'new' | 'taken'

export function start(context: SagaContext, items: readonly StartItem[]): Promise<Started[]> {
  const cartIds = [...new Set(items.map(item => item.cartId))]
  return transaction(context, async (tx, context) => {
    // Separate statements after the locks, so that carts and holders are read as they are once the locks are held.
    const [replaceable, carts, holders] = await Promise.all([
      lockExpiredHoldersOf(tx, cartIds, !context.numbers.preventConcurrent),
      tx.query<LockedCart>(lockCarts, [cartIds]),
      readHoldersOf(tx, cartIds),
    ])
    const holderOf = new Map(holders.map(row => [row.cart_id, row]))
    const { verdicts, starterOf } = judge(items, replaceable, carts, holderOf)
    const ended = endReplaced(
      context,
      tx,
      replaceable.filter(row => starterOf.has(row.cart_id)),
    )
    const fresh = [...starterOf.values()].map(newCheckout)
    const inserted = fresh.length === 0 ? [] : await insertRows(tx, fresh)
    recordStarts(
      tx,
      inserted.map(row => row.id),
    )
    const started = inserted.map(
      (row): NewEvent => ({ checkoutId: row.id, type: 'CheckoutStarted', payload: { lock: lockOf(row) } }),
    )
    context.outbox.publish(tx, [...ended, ...started])
    const refused = context.numbers.holdOn === 'start' ? await holdStock(context, tx, inserted) : new Map()
    const insertedOf = new Map(inserted.map(row => [row.cart_id, row]))
    return items.map((item, index): Started => {
      const verdict = verdicts[index]
      if (verdict instanceof CheckoutError) return { ok: false, error: verdict }
      const row = verdict === 'holder' ? holderOf.get(item.cartId) : insertedOf.get(item.cartId)
      if (row === undefined) return { ok: false, error: notFound() }
      if (verdict === 'taken') return { ok: false, error: locked(row) }
      const failure = refused.get(row.id)
      if (failure === undefined) return { ok: true, row }
      return { ok: false, error: new CheckoutError(failure.code, failure.message, failure) }
    })
  })
}

/** Decides each request in the order of arrival. `starterOf` has the first request that may lock each free cart. */
function judge(
  items: readonly StartItem[],
  replaceable: readonly CheckoutRow[],
  carts: readonly LockedCart[],
  holderOf: ReadonlyMap<string, CheckoutRow>,
): { verdicts: Verdict[]; starterOf: Map<string, StartItem> } {
  const replaceableById = new Map(replaceable.map(row => [row.id, row]))
  const cartById = new Map(carts.map(cart => [cart.id, cart]))
  const starterOf = new Map<string, StartItem>()
  const verdicts = items.map((item): Verdict => {
    const cart = cartById.get(item.cartId)
    const holder = holderOf.get(item.cartId)
    const isHeld = holder !== undefined && !isReplacedBy(replaceableById.get(holder.id), item)
    const isBought = isHeld && holder.state === 'completed'
    if (isHeld && !isBought && holder.session_id !== item.sessionId) return locked(holder)
    if (cart === undefined || !isOwner(cart, item)) return notFound()
    const starter = starterOf.get(item.cartId)
    if (starter !== undefined) return starter.sessionId === item.sessionId ? 'new' : 'taken'
    if (isBought) return ordered(holder)
    if (isHeld) return 'holder'
    if (!cart.has_lines) return new CheckoutError('cart_empty', emptyCartMessage, { phase: 'cart_validation' })
    starterOf.set(item.cartId, item)
    return 'new'
  })
  return { verdicts, starterOf }
}

/** A user owns the cart in every session. */
function isOwner(cart: LockedCart, item: StartItem): boolean {
  return cart.session_id === item.sessionId || (item.userId !== null && cart.user_id === item.userId)
}

/** True if the locked holder has expired, or if another session may take it over (`preventConcurrent` is off). */
function isReplacedBy(holder: CheckoutRow | undefined, item: StartItem): boolean {
  return holder !== undefined && (holder.expired || holder.session_id !== item.sessionId)
}

function newCheckout(item: StartItem): NewCheckout {
  return {
    id: uuid(),
    cart_id: item.cartId,
    session_id: item.sessionId,
    user_id: item.userId,
    ttl_ms: item.ttlMs,
    metadata: item.metadata,
  }
}

/**
 * Ends checkouts that have expired or are taken over. A pending one fails here. One that may have money at the gateway
 * rolls back and is due at once, but no longer holds the cart. Returns the events.
 */
function endReplaced(context: SagaContext, tx: Transaction, rows: readonly CheckoutRow[]): NewEvent[] {
  const pending = rows.filter(row => row.state === 'pending')
  const changes = rows.map((row): CheckoutUpdate => {
    if (row.state === 'pending') {
      const failure = row.expired ? expired() : cancelled(row.state, 'continued in another session')
      const facts = { isReleased: context.numbers.holdOn === 'start' }
      return { row, path: [{ to: 'failed', facts }], failure, holdsCart: false, wakeInMs: null, leaseOwner: null }
    }
    if (row.state === 'rolling_back') return { row, path: [], holdsCart: false }
    const failure = expired(row.state)
    const details = { failure: failure.code, phase: failure.phase }
    return {
      row,
      path: [{ to: 'rolling_back', details }],
      failure,
      holdsCart: false,
      wakeInMs: 0,
      leaseOwner: null,
      action: null,
      sealedToken: null,
    }
  })
  reserveInventory.undo(
    tx,
    pending.map(row => row.id),
  )
  const after = changeRows(tx, changes)
  return after.flatMap(row => (row.state === 'failed' && row.failure !== null ? failureEvents(row, row.failure) : []))
}

/** Holds stock at the start (`holdOn: 'start'`). Checkouts that get none fail at once; returns their failures by ID. */
async function holdStock(
  context: SagaContext,
  tx: Transaction,
  rows: readonly CheckoutRow[],
): Promise<Map<string, Failure>> {
  const refused = new Map<string, Failure>()
  if (rows.length === 0) return refused
  const ids = rows.map(row => row.id)
  const [cartRows, inventory, terms] = await Promise.all([
    validateCart.read(tx, ids),
    reserveInventory.read(tx, ids),
    lockPrices.read(tx),
  ])
  const carts = cartsOf(cartRows.carts, cartRows.lines, {
    baseCurrency: context.numbers.baseCurrency,
    exchangeRates: terms.exchangeRates,
  })
  const noClaims = new Map<string, number>()
  const holds = []
  for (const row of rows) {
    const cart = carts.get(row.cart_id)
    if (cart === undefined) continue
    // The coupon is claimed with the price lock, when the buyer is known.
    const request = { checkoutId: row.id, cart: { ...cart, couponCode: null }, customer: '' }
    const verdict = reserveInventory.decide(inventory, noClaims, request)
    if (!verdict.ok) {
      refused.set(row.id, verdict.failure)
      continue
    }
    takeHold(inventory, noClaims, verdict.hold)
    holds.push(verdict.hold)
    const units = verdict.hold.parts.reduce((sum, part) => sum + part.quantity, 0)
    context.log.info('[Checkout] stock held', { lockId: row.id, cartId: row.cart_id, units })
  }
  reserveInventory.write(tx, holds)
  const failed = rows.filter(row => refused.has(row.id))
  const after = changeRows(
    tx,
    failed.flatMap((row): CheckoutUpdate[] => {
      const failure = refused.get(row.id)
      return failure === undefined ? [] : [{ row, path: [{ to: 'failed' }], failure, holdsCart: false, wakeInMs: null }]
    }),
  )
  context.outbox.publish(
    tx,
    after.flatMap(row => (row.failure === null ? [] : failureEvents(row, row.failure))),
  )
  return refused
}

/** The ID is the caller's text and could be a secret given by mistake, so the error does not repeat it (A12). */
function notFound(): CheckoutError {
  return new CheckoutError('cart_not_found', 'Cart not found.')
}

function ordered(holder: CheckoutRow): CheckoutError {
  return new CheckoutError('cart_ordered', 'This cart has already become an order.', {
    context: { lock_id: holder.id },
  })
}

function locked(holder: CheckoutRow): CheckoutError {
  return new CheckoutError('cart_locked', 'This cart is being checked out elsewhere. Try again in a moment.', {
    context: { expires_at: holder.expires_at },
    retryable: true,
  })
}
