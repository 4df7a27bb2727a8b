/**
 * The step `place`: records the answers to authorizations, creates the orders of those that succeeded, makes their holds
 * firm, and writes the intents to capture (phases 5 and 6). The intent to capture is the pivot. One transaction per
 * batch.
 */
import { isDeepStrictEqual } from 'node:util'
import type { CheckoutRow, PathStep } from '../../database/checkout-row.ts'
import { type CheckoutUpdate, changeRows, lockOf, lockRows } from '../../database/checkouts.ts'
import type { OrderMetadata } from '../../domain/order.ts'
import type { RequiredAction } from '../../domain/outcome.ts'
import type { NewEvent } from '../../events/outbox.ts'
import type { GatewayAnswer } from '../../payments/gateway.ts'
import { recordAnswers } from '../../payments/operations.ts'
import type { AuthorizationVerdict } from '../../phases/4-authorize-payment.ts'
import { createOrder, type PriceDrift } from '../../phases/5-create-order.ts'
import { capturePayment } from '../../phases/6-capture-payment.ts'
import { readOrdersOf } from '../../shop/orders/orders.ts'
import { awaitingCapture, phaseEvents } from '../announce.ts'
import { backoffMs, type SagaContext } from '../context.ts'
import { expired } from '../failures.ts'
import { type Evidence, isCurrent, type Lease, leasedForMs, type Next } from '../lease.ts'

export interface PlaceItem {
  lease: Lease
  evidence: Evidence
  /** Decided from the leased row. It holds for the locked row too, since that has not changed if the lease is current. */
  verdict: Exclude<AuthorizationVerdict, { to: 'unwind' }>
}

/** An authorization that succeeded: its checkout gets an order. */
interface Placed {
  row: CheckoutRow
  item: PlaceItem
}

export function place(context: SagaContext, items: readonly PlaceItem[]): Promise<Next[]> {
  const ids = items.map(item => item.lease.row.id)
  return context.db.transaction(async tx => {
    const startedAt = performance.now()
    const [rows, drifts] = await Promise.all([
      lockRows(tx, ids),
      createOrder.read(tx, ids, context.numbers.priceDriftToleranceMinor),
    ])
    const rowById = new Map(rows.map(row => [row.id, row]))
    const placed: Placed[] = []
    const changes: CheckoutUpdate[] = []
    const answered: PlaceItem[] = []
    const events: NewEvent[] = []
    const early = items.map((item): Next | null => {
      const row = rowById.get(item.lease.row.id)
      if (!isCurrent(item.lease, row)) return { kind: 'replaced' }
      // The hold may be gone, so an authorization that arrives after the expiry is undone.
      if (row.expired) {
        return { kind: 'unwinds', lease: item.lease, failure: expired(row.state), evidence: item.evidence }
      }
      answered.push(item)
      if (item.verdict.to === 'place') placed.push({ row, item })
      else changes.push(restingChange(context, row, item))
      events.push(...actionEvents(row, item))
      return null
    })
    recordAnswers(
      tx,
      answered.map(({ lease, evidence }) => ({ checkoutId: lease.row.id, ...evidence })),
    )
    const orderIds = createOrder.write(
      tx,
      placed.map(({ row, item }) => ({ checkoutId: row.id, metadata: orderMetadata(item) })),
    )
    const durationUs = (performance.now() - startedAt) * 1000
    const now = placed.filter(({ row }) => row.details?.captureLater !== true)
    capturePayment.write(
      tx,
      context.gateway.name,
      now.map(({ row, item }) => ({ row, reference: referenceOf(item) })),
    )
    for (const each of placed) {
      const details = { orderId: orderIds.get(each.row.id), drift: drifts.get(each.row.id), durationUs }
      const change = placedChange(context, each, details)
      changes.push(change)
      events.push(...placedEvents(context, each, change, details))
    }
    context.outbox.publish(tx, events)
    const after = new Map(changeRows(tx, changes).map(row => [row.id, row]))
    const waiting = placed.filter(({ row }) => row.details?.captureLater === true).map(({ row }) => row.id)
    const orders = waiting.length === 0 ? new Map() : await readOrdersOf(tx, waiting)
    return items.map((item, index): Next => {
      const result = early[index] ?? null
      if (result !== null) return result
      const { id } = item.lease.row
      const row = after.get(id)
      if (row === undefined) return { kind: 'replaced' }
      if (row.state !== 'capturing') return { kind: 'rests', row, order: orders.get(id) ?? null }
      return { kind: 'continues', lease: captureLease(item, row, orderIds.get(id) ?? null) }
    })
  })
}

/** The change of a checkout that waits: for its buyer, or for a definite answer. */
function restingChange(context: SagaContext, row: CheckoutRow, { verdict, evidence }: PlaceItem): CheckoutUpdate {
  const { answer } = evidence
  if (verdict.to === 'await_action' && answer.outcome === 'action_required') {
    const { action } = answer
    return { row, path: [{ to: 'awaiting_action' }], leaseOwner: null, wakeAt: row.expires_at, tries: 0, action }
  }
  const afterMs = verdict.to === 'wait' ? verdict.afterMs : backoffMs(context, row.tries)
  return { row, path: [], leaseOwner: null, wakeInMs: afterMs, tries: row.tries + 1 }
}

