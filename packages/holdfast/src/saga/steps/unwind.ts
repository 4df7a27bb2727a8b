/**
 * The step `unwind`: undoes checkouts in reverse order of their phases. One transaction per batch. Stock, coupon, and cart
 * are released only after the gateway has confirmed that nothing is open there. Until then the checkout rests in
 * `rolling_back` and is retried without end. Protects B3 and A6.
 */

import type { CheckoutRow, PathStep, StepFacts } from '../../database/checkout-row.ts'
import { type CheckoutUpdate, changeRows, lockRows } from '../../database/checkouts.ts'
import type { Transaction } from '../../database/database.ts'
import { triesBeforeAlert } from '../../domain/alert.ts'
import type { Failure } from '../../domain/failure.ts'
import { groupBy } from '../../domain/group-by.ts'
import type { PhaseName } from '../../domain/states.ts'
import type { NewEvent } from '../../events/outbox.ts'
import { latest, type OperationRow, readOperations, recordAnswers, recordIntents } from '../../payments/operations.ts'
import { reserveInventory } from '../../phases/2-reserve-inventory.ts'
import { authorizePayment, type UndoOperation } from '../../phases/4-authorize-payment.ts'
import { createOrder } from '../../phases/5-create-order.ts'
import { failureEvents, rollbackEvents } from '../announce.ts'
import { backoffMs, type SagaContext } from '../context.ts'
import { type Evidence, isCurrent, type Lease, type Next } from '../lease.ts'
import { transaction } from '../transaction.ts'

export type UnwindItem =
  /** From the worker that holds the lease. `failure` is null if the checkout is rolling back already. */
  | { lease: Lease; failure: Failure | null; evidence: Evidence | null }
  /** From outside, such as a cancellation: takes over the checkout if it can still be undone. */
  | { lockId: string; sessionId: string | null; failureIn(row: CheckoutRow): Failure }

/** One checkout of the batch that is undone. */
interface Work {
  row: CheckoutRow
  item: UnwindItem
  evidence: Evidence | null
  failure: Failure
  epoch: number
}

export function unwind(context: SagaContext, items: readonly UnwindItem[]): Promise<Next[]> {
  const ids = [...new Set(items.map(idOf))]
  return transaction(context, async (tx, context) => {
    const [rows, operations] = await Promise.all([lockRows(tx, ids), readOperations(tx, ids)])
    const rowById = new Map(rows.map(row => [row.id, row]))
    const operationsOf = groupBy(operations, operation => operation.checkout_id)
    const works: Work[] = []
    const early = new Map<UnwindItem, Next>()
    for (const item of items) {
      const admitted = admit(item, rowById.get(idOf(item)))
      if ('kind' in admitted) {
        early.set(item, admitted)
        continue
      }
      works.push(admitted)
      // A second request for the same checkout in this batch is answered as replaced.
      rowById.delete(admitted.row.id)
    }
    const done = write(context, tx, works, operationsOf)
    return items.map((item): Next => early.get(item) ?? done.get(idOf(item)) ?? { kind: 'replaced' })
  })
}

function idOf(item: UnwindItem): string {
  return 'lease' in item ? item.lease.row.id : item.lockId
}

function admit(item: UnwindItem, row: CheckoutRow | undefined): Work | Next {
  if ('lease' in item) {
    if (!isCurrent(item.lease, row)) return { kind: 'replaced' }
    const failure = row.failure ?? item.failure
    if (failure === null) throw new Error(`checkout ${row.id} cannot be unwound without a failure`)
    return { row, item, evidence: item.evidence, failure, epoch: row.epoch }
  }
  if (row === undefined) return { kind: 'replaced' }
  if (item.sessionId !== null && item.sessionId !== row.session_id) return { kind: 'replaced' }
  const undoable =
    row.state === 'pending' ||
    row.state === 'authorizing' ||
    row.state === 'awaiting_action' ||
    row.state === 'awaiting_capture' ||
    (row.state === 'rolling_back' && (row.lease_owner === null || row.awake))
  if (!undoable) return { kind: 'rests', row, order: null }
  return { row, item, evidence: null, failure: row.failure ?? item.failureIn(row), epoch: row.epoch + 1 }
}

