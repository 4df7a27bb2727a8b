/**
 * The reconciler: compares payments with the gateway's on a schedule. Every process runs one, and only one of them
 * compares at a time: the first that is due begins, and the others find its run in the database.
 */
import { spreadMs } from '../concurrency/backoff.ts'
import { createTasks } from '../concurrency/tasks.ts'
import { createWorkerLoop } from '../concurrency/worker-loop.ts'
import { CheckoutError, engineClosed } from '../domain/failure.ts'
import type { ReconcileOptions, ReconcileReport } from '../engine/checkout-engine.ts'
import type { SagaContext } from '../saga/context.ts'
import type { Lanes } from '../saga/lanes.ts'
import { booksOf, type OpenBooks } from './books.ts'
import { compare, runLeaseMs } from './reconcile.ts'
import { begin, end, fail, inOrder, namedMax, type Progress, RunReplaced } from './runs.ts'

export const reconcileHours = 72
const hoursMax = 8_784
/** How often a process checks whether a run is due. */
const checkEveryMs = 60_000
/** Pause before the first check, so that a starting process serves requests first. */
const firstCheckMs = 15_000

export interface Reconciler {
  /** @throws {CheckoutError} `invalid_argument`, `overloaded`; whatever the gateway throws. */
  reconcile(options?: ReconcileOptions): Promise<ReconcileReport>
  /**
   * Compares if no run began within `everyMs`, voids orphaned authorizations, and records refunds and disputes from the
   * gateway. Returns null if no run is due, or if another process is running one.
   */
  runOnce(everyMs: number): Promise<ReconcileReport | null>
  /** Does nothing if the gateway cannot list its payments. */
  start(everyMs: number): void
  /** Begins no new run, and aborts the current one; the next run starts from the beginning. */
  stop(): Promise<void>
}

export function createReconciler(context: SagaContext, lanes: Lanes): Reconciler {
  const { gateway, clock, log, random } = context
  const running = createTasks()
  let isStopping = false
  let everyMs = 0

  function run(books: OpenBooks, options: ReconcileOptions, pauseMs: number | null): Promise<ReconcileReport | null> {
    const onProgress: ReconcileOptions['onProgress'] = progress => {
      if (isStopping) throw engineClosed()
      options.onProgress?.(progress)
    }
    return running.track(runComparison(context, lanes, books, { ...options, onProgress }, pauseMs))
  }

  async function runOnce(pauseMs: number): Promise<ReconcileReport | null> {
    const books = booksOf(gateway)
    if (books === null) return null
    const report = await run(books, { voidOrphans: true, record: true }, pauseMs)
    if (report !== null) logReport(context, report)
    return report
  }

  const loop = createWorkerLoop({
    async turn() {
      await runOnce(everyMs)
      return null
    },
    onError(error) {
      if (!isStopping) log.error('[Checkout] could not reconcile with the gateway', { err: error })
    },
    after: (ms, run) => clock.after(ms, run),
    // Spread, so that many processes do not call the gateway at the same moment.
    pauseMs: () => spreadMs(Math.min(checkEveryMs, everyMs), random),
  })

  return {
    async reconcile(options = {}) {
      const books = booksOf(gateway)
      const { hours = reconcileHours } = options
      if (books === null) {
        const message = `gateway "${gateway.name}" cannot list its payments, so it cannot be reconciled`
        throw new CheckoutError('invalid_argument', message)
      }
      if (!Number.isInteger(hours) || hours < 1 || hours > hoursMax) {
        throw new CheckoutError('invalid_argument', `invalid hours ${hours}; use a whole number from 1 to ${hoursMax}`)
      }
      const report = await run(books, options, null)
      if (report !== null) return report
      const message = 'A reconciliation is already running. Try again in a moment.'
      throw new CheckoutError('overloaded', message, { retryable: true })
    },
    runOnce,
    start(ms) {
      if (booksOf(gateway) === null) return
      everyMs = ms
      loop.start(spreadMs(Math.min(firstCheckMs, everyMs), random))
    },
    async stop() {
      isStopping = true
      await Promise.all([loop.stop(), running.settled()])
    },
  }
}

/** Runs one comparison from its lease to its stored result. Returns null if none may begin now. */
async function runComparison(
  context: SagaContext,
  lanes: Lanes,
  books: OpenBooks,
  options: ReconcileOptions,
  pauseMs: number | null,
): Promise<ReconcileReport | null> {
  const { db } = context
  const { hours = reconcileHours } = options
  const run = await begin(db, { gateway: books.name, hours, leaseMs: runLeaseMs, pauseMs })
  if (run === null) return null
  const progress: Progress = { payments: 0, checkouts: 0 }
  try {
    const result = await compare({ context, lanes, books, run, options, progress })
    const ended = await end(db, run, result)
    return {
      id: run.id,
      gateway: books.name,
      hours,
      startedAt: run.startedAt,
      ...progress,
      ...ended,
      differences: inOrder(result.differences).slice(0, namedMax),
      settled: inOrder(result.settled).slice(0, namedMax),
    }
  } catch (error) {
    if (!(error instanceof RunReplaced)) {
      const reason = error instanceof Error ? error.message : String(error)
      await fail(db, run, progress, reason.slice(0, 500)).catch(() => {})
    }
    throw error
  }
}

function logReport({ log }: SagaContext, report: ReconcileReport): void {
  const { differenceCount, criticalCount, payments, checkouts, settled } = report
  const figures = { differenceCount, criticalCount, payments, checkouts, settled: settled.length }
  if (criticalCount > 0) {
    log.error('[Checkout] reconciliation found unaccounted money at the gateway', {
      alert: 'money_unaccounted',
      ...figures,
    })
  } else if (differenceCount > 0) log.warn('[Checkout] reconciliation found differences', figures)
  else log.info('[Checkout] reconciled with the gateway', figures)
}
