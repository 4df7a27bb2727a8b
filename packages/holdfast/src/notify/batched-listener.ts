/** A durable listener whose events go out together, one message a window, and what its limits then must be. */
import type { CheckoutEvent } from '../domain/events.ts'
import type { ListenerObject } from '../events/listeners.ts'
import { createGrouping } from './batching.ts'

export interface GatheredOptions<Event> {
  windowMs: number
  /** What gathers in a process at most; others wait in the database. */
  gatheringMax: number
  retriesMax: number
  /** How long one message may take, milliseconds. */
  timeoutMs: number
  send(events: readonly Event[], signal: AbortSignal): Promise<void>
}

export interface Gathered<Event> {
  run(event: Event, signal: AbortSignal): Promise<void>
  limits: Required<Pick<ListenerObject, 'retriesMax' | 'timeoutMs' | 'concurrency'>>
  /** Sends now what has gathered. */
  close(): Promise<void>
}

export function gathered<Event extends CheckoutEvent>(options: GatheredOptions<Event>): Gathered<Event> {
  const { windowMs, gatheringMax, retriesMax, timeoutMs, send } = options
  const grouping = createGrouping<Event>({ windowMs, groupMax: gatheringMax, send })
  return {
    run: (event, signal) => grouping.submit(event, signal),
    // Time for the message before, for what gathers meanwhile, and for its own; and room for as many as can gather.
    limits: { retriesMax, timeoutMs: windowMs + 3 * timeoutMs, concurrency: gatheringMax },
    close: grouping.close,
  }
}

/** Failures that are told by events of their own, or that people brought about on purpose. */
const otherwiseTold: ReadonlySet<string> = new Set(['checkout_expired', 'checkout_cancelled', 'checkout_released'])

export const isToldOtherwise = ({ failure }: CheckoutEvent<'CheckoutFailed'>): boolean =>
  otherwiseTold.has(failure.code)
