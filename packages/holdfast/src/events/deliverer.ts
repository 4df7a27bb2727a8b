/**
 * The deliverer: brings events to durable listeners at least once, whoever dies. It runs beside the checkouts, never
 * inside one, and a listener that fails or hangs holds up its own deliveries alone.
 */

import { createLane } from '../concurrency/lane.ts'
import type { Database } from '../database/database.ts'
import type { Order } from '../domain/order.ts'
import { compose, orderIdOf } from './compose-event.ts'
import * as deliveries from './deliveries.ts'
import { checkListenerName } from './known-listeners.ts'
import { type DeliveryFilter, listDeliveries, listOverdue, listParked, readDelivery } from './list-deliveries.ts'
import type { Listeners, RegisteredListener } from './listeners.ts'
import { PermanentFailure } from './permanent-failure.ts'
import { type Run, runListener } from './run-listener.ts'

/** What a failed or parked delivery was. */
export interface DeliveryAlert {
  eventId: string
  listener: string
  type: string
  checkoutId: string
  attempts: number
  /** Message of the last error. */
  error: string
}

export interface DelivererOptions {
  database: Database
  listeners: Listeners
  /** Reads the orders that events name. */
  readOrders(orderIds: string[]): Promise<Map<string, Order>>
  /** Called once a delivery was given up (the process may die in between: `listParked` has them all). */
  onParked?(alert: DeliveryAlert): unknown
  /** Called for each try that failed and will be repeated. */
  onFailed?(alert: DeliveryAlert): unknown
  /** Called for each try that was recorded, before the two above. */
  onResult?(listener: string, outcome: deliveries.Result['outcome']): void
  /** Told what went wrong with the deliverer itself while it runs by itself: the database is away, say. */
  onError?(error: unknown): unknown
  /** Takes out of what a listener threw what may stand in no row: keys, tokens. Default: all of it is kept. */
  redact?(message: string): string
  /** Gives a number from 0 up to 1, spreads retries; default `Math.random`. */
  random?(): number
}

export interface ByHand {
  /** Who, for the record. */
  actor?: string | undefined
}

export interface DeliverySummary {
  delivered: number
  /** Tries that failed and will be repeated. */
  failed: number
  /** Given up. */
  parked: number
}

export interface Deliverer {
  /** Claims what is due now, within the listeners' concurrency, and runs it to the end. */
  runOnce(): Promise<DeliverySummary>
  /** Delivers by itself: on `nudge`, and at least every `intervalMs` (default 1,000). */
  start(intervalMs?: number): void
  /**
   * Lets running listeners end for `graceMs` (default 5,000), then aborts them: they are due again at once, and a try
   * that was cut short is none.
   */
  stop(graceMs?: number): Promise<void>
  /** There is something new: call after commit. Costs nothing; many calls are one. */
  nudge(): void
  /**
   * Makes a delivery due again, whatever became of it. False when there is none or it runs right now. With an `actor` it
   * is recorded as an action by hand.
   */
  redeliver(key: deliveries.DeliveryKey, by?: ByHand): Promise<boolean>
  /** Makes all deliveries due again that were given up, of one listener or of all; gives how many. */
  redeliverParked(options?: { listener?: string | undefined } & ByHand): Promise<number>
  /**
   * Gives a delivery up by hand, so that those behind it go on. False when it is not due or runs right now. With an
   * `actor` it is recorded as an action by hand.
   */
  park(key: deliveries.DeliveryKey, by?: ByHand): Promise<boolean>
  /** One delivery; null when there is none. */
  find(key: deliveries.DeliveryKey): Promise<deliveries.DeliveryRow | null>
  /**
   * Checks a name before it is used as a filter.
   * @throws {CheckoutError} `invalid_argument`, with the known names, if the name is neither registered in this process nor
   * stored with any delivery.
   */
  checkListener(name: string): Promise<void>
  /** Deliveries as people look for them, oldest first. */
  list(filter?: DeliveryFilter): Promise<deliveries.DeliveryRow[]>
  /** At most `countMax`, default 100. */
  listParked(countMax?: number): Promise<deliveries.DeliveryRow[]>
  listOverdue(olderThanMs: number, countMax?: number): Promise<deliveries.DeliveryRow[]>
  lag(): Promise<deliveries.DeliveryLag>
}

const retryBaseMs = 1_000
const retryCapMs = 3_600_000
/** On top of a listener's timeout: to read its order before, and to record its result after. */
const leaseMarginMs = 30_000
/** Between two claims while deliveries trickle in. */
const gapMs = 10
const errorLengthMax = 500
/** Why a try was cut short that nothing was wrong with. */
const stopped = new Error('the process stopped')

/** What the deliveries of one claim share. */
interface Claim {
  orders: Promise<ReadonlyMap<string, Order>>
  /** When it was asked for: their leases began later. */
  claimedAt: number
}