/** Records the evidence. Ends each checkout that has nothing open at the gateway; writes the next intent of the others. */
function write(
  context: SagaContext,
  tx: Transaction,
  works: readonly Work[],
  operationsOf: Map<string, OperationRow[]>,
): Map<string, Next> {
  recordAnswers(
    tx,
    works.flatMap(({ row, evidence }) => {
      if (evidence === null) return []
      const proven = provenBy(evidence, operationsOf.get(row.id) ?? [])
      return [evidence, ...proven].map(known => ({ checkoutId: row.id, ...known }))
    }),
  )
  const changes: CheckoutUpdate[] = []
  const ending: { work: Work; undone: PhaseName[] }[] = []
  const continuing = new Map<string, UndoOperation>()
  for (const work of works) {
    const { row } = work
    const operations = withEvidence(operationsOf.get(row.id) ?? [], work.evidence)
    const next = authorizePayment.undo(operations)
    if (next === null) {
      const undone = undonePhases(operations)
      changes.push(endingUpdate(context, work, operations, undone))
      ending.push({ work, undone })
      continue
    }
    const isUnsettled = leavesOpen(work.evidence, next)
    const tries = isUnsettled ? row.tries + 1 : 0
    if (tries >= triesBeforeAlert) alertStuck(context, row, tries)
    if (next.isNew) intendUndo(context, tx, row, next)
    changes.push(rollingBackUpdate(context, work, isUnsettled, tries))
    if (!isUnsettled) continuing.set(row.id, next)
  }
  releaseAll(tx, ending)
  const after = new Map(changeRows(tx, changes).map(row => [row.id, row]))
  publish(context, tx, ending, after)
  return nextOf(works, after, continuing)
}

/** True if the gateway did not settle the operation, or refused it again: the checkout rests until its next attempt. */
function leavesOpen(evidence: Evidence | null, next: UndoOperation): boolean {
  if (evidence?.kind !== next.kind) return false
  return next.isNew || evidence.attempt === next.attempt
}

function alertStuck({ log }: SagaContext, { id: lockId, cart_id: cartId }: CheckoutRow, tries: number): void {
  log.error('[Checkout] rollback stuck: the gateway has not confirmed the void or refund', {
    alert: 'rollback_stuck',
    lockId,
    cartId,
    tries,
  })
}

/** The transition to `rolling_back`, unless the checkout is there already. */
function entryPath({ row, failure }: Work): PathStep[] {
  if (row.state === 'rolling_back') return []
  return [{ to: 'rolling_back', details: { failure: failure.code, phase: failure.phase } }]
}

function endingUpdate(
  context: SagaContext,
  work: Work,
  operations: readonly OperationRow[],
  undone: PhaseName[],
): CheckoutUpdate {
  const { row, failure, epoch } = work
  const isPending = row.state === 'pending'
  const facts = { isReleased: !isPending || context.numbers.holdOn === 'start', ...undonePayment(operations) }
  const path: PathStep[] = isPending
    ? [{ to: 'failed', facts }]
    : [...entryPath(work), { to: 'failed', details: { undone }, facts }]
  return {
    row,
    path,
    epoch,
    failure,
    holdsCart: false,
    leaseOwner: null,
    wakeInMs: null,
    sealedToken: null,
    action: null,
  }
}

function rollingBackUpdate(context: SagaContext, work: Work, isUnsettled: boolean, tries: number): CheckoutUpdate {
  const { row, failure, epoch } = work
  return {
    row,
    path: entryPath(work),
    epoch,
    failure,
    sealedToken: null,
    action: null,
    tries,
    leaseOwner: isUnsettled ? null : context.workerId,
    wakeInMs: isUnsettled ? backoffMs(context, tries) : context.numbers.leaseMs,
  }
}

