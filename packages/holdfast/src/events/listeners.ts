/**
 * The durable listeners of this process: which named functions hear which event. A name is written into the database
 * with every delivery, so it is unique an event and must outlive deployments.
 */
import { type CheckoutEvent, type CheckoutEventName, checkoutEventNames } from '../domain/events.ts'
import { CheckoutError } from '../domain/failure.ts'

/** What a listener gets beside the event. */
export interface DeliveryContext {
  /** Aborted when the time is up or the process stops; pass it on to `fetch` and the like. */
  signal: AbortSignal
  /** 1 for the first try. */
  attempt: number
}

/**
 * A listener as a function: its name is its durable name. It is called at least once an event, and again until it
 * returns; `event.id` tells a repetition. Throwing (or rejecting) means "try again later"; an error with `retryAfterMs`
 * asks for at least that pause, of an hour at most; a `PermanentFailure` for no other try.
 */
export type ListenerFunction<Name extends CheckoutEventName = CheckoutEventName> = (
  event: CheckoutEvent<Name>,
  context: DeliveryContext,
) => unknown

/** A listener with a name of its own (where code is minified, say) and limits. */
export interface ListenerObject<Name extends CheckoutEventName = CheckoutEventName> {
  /**
   * A key of at most 200 characters: lower case letters, digits, `.`, `-` and `_`; the name of a function (capitals
   * included) is also accepted. The same name under several events is one listener: it gets a checkout's events in order.
   */
  name: string
  run: ListenerFunction<Name>
  /** Tries after the first, 0 to 100; default 10. Then the delivery is parked. */
  retriesMax?: number
  /** Milliseconds a try may take, 1 to 600,000; default 30,000. */
  timeoutMs?: number
  /** Deliveries that one process runs at once, 1 to 1,000; default 20. Under several events the largest counts. */
  concurrency?: number
}

/** Events and who listens to them: `{ CheckoutCompleted: [sendOrderConfirmation, updateInventory] }`. */
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
  /** @throws {CheckoutError} `invalid_argument`: no such event, no usable name, name taken, limit out of range. */
  add<Name extends CheckoutEventName>(event: Name, listener: ListenerFunction<Name> | ListenerObject<Name>): void
  /** The names registered for an event, in order of registration. */
  namesFor(event: CheckoutEventName): readonly string[]
  find(event: string, name: string): RegisteredListener | undefined
  all(): readonly RegisteredListener[]
}

const refuse = (message: string): never => {
  throw new CheckoutError('invalid_argument', message)
}

function limit(value: number | undefined, fallback: number, [min, max]: [number, number], what: string): number {
  const chosen = value ?? fallback
  if (!Number.isInteger(chosen) || chosen < min || chosen > max) {
    return refuse(`${what} must be a whole number from ${min} to ${max}; it is ${chosen}.`)
  }
  return chosen
}

/** `default` and `anonymous` are what the language calls functions that nobody named. */
const namesOfNobody = new Set(['', 'default', 'anonymous'])

/** Names appear on command lines, in URLs and as labels of metrics: no spaces, no punctuation that needs quoting. */
const keyPattern = /^[A-Za-z0-9_][A-Za-z0-9._-]*$/

function describe(event: CheckoutEventName, given: ListenerFunction | ListenerObject): RegisteredListener {
  const listener = typeof given === 'function' ? { name: given.name, run: given } : given
  if (typeof listener?.run !== 'function') {
    return refuse(`A listener of ${event} must be a function or { name, run }.`)
  }
  const { name } = listener
  if (typeof given === 'function' && namesOfNobody.has(name)) {
    return refuse(
      `A listener of ${event} has no name. Deliveries are kept under it: give a named function or { name, run }.`,
    )
  }
  if (typeof name !== 'string' || name.trim() === '' || name.length > 200) {
    return refuse(`A listener of ${event} needs a name of 1 to 200 characters.`)
  }
  if (typeof given !== 'function' && !keyPattern.test(name)) {
    return refuse(`invalid listener name "${name}" for ${event}; use lower case letters, digits, ".", "-" and "_"`)
  }
  const label = `of the listener "${name}" of ${event}`
  const limits: Omit<ListenerObject, 'name' | 'run'> = listener
  return {
    event,
    name,
    run: (told, context) => listener.run(told, context),
    retriesMax: limit(limits.retriesMax, 10, [0, 100], `retriesMax ${label}`),
    timeoutMs: limit(limits.timeoutMs, 30_000, [1, 600_000], `timeoutMs ${label}`),
    concurrency: limit(limits.concurrency, 20, [1, 1_000], `concurrency ${label}`),
  }
}

/** Makes the registry, with the listeners of `map`; more can be added at any time. */
export function createListeners(map: ListenerMap = {}): Listeners {
  const byEvent = new Map<string, { names: string[]; byName: Map<string, RegisteredListener> }>(
    checkoutEventNames.map(event => [event, { names: [], byName: new Map() }]),
  )
  let all: RegisteredListener[] = []

  const listeners: Listeners = {
    add(event, given) {
      const known =
        byEvent.get(event) ?? refuse(`There is no event ${event}; there are ${checkoutEventNames.join(', ')}.`)
      // what is registered under an event is called with that event alone
      const listener = describe(event, given as ListenerFunction | ListenerObject)
      if (known.byName.has(listener.name)) refuse(`${event} already has a listener named "${listener.name}".`)
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

/** One map of several, in their order. */
export function joinListeners(...maps: readonly ListenerMap[]): ListenerMap {
  const joined: Partial<Record<CheckoutEventName, ListenerFunction[]>> = {}
  for (const [event, given] of maps.flatMap(map => Object.entries(map))) {
    const name = event as CheckoutEventName
    joined[name] = [...(joined[name] ?? []), ...((given ?? []) as ListenerFunction[])]
  }
  return joined as ListenerMap
}
