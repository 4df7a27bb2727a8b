/**
 * Admission of calls to an engine: refuses them after `close`, reports a full queue as `overloaded`, and remembers those
 * under way, so that `close` can wait for them.
 */
import { LaneFull } from '../concurrency/lane.ts'
import { createTasks } from '../concurrency/tasks.ts'
import { CheckoutError, engineClosed } from '../domain/failure.ts'
import type { Correlation, RequestOn } from '../observe/log/correlation.ts'

export interface Admission {
  /** Runs a call. @throws {CheckoutError} `closed`, `overloaded`; any other error of `call` unchanged. */
  admit<Result>(call: () => Promise<Result>): Promise<Result>
  /** Runs a call as `admit` does; log lines about its checkout or cart name the request meanwhile. */
  admitFor<Result>(request: RequestOn, call: () => Promise<Result>): Promise<Result>
  /** Starts work that outlives its call, about the checkout of `request`. `settled` waits for it. */
  background(request: RequestOn, work: () => Promise<void>): void
  /** Refuses every later call. */
  close(): void
  readonly isClosed: boolean
  /** Resolves when every call and all background work admitted so far has settled. Never rejects. */
  settled(): Promise<void>
}

export function createAdmission(correlation: Correlation): Admission {
  const underWay = createTasks()
  let isClosed = false

  async function admit<Result>(call: () => Promise<Result>): Promise<Result> {
    if (isClosed) throw engineClosed()
    try {
      return await underWay.track(call())
    } catch (error) {
      if (!(error instanceof LaneFull)) throw error
      throw new CheckoutError(
        'overloaded',
        'Too many checkouts at once. Try again in a moment; you cannot be charged twice.',
        {
          retryable: true,
          cause: error,
        },
      )
    }
  }

  return {
    admit,
    admitFor: (request, call) => admit(() => correlation.during(request, call)),
    background: (request, work) => void underWay.track(correlation.during(request, work)),
    close() {
      isClosed = true
    },
    get isClosed() {
      return isClosed
    },
    settled: underWay.settled,
  }
}
