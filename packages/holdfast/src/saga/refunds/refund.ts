/**
 * Refunds of orders: the intent before the call and the record of its answer, for one order at a time. Protects A2
 * (refunded ≤ captured and ≤ sold, counted under the checkout's lock, open intents included) and A4. Recovery settles a
 * refund of unknown outcome; its row contains everything that this needs.
 */

import type { CheckoutRow } from '../../database/checkout-row.ts'
import { changeRows, lockOf, lockRows } from '../../database/checkouts.ts'
import { CheckoutError } from '../../domain/failure.ts'
import type { Order } from '../../domain/order.ts'
import { namedLines, notRefundable, planRefund, type RefundWish } from '../../domain/refund.ts'
import type { GatewayAnswer } from '../../payments/gateway.ts'
import {
  latest,
  type OperationRow,
  openAtEnd,
  readOperations,
  recordAnswers,
  recordIntents,
} from '../../payments/operations.ts'
import { readOrdersOf } from '../../shop/orders/orders.ts'
import { recordAdminAction } from '../admin-actions.ts'
import { isAtThisGateway } from '../call-gateway.ts'
import type { SagaContext } from '../context.ts'
import { type Evidence, isCurrent, type Lease, type Next, releaseAtEnd } from '../lease.ts'
import { transaction } from '../transaction.ts'
import { type Refund, type RefundPurpose, recordRefund, refundOf } from './record-refund.ts'

export interface RefundItem extends RefundWish {
  checkoutId: string
  reason: string | undefined
  restock: boolean
  key: string | undefined
  actor: string | undefined
}

interface Intended {
  order: Order
  refund: Refund
  attempt: number
}

export type RefundIntent =
  | ({ kind: 'leased'; lease: Lease } & Intended)
  /** The refund with this key has succeeded. */
  | ({ kind: 'done' } & Intended)
  /** The refund with this key is open; a different request began it. */
  | ({ kind: 'in_progress' } & Intended)

/**
 * Writes the intent to refund and the operator's action, or finds the refund with the same key.
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
    if (row === undefined || order === undefined) throw new CheckoutError('order_not_found', 'Order not found.')
    if (!isAtThisGateway(context, row)) {
      throw notRefundable(
        order,
        `This order was paid at gateway "${row.gateway}", which is not configured in this process.`,
        { gateway: row.gateway },
      )
    }
    const refunds = operations.filter(operation => operation.kind === 'refund')
    const known = item.key === undefined ? undefined : refunds.findLast(refund => refund.purpose?.key === item.key)
    const asked = requestOf(order, item)
    if (known !== undefined) {
      refuseReusedKey(order, known, { ...asked, restock: item.restock })
      const intended = { order, refund: refundOf(known, order), attempt: known.attempt }
      if (known.status === 'succeeded') return { kind: 'done', ...intended }
      if (known.status === 'intended') return { kind: 'in_progress', ...intended }
    }
    const plan = planRefund(order, item)
    if (refunds.some(refund => refund.status === 'intended')) {
      throw new CheckoutError('not_refundable', 'Another refund of this order is in progress. Try again in a moment.', {
        retryable: true,
      })
    }
    const attempt = (latest(operations, 'refund')?.attempt ?? 0) + 1
    const reference = latest(operations, 'authorize')?.reference ?? null
    const { currency } = order
    const { amountMinor, shipping } = plan
    const lines = plan.lines.map(({ lineNo, quantity }) => ({ lineNo, quantity }))
    const { key, reason, restock, actor } = item
    const purpose = { key, reason, restock, actor, lines, shipping, asked } satisfies RefundPurpose
    const gateway = row.gateway ?? context.gateway.name
    recordIntents(tx, [
      { checkoutId: row.id, kind: 'refund', attempt, gateway, amountMinor, currency, reference, purpose },
    ])
    if (actor !== undefined) {
      const details = { amountMinor, lines: plan.lines, shipping, restock, reason, key }
      await recordAdminAction(tx, { action: 'refund', checkoutId: row.id, actor, details })
    }
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
    if (after === undefined) throw new Error(`the intent to refund checkout ${row.id} changed no row`)
    const undo = { kind: 'refund', attempt, isNew: true, ageMs: 0, amountMinor, currency, reference } as const
    const lease: Lease = { row: after, fresh: true, ageMs: 0, token: null, reference, orderId: order.id, undo }
    return { kind: 'leased', lease, order, refund: { ...plan, restock }, attempt }
  })
}

/** The request in a normal form, to compare requests that use the same key. */
function requestOf(order: Order, { amountMinor, lines, shipping }: RefundItem): RefundPurpose['asked'] {
  const named = lines === undefined ? undefined : namedLines(order, lines)
  return {
    amountMinor: amountMinor ?? null,
    lines: named?.map(({ lineNo, quantity }) => ({ lineNo, quantity })) ?? null,
    shipping,
  }
}