/** Milliseconds before the try after number `attempt`: doubling from 1 s to 1 h, half of it by chance. */
export function retryDelayMs(attempt: number, random: () => number = Math.random): number {
  const fullMs = Math.min(retryCapMs, retryBaseMs * 2 ** Math.min(attempt - 1, 30))
  return Math.round(fullMs * (0.5 + random() / 2))
}

/** What a listener threw, in characters that the database takes. */
function messageOf(error: unknown, redact: (message: string) => string): string {
  let message: string
  try {
    message = redact(String(error))
  } catch {
    message = 'an error that cannot be read'
  }
  return message.slice(0, errorLengthMax).replace(/[\0\p{Surrogate}]/gu, '\ufffd')
}

/** What a listener that threw asks for, where it does: an error with `retryAfterMs`. */
function askedRetryMs(thrown: unknown): number {
  const { retryAfterMs } = (thrown ?? {}) as { retryAfterMs?: unknown }
  return typeof retryAfterMs === 'number' && retryAfterMs > 0 ? Math.round(Math.min(retryAfterMs, retryCapMs)) : 0
}

export function createDeliverer(options: DelivererOptions): Deliverer {
  const { database, listeners, redact = message => message, random = Math.random } = options
  /** How many of a listener run now, by name. */
  const running = new Map<string, number>()
  const runs = new Set<Run>()
  const open = new Set<Promise<unknown>>()
  const recording = createLane<deliveries.Result, boolean>({
    name: 'deliveries',
    batchMax: 500,
    queueMax: Number.POSITIVE_INFINITY,
    parallel: 2,
    // a result cannot be refused for what it says, so a failure is the database's
    isShared: () => true,
    run: results => deliveries.record(database, results),
  })

  // Whoever is told may fail, now or later: that is no delivery's concern.
  function complain(error: unknown): void {
    void (async () => options.onError?.(error))().catch(() => {})
  }
  function tell(report: ((alert: DeliveryAlert) => unknown) | undefined, result: deliveries.Result): void {
    const { eventId, listener, type, checkoutId, attempts } = result.delivery
    const alert = { eventId, listener, type, checkoutId, attempts, error: result.error ?? '' }
    void (async () => report?.(alert))().catch(complain)
  }

  function judge(delivery: deliveries.Claimed, listener: RegisteredListener, thrown: unknown): deliveries.Result {
    const error = messageOf(thrown, redact)
    if (thrown === stopped) return { delivery, outcome: 'stopped', error, retryMs: 0 }
    const isLast = delivery.attempts > listener.retriesMax || thrown instanceof PermanentFailure
    if (isLast) return { delivery, outcome: 'parked', error, retryMs: 0 }
    const retryMs = Math.max(retryDelayMs(delivery.attempts, random), askedRetryMs(thrown))
    return { delivery, outcome: 'failed', error, retryMs }
  }

  async function attempt(
    delivery: deliveries.Claimed,
    listener: RegisteredListener,
    { orders, claimedAt }: Claim,
  ): Promise<deliveries.Result> {
    // Every earlier try was counted and none came to a result: their runners died, perhaps of it.
    if (delivery.attempts > listener.retriesMax + 1) {
      return judge(delivery, listener, new Error('every try ended without a result'))
    }
    try {
      const event = compose(delivery, orderIdOf(delivery) === null ? new Map() : await orders)
      if (isEnding) throw stopped
      // A process that was frozen since it asked for it: somebody else may have it by now.
      if (performance.now() - claimedAt > leaseMarginMs)
        throw new Error('the lease was used up before the listener ran')
      const run = runListener(listener, event, delivery.attempts)
      runs.add(run)
      try {
        await run.done
      } finally {
        runs.delete(run)
      }
      return { delivery, outcome: 'delivered', error: null, retryMs: 0 }
    } catch (error) {
      return judge(delivery, listener, error)
    }
  }

  /** The place is free again once the result is recorded, so results that wait are bounded too. */
  async function deliver(
    delivery: deliveries.Claimed,
    listener: RegisteredListener,
    claim: Claim,
  ): Promise<deliveries.Result['outcome'] | 'replaced'> {
    running.set(listener.name, (running.get(listener.name) ?? 0) + 1)
    try {
      const result = await attempt(delivery, listener, claim)
      if (!(await recording.submit(result))) return 'replaced'
      options.onResult?.(listener.name, result.outcome)
      if (result.outcome === 'failed' || result.outcome === 'stopped') tell(options.onFailed, result)
      if (result.outcome === 'parked') tell(options.onParked, result)
      return result.outcome
    } finally {
      running.set(listener.name, (running.get(listener.name) ?? 0) - 1)
    }
  }

  /** Stopping, and the grace is over: nothing begins any more. */
  let isEnding = false
  let turn = 0

  /** The listeners that have places free. Another one is first each time, for a claim is bounded. */
  function room(): deliveries.Wanted[] {
    const byName = new Map<string, deliveries.Wanted>()
    for (const { name, event, concurrency, timeoutMs } of listeners.all()) {
      const wanted = byName.get(name) ?? { listener: name, types: [], free: 0, leaseMs: 0 }
      wanted.types.push(event)
      wanted.free = Math.max(wanted.free, concurrency - (running.get(name) ?? 0))
      wanted.leaseMs = Math.max(wanted.leaseMs, timeoutMs + leaseMarginMs)
      byName.set(name, wanted)
    }
    const wanted = [...byName.values()].filter(({ free }) => free > 0)
    turn += 1
    return wanted.map((_, index) => wanted[(index + turn) % wanted.length]).filter(row => row !== undefined)
  }

  let claiming: Promise<unknown> = Promise.resolve()

  /** Claims what there is room for and starts it; one claim at a time, so that each knows what room is left. */
  function begin(): ReturnType<typeof claimAndStart> {
    const mine = claiming.then(claimAndStart)
    claiming = mine.catch(() => {})
    return mine
  }

  async function claimAndStart() {
    const wanted = room()
    if (wanted.length === 0) return { started: [], full: false }
    const claimedAt = performance.now()
    const claimed = await deliveries.claim(database, wanted)
    const orderIds = [...new Set(claimed.map(orderIdOf).filter(id => id !== null))]
    const orders = orderIds.length === 0 ? Promise.resolve(new Map<string, Order>()) : readOrders(orderIds)
    const taken = new Map<string, number>()
    const started = claimed.map(delivery => {
      const listener = listeners.find(delivery.type, delivery.listener)
      if (listener === undefined) throw new Error(`claimed for nobody: ${delivery.type} ${delivery.listener}`)
      taken.set(listener.name, (taken.get(listener.name) ?? 0) + 1)
      const job = deliver(delivery, listener, { orders, claimedAt })
      open.add(job)
      job.catch(() => {}).finally(() => open.delete(job))
      return job
    })
    const full =
      claimed.length === deliveries.claimMax || wanted.some(({ listener, free }) => taken.get(listener) === free)
    return { started, full }
  }

  function readOrders(orderIds: string[]): Promise<ReadonlyMap<string, Order>> {
    const orders = Promise.resolve().then(() => options.readOrders(orderIds))
    // whoever needs it sees it fail
    orders.catch(() => {})
    return orders
  }

  let intervalMs: number | null = null
  let timer: NodeJS.Timeout | null = null
  let timerAt = Number.POSITIVE_INFINITY
  let passing: Promise<void> | null = null
  let again = false
  let passedAt = 0

  function schedule(delayMs: number): void {
    if (intervalMs === null) return
    const at = performance.now() + delayMs
    if (timer !== null && timerAt <= at) return
    if (timer !== null) clearTimeout(timer)
    timerAt = at
    timer = setTimeout(() => {
      timer = null
      if (passing === null) passing = pass()
      else again = true
    }, delayMs)
  }

  /** Soon, but not for each of a thousand commits. */
  const nudge = () => schedule(Math.max(0, passedAt + gapMs - performance.now()))

  async function pass(): Promise<void> {
    try {
      const { started, full } = await begin()
      // A place is free again, and what stood behind it may be due.
      for (const job of started) job.then(full ? () => schedule(0) : nudge, complain)
    } catch (error) {
      complain(error)
    }
    passing = null
    passedAt = performance.now()
    if (again) nudge()
    else schedule(intervalMs ?? 0)
    again = false
  }

  return {
    async runOnce() {
      const { started } = await begin()
      const summary: DeliverySummary = { delivered: 0, failed: 0, parked: 0 }
      const settled = await Promise.allSettled(started)
      for (const job of settled) {
        if (job.status === 'rejected' || job.value === 'replaced') continue
        summary[job.value === 'stopped' ? 'failed' : job.value] += 1
      }
      const broken = settled.find(job => job.status === 'rejected')
      if (broken !== undefined) throw broken.reason
      return summary
    },
    start(everyMs = 1_000) {
      if (intervalMs !== null) return
      intervalMs = everyMs
      schedule(0)
    },
    async stop(graceMs = 5_000) {
      intervalMs = null
      if (timer !== null) clearTimeout(timer)
      timer = null
      await passing
      const end = setTimeout(() => {
        isEnding = true
        for (const run of runs) run.interrupt(stopped)
      }, graceMs)
      await Promise.allSettled(open)
      clearTimeout(end)
      isEnding = false
    },
    nudge,
    async redeliver(key, { actor } = {}) {
      const isDue = await deliveries.redeliver(database, key, actor)
      if (isDue) nudge()
      return isDue
    },
    async redeliverParked(options = {}) {
      const count = await deliveries.redeliverParked(database, options)
      if (count > 0) nudge()
      return count
    },
    async park(key, { actor } = {}) {
      const isParked = await deliveries.park(database, key, actor)
      if (isParked) nudge()
      return isParked
    },
    find: key => readDelivery(database, key),
    checkListener: name => checkListenerName(database, listeners.all(), name),
    list: (filter = {}) => listDeliveries(database, filter),
    listParked: (countMax = 100) => listParked(database, countMax),
    listOverdue: (olderThanMs, countMax = 100) => listOverdue(database, olderThanMs, countMax),
    lag: () => deliveries.lag(database),
  }
}
