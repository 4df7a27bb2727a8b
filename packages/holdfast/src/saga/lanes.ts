/**
 * The lanes of a process: one queue before each step. Each runs one batch at a time, so a thousand buyers of one SKU
 * share one row lock instead of queueing for it one by one. Items that arrive meanwhile make the next batch larger.
 */

import { createLane, type Lane } from '../concurrency/lane.ts'
import type { SagaContext } from './context.ts'
import type { Next } from './lease.ts'
import { type PlaceItem, place } from './steps/place.ts'
import { type Prepared, type PrepareItem, prepare } from './steps/prepare.ts'
import { type SettleItem, settle } from './steps/settle.ts'
import { type Started, type StartItem, start } from './steps/start.ts'
import { type TakeOverItem, type TakeOverResult, takeOver } from './steps/take-over.ts'
import { type UnwindItem, unwind } from './steps/unwind.ts'

export interface Lanes {
  start: Lane<StartItem, Started>
  prepare: Lane<PrepareItem, Prepared>
  place: Lane<PlaceItem, Next>
  settle: Lane<SettleItem, Next>
  unwind: Lane<UnwindItem, Next>
  takeOver: Lane<TakeOverItem, TakeOverResult>
}

export function createLanes(context: SagaContext): Lanes {
  function lane<Item, Result>(
    name: string,
    run: (context: SagaContext, items: readonly Item[]) => Promise<Result[]>,
    queueMax: number = admittedQueueMax,
  ): Lane<Item, Result> {
    return createLane({
      name,
      batchMax: context.numbers.batchMax,
      queueMax,
      run: items => run(context, items),
      isShared: isConnectionFailure,
      observe: (size, durationMs) => context.observeLane?.(name, size, durationMs),
    })
  }
  const { queueMax } = context.numbers
  return {
    start: lane('start', start, queueMax),
    prepare: lane('prepare', prepare, queueMax),
    place: lane('place', place),
    settle: lane('settle', settle),
    unwind: lane('unwind', unwind),
    takeOver: lane('takeOver', takeOver),
  }
}

/**
 * No bound. Admission (`queueMax` of `start` and `prepare`) bounds the checkouts in progress, and one that was admitted
 * must not be refused half-way.
 */
const admittedQueueMax = Number.MAX_SAFE_INTEGER

/** True if the database is unreachable: the failure concerns the whole batch, so splitting it is pointless. */
function isConnectionFailure(error: unknown): boolean {
  const code = (error as { code?: unknown } | null)?.code
  return code === 'connection_lost' || code === 'pool_exhausted' || code === 'commit_unknown' || code === 'closed'
}
