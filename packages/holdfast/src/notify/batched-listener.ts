/** A durable listener that sends its events in batches, one message per window, with the limits that this needs. */
import type { CheckoutEvent } from '../domain/events.ts'
import type { ListenerObject } from '../events/listeners.ts'
import { createBatching } from './batching.ts'

export interface BatchedListenerOptions<Event> {
  /** Interval between two messages, milliseconds. */
  windowMs: number
  /** Events per message and process; more wait in the database. */
  batchMax: number
  retriesMax: number
  /** Timeout of one message, milliseconds. */
  timeoutMs: number
  send(events: readonly Event[], signal: AbortSignal): Promise<void>
}

export interface BatchedListener<Event> {
  run(event: Event, signal: AbortSignal): Promise<void>
  limits: Required<Pick<ListenerObject, 'retriesMax' | 'timeoutMs' | 'concurrency'>>
  /** Sends the waiting events now. */
  close(): Promise<void>
}

export function batchedListener<Event extends CheckoutEvent>(
  options: BatchedListenerOptions<Event>,
): BatchedListener<Event> {
  const { windowMs, batchMax, retriesMax, timeoutMs, send } = options
  const batching = createBatching<Event>({ windowMs, batchMax, send })
  return {
    run: (event, signal) => batching.submit(event, signal),
    // Time for the previous message, the window, and its own message; and as many deliveries as fit in a batch.
    limits: { retriesMax, timeoutMs: windowMs + 3 * timeoutMs, concurrency: batchMax },
    close: batching.close,
  }
}

/** Failures that have their own events, or that a person caused on purpose. */
const reportedElsewhere: ReadonlySet<string> = new Set(['checkout_expired', 'checkout_cancelled', 'checkout_released'])

export const isReportedElsewhere = ({ failure }: CheckoutEvent<'CheckoutFailed'>): boolean =>
  reportedElsewhere.has(failure.code)
