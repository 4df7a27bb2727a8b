/**
 * The step `settle`: records captures, commits stock, completes the checkout and publishes it (phase 7), one
 * transaction for a set. Protects A8 and B2: completion, payment, sale, and event are committed together.
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

export function settle(context: SagaContext, items: readonly SettleItem[]): Promise<Next[]> {
  const ids = items.map(item => item.lease.row.id)
  return transaction(context, async (tx, context) => {
    const startedAt = performance.now()
    const [rows, orders] = await Promise.all([lockRows(tx, ids), readOrdersOf(tx, ids)])
    const rowById = new Map(rows.map(row => [row.id, row]))
    const captured: { row: CheckoutRow; tookMs: number }[] = []
    const changes: CheckoutUpdate[] = []
    const answered: SettleItem[] = []
    const early: (Next | null)[] = items.map(item => {
      const row = rowById.get(item.lease.row.id)
      if (!isCurrent(item.lease, row)) return { kind: 'replaced' }
      const verdict = capturePayment.decide(row, item.evidence.answer, backoffMs(context, row.tries))
      if (verdict.to === 'unwind') {
        return { kind: 'unwinds', lease: item.lease, failure: verdict.failure, evidence: item.evidence }
      }
      if (verdict.to === 'settle') {
        answered.push(item)
        captured.push({ row, tookMs: leasedForMs(item.lease, row) })
        return null
      }
      // Money of another amount than asked stays an open operation, in sight, until somebody puts it right.
      if (item.evidence.answer.outcome !== 'succeeded') answered.push(item)
      else
        context.log.error('[Checkout] captured amount differs from the requested amount', {
          alert: 'amount_differs',
          lockId: row.id,
          cartId: row.cart_id,
        })
      changes.push({ row, path: [], leaseOwner: null, wakeInMs: verdict.afterMs, tries: row.tries + 1 })
      return null
    })
    recordAnswers(
      tx,
      answered.map(({ lease, evidence }) => ({ checkoutId: lease.row.id, ...evidence })),
    )
    const paidAt = captured[0]?.row.now ?? ''
    const payments: Record<string, OrderPayment> = Object.fromEntries(
      items.flatMap(item => {
        const payment = paymentOf(item.evidence.answer, paidAt)
        return payment === null ? [] : [[item.lease.row.id, payment]]
      }),
    )
    const durationUs = (performance.now() - startedAt) * 1000
    for (const { row, tookMs } of captured) {
      const facts = factsOf(orders.get(row.id), payments[row.id], tookMs)
      changes.push({
        row,
        path: [{ to: 'committing', durationUs, facts }, { to: 'completed' }],
        leaseOwner: null,
        wakeInMs: null,
        tries: 0,
      })
    }
    const after = new Map(changeRows(tx, changes).map(row => [row.id, row]))
    const events: NewEvent[] = []
    for (const { row: before, tookMs } of captured) {
      const { id } = before
      const row = after.get(id)
      const order = orders.get(id)
      if (row === undefined || order === undefined) throw new Error(`checkout ${id} was captured without an order`)
      order.status = 'paid'
      order.paidAt = paidAt
      const payment = payments[id]
      if (payment !== undefined) order.metadata = { ...order.metadata, payment }
      const capturing: PathStep = { to: 'capturing', durationUs: tookMs * 1000 }
      events.push(...phaseEvents(context, row, [capturing, { to: 'committing', durationUs }]))
      events.push({
        checkoutId: id,
        type: 'CheckoutCompleted',
        payload: { lock: lockOf(row), orderId: order.id },
      })
    }
    context.outbox.publish(tx, events)
    // Last, so that a row of stock that everybody wants is locked as briefly as can be.
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
