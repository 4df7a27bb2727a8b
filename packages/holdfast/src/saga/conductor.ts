/**
 * The conductor: what a call on the engine becomes. It puts requests into lanes, drives what they claim, and where
 * another process has a checkout, waits for it to come to rest, so that a double click, two tabs and a retry after a
 * lost response all get the same answer.
 */

import { LaneFull } from '../concurrency/lane.ts'
import type { CheckoutRow } from '../database/checkout-row.ts'
import { readRows } from '../database/checkouts.ts'
import { DatabaseError } from '../database/database.ts'
import { CheckoutError, type Failure } from '../domain/failure.ts'
import type { Order } from '../domain/order.ts'
import type { Outcome } from '../domain/outcome.ts'
import { isFinal, stateName } from '../domain/states.ts'
import type { RefundOutcome } from '../engine/checkout-engine.ts'
import { readOperations } from '../payments/operations.ts'
import { readOrders, readOrdersOf } from '../shop/orders/orders.ts'
import { type SagaContext, traced } from './context.ts'
import { drive, resumeFromState } from './drive.ts'
import type { Lanes } from './lanes.ts'
import type { Next } from './lease.ts'
import { intendRefund, type RefundItem } from './refunds/refund.ts'
import { resultOf } from './result.ts'
import type { PrepareItem } from './steps/prepare.ts'

export interface ConductorOptions {
  context: SagaContext
  lanes: Lanes
  /** Resolves when a checkout moved, or after `timeoutMs`. */
  waitFor(checkoutId: string, options: { timeoutMs: number }): Promise<unknown>
  /** How long a caller waits for somebody else's work before it is told "processing". */
  answerWithinMs: number
}

export interface Conductor {
  process(item: PrepareItem): Promise<Outcome>
  /** Takes a checkout that nobody works on and carries it on. */
  resume(lockId: string): Promise<Outcome>
  capture(lockId: string): Promise<Outcome>
  /** Takes a checkout that can still be undone, whoever works on it, and undoes it. */
  undo(lockId: string, failureIn: (row: CheckoutRow) => Failure): Promise<Outcome>
  refund(item: RefundItem): Promise<RefundOutcome>
  /** @throws {CheckoutError} `checkout_not_found`, also for another session's. */
  rowOf(lockId: string, sessionId: string | undefined): Promise<CheckoutRow>
}

export function notFound(lockId: string): CheckoutError {
  return new CheckoutError('checkout_not_found', 'There is no such checkout.', { context: { lock_id: lockId } })
}

