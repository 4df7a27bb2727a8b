/**
 * Refunds of orders: an intent, the call, and its record, for one order at a time. Protects A2 (refunded ≤ captured,
 * counted under the checkout's lock, intents included) and A4. A refund of unknown outcome is asked about again by
 * whoever recovers checkouts.
 */
import { CheckoutError } from '../checkout/failure.ts'
import type { Order } from '../checkout/order.ts'
import { readOrdersOf } from '../orders/orders.ts'
import type { GatewayAnswer } from '../payments/gateway.ts'
import { intend, latest, type OperationRow, readOperations, recordAnswers } from '../payments/operations.ts'
import { changeRows, lockOf, lockRows } from '../store/checkouts.ts'
import { statement, type Transaction } from '../store/database.ts'
import { isOurs } from './ask.ts'
import { type Claim, type Evidence, type Next, stillHolds } from './claim.ts'
import { backoffMs, type SagaContext } from './context.ts'

export interface RefundItem {
  checkoutId: string
  amountMinor: number | undefined
  reason: string | undefined
  restock: boolean
  key: string | undefined
  actor: string | undefined
}

export type RefundIntent =
  | { kind: 'claimed'; claim: Claim; order: Order; amountMinor: number; attempt: number }
  /** The same key was refunded already. */
  | { kind: 'done'; order: Order; amountMinor: number; attempt: number }
  /** The same key is under way elsewhere. */
  | { kind: 'under_way'; order: Order; amountMinor: number; attempt: number }

const creditOrder = statement(
  'credit_order',
  `update holdfast.orders set refunded_minor = refunded_minor + $2::bigint,
     status = case when refunded_minor + $2::bigint = total_minor then 'refunded' else 'partially_refunded' end
   where checkout_id = $1::uuid`,
)
const lockSoldStock = statement(
  'lock_sold_stock',
  `select 1 from holdfast.stock_levels s
   where (s.variant_id, s.location_id) in (
     select variant_id, location_id from holdfast.stock_reservations where checkout_id = $1::uuid and state = 'committed')
   order by s.variant_id, s.location_id for update of s`,
)
const restock = statement(
  'restock',
  `update holdfast.stock_levels as level
   set on_hand = level.on_hand + sold.quantity, stocked = level.stocked + sold.quantity
   from (select variant_id, location_id, sum(quantity) as quantity from holdfast.stock_reservations
         where checkout_id = $1::uuid and state = 'committed' and location_id is not null
         group by variant_id, location_id) as sold
   where level.variant_id = sold.variant_id and level.location_id = sold.location_id`,
)

/**
 * Writes the intent to refund, or finds the one with the same key.
 * @throws {CheckoutError} `not_refundable` with what can be refunded.
 */
export function intendRefund(context: SagaContext, item: RefundItem): Promise<RefundIntent> {
  const ids = [item.checkoutId]
  return context.db.transaction(async tx => {
    const [[row], operations, orders] = await Promise.all([
      lockRows(tx, ids),
      readOperations(tx, ids),
      readOrdersOf(tx, ids),
    ])
    const order = orders.get(item.checkoutId)
    if (row === undefined || order === undefined) throw new CheckoutError('order_not_found', 'There is no such order.')
    if (!isOurs(context, row)) {
      throw new CheckoutError('not_refundable', `This order was paid at the gateway "${row.gateway}".`, {
        context: { gateway: row.gateway },
      })
    }
    const refunds = operations.filter(operation => operation.kind === 'refund')
    const known = item.key === undefined ? undefined : refunds.findLast(refund => refund.purpose?.key === item.key)
    if (known !== undefined && known.amount_minor !== (item.amountMinor ?? known.amount_minor)) {
      throw new CheckoutError('not_refundable', 'This key was used for a refund of another amount.', {
        context: { amount: item.amountMinor, earlier: known.amount_minor },
      })
    }
    const told = known === undefined ? null : { order, amountMinor: known.amount_minor, attempt: known.attempt }
    if (told !== null && known?.status === 'succeeded') return { kind: 'done', ...told }
    if (told !== null && known?.status === 'intended') return { kind: 'under_way', ...told }
    const left = order.totalMinor - order.refundedMinor
    const amountMinor = item.amountMinor ?? left
    refuseWrong(order, amountMinor, left)
    if (refunds.some(refund => refund.status === 'intended')) {
      throw new CheckoutError('not_refundable', 'Another refund of this order is under way. Try again in a moment.', {
        retryable: true,
      })
    }
    const attempt = (latest(operations, 'refund')?.attempt ?? 0) + 1
    const reference = latest(operations, 'authorize')?.reference ?? null
    const currency = order.currency
    const purpose = { key: item.key, reason: item.reason, restock: item.restock, actor: item.actor }
    intend(tx, [
      {
        checkoutId: row.id,
        kind: 'refund',
        attempt,
        gateway: row.gateway ?? context.gateway.name,
        amountMinor,
        currency,
        reference,
        purpose,
      },
    ])
    const [after] = changeRows(tx, [
      {
        row,
        path: [],
        epoch: row.epoch + 1,
        leaseOwner: context.workerId,
        wakeInMs: context.numbers.leaseMs,
        tries: 0,
      },
    ])
    if (after === undefined) throw new Error('a refund changed no row')
    const undo = { kind: 'refund', attempt, isNew: true, ageMs: 0, amountMinor, currency, reference } as const
    const claim: Claim = { row: after, fresh: true, ageMs: 0, token: null, reference, orderId: order.id, undo }
    return { kind: 'claimed', claim, order, amountMinor, attempt }
  })
}

