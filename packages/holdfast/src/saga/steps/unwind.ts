/**
 * The step `unwind`: undoes checkouts in reverse order of their phases, each step recorded, one transaction for a set.
 * Nothing is let go before the gateway has said that nothing is open there: until then the checkout rests in
 * `rolling_back` and is asked about again, for ever. Protects B3 and A6.
 */

import type { CheckoutRow, PathStep, StepFacts } from '../../database/checkout-row.ts'
import { type CheckoutUpdate, changeRows, lockRows } from '../../database/checkouts.ts'
import type { Transaction } from '../../database/database.ts'
import { triesBeforeAlert } from '../../domain/alert.ts'
import type { Failure } from '../../domain/failure.ts'
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
  /** By whoever holds the claim. `failure` is null where it is rolling back already. */
  | { lease: Lease; failure: Failure | null; evidence: Evidence | null }
  /** By force, from outside: taken over if it can still be undone. */
  | { lockId: string; sessionId: string | null; failureIn(row: CheckoutRow): Failure }

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
    const operationsOf = groupById(operations)
    const works = new Map<UnwindItem, Work>()
    const early = new Map<UnwindItem, Next>()
    for (const item of items) {
      const row = rowById.get(idOf(item))
      const admitted = admit(item, row)
      if ('kind' in admitted) early.set(item, admitted)
      else {
        works.set(item, admitted)
        // A second request for the same checkout in this set finds it taken.
        rowById.delete(admitted.row.id)
      }
    }
    const done = write(context, tx, [...works.values()], operationsOf)
    return items.map((item): Next => early.get(item) ?? done.get(idOf(item)) ?? { kind: 'replaced' })
  })
}

function idOf(item: UnwindItem): string {
  return 'lease' in item ? item.lease.row.id : item.lockId
}

function groupById(operations: readonly OperationRow[]): Map<string, OperationRow[]> {
  const groups = new Map<string, OperationRow[]>()
  for (const operation of operations) {
    const group = groups.get(operation.checkout_id)
    if (group === undefined) groups.set(operation.checkout_id, [operation])
    else group.push(operation)
  }
  return groups
}

function admit(item: UnwindItem, row: CheckoutRow | undefined): Work | Next {
  if ('lease' in item) {
    if (!isCurrent(item.lease, row)) return { kind: 'replaced' }
    const failure = row.failure ?? item.failure
    if (failure === null) throw new Error(`checkout ${row.id} is to be unwound without a reason`)
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

/** Records the evidence, then ends what can end and writes the next intent for what cannot. */
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
  const going = new Map<string, UndoOperation>()
  for (const work of works) {
    const { row, failure, epoch } = work
    const operations = withEvidence(operationsOf.get(row.id) ?? [], work.evidence)
    const next = authorizePayment.undo(operations)
    const enters: PathStep[] =
      row.state === 'rolling_back'
        ? []
        : [{ to: 'rolling_back', details: { failure: failure.code, phase: failure.phase } }]
    if (next === null) {
      const undone = undonePhases(operations)
      const isPending = row.state === 'pending'
      const facts = { isReleased: !isPending || context.numbers.holdOn === 'start', ...undonePayment(operations) }
      const path: PathStep[] = isPending
        ? [{ to: 'failed', facts }]
        : [...enters, { to: 'failed', details: { undone }, facts }]
      changes.push({
        row,
        path,
        epoch,
        failure,
        holdsCart: false,
        leaseOwner: null,
        wakeInMs: null,
        sealedToken: null,
        action: null,
      })
      ending.push({ work, undone })
      continue
    }
    // The gateway did not settle it: rest, and ask again later under the same key.
    const unanswered = work.evidence?.kind === next.kind && work.evidence.attempt === next.attempt
    const refusedAgain = next.isNew && work.evidence?.kind === next.kind
    const rests = unanswered || refusedAgain
    const tries = rests ? row.tries + 1 : 0
    if (tries >= triesBeforeAlert) {
      context.log.error('[Checkout] rollback stuck: the gateway has not confirmed the void or refund', {
        alert: 'rollback_stuck',
        lockId: row.id,
        cartId: row.cart_id,
        tries,
      })
    }
    if (next.isNew) intendUndo(context, tx, row, next)
    changes.push({
      row,
      path: enters,
      epoch,
      failure,
      sealedToken: null,
      action: null,
      tries,
      leaseOwner: rests ? null : context.workerId,
      wakeInMs: rests ? backoffMs(context, tries) : context.numbers.leaseMs,
    })
    if (!rests) going.set(row.id, next)
  }
  letGo(tx, ending)
  const after = new Map(changeRows(tx, changes).map(row => [row.id, row]))
  publish(context, tx, ending, after)
  return nextOf(works, after, going)
}

/** Money that was taken already had been authorized, though we never heard of it. */
function provenBy({ kind, answer }: Evidence, operations: readonly OperationRow[]): Evidence[] {
  if (kind !== 'void' || answer.outcome !== 'declined' || answer.code !== 'already_captured') return []
  const open = operations.find(operation => operation.kind === 'authorize' && operation.status === 'intended')
  if (open === undefined) return []
  const { attempt, amount_minor: amountMinor, currency } = open
  const reference = answer.reference ?? open.reference ?? ''
  return [{ kind: 'authorize', attempt, answer: { outcome: 'succeeded', reference, amountMinor, currency } }]
}

/** The operations of a checkout as they are with what the gateway has just said. */
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

/** What is undone, in reverse order: known from what was done. */
function undonePhases(operations: readonly OperationRow[]): PhaseName[] {
  const undone: PhaseName[] = []
  if (operations.some(operation => operation.kind === 'capture')) undone.push('order_creation')
  if (operations.some(operation => operation.kind === 'void' || operation.kind === 'refund')) {
    undone.push('payment_authorization')
  }
  return [...undone, 'price_lock', 'inventory_reservation']
}

/** What the gateway did to undo the payment, last. */
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

/** Lets go of everything, in reverse: the order is cancelled, holds and coupon claims released. */
function letGo(tx: Transaction, ending: readonly { work: Work }[]): void {
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
  going: Map<string, UndoOperation>,
): Map<string, Next> {
  const nexts = new Map<string, Next>()
  for (const { row, item, evidence } of works) {
    const now = after.get(row.id)
    const undo = going.get(row.id)
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
