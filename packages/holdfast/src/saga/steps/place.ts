/**
 * The step `place`: records what the gateway said of authorizations, creates the orders of those that stand, makes
 * their holds firm and writes the intent to capture (phases 5 and 6): the pivot. One transaction for a set.
 */
import { isDeepStrictEqual } from 'node:util'
import type { CheckoutRow, PathStep } from '../../database/checkout-row.ts'
import { type CheckoutUpdate, changeRows, lockOf, lockRows } from '../../database/checkouts.ts'
import type { OrderMetadata } from '../../domain/order.ts'
import type { RequiredAction } from '../../domain/outcome.ts'
import type { NewEvent } from '../../events/outbox.ts'
import type { GatewayAnswer } from '../../payments/gateway.ts'
import { recordAnswers } from '../../payments/operations.ts'
import { authorizePayment } from '../../phases/4-authorize-payment.ts'
import { createOrder } from '../../phases/5-create-order.ts'
import { capturePayment } from '../../phases/6-capture-payment.ts'
import { readOrdersOf } from '../../shop/orders/orders.ts'
import { awaitingCapture, phaseEvents } from '../announce.ts'
import { backoffMs, type SagaContext } from '../context.ts'
import { expired } from '../failures.ts'
import { type Evidence, isCurrent, type Lease, leasedForMs, type Next } from '../lease.ts'

export interface PlaceItem {
  lease: Lease
  evidence: Evidence
}

export function place(context: SagaContext, items: readonly PlaceItem[]): Promise<Next[]> {
  const { numbers } = context
  // Who is paid later is asked at the very end whether the money came.
  const captureMarginMs = context.gateway.paidLater === true ? 0 : numbers.captureMarginMs
  const ids = items.map(item => item.lease.row.id)
  return context.db.transaction(async tx => {
    const startedAt = performance.now()
    const [rows, drifts] = await Promise.all([
      lockRows(tx, ids),
      createOrder.read(tx, ids, numbers.priceDriftToleranceMinor),
    ])
    const rowById = new Map(rows.map(row => [row.id, row]))
    const placed: { row: CheckoutRow; item: PlaceItem }[] = []
    const changes: CheckoutUpdate[] = []
    const answered: PlaceItem[] = []
    const events: NewEvent[] = []
    const results: (Next | 'placed' | 'rests')[] = items.map(item => {
      const row = rowById.get(item.lease.row.id)
      if (!isCurrent(item.lease, row)) return { kind: 'replaced' }
      const verdict = authorizePayment.decide(row, item.evidence.answer, backoffMs(context, row.tries))
      const { answer } = item.evidence
      if (verdict.to === 'unwind') {
        return { kind: 'unwinds', lease: item.lease, failure: verdict.failure, evidence: item.evidence }
      }
      // What is held may not be there any more, what was asked may not be wanted any more.
      if (row.expired) {
        return { kind: 'unwinds', lease: item.lease, failure: expired(row.state), evidence: item.evidence }
      }
      answered.push(item)
      if (verdict.to === 'place') {
        placed.push({ row, item })
        return 'placed'
      }
      if (verdict.to === 'await_action' && answer.outcome === 'action_required') {
        const action: RequiredAction = answer.action
        changes.push({
          row,
          path: [{ to: 'awaiting_action' }],
          leaseOwner: null,
          wakeAt: row.expires_at,
          tries: 0,
          action,
        })
        const isNews = !isDeepStrictEqual(row.action, action)
        const lock = lockOf({ ...row, state: 'awaiting_action' })
        if (isNews) events.push({ checkoutId: row.id, type: 'PaymentActionRequired', payload: { lock, action } })
        return 'rests'
      }
      const afterMs = verdict.to === 'wait' ? verdict.afterMs : backoffMs(context, row.tries)
      changes.push({ row, path: [], leaseOwner: null, wakeInMs: afterMs, tries: row.tries + 1 })
      return 'rests'
    })
    recordAnswers(
      tx,
      answered.map(({ lease, evidence }) => ({ checkoutId: lease.row.id, ...evidence })),
    )
    const orderIds = createOrder.write(
      tx,
      placed.map(({ row, item }) => ({ checkoutId: row.id, metadata: metadataOf(item) })),
    )
    const durationUs = (performance.now() - startedAt) * 1000
    const now = placed.filter(({ row }) => row.details?.captureLater !== true)
    capturePayment.intendTo(
      tx,
      context.gateway.name,
      now.map(({ row, item }) => ({ row, reference: referenceOf(item) })),
    )
    for (const { row, item } of placed) {
      const drift = drifts.get(row.id)
      const later = row.details?.captureLater === true
      const { answer } = item.evidence
      const validUntil = answer.outcome === 'succeeded' ? (answer.validUntil ?? null) : null
      const reference = referenceOf(item)
      const facts = { orderId: orderIds.get(row.id), reference, sinceMs: leasedForMs(item.lease, row) }
      const metadata = { ...row.metadata, payment_authorization: authorizationOf(row, reference, answer) }
      const path: PathStep[] = [
        { to: 'creating_order', durationUs, facts, ...(drift === undefined ? {} : { details: { priceDrift: drift } }) },
        { to: later ? 'awaiting_capture' : 'capturing' },
      ]
      changes.push({
        row,
        path,
        tries: 0,
        sealedToken: null,
        action: null,
        authorizationValidUntil: validUntil,
        metadata,
        ...(later ? { leaseOwner: null } : { leaseOwner: context.workerId }),
        ...(later ? { wakeInMs: untilMs(row, validUntil, captureMarginMs) } : renewal(row, numbers.leaseMs)),
      })
      if (drift !== undefined) {
        events.push({ checkoutId: row.id, type: 'PriceDriftDetected', payload: { lock: lockOf(row), drifts: drift } })
      }
      const authorizing: PathStep = { to: 'authorizing', durationUs: facts.sinceMs * 1000 }
      events.push(...phaseEvents(context, row, [authorizing, { to: 'creating_order', durationUs }]))
      if (later) events.push(awaitingCapture({ ...row, state: 'awaiting_capture', metadata }, facts.orderId))
    }
    context.outbox.publish(tx, events)
    const after = new Map(changeRows(tx, changes).map(row => [row.id, row]))
    const waiting = placed.filter(({ row }) => row.details?.captureLater === true).map(({ row }) => row.id)
    const orders = waiting.length === 0 ? new Map() : await readOrdersOf(tx, waiting)
    return items.map((item, index): Next => {
      const result = results[index]
      if (typeof result === 'object') return result
      const row = after.get(item.lease.row.id)
      if (row === undefined) return { kind: 'replaced' }
      if (row.state !== 'capturing') return { kind: 'rests', row, order: orders.get(row.id) ?? null }
      const lease: Lease = {
        ...item.lease,
        row,
        fresh: true,
        ageMs: 0,
        token: null,
        reference: referenceOf(item),
        orderId: orderIds.get(row.id) ?? null,
      }
      return { kind: 'continues', lease }
    })
  })
}