function refuseWrong(order: Order, amountMinor: number, left: number): void {
  if (order.status !== 'paid' && order.status !== 'partially_refunded') {
    throw new CheckoutError(
      'not_refundable',
      `An order that is ${order.status.replace('_', ' ')} cannot be refunded.`,
      {
        context: { status: order.status },
      },
    )
  }
  if (!Number.isSafeInteger(amountMinor) || amountMinor < 1 || amountMinor > left) {
    throw new CheckoutError('not_refundable', `Between 1 and ${left} ${order.currency} minor units can be refunded.`, {
      context: { amount: amountMinor, refundable: left, currency: order.currency },
    })
  }
}

/** Records what the gateway said of a refund. */
export function recordRefund(context: SagaContext, item: { claim: Claim; evidence: Evidence }): Promise<Next> {
  const { claim } = item
  const ids = [claim.row.id]
  return context.db.transaction(async (tx): Promise<Next> => {
    const [[row], operations, orders] = await Promise.all([
      lockRows(tx, ids),
      readOperations(tx, ids),
      readOrdersOf(tx, ids),
    ])
    const order = orders.get(claim.row.id)
    const operation = operations.find(({ kind, attempt }) => kind === 'refund' && attempt === item.evidence.attempt)
    if (!stillHolds(claim, row) || order === undefined || operation?.status !== 'intended') return { kind: 'replaced' }
    const answer = believed(context, item.evidence.answer, operation)
    recordAnswers(tx, [{ checkoutId: row.id, ...item.evidence, answer }])
    const definite = answer.outcome === 'succeeded' || answer.outcome === 'declined'
    if (answer.outcome === 'succeeded') {
      const refundedMinor = operation.amount_minor
      credit(tx, order, refundedMinor, operation.purpose?.restock === true)
      context.outbox.publish(tx, [
        {
          checkoutId: row.id,
          type: 'OrderRefunded',
          payload: { lock: lockOf(row), orderId: order.id, refundedMinor },
        },
      ])
    }
    const [after] = changeRows(tx, [
      definite
        ? { row, path: [], leaseOwner: null, wakeInMs: null, tries: 0 }
        : { row, path: [], leaseOwner: null, wakeInMs: backoffMs(context, row.tries), tries: row.tries + 1 },
    ])
    return after === undefined ? { kind: 'replaced' } : { kind: 'rests', row: after, order }
  })
}

/** Another amount given back than asked for is no answer to what was asked: it stays open, in sight. */
function believed(context: SagaContext, answer: GatewayAnswer, operation: OperationRow): GatewayAnswer {
  if (answer.outcome !== 'succeeded') return answer
  if (answer.amountMinor === operation.amount_minor && answer.currency === operation.currency) return answer
  context.log.error('[Checkout] another amount was refunded than asked', { lockId: operation.checkout_id })
  return { outcome: 'unknown', message: 'Another amount was refunded than asked.' }
}

function credit(tx: Transaction, order: Order, amountMinor: number, backOnShelf: boolean): void {
  tx.send(creditOrder, [order.checkoutId, amountMinor])
  order.refundedMinor += amountMinor
  const isWhole = order.refundedMinor === order.totalMinor
  order.status = isWhole ? 'refunded' : 'partially_refunded'
  // Single lines cannot be told from an amount: goods go back on the shelf with the last of the money.
  if (!backOnShelf || !isWhole) return
  tx.send(lockSoldStock, [order.checkoutId])
  tx.send(restock, [order.checkoutId])
}
