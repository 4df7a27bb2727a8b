/** A sink's listeners: one durable name under every event that it sends, so that it gets a checkout's events in order. */
import type { CheckoutEventName } from '../domain/events.ts'
import type { ListenerFunction, ListenerMap } from '../events/listeners.ts'
import { outgoingEventNames } from './outgoing-event.ts'

export interface SinkOptions {
  /** Which events are sent; default all but `PhaseCompleted` and `RollbackStepCompleted`. */
  events?: readonly CheckoutEventName[]
  /** The durable name, kept with every delivery: another one for each sink of the same kind. */
  name?: string
  /** Milliseconds until a try counts as failed. */
  timeoutMs?: number
  /** Tries after the first; default 30, which is most of a day. Then the delivery is parked. */
  retriesMax?: number
  /** Events on their way at once in each process, of different checkouts; default 20. */
  concurrency?: number
}

export function sinkListeners(options: SinkOptions & { name: string; timeoutMs: number }, run: ListenerFunction) {
  const { events = outgoingEventNames, name, timeoutMs, retriesMax = 30, concurrency = 20 } = options
  const listener = { name, run, timeoutMs, retriesMax, concurrency }
  return Object.fromEntries(events.map(event => [event, [listener]])) as ListenerMap
}