function referenceOf(item: PlaceItem): string | null {
  const { answer } = item.evidence
  return 'reference' in answer ? (answer.reference ?? item.lease.reference) : item.lease.reference
}

/** What the order keeps of its authorization: how it is paid, where the buyer does that. */
function metadataOf({ evidence: { answer } }: PlaceItem): OrderMetadata {
  return answer.outcome === 'succeeded' && answer.transfer !== undefined ? { transfer: answer.transfer } : {}
}

/** What the lock tells of its authorization from now on. */
function authorizationOf(row: CheckoutRow, reference: string | null, answer: GatewayAnswer): Record<string, unknown> {
  return {
    authorization_id: reference,
    status: 'authorized',
    amount: row.total_minor,
    currency: row.currency,
    authorized_at: row.now,
    gateway_response: answer.outcome === 'succeeded' ? (answer.details ?? {}) : {},
  }
}

/** The lease is renewed once half of it is gone: a row whose indexed columns stay is cheaper to write. */
function renewal(row: CheckoutRow, leaseMs: number): { wakeInMs?: number } {
  const left = row.wake_at === null ? 0 : Date.parse(row.wake_at) - Date.parse(row.now)
  return left > leaseMs / 2 ? {} : { wakeInMs: leaseMs }
}

/** How long until an authorization that waits for its capture has to be let go; a week where the gateway does not say. */
function untilMs(row: CheckoutRow, validUntil: string | null, marginMs: number): number {
  const week = 7 * 24 * 3600 * 1000
  const valid = validUntil === null ? week : Date.parse(validUntil) - Date.parse(row.now)
  return Math.max(0, valid - marginMs)
}
