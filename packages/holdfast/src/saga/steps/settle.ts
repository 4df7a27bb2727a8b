/**
 * The step `settle`: records the answers to captures, commits stock, completes the checkouts, and publishes their events
 * (phase 7). One transaction per batch. Protects A8 and B2: completion, payment, sale, and event are committed together.
 */

import type { CheckoutRow, PathStep, StepFacts } from '../../database/checkout-row.ts'
import { type CheckoutUpdate, changeRows, lockOf, lockRows } from '../../database/checkouts.ts'
import type { Order, OrderPayment } from '../../domain/order.ts'
import type { NewEvent } from '../../events/outbox.ts'
import type { GatewayAnswer } from '../../payments/gateway.ts'
import { recordAnswers } from '../../payments/operations.ts'
import { capturePayment } from '../../phases/6-capture-payment.ts'
import { commitStock } from '../../phases/7-commit-stock.ts'
import { readOrdersOf } from '../../shop/orders/orders.ts'
import { phaseEvents } from '../announce.ts'
import { backoffMs, type SagaContext } from '../context.ts'
import { type Evidence, isCurrent, type Lease, leasedForMs, type Next } from '../lease.ts'
import { transaction } from '../transaction.ts'

export interface SettleItem {
  lease: Lease
  evidence: Evidence
}

/** A checkout whose capture succeeded. */
interface Captured {
  row: CheckoutRow
  tookMs: number
}

export function settle(context: SagaContext, items: readonly SettleItem[]): Promise<Next[]> {
  const ids = items.map(item => item.lease.row.id)
  return transaction(context, async (tx, context) => {
    const startedAt = performance.now()
    const [rows, orders] = await Promise.all([lockRows(tx, ids), readOrdersOf(tx, ids)])
    const rowById = new Map(rows.map(row => [row.id, row]))
    const captured: Captured[] = []
    const changes: CheckoutUpdate[] = []
    const answered: SettleItem[] = []
    const early = items.map((item): Next | null => {
      const { lease, evidence } = item
      const row = rowById.get(lease.row.id)
      if (!isCurrent(lease, row)) return { kind: 'replaced' }
      const verdict = capturePayment.decide(row, evidence.answer, backoffMs(context, row.tries))
      if (verdict.to === 'unwind') return { kind: 'unwinds', lease, failure: verdict.failure, evidence }
      if (verdict.to === 'settle') captured.push({ row, tookMs: leasedForMs(lease, row) })
      else changes.push({ row, path: [], leaseOwner: null, wakeInMs: verdict.afterMs, tries: row.tries + 1 })
      // A capture of a different amount stays an open operation, with an alert, until an operator corrects it.
      const isMismatch = verdict.to === 'wait' && evidence.answer.outcome === 'succeeded'
      if (isMismatch) alertMismatch(context, row)
      else answered.push(item)
      return null
    })
    recordAnswers(
      tx,
      answered.map(({ lease, evidence }) => ({ checkoutId: lease.row.id, ...evidence })),
    )
    const paidAt = captured[0]?.row.now ?? ''
    const payments = paymentsOf(items, paidAt)
    const durationUs = (performance.now() - startedAt) * 1000
    for (const { row, tookMs } of captured) {
      const facts = factsOf(orders.get(row.id), payments[row.id], tookMs)
      const path: PathStep[] = [{ to: 'committing', durationUs, facts }, { to: 'completed' }]
      changes.push({ row, path, leaseOwner: null, wakeInMs: null, tries: 0 })
    }
    const after = new Map(changeRows(tx, changes).map(row => [row.id, row]))
    const events: NewEvent[] = []
    for (const each of captured) {
      const { id } = each.row
      const row = after.get(id)
      const order = orders.get(id)
      if (row === undefined || order === undefined) throw new Error(`checkout ${id} was captured without an order`)
      markPaid(order, paidAt, payments[id])
      events.push(...completionEvents(context, row, order, each.tookMs, durationUs))
    }
    context.outbox.publish(tx, events)
    // Last, so that the stock rows that many checkouts need are locked as briefly as possible.
    commitStock.write(tx, {
      checkoutIds: captured.map(({ row }) => row.id),
      paidAt,
      payments,
    })
    return items.map((item, index): Next => {
      const row = after.get(item.lease.row.id)
      return (
        early[index] ??
        (row === undefined ? { kind: 'replaced' } : { kind: 'rests', row, order: orders.get(row.id) ?? null })
      )
    })
  })
}

function factsOf(order: Order | undefined, payment: OrderPayment | undefined, tookMs: number): StepFacts {
  const reference = payment?.capture_id ?? null
  if (order === undefined) return { reference, sinceMs: tookMs }
  const units = order.lines.reduce((sum, line) => sum + line.quantity, 0)
  return { orderId: order.id, orderNumber: order.number, units, reference, sinceMs: tookMs }
}

function alertMismatch({ log }: SagaContext, { id: lockId, cart_id: cartId }: CheckoutRow): void {
  const details = { alert: 'amount_differs' as const, lockId, cartId }
  log.error('[Checkout] captured amount differs from the requested amount', details)
}

/** Marks the order as paid in memory, as `commitStock` marks it in the database. */
function markPaid(order: Order, paidAt: string, payment: OrderPayment | undefined): void {
  order.status = 'paid'
  order.paidAt = paidAt
  if (payment !== undefined) order.metadata = { ...order.metadata, payment }
}

function completionEvents(
  context: SagaContext,
  row: CheckoutRow,
  order: Order,
  tookMs: number,
  durationUs: number,
): NewEvent[] {
  const capturing: PathStep = { to: 'capturing', durationUs: tookMs * 1000 }
  return [
    ...phaseEvents(context, row, [capturing, { to: 'committing', durationUs }]),
    { checkoutId: row.id, type: 'CheckoutCompleted', payload: { lock: lockOf(row), orderId: order.id } },
  ]
}

/** The captured payments by checkout. */
function paymentsOf(items: readonly SettleItem[], paidAt: string): Record<string, OrderPayment> {
  const entries = items.flatMap(({ lease, evidence }): [string, OrderPayment][] => {
    const payment = paymentOf(evidence.answer, paidAt)
    return payment === null ? [] : [[lease.row.id, payment]]
  })
  return Object.fromEntries(entries)
}

function paymentOf(answer: GatewayAnswer, capturedAt: string): OrderPayment | null {
  if (answer.outcome !== 'succeeded') return null
  return {
    capture_id: answer.reference,
    authorization_id: answer.reference,
    status: 'captured',
    amount: answer.amountMinor,
    currency: answer.currency,
    captured_at: capturedAt,
    gateway_response: answer.details ?? {},
  }
}
