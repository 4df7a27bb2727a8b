/**
 * The saga's entry points. Each request goes through a lane and is driven to rest; if another worker holds the checkout,
 * the request waits for that worker's result. So a double click, two tabs, and a retry after a lost response all return
 * the same result.
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
import { readOrdersOf } from '../shop/orders/orders.ts'
import { type SagaContext, traced } from './context.ts'
import { drive, resumeFromState } from './drive.ts'
import type { Lanes } from './lanes.ts'
import type { Next } from './lease.ts'
import { makeRefund } from './refunds/make-refund.ts'
import type { RefundItem } from './refunds/refund.ts'
import { resultOf } from './result.ts'
import type { PrepareItem } from './steps/prepare.ts'

export interface ConductorOptions {
  context: SagaContext
  lanes: Lanes
  /** Resolves when the checkout changed its state, or after `timeoutMs`. */
  waitFor(checkoutId: string, options: { timeoutMs: number }): Promise<unknown>
  /** How long a request waits for another worker before it returns `processing`, milliseconds. */
  answerWithinMs: number
}

export interface Conductor {
  process(item: PrepareItem): Promise<Outcome>
  /** Takes over a checkout that no worker holds and drives it to rest. */
  resume(lockId: string): Promise<Outcome>
  /** @throws {CheckoutError} `not_capturable`. */
  capture(lockId: string): Promise<Outcome>
  /** Takes over a checkout that can still be undone, even from a worker that holds it, and undoes it. */
  undo(lockId: string, failureIn: (row: CheckoutRow) => Failure): Promise<Outcome>
  refund(item: RefundItem): Promise<RefundOutcome>
  /** @throws {CheckoutError} `checkout_not_found`, also if the checkout belongs to another session. */
  rowOf(lockId: string, sessionId: string | undefined): Promise<CheckoutRow>
}

export function createConductor(options: ConductorOptions): Conductor {
  const { context, lanes } = options
  const join = createJoin<Outcome>(context.numbers.queueMax)

  const rowOf: Conductor['rowOf'] = async (lockId, sessionId) => {
    const [row] = await readRows(context.db, [lockId])
    if (row === undefined || (sessionId !== undefined && row.session_id !== sessionId)) throw notFound(lockId)
    return row
  }

  async function capture(lockId: string): Promise<Outcome> {
    const row = await rowOf(lockId, undefined)
    if (row.state !== 'awaiting_capture' && row.state !== 'capturing' && row.state !== 'completed') {
      const message = `This checkout cannot be captured in its state "${stateName(row.state)}".`
      throw new CheckoutError('not_capturable', message, { context: { state: row.state } })
    }
    return join(`capture ${lockId}`, () => takeOverAndDrive(options, lockId, 'capture'))
  }

  return {
    rowOf,

    process: item =>
      traced(context, 'process', item.lockId, () =>
        // Only requests of the same session join: another session may be refused where the buyer is not.
        join(`${item.lockId} ${item.sessionId ?? ''}`, () => prepareAndDrive(options, item)),
      ),
    resume: lockId =>
      traced(context, 'resume', lockId, () => join(lockId, () => takeOverAndDrive(options, lockId, 'resume'))),
    capture: lockId => traced(context, 'capture', lockId, () => capture(lockId)),
    undo: (lockId, failureIn) => traced(context, 'undo', lockId, () => undoAndDrive(options, lockId, failureIn)),
    refund: item => traced(context, 'refund', item.checkoutId, () => makeRefund(context, lanes, item)),
  }
}

/**
 * Lets a request join an equal one that this process is working on, so that a double click causes no second run.
 * At most `runningMax` run at once; further ones are refused with `LaneFull`.
 */
function createJoin<Result>(runningMax: number): (key: string, run: () => Promise<Result>) => Promise<Result> {
  const running = new Map<string, Promise<Result>>()
  return (key, run) => {
    const joined = running.get(key)
    if (joined !== undefined) return joined
    if (running.size >= runningMax) return Promise.reject(new LaneFull('checkouts in progress'))
    const started = run().finally(() => running.delete(key))
    running.set(key, started)
    return started
  }
}

async function prepareAndDrive(options: ConductorOptions, item: PrepareItem): Promise<Outcome> {
  const prepared = await options.lanes.prepare.submit(item)
  switch (prepared.kind) {
    case 'absent':
      throw notFound(item.lockId)
    case 'not_pending':
      return waitForRest(options, item.lockId)
    case 'refused':
      return driveToResult(options, item.lockId, { kind: 'rests', row: prepared.row, order: null })
    case 'leased':
      return driveToResult(options, item.lockId, { kind: 'continues', lease: prepared.lease })
    default:
      return prepared satisfies never
  }
}

async function takeOverAndDrive(
  options: ConductorOptions,
  lockId: string,
  want: 'resume' | 'capture',
): Promise<Outcome> {
  const taken = await options.lanes.takeOver.submit({ lockId, want })
  switch (taken.kind) {
    case 'absent':
      throw notFound(lockId)
    case 'rests':
      return waitForRest(options, lockId)
    case 'leased':
      return driveToResult(options, lockId, resumeFromState(options.context, taken.lease))
    default:
      return taken satisfies never
  }
}

async function undoAndDrive(
  options: ConductorOptions,
  lockId: string,
  failureIn: (row: CheckoutRow) => Failure,
): Promise<Outcome> {
  const next = await options.lanes.unwind.submit({ lockId, sessionId: null, failureIn })
  const isHeld = next.kind === 'rests' && next.row.lease_owner !== null
  return isHeld ? waitForRest(options, lockId) : driveToResult(options, lockId, next)
}

/** Drives a checkout to rest and returns its result. If another worker has taken over, waits for that one. */
async function driveToResult(options: ConductorOptions, lockId: string, next: Next): Promise<Outcome> {
  const { context, lanes } = options
  try {
    const rest = await drive(context, lanes, next)
    return rest.kind === 'rests' ? await readResult(context, rest.row, rest.order) : await waitForRest(options, lockId)
  } catch (error) {
    // The rows show whether the last step was committed. If it was not, recovery continues the checkout.
    if (!(error instanceof DatabaseError) || error.code !== 'commit_unknown') throw error
    context.log.warn('[Checkout] commit outcome unknown', { lockId })
    return waitForRest(options, lockId)
  }
}

/** Waits until no worker holds the checkout, at most `answerWithinMs`, and returns its result then. */
async function waitForRest({ context, waitFor, answerWithinMs }: ConductorOptions, lockId: string): Promise<Outcome> {
  let leftMs = answerWithinMs
  for (;;) {
    // Subscribe before reading, so that no change between the two is missed.
    const changed = waitFor(lockId, { timeoutMs: Math.min(1_000, Math.max(leftMs, 1)) })
    const [row] = await readRows(context.db, [lockId])
    if (row === undefined) throw notFound(lockId)
    const isHeld = row.lease_owner !== null && !isFinal(row.state)
    if (!isHeld || leftMs <= 0) return readResult(context, row, null)
    const startedAt = performance.now()
    await changed
    leftMs -= Math.max(performance.now() - startedAt, 1)
  }
}

async function readResult({ db }: SagaContext, row: CheckoutRow, order: Order | null): Promise<Outcome> {
  const needsOrder = order === null && (row.state === 'completed' || row.state === 'awaiting_capture')
  return resultOf(row, needsOrder ? ((await readOrdersOf(db, [row.id])).get(row.id) ?? null) : order)
}

function notFound(lockId: string): CheckoutError {
  return new CheckoutError('checkout_not_found', 'Checkout not found.', { context: { lock_id: lockId } })
}
