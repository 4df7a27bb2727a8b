/**
 * Records refunds and disputes that were made at the gateway, for example in its dashboard. Protects A2: the recorded
 * refund is the gateway's total minus our recorded refunds, computed under the checkout's lock. Repeated and concurrent runs
 * therefore record it once.
 */

import type { CheckoutRow } from '../../database/checkout-row.ts'
import { lockOf, lockRows, readRows } from '../../database/checkouts.ts'
import { statement, type Transaction } from '../../database/database.ts'
import type { Order, OrderDispute } from '../../domain/order.ts'
import { planRefund } from '../../domain/refund.ts'
import { isFinal } from '../../domain/states.ts'
import type { GatewayPayment } from '../../payments/gateway.ts'
import { latest, type OperationRow, readOperations, recordAnswers, recordIntents } from '../../payments/operations.ts'
import { readOrdersOf } from '../../shop/orders/orders.ts'
import { isAtThisGateway } from '../call-gateway.ts'
import { callWithin, type SagaContext } from '../context.ts'
import { transaction } from '../transaction.ts'
import { recordRefund } from './record-refund.ts'

const updateDisputes = statement(
  'keep_disputes',
  `update holdfast.orders set metadata = jsonb_set(metadata, '{disputes}', $2::jsonb) where checkout_id = $1::uuid`,
)

/**
 * `recorded`: a refund or a dispute was recorded. `nothing`: both sides agree, or the difference needs an operator.
 * `busy`: the checkout is in progress or has an open refund, which may explain the difference; try again later.
 */
export type GatewaySideResult = 'recorded' | 'nothing' | 'busy'

/** Reads the payment from the gateway and records what is new. @throws if the gateway does not answer. */
export async function recordGatewaySideRefunds(context: SagaContext, checkoutId: string): Promise<GatewaySideResult> {
  const { db, gateway } = context
  const [[row], operations] = await Promise.all([readRows(db, [checkoutId]), readOperations(db, [checkoutId])])
  if (row === undefined || !isAtThisGateway(context, row)) return 'nothing'
  if (!isFinal(row.state)) return 'busy'
  const reference = latest(operations, 'authorize')?.reference ?? null
  if (reference === null) return 'nothing'
  const payment = (await callWithin(context, async signal => gateway.inspect?.(reference, signal))) ?? null
  return payment === null ? 'nothing' : record(context, checkoutId, payment)
}

function record(context: SagaContext, checkoutId: string, payment: GatewayPayment): Promise<GatewaySideResult> {
  const ids = [checkoutId]
  return transaction(context, async (tx, context): Promise<GatewaySideResult> => {
    const [[row], operations, orders] = await Promise.all([
      lockRows(tx, ids),
      readOperations(tx, ids),
      readOrdersOf(tx, ids),
    ])
    alertIfLessRefunded(context, checkoutId, payment, operations)
    const order = orders.get(checkoutId)
    // Refunds and disputes are recorded on the order; without one there is nothing to record.
    if (row === undefined || order === undefined) return 'nothing'
    const isDisputed = recordDisputes(context, tx, row, order, payment)
    const refunded = recordRefundedMoney(context, tx, row, order, payment, operations)
    return isDisputed && refunded === 'nothing' ? 'recorded' : refunded
  })
}

/** A bank can return a refund days later. Then the shop has the money again, and an operator must decide. */
function alertIfLessRefunded(
  { log }: SagaContext,
  lockId: string,
  { refundedMinor }: GatewayPayment,
  operations: readonly OperationRow[],
): void {
  const recordedMinor = operations.reduce((sum, { kind, answer }) => {
    return sum + (kind === 'refund' && answer?.outcome === 'succeeded' ? answer.amountMinor : 0)
  }, 0)
  if (refundedMinor >= recordedMinor) return
  log.error('[Checkout] gateway shows a smaller refund than recorded', {
    alert: 'amount_differs',
    lockId,
    refundedMinor,
    recordedMinor,
  })
}

