/**
 * The reconciler: compares with the gateway's books every so often, by itself. Every process runs one, and one of them
 * at a time compares: whoever is due first begins, and the others see that it did.
 */
import { CheckoutError } from '../domain/failure.ts'
import type { ReconcileOptions, ReconcileReport } from '../engine/checkout-engine.ts'
import type { SagaContext } from '../saga/context.ts'
import type { Lanes } from '../saga/lanes.ts'
import { booksOf, type OpenBooks } from './books.ts'
import { compare, runLeaseMs } from './reconcile.ts'
import { begin, end, fail, inOrder, namedMax, type Progress, RunReplaced } from './runs.ts'

export const reconcileHours = 72
const hoursMax = 8_784
/** How often it is looked whether it is time. */
const lookEveryMs = 60_000
/** A process that starts looks soon, but has first things first. */
const firstLookMs = 15_000

export interface Reconciler {
  /** @throws {CheckoutError} `invalid_argument`, `overloaded`; whatever the gateway throws. */
  reconcile(options?: ReconcileOptions): Promise<ReconcileReport>
  /**
   * Compares if nobody has for `everyMs`, ends orphans and records what was made at the gateway alone. Null where it was
   * not time, or another process is at it.
   */
  runOnce(everyMs: number): Promise<ReconcileReport | null>
  /** Does nothing where the gateway has no books. */
  start(everyMs: number): void
  /** Begins nothing new, and gives up what is under way: the next run begins anew. */
  stop(): Promise<void>
}

export function createReconciler(context: SagaContext, lanes: Lanes): Reconciler {
  const { db, gateway, clock, log, random } = context
  const running = new Set<Promise<unknown>>()
  let ending = false
  let cancel = (): void => {}

  async function run(
    books: OpenBooks,
    options: ReconcileOptions,
    pauseMs: number | null,
  ): Promise<ReconcileReport | null> {
    const { hours = reconcileHours } = options
    const begun = await begin(db, { gateway: books.name, hours, leaseMs: runLeaseMs, pauseMs })
    if (begun === null) return null
    const progress: Progress = { payments: 0, checkouts: 0 }
    const onProgress: ReconcileOptions['onProgress'] = seen => {
      if (ending) throw new CheckoutError('closed', 'This checkout engine was closed.')
      options.onProgress?.(seen)
    }
    try {
      const found = await compare({ context, lanes, books, run: begun, options: { ...options, onProgress }, progress })
      const ended = await end(db, begun, found)
      const { differences, settled } = found
      return {
        id: begun.id,
        gateway: books.name,
        hours,
        startedAt: begun.startedAt,
        ...progress,
        ...ended,
        differences: inOrder(differences).slice(0, namedMax),
        settled: inOrder(settled).slice(0, namedMax),
      }
    } catch (error) {
      if (!(error instanceof RunReplaced)) {
        const why = error instanceof Error ? error.message : String(error)
        await fail(db, begun, progress, why.slice(0, 500)).catch(() => {})
      }
      throw error
    }
  }

  function tracked<Result>(work: Promise<Result>): Promise<Result> {
    const kept = work.finally(() => running.delete(kept))
    running.add(kept)
    return kept
  }

  async function runOnce(everyMs: number): Promise<ReconcileReport | null> {
    const books = booksOf(gateway)
    if (books === null) return null
    const report = await tracked(run(books, { voidOrphans: true, record: true }, everyMs))
    if (report === null) return null
    const { differenceCount, criticalCount, payments, checkouts, settled } = report
    const figures = { differenceCount, criticalCount, payments, checkouts, settled: settled.length }
    if (criticalCount > 0)
      log.error('[Checkout] reconciliation found unaccounted money at the gateway', {
        alert: 'money_unaccounted',
        ...figures,
      })
    else if (differenceCount > 0) log.warn('[Checkout] reconciliation found differences', figures)
    else log.info('[Checkout] reconciled with the gateway', figures)
    return report
  }

  function again(afterMs: number, everyMs: number): void {
    if (ending) return
    // Spread, so that many processes do not all ask at once.
    cancel = clock.after(Math.round(afterMs * (0.75 + random() / 2)), () => void turn(everyMs))
  }

  async function turn(everyMs: number): Promise<void> {
    try {
      await runOnce(everyMs)
    } catch (error) {
      if (!ending) log.error('[Checkout] could not reconcile with the gateway', { err: error })
    }
    again(Math.min(lookEveryMs, everyMs), everyMs)
  }

  return {
    async reconcile(options = {}) {
      const books = booksOf(gateway)
      const { hours = reconcileHours } = options
      if (books === null) {
        const message = `The gateway "${gateway.name}" lists no payments: there is nothing to compare with.`
        throw new CheckoutError('invalid_argument', message)
      }
      if (!Number.isInteger(hours) || hours < 1 || hours > hoursMax) {
        throw new CheckoutError('invalid_argument', `The hours must be a whole number from 1 to ${hoursMax}.`)
      }
      const report = await tracked(run(books, options, null))
      if (report !== null) return report
      const message = 'The gateway’s books are being compared right now. Try again in a moment.'
      throw new CheckoutError('overloaded', message, { retryable: true })
    },
    runOnce,
    start(everyMs) {
      if (booksOf(gateway) !== null) again(Math.min(firstLookMs, everyMs), everyMs)
    },
    async stop() {
      ending = true
      cancel()
      await Promise.allSettled(running)
    },
  }
}
