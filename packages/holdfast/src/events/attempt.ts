/**
 * One attempt to deliver an event: compose the event, run its listener, and return a result to record. Every attempt
 * ends with a result, also if the listener throws or hangs.
 */
import type { Order } from '../domain/order.ts'
import { compose, orderIdOf } from './compose-event.ts'
import type { LeasedDelivery, Result } from './deliveries.ts'
import type { RegisteredListener } from './listeners.ts'
import { PermanentFailure } from './permanent-failure.ts'
import { retryPauseMs } from './retry-pause.ts'
import { type Run, runListener } from './run-listener.ts'

/** Added to a listener's timeout: time to read the order before the run and to record the result after it. */
export const leaseMarginMs = 30_000
const errorLengthMax = 500
const processStopped = new Error('the process stopped')

/** What the deliveries of one batch share. */
export interface DeliveryBatch {
  orders: Promise<ReadonlyMap<string, Order>>
  /** `performance.now()` before the batch was requested, so its leases began later. */
  requestedAt: number
}

export interface AttemptOptions {
  /** Removes secrets from an error message before it is stored. */
  redact(message: string): string
  /** A number from 0 up to 1, spreads retries. */
  random(): number
}

export interface Attempts {
  /** Never rejects. */
  attempt(delivery: LeasedDelivery, listener: RegisteredListener, batch: DeliveryBatch): Promise<Result>
  /** Aborts all running listeners, and starts no other until `resume`. Their results are `stopped`. */
  interrupt(): void
  resume(): void
}

export function createAttempts({ redact, random }: AttemptOptions): Attempts {
  const runs = new Set<Run>()
  let isInterrupted = false

  async function run(delivery: LeasedDelivery, listener: RegisteredListener, batch: DeliveryBatch): Promise<void> {
    const event = compose(delivery, orderIdOf(delivery) === null ? new Map() : await batch.orders)
    if (isInterrupted) throw processStopped
    // A process that was frozen after its request: another one may have leased the delivery by now.
    if (performance.now() - batch.requestedAt > leaseMarginMs) {
      throw new Error('the lease was used up before the listener ran')
    }
    const run = runListener(listener, event, delivery.attempts)
    runs.add(run)
    try {
      await run.done
    } finally {
      runs.delete(run)
    }
  }

  function failure(delivery: LeasedDelivery, listener: RegisteredListener, thrown: unknown): Result {
    const error = messageOf(thrown, redact)
    if (thrown === processStopped) return { delivery, outcome: 'stopped', error, retryMs: 0 }
    const isLast = delivery.attempts > listener.retriesMax || thrown instanceof PermanentFailure
    if (isLast) return { delivery, outcome: 'parked', error, retryMs: 0 }
    return { delivery, outcome: 'failed', error, retryMs: retryPauseMs(delivery.attempts, thrown, random) }
  }

  return {
    async attempt(delivery, listener, batch) {
      // All earlier attempts were counted and none was recorded: the listener may have killed its process each time.
      if (delivery.attempts > listener.retriesMax + 1) {
        return failure(delivery, listener, new Error('every attempt ended without a result'))
      }
      try {
        await run(delivery, listener, batch)
        return { delivery, outcome: 'delivered', error: null, retryMs: 0 }
      } catch (error) {
        return failure(delivery, listener, error)
      }
    },
    interrupt() {
      isInterrupted = true
      for (const run of runs) run.interrupt(processStopped)
    },
    resume() {
      isInterrupted = false
    },
  }
}

/** The text of an error, limited to characters that PostgreSQL accepts. */
function messageOf(error: unknown, redact: (message: string) => string): string {
  let message: string
  try {
    message = redact(String(error))
  } catch {
    message = 'an unreadable error'
  }
  return message.slice(0, errorLengthMax).replace(/[\0\p{Surrogate}]/gu, '\ufffd')
}