function recordRefundedMoney(
  context: SagaContext,
  tx: Transaction,
  row: CheckoutRow,
  order: Order,
  payment: GatewayPayment,
  operations: readonly OperationRow[],
): GatewaySideResult {
  const refunds = operations.filter(({ kind }) => kind === 'refund')
  // The gateway's total may include our own refund whose answer is not recorded yet.
  if (refunds.some(({ status }) => status === 'intended')) return 'busy'
  const oursMinor = refunds.reduce(
    (sum, { status, amount_minor }) => sum + (status === 'succeeded' ? amount_minor : 0),
    0,
  )
  const isPaid = order.status === 'paid' || order.status === 'partially_refunded'
  if (!isPaid || row.state !== 'completed' || payment.currency !== order.currency) return 'nothing'
  const amountMinor = Math.min(payment.refundedMinor - oursMinor, order.totalMinor - order.refundedMinor)
  if (amountMinor <= 0) return 'nothing'
  const { id: checkoutId } = row
  const { reference, currency } = payment
  const plan = planRefund(order, { amountMinor, lines: undefined, shipping: false })
  const attempt = (latest(operations, 'refund')?.attempt ?? 0) + 1
  const lines = plan.lines.map(({ lineNo, quantity }) => ({ lineNo, quantity }))
  const purpose = { reason: 'made at the gateway', restock: false, lines, shipping: plan.shipping }
  const gateway = row.gateway ?? context.gateway.name
  recordIntents(tx, [{ checkoutId, kind: 'refund', attempt, gateway, amountMinor, currency, reference, purpose }])
  const answer = { outcome: 'succeeded', reference, amountMinor, currency } as const
  recordAnswers(tx, [{ checkoutId, kind: 'refund', attempt, answer }])
  recordRefund(tx, order, { ...plan, restock: false })
  const refunded = { refundedMinor: amountMinor, lines: plan.lines, shipping: plan.shipping, restocked: false }
  const payload = { lock: lockOf(row), orderId: order.id, ...refunded }
  context.outbox.publish(tx, [{ checkoutId, type: 'OrderRefunded', payload }])
  context.log.warn('[Checkout] refund at the gateway recorded', {
    lockId: checkoutId,
    cartId: row.cart_id,
    orderId: order.id,
    orderNumber: order.number,
    amountMinor,
    currency,
  })
  return 'recorded'
}

/** Records new and changed disputes. Returns true if there were any. */
function recordDisputes(
  context: SagaContext,
  tx: Transaction,
  row: CheckoutRow,
  order: Order,
  { disputes }: GatewayPayment,
): boolean {
  const known = new Map((order.metadata.disputes ?? []).map(dispute => [dispute.id, dispute]))
  const changed = disputes.map(disputeOf).filter(dispute => !isSame(known.get(dispute.id), dispute))
  if (changed.length === 0) return false
  for (const dispute of changed) known.set(dispute.id, dispute)
  tx.send(updateDisputes, [row.id, JSON.stringify([...known.values()])])
  const lock = lockOf(row)
  for (const { id: dispute, status, reason } of changed) {
    const about = { lockId: row.id, cartId: row.cart_id, orderId: order.id, orderNumber: order.number }
    context.log.warn('[Checkout] payment disputed', { ...about, dispute, status, reason })
  }
  context.outbox.publish(
    tx,
    changed.map(dispute => ({
      checkoutId: row.id,
      type: 'OrderDisputed' as const,
      payload: { lock, orderId: order.id, dispute },
    })),
  )
  return true
}

export function disputeOf({ id, status, reason, amountMinor }: GatewayPayment['disputes'][number]): OrderDispute {
  return { id, status, reason, amount: amountMinor }
}

export function isSame(known: OrderDispute | undefined, found: OrderDispute): boolean {
  return known?.status === found.status && known.reason === found.reason && known.amount === found.amount
}