/** A payment that was captured must have been authorized, even if that answer was lost: settles the authorization too. */
function provenBy({ kind, answer }: Evidence, operations: readonly OperationRow[]): Evidence[] {
  if (kind !== 'void' || answer.outcome !== 'declined' || answer.code !== 'already_captured') return []
  const open = operations.find(operation => operation.kind === 'authorize' && operation.status === 'intended')
  if (open === undefined) return []
  const { attempt, amount_minor: amountMinor, currency } = open
  const reference = answer.reference ?? open.reference ?? ''
  return [{ kind: 'authorize', attempt, answer: { outcome: 'succeeded', reference, amountMinor, currency } }]
}

/** The operations of a checkout, with the new evidence applied. */
function withEvidence(operations: readonly OperationRow[], evidence: Evidence | null): OperationRow[] {
  return operations.map(operation => {
    if (evidence === null || operation.kind !== evidence.kind || operation.attempt !== evidence.attempt)
      return operation
    const { answer } = evidence
    const definite = answer.outcome === 'succeeded' || answer.outcome === 'declined'
    return {
      ...operation,
      status: definite && operation.status === 'intended' ? answer.outcome : operation.status,
      reference: ('reference' in answer ? answer.reference : null) ?? operation.reference,
      answer,
    }
  })
}

/** The undone phases in reverse order, derived from the operations. */
function undonePhases(operations: readonly OperationRow[]): PhaseName[] {
  const undone: PhaseName[] = []
  if (operations.some(operation => operation.kind === 'capture')) undone.push('order_creation')
  if (operations.some(operation => operation.kind === 'void' || operation.kind === 'refund')) {
    undone.push('payment_authorization')
  }
  return [...undone, 'price_lock', 'inventory_reservation']
}

/** How the gateway undid the payment. */
function undonePayment(operations: readonly OperationRow[]): Pick<StepFacts, 'payment' | 'reference'> {
  const done = (kind: 'void' | 'refund') => latest(operations, kind)?.status === 'succeeded'
  const payment = done('refund') ? 'refunded' : done('void') ? 'voided' : undefined
  return { payment, reference: latest(operations, 'authorize')?.reference ?? null }
}

function intendUndo(context: SagaContext, tx: Transaction, row: CheckoutRow, next: UndoOperation): void {
  recordIntents(tx, [
    {
      checkoutId: row.id,
      kind: next.kind,
      attempt: next.attempt,
      gateway: row.gateway ?? context.gateway.name,
      amountMinor: next.amountMinor,
      currency: next.currency,
      reference: next.reference,
      purpose: { reason: 'rollback' },
    },
  ])
}

/** Releases everything in reverse order: cancels the orders, releases the holds and coupon claims. */
function releaseAll(tx: Transaction, ending: readonly { work: Work }[]): void {
  const ids = ending.map(({ work }) => work.row.id)
  createOrder.undo(tx, ids)
  reserveInventory.undo(tx, ids)
}

function publish(
  context: SagaContext,
  tx: Transaction,
  ending: readonly { work: Work; undone: PhaseName[] }[],
  after: Map<string, CheckoutRow>,
): void {
  const events: NewEvent[] = []
  for (const { work, undone } of ending) {
    const row = after.get(work.row.id)
    if (row === undefined) continue
    events.push(...rollbackEvents(context, row, undone), ...failureEvents(row, work.failure))
  }
  context.outbox.publish(tx, events)
}

function nextOf(
  works: readonly Work[],
  after: Map<string, CheckoutRow>,
  continuing: Map<string, UndoOperation>,
): Map<string, Next> {
  const nexts = new Map<string, Next>()
  for (const { row, item, evidence } of works) {
    const now = after.get(row.id)
    const undo = continuing.get(row.id)
    if (now === undefined) continue
    if (undo === undefined) {
      nexts.set(row.id, { kind: 'rests', row: now, order: null })
      continue
    }
    const known = 'lease' in item ? item.lease.reference : null
    const found = evidence !== null && 'reference' in evidence.answer ? (evidence.answer.reference ?? null) : null
    const lease: Lease = {
      row: now,
      fresh: undo.isNew,
      ageMs: undo.ageMs,
      token: null,
      reference: undo.reference ?? found ?? known,
      orderId: null,
      undo,
    }
    nexts.set(row.id, { kind: 'continues', lease })
  }
  return nexts
}