/** `PaymentActionRequired`, unless the buyer already has the same action to take. */
function actionEvents(row: CheckoutRow, { verdict, evidence: { answer } }: PlaceItem): NewEvent[] {
  if (verdict.to !== 'await_action' || answer.outcome !== 'action_required') return []
  const action: RequiredAction = answer.action
  if (isDeepStrictEqual(row.action, action)) return []
  const lock = lockOf({ ...row, state: 'awaiting_action' })
  return [{ checkoutId: row.id, type: 'PaymentActionRequired', payload: { lock, action } }]
}

interface PlacedDetails {
  orderId: string | undefined
  drift: PriceDrift[] | undefined
  durationUs: number
}

/** The change of a checkout that gets its order: capture now, or wait until the shop captures. */
function placedChange(context: SagaContext, { row, item }: Placed, details: PlacedDetails): CheckoutUpdate {
  const { orderId, drift, durationUs } = details
  const { answer } = item.evidence
  const later = row.details?.captureLater === true
  const reference = referenceOf(item)
  const validUntil = answer.outcome === 'succeeded' ? (answer.validUntil ?? null) : null
  const facts = { orderId, reference, sinceMs: leasedForMs(item.lease, row) }
  const path: PathStep[] = [
    { to: 'creating_order', durationUs, facts, ...(drift === undefined ? {} : { details: { priceDrift: drift } }) },
    { to: later ? 'awaiting_capture' : 'capturing' },
  ]
  return {
    row,
    path,
    tries: 0,
    sealedToken: null,
    action: null,
    authorizationValidUntil: validUntil,
    metadata: { ...row.metadata, payment_authorization: lockAuthorization(row, reference, answer) },
    ...(later ? { leaseOwner: null } : { leaseOwner: context.workerId }),
    ...(later ? { wakeInMs: untilRelease(context, row, validUntil) } : renewal(row, context.numbers.leaseMs)),
  }
}

function placedEvents(
  context: SagaContext,
  { row, item }: Placed,
  { metadata = row.metadata }: CheckoutUpdate,
  { orderId, drift, durationUs }: PlacedDetails,
): NewEvent[] {
  const events: NewEvent[] = []
  if (drift !== undefined) {
    events.push({ checkoutId: row.id, type: 'PriceDriftDetected', payload: { lock: lockOf(row), drifts: drift } })
  }
  const authorizing: PathStep = { to: 'authorizing', durationUs: leasedForMs(item.lease, row) * 1000 }
  events.push(...phaseEvents(context, row, [authorizing, { to: 'creating_order', durationUs }]))
  if (row.details?.captureLater === true) {
    events.push(awaitingCapture({ ...row, state: 'awaiting_capture', metadata }, orderId))
  }
  return events
}

/** The lease continues with the capture, whose intent was written just now. */
function captureLease(item: PlaceItem, row: CheckoutRow, orderId: string | null): Lease {
  return { ...item.lease, row, fresh: true, ageMs: 0, token: null, reference: referenceOf(item), orderId }
}

function referenceOf(item: PlaceItem): string | null {
  const { answer } = item.evidence
  return 'reference' in answer ? (answer.reference ?? item.lease.reference) : item.lease.reference
}

/** The order's part of the authorization: the bank transfer details, if the buyer pays that way. */
function orderMetadata({ evidence: { answer } }: PlaceItem): OrderMetadata {
  return answer.outcome === 'succeeded' && answer.transfer !== undefined ? { transfer: answer.transfer } : {}
}

/** The lock's part of the authorization, `payment_authorization` in its metadata. */
function lockAuthorization(row: CheckoutRow, reference: string | null, answer: GatewayAnswer): Record<string, unknown> {
  return {
    authorization_id: reference,
    status: 'authorized',
    amount: row.total_minor,
    currency: row.currency,
    authorized_at: row.now,
    gateway_response: answer.outcome === 'succeeded' ? (answer.details ?? {}) : {},
  }
}

/** Renews the lease only after half of it has passed: a row whose indexed columns do not change is cheaper to write. */
function renewal(row: CheckoutRow, leaseMs: number): { wakeInMs?: number } {
  const left = row.wake_at === null ? 0 : Date.parse(row.wake_at) - Date.parse(row.now)
  return left > leaseMs / 2 ? {} : { wakeInMs: leaseMs }
}

const defaultValidityMs = 7 * 24 * 3600 * 1000

/** Milliseconds until an uncaptured authorization is released. Without a `validUntil` it is taken as valid for a week. */
function untilRelease({ gateway, numbers }: SagaContext, row: CheckoutRow, validUntil: string | null): number {
  // A payment that the buyer makes later is looked up at the very end of its validity, so it gets no margin.
  const marginMs = gateway.paidLater === true ? 0 : numbers.captureMarginMs
  const validMs = validUntil === null ? defaultValidityMs : Date.parse(validUntil) - Date.parse(row.now)
  return Math.max(0, validMs - marginMs)
}
