/**
 * What happened to a payment at the gateway alone, recorded on the order: money that was given back there, in its
 * dashboard say, and what the buyer contested at the bank. Protects A2: what is recorded is the difference between what
 * the gateway gave back and what ours sum to, counted under the checkout's lock, so that looking again changes nothing
 * and many who look at once record it once.
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

const keepDisputes = statement(
  'keep_disputes',
  `update holdfast.orders set metadata = jsonb_set(metadata, '{disputes}', $2::jsonb) where checkout_id = $1::uuid`,
)

/**
 * `recorded`: something was. `nothing`: ours and the gateway's books say the same, or what differs is for people to
 * decide. `busy`: it cannot be told yet, for the checkout is under way or a refund of ours is open; look again later.
 */
export type GatewaySideResult = 'recorded' | 'nothing' | 'busy'

/** Asks the gateway, and records what it did alone. @throws when the gateway gives no answer. */
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
    callOut(context, checkoutId, payment, operations)
    const order = orders.get(checkoutId)
    // Without an order there is nothing to record it on.
    if (row === undefined || order === undefined) return 'nothing'
    const isContested = recordDisputes(context, tx, row, order, payment)
    const refunded = recordMoneyBack(context, tx, row, order, payment, operations)
    return isContested && refunded === 'nothing' ? 'recorded' : refunded
  })
}

/** A bank may send money back days after it was refunded: then the shop has it, and people decide. */
function callOut(
  { log }: SagaContext,
  lockId: string,
  { refundedMinor }: GatewayPayment,
  operations: readonly OperationRow[],
): void {
  const recordedMinor = operations.reduce((sum, { kind, answer }) => {
    return sum + (kind === 'refund' && answer?.outcome === 'succeeded' ? answer.amountMinor : 0)
  }, 0)
  if (refundedMinor >= recordedMinor) return
  log.error('[Checkout] less was given back at the gateway than is recorded', {
    alert: 'amount_differs',
    lockId,
    refundedMinor,
    recordedMinor,
  })
}

function recordMoneyBack(
  context: SagaContext,
  tx: Transaction,
  row: CheckoutRow,
  order: Order,
  payment: GatewayPayment,
  operations: readonly OperationRow[],
): GatewaySideResult {
  const refunds = operations.filter(({ kind }) => kind === 'refund')
  // An open one may be what the gateway speaks of, or a part of it.
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
  const told = { refundedMinor: amountMinor, lines: plan.lines, shipping: plan.shipping, restocked: false }
  const payload = { lock: lockOf(row), orderId: order.id, ...told }
  context.outbox.publish(tx, [{ checkoutId, type: 'OrderRefunded', payload }])
  context.log.warn('[Checkout] money was given back at the gateway alone', {
    lockId: checkoutId,
    cartId: row.cart_id,
    orderId: order.id,
    orderNumber: order.number,
    amountMinor,
    currency,
  })
  return 'recorded'
}

/** Records what is new of the disputes; true where anything is. */
function recordDisputes(
  context: SagaContext,
  tx: Transaction,
  row: CheckoutRow,
  order: Order,
  { disputes }: GatewayPayment,
): boolean {
  const known = new Map((order.metadata.disputes ?? []).map(dispute => [dispute.id, dispute]))
  const news = disputes.map(disputeOf).filter(dispute => !isSame(known.get(dispute.id), dispute))
  if (news.length === 0) return false
  for (const dispute of news) known.set(dispute.id, dispute)
  tx.send(keepDisputes, [row.id, JSON.stringify([...known.values()])])
  const lock = lockOf(row)
  for (const { id: dispute, status, reason } of news) {
    const about = { lockId: row.id, cartId: row.cart_id, orderId: order.id, orderNumber: order.number }
    context.log.warn('[Checkout] payment disputed', { ...about, dispute, status, reason })
  }
  context.outbox.publish(
    tx,
    news.map(dispute => ({
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

export function isSame(known: OrderDispute | undefined, told: OrderDispute): boolean {
  return known?.status === told.status && known.reason === told.reason && known.amount === told.amount
}