export function createConductor(options: ConductorOptions): Conductor {
  const { context, lanes, waitFor, answerWithinMs } = options
  const { db, log } = context
  /** What is under way in this process, by checkout and caller: a double click joins the first. */
  const underWay = new Map<string, Promise<Outcome>>()

  function joined(key: string, run: () => Promise<Outcome>): Promise<Outcome> {
    const running = underWay.get(key)
    if (running !== undefined) return running
    if (underWay.size >= context.numbers.queueMax) return Promise.reject(new LaneFull('checkouts under way'))
    const started = run().finally(() => underWay.delete(key))
    underWay.set(key, started)
    return started
  }

  async function told(row: CheckoutRow, order: Order | null): Promise<Outcome> {
    const needsOrder = order === null && (row.state === 'completed' || row.state === 'awaiting_capture')
    const found = needsOrder ? ((await readOrdersOf(db, [row.id])).get(row.id) ?? null) : order
    return resultOf(row, found)
  }

  /** Drives to rest and tells what came of it; where somebody else took over, waits for theirs. */
  async function driven(lockId: string, next: Next): Promise<Outcome> {
    try {
      const rest = await drive(context, lanes, next)
      return rest.kind === 'rests' ? await told(rest.row, rest.order) : await awaited(lockId)
    } catch (error) {
      // What became of the last step, its rows will say: whoever recovers the checkout reads them.
      if (!(error instanceof DatabaseError) || error.code !== 'commit_unknown') throw error
      log.warn('[Checkout] the outcome of a commit is unknown', { lockId })
      return awaited(lockId)
    }
  }

  async function awaited(lockId: string): Promise<Outcome> {
    let left = answerWithinMs
    for (;;) {
      // Listening begins before looking, so that nothing falls in between.
      const moved = waitFor(lockId, { timeoutMs: Math.min(1_000, Math.max(left, 1)) })
      const [row] = await readRows(db, [lockId])
      if (row === undefined) throw notFound(lockId)
      const busy = row.lease_owner !== null && !isFinal(row.state)
      if (!busy || left <= 0) return told(row, null)
      const startedAt = performance.now()
      await moved
      left -= Math.max(performance.now() - startedAt, 1)
    }
  }

  async function seized(lockId: string, want: 'resume' | 'capture'): Promise<Outcome> {
    const taken = await lanes.takeOver.submit({ lockId, want })
    switch (taken.kind) {
      case 'absent':
        throw notFound(lockId)
      case 'rests':
        return awaited(lockId)
      case 'leased':
        return driven(lockId, resumeFromState(context, taken.lease))
      default:
        return taken satisfies never
    }
  }

  async function rowOf(lockId: string, sessionId: string | undefined): Promise<CheckoutRow> {
    const [row] = await readRows(db, [lockId])
    if (row === undefined || (sessionId !== undefined && row.session_id !== sessionId)) throw notFound(lockId)
    return row
  }

  function processed(item: PrepareItem): Promise<Outcome> {
    // Only who asks for the same session joins: a stranger's refusal is not the buyer's answer.
    return joined(`${item.lockId} ${item.sessionId ?? ''}`, async () => {
      const prepared = await lanes.prepare.submit(item)
      switch (prepared.kind) {
        case 'absent':
          throw notFound(item.lockId)
        case 'not_pending':
          return awaited(item.lockId)
        case 'refused':
          return driven(item.lockId, { kind: 'rests', row: prepared.row, order: null })
        case 'leased':
          return driven(item.lockId, { kind: 'continues', lease: prepared.lease })
        default:
          return prepared satisfies never
      }
    })
  }

  async function captured(lockId: string): Promise<Outcome> {
    const row = await rowOf(lockId, undefined)
    if (row.state !== 'awaiting_capture' && row.state !== 'capturing' && row.state !== 'completed') {
      const message = `This checkout does not wait for its capture: it is "${stateName(row.state)}".`
      throw new CheckoutError('not_capturable', message, { context: { state: row.state } })
    }
    return joined(`capture ${lockId}`, () => seized(lockId, 'capture'))
  }

  async function undone(lockId: string, failureIn: (row: CheckoutRow) => Failure): Promise<Outcome> {
    const next = await lanes.unwind.submit({ lockId, sessionId: null, failureIn })
    return next.kind === 'rests' && next.row.lease_owner !== null ? awaited(lockId) : driven(lockId, next)
  }

  async function refunded(item: RefundItem): Promise<RefundOutcome> {
    const intent = await intendRefund(context, item)
    const { attempt } = intent
    const { amountMinor: refundedMinor, lines } = intent.refund
    if (intent.kind === 'leased') await drive(context, lanes, { kind: 'continues', lease: intent.lease })
    if (intent.kind === 'under_way') {
      // Whoever began it may be gone: who asks again asks the gateway again.
      const taken = await lanes.takeOver.submit({ lockId: item.checkoutId, want: 'refund' })
      if (taken.kind === 'leased') await drive(context, lanes, resumeFromState(context, taken.lease))
    }
    const [operations, orders] = await Promise.all([
      readOperations(db, [item.checkoutId]),
      readOrders(db, [intent.order.id]),
    ])
    const order = orders.get(intent.order.id) ?? intent.order
    const told = { order, refundedMinor, lines }
    if (intent.kind === 'done') return { status: 'refunded', ...told, message: 'This refund was made before.' }
    // This one's own record decides: another refund may have been made meanwhile.
    const made = operations.find(operation => operation.kind === 'refund' && operation.attempt === attempt)
    switch (made?.status) {
      case 'succeeded':
        return { status: 'refunded', ...told, message: 'Refunded.' }
      case 'declined':
        return { status: 'failed', order, refundedMinor: 0, lines: [], message: 'The gateway refused the refund.' }
      default: {
        const message = 'The gateway has not confirmed the refund yet; it is asked again.'
        return { status: 'processing', ...told, message }
      }
    }
  }

  return {
    rowOf,

    process: item => traced(context, 'process', item.lockId, () => processed(item)),
    resume: lockId => traced(context, 'resume', lockId, () => joined(lockId, () => seized(lockId, 'resume'))),
    capture: lockId => traced(context, 'capture', lockId, () => captured(lockId)),
    undo: (lockId, failureIn) => traced(context, 'undo', lockId, () => undone(lockId, failureIn)),
    refund: item => traced(context, 'refund', item.checkoutId, () => refunded(item)),
  }
}
