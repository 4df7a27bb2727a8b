/** A sink's listeners: one durable name for all events that it sends, so that it receives a checkout's events in order. */
import type { CheckoutEventName } from '../domain/events.ts'
import type { ListenerFunction, ListenerMap } from '../events/listeners.ts'
import { outgoingEventNames } from './outgoing-event.ts'

export interface SinkOptions {
  /** The events to send. Default: all except `PhaseCompleted` and `RollbackStepCompleted`. */
  events?: readonly CheckoutEventName[]
  /** The durable name, stored with every delivery. Each sink of the same kind needs a different one. */
  name?: string
  /** Time limit of an attempt in milliseconds. */
  timeoutMs?: number
  /** Attempts after the first. Default 30, which takes most of a day. Then the delivery is parked. */
  retriesMax?: number
  /** Events of different checkouts that each process sends at once. Default 20. */
  concurrency?: number
}

export function sinkListeners(options: SinkOptions & { name: string; timeoutMs: number }, run: ListenerFunction) {
  const { events = outgoingEventNames, name, timeoutMs, retriesMax = 30, concurrency = 20 } = options
  const listener = { name, run, timeoutMs, retriesMax, concurrency }
  return Object.fromEntries(events.map(event => [event, [listener]])) as ListenerMap
}
