/**
 * The registry of durable listeners of this process. A listener's name is stored with every delivery, so it must be
 * unique per event and must not change between deployments.
 */
import { type CheckoutEvent, type CheckoutEventName, checkoutEventNames } from '../domain/events.ts'
import { CheckoutError } from '../domain/failure.ts'

/** The second argument of a listener. */
export interface DeliveryContext {
  /** Aborts at the listener's timeout or when the process stops. Pass it on, for example to `fetch`. */
  signal: AbortSignal
  /** 1 for the first attempt. */
  attempt: number
}

/**
 * A listener as a function, whose name is its durable name. It is called at least once per event, and again until it
 * returns; `event.id` is the same each time. If it throws or rejects, it is called again later. An error with
 * `retryAfterMs` sets the minimum pause, up to one hour. A `PermanentFailure` parks the delivery at once.
 */
export type ListenerFunction<Name extends CheckoutEventName = CheckoutEventName> = (
  event: CheckoutEvent<Name>,
  context: DeliveryContext,
) => unknown

/** A listener with an explicit name, for example because code is minified, and with limits. */
export interface ListenerObject<Name extends CheckoutEventName = CheckoutEventName> {
  /**
   * A key of at most 200 characters: lower case letters, digits, `.`, `-` and `_`; the name of a function (capitals
   * included) is also accepted. The same name under several events is one listener: it gets a checkout's events in order.
   */
  name: string
  run: ListenerFunction<Name>
  /** Attempts after the first, 0 to 100; default 10. Then the delivery is parked. */
  retriesMax?: number
  /** Time limit of an attempt in milliseconds, 1 to 600,000; default 30,000. */
  timeoutMs?: number
  /** Deliveries that one process runs at once, 1 to 1,000; default 20. With several events, the largest value applies. */
  concurrency?: number
}

/** Listeners by event: `{ CheckoutCompleted: [sendOrderConfirmation, updateInventory] }`. */
export type ListenerMap = {
  [Name in CheckoutEventName]?: readonly (ListenerFunction<Name> | ListenerObject<Name>)[]
}

export interface RegisteredListener {
  event: CheckoutEventName
  name: string
  run(event: CheckoutEvent, context: DeliveryContext): unknown
  retriesMax: number
  timeoutMs: number
  concurrency: number
}

export interface Listeners {
  /** @throws {CheckoutError} `invalid_argument` for an unknown event, an invalid or used name, or a limit out of range. */
  add<Name extends CheckoutEventName>(event: Name, listener: ListenerFunction<Name> | ListenerObject<Name>): void
  /** The names registered for an event, in order of registration. */
  namesFor(event: CheckoutEventName): readonly string[]
  find(event: string, name: string): RegisteredListener | undefined
  all(): readonly RegisteredListener[]
}

const rejectListener = (message: string): never => {
  throw new CheckoutError('invalid_argument', message)
}

function limit(value: number | undefined, fallback: number, [min, max]: [number, number], what: string): number {
  const chosen = value ?? fallback
  if (!Number.isInteger(chosen) || chosen < min || chosen > max) {
    return rejectListener(`${what} must be an integer from ${min} to ${max}, not ${chosen}`)
  }
  return chosen
}

/** The names that JavaScript gives to functions without a name. */
const namesOfUnnamed = new Set(['', 'default', 'anonymous'])

/** Names appear on command lines, in URLs, and in metric labels, so they need no quoting. */
const keyPattern = /^[A-Za-z0-9_][A-Za-z0-9._-]*$/

function describe(event: CheckoutEventName, given: ListenerFunction | ListenerObject): RegisteredListener {
  const listener = typeof given === 'function' ? { name: given.name, run: given } : given
  if (typeof listener?.run !== 'function') {
    return rejectListener(`a listener of ${event} must be a function or { name, run }`)
  }
  const { name } = listener
  if (typeof given === 'function' && namesOfUnnamed.has(name)) {
    return rejectListener(
      `a listener of ${event} has no name; deliveries are stored under it, so pass a named function or { name, run }`,
    )
  }
  if (typeof name !== 'string' || name.trim() === '' || name.length > 200) {
    return rejectListener(`a listener of ${event} needs a name of 1 to 200 characters`)
  }
  if (typeof given !== 'function' && !keyPattern.test(name)) {
    return rejectListener(
      `invalid listener name "${name}" for ${event}; use lower case letters, digits, ".", "-" and "_"`,
    )
  }
  const label = `of the listener "${name}" of ${event}`
  const limits: Omit<ListenerObject, 'name' | 'run'> = listener
  return {
    event,
    name,
    run: (event, context) => listener.run(event, context),
    retriesMax: limit(limits.retriesMax, 10, [0, 100], `retriesMax ${label}`),
    timeoutMs: limit(limits.timeoutMs, 30_000, [1, 600_000], `timeoutMs ${label}`),
    concurrency: limit(limits.concurrency, 20, [1, 1_000], `concurrency ${label}`),
  }
}

/** Creates a registry with the listeners of `map`. More can be added at any time. */
export function createListeners(map: ListenerMap = {}): Listeners {
  const byEvent = new Map<string, { names: string[]; byName: Map<string, RegisteredListener> }>(
    checkoutEventNames.map(event => [event, { names: [], byName: new Map() }]),
  )
  let all: RegisteredListener[] = []

  const listeners: Listeners = {
    add(event, given) {
      const known =
        byEvent.get(event) ?? rejectListener(`no event ${event}; known events: ${checkoutEventNames.join(', ')}`)
      // A listener is called only with the events that it is registered for.
      const listener = describe(event, given as ListenerFunction | ListenerObject)
      if (known.byName.has(listener.name)) rejectListener(`${event} already has a listener named "${listener.name}"`)
      known.byName.set(listener.name, listener)
      known.names.push(listener.name)
      all = [...all, listener]
    },
    namesFor: event => byEvent.get(event)?.names ?? [],
    find: (event, name) => byEvent.get(event)?.byName.get(name),
    all: () => all,
  }
  for (const [event, given] of Object.entries(map)) {
    for (const listener of given ?? []) listeners.add(event as CheckoutEventName, listener as ListenerFunction)
  }
  return listeners
}

/** Joins several maps, in their order. */
export function joinListeners(...maps: readonly ListenerMap[]): ListenerMap {
  const joined: Partial<Record<CheckoutEventName, ListenerFunction[]>> = {}
  for (const [event, given] of maps.flatMap(map => Object.entries(map))) {
    const name = event as CheckoutEventName
    joined[name] = [...(joined[name] ?? []), ...((given ?? []) as ListenerFunction[])]
  }
  return joined as ListenerMap
}