/** @throws {CheckoutError} `not_refundable` if the key was used for a different request: a key belongs to one refund. */
function refuseReusedKey(
  order: Order,
  known: OperationRow,
  wanted: RefundPurpose['asked'] & Pick<RefundPurpose, 'restock'>,
): void {
  const { asked, restock } = (known.purpose ?? {}) as Partial<RefundPurpose>
  const textOf = ({ amountMinor, lines, shipping }: RefundPurpose['asked']) =>
    JSON.stringify([amountMinor, lines?.map(({ lineNo, quantity }) => [lineNo, quantity]) ?? null, shipping])
  // Intents from before refunds had lines recorded only the amount.
  const isSame =
    asked === undefined
      ? wanted.lines === null && !wanted.shipping && (wanted.amountMinor ?? known.amount_minor) === known.amount_minor
      : textOf(asked) === textOf(wanted) && restock === wanted.restock
  if (isSame) return
  throw notRefundable(order, 'This key was used for another refund of this order.', {
    amount: wanted.amountMinor,
    earlier: known.amount_minor,
  })
}

/** Records the answer to a refund and, if it succeeded, its consequences for the order. */
export function settleRefund(context: SagaContext, item: { lease: Lease; evidence: Evidence }): Promise<Next> {
  const { lease } = item
  const ids = [lease.row.id]
  return transaction(context, async (tx, context): Promise<Next> => {
    const [[row], operations, orders] = await Promise.all([
      lockRows(tx, ids),
      readOperations(tx, ids),
      readOrdersOf(tx, ids),
    ])
    const order = orders.get(lease.row.id)
    const operation = operations.find(({ kind, attempt }) => kind === 'refund' && attempt === item.evidence.attempt)
    if (!isCurrent(lease, row) || order === undefined || operation?.status !== 'intended') return { kind: 'replaced' }
    const answer = checkAmount(context, item.evidence.answer, operation)
    recordAnswers(tx, [{ checkoutId: row.id, ...item.evidence, answer }])
    if (answer.outcome === 'succeeded') {
      const refund = refundOf(operation, order)
      recordRefund(tx, order, refund)
      const { amountMinor: refundedMinor, lines, shipping, restock: restocked } = refund
      const payload = { lock: lockOf(row), orderId: order.id, refundedMinor, lines, shipping, restocked }
      context.outbox.publish(tx, [{ checkoutId: row.id, type: 'OrderRefunded', payload }])
    }
    logRefund(context, row, order, answer)
    const isLast = openAtEnd(operations.filter(each => each !== operation)) === undefined
    const isDefinite = answer.outcome === 'succeeded' || answer.outcome === 'declined'
    const [after] = changeRows(tx, [releaseAtEnd(context, row, { isDefinite, isLast })])
    return after === undefined ? { kind: 'replaced' } : { kind: 'rests', row: after, order }
  })
}

function logRefund({ log }: SagaContext, row: CheckoutRow, order: Order, answer: GatewayAnswer): void {
  const about = { lockId: row.id, cartId: row.cart_id, orderId: order.id, orderNumber: order.number }
  if (answer.outcome === 'succeeded') {
    const { amountMinor, currency, reference } = answer
    log.info('[Checkout] payment refunded', { ...about, amountMinor, currency, reference })
  }
  if (answer.outcome === 'declined') {
    log.warn('[Checkout] refund declined', { ...about, code: answer.code, message: answer.message })
  }
}

/** A refund of a different amount does not settle the intent: it stays open and raises an alert. */
function checkAmount(context: SagaContext, answer: GatewayAnswer, operation: OperationRow): GatewayAnswer {
  if (answer.outcome !== 'succeeded') return answer
  if (answer.amountMinor === operation.amount_minor && answer.currency === operation.currency) return answer
  context.log.error('[Checkout] refunded amount differs from the requested amount', {
    alert: 'amount_differs',
    lockId: operation.checkout_id,
  })
  return { outcome: 'unknown', message: 'The refunded amount differs from the requested amount.' }
}
