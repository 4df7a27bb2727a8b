/**
 * The deliverer: leases due deliveries in batches, runs their listeners, and records the results. Each event reaches each
 * durable listener at least once, also after crashes. A listener that fails or hangs delays only its own deliveries.
 */

import { createLane } from '../concurrency/lane.ts'
import { createTasks } from '../concurrency/tasks.ts'
import type { Database } from '../database/database.ts'
import type { Order } from '../domain/order.ts'
import { createAttempts, type DeliveryBatch } from './attempt.ts'
import { createCapacity } from './capacity.ts'
import { orderIdOf } from './compose-event.ts'
import * as deliveries from './deliveries.ts'
import { createDeliveryLoop, type Turn } from './delivery-loop.ts'
import { checkListenerName } from './known-listeners.ts'
import { type DeliveryFilter, listDeliveries, listOverdue, listParked, readDelivery } from './list-deliveries.ts'
import type { Listeners, RegisteredListener } from './listeners.ts'

/** A delivery that failed or was parked. */
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
  /** Reads the orders that events refer to. */
  readOrders(orderIds: string[]): Promise<Map<string, Order>>
  /** Called after a delivery was parked. The process may die before the call; `listParked` lists all parked deliveries. */
  onParked?(alert: DeliveryAlert): unknown
  /** Called after each failed attempt that will be repeated. */
  onFailed?(alert: DeliveryAlert): unknown
  /** Called for each recorded attempt, before `onParked` and `onFailed`. */
  onResult?(listener: string, outcome: deliveries.Result['outcome']): void
  /** Receives errors of the deliverer itself after `start`, for example if the database is unavailable. */
  onError?(error: unknown): unknown
  /** Removes secrets from a listener's error message before it is stored. Default: the message is stored unchanged. */
  redact?(message: string): string
  /** A number from 0 up to 1, spreads retries. Default `Math.random`. */
  random?(): number
}

export interface DeliveryActor {
  /** The operator. If given, the action is recorded in `admin_actions`. */
  actor?: string | undefined
}

export interface DeliverySummary {
  delivered: number
  /** Attempts that failed and will be repeated. */
  failed: number
  /** Deliveries that were given up. */
  parked: number
}

export interface Deliverer {
  /** Leases what is due, within the listeners' concurrency, and waits until all of it is recorded. */
  runOnce(): Promise<DeliverySummary>
  /** Delivers in the background: after each `nudge`, and at least every `intervalMs` (default 1,000). */
  start(intervalMs?: number): void
  /**
   * Waits `graceMs` (default 5,000) for running listeners, then aborts them. An aborted delivery is due again at once,
   * and its attempt is not counted.
   */
  stop(graceMs?: number): Promise<void>
  /** Signals that new deliveries exist. Call it after commit. It is cheap, and calls are combined. */
  nudge(): void
  /** Makes a delivery due again, in any state. Returns false if it does not exist or is running. */
  redeliver(key: deliveries.DeliveryKey, by?: DeliveryActor): Promise<boolean>
  /** Makes all parked deliveries due again, of one listener or of all. Returns how many. */
  redeliverParked(options?: { listener?: string | undefined } & DeliveryActor): Promise<number>
  /** Parks a due delivery, so that those behind it continue. Returns false if it is not due or is running. */
  park(key: deliveries.DeliveryKey, by?: DeliveryActor): Promise<boolean>
  /** Returns one delivery, or null. */
  find(key: deliveries.DeliveryKey): Promise<deliveries.DeliveryRow | null>
  /**
   * Checks a name before it is used as a filter.
   * @throws {CheckoutError} `invalid_argument`, with the known names, if the name is neither registered in this process nor
   * stored with any delivery.
   */
  checkListener(name: string): Promise<void>
  /** Lists deliveries, oldest first. */
  list(filter?: DeliveryFilter): Promise<deliveries.DeliveryRow[]>
  /** Lists at most `countMax` parked deliveries, default 100. */
  listParked(countMax?: number): Promise<deliveries.DeliveryRow[]>
  listOverdue(olderThanMs: number, countMax?: number): Promise<deliveries.DeliveryRow[]>
  lag(): Promise<deliveries.DeliveryLag>
}

type Delivered = deliveries.Result['outcome'] | 'replaced'

/** The deliveries that a turn started, with their outcomes. */
interface DeliveryTurn extends Turn {
  started: readonly Promise<Delivered>[]
}

export function createDeliverer(options: DelivererOptions): Deliverer {
  const { database, listeners, redact = message => message, random = Math.random } = options
  const attempts = createAttempts({ redact, random })
  const capacity = createCapacity(listeners)
  const tasks = createTasks()
  const recording = createLane<deliveries.Result, boolean>({
    name: 'deliveries',
    batchMax: 500,
    queueMax: Number.POSITIVE_INFINITY,
    parallel: 2,
    // The database accepts every result, so a failure concerns the whole batch.
    isShared: () => true,
    run: results => deliveries.record(database, results),
  })

  /** A callback that throws or rejects must not affect deliveries. */
  function reportError(error: unknown): void {
    void (async () => options.onError?.(error))().catch(() => {})
  }
  function report(callback: ((alert: DeliveryAlert) => unknown) | undefined, result: deliveries.Result): void {
    const { eventId, listener, type, checkoutId, attempts } = result.delivery
    const alert = { eventId, listener, type, checkoutId, attempts, error: result.error ?? '' }
    void (async () => callback?.(alert))().catch(reportError)
  }

  /** The place is freed after the result is recorded, which also bounds the results that wait for recording. */
  async function deliver(
    delivery: deliveries.LeasedDelivery,
    listener: RegisteredListener,
    batch: DeliveryBatch,
  ): Promise<Delivered> {
    capacity.occupy(listener.name)
    try {
      const result = await attempts.attempt(delivery, listener, batch)
      if (!(await recording.submit(result))) return 'replaced'
      options.onResult?.(listener.name, result.outcome)
      if (result.outcome === 'failed' || result.outcome === 'stopped') report(options.onFailed, result)
      if (result.outcome === 'parked') report(options.onParked, result)
      return result.outcome
    } finally {
      capacity.release(listener.name)
    }
  }

  async function leaseAndStart(): Promise<DeliveryTurn> {
    const free = capacity.free()
    if (free.length === 0) return { started: [], isFull: false }
    const requestedAt = performance.now()
    const leased = await deliveries.leaseBatch(database, free)
    const batch: DeliveryBatch = { orders: readOrders(leased), requestedAt }
    const taken = new Map<string, number>()
    const started = leased.map(delivery => {
      const listener = listeners.find(delivery.type, delivery.listener)
      if (listener === undefined) throw new Error(`no listener "${delivery.listener}" for ${delivery.type}`)
      taken.set(listener.name, (taken.get(listener.name) ?? 0) + 1)
      const job = tasks.track(deliver(delivery, listener, batch))
      // `runOnce` and the loop handle a rejection; it must not count as unhandled before that.
      job.catch(() => {})
      return job
    })
    const isFull =
      leased.length === deliveries.batchMax || free.some(({ listener, free }) => taken.get(listener) === free)
    return { started, isFull }
  }

  function readOrders(leased: readonly deliveries.LeasedDelivery[]): DeliveryBatch['orders'] {
    const orderIds = [...new Set(leased.map(orderIdOf).filter(id => id !== null))]
    if (orderIds.length === 0) return Promise.resolve(new Map())
    const orders = Promise.resolve().then(() => options.readOrders(orderIds))
    // Each delivery that needs an order handles the rejection.
    orders.catch(() => {})
    return orders
  }

  let leasing: Promise<unknown> = Promise.resolve()

  /** One lease at a time, so that each knows the free capacity. */
  function turn(): Promise<DeliveryTurn> {
    const mine = leasing.then(leaseAndStart)
    leasing = mine.catch(() => {})
    return mine
  }

  const loop = createDeliveryLoop(turn, reportError)

  /** Nudges the loop after a change that made deliveries due. */
  async function nudgeAfter<Changed extends boolean | number>(change: Promise<Changed>): Promise<Changed> {
    const changed = await change
    if (changed) loop.nudge()
    return changed
  }

  return {
    async runOnce() {
      const { started } = await turn()
      return summaryOf(await Promise.allSettled(started))
    },
    start: (intervalMs = 1_000) => loop.start(intervalMs),
    async stop(graceMs = 5_000) {
      await loop.stop()
      const grace = setTimeout(attempts.interrupt, graceMs)
      await tasks.settled()
      clearTimeout(grace)
      attempts.resume()
    },
    nudge: loop.nudge,
    redeliver: (key, { actor } = {}) => nudgeAfter(deliveries.redeliver(database, key, actor)),
    redeliverParked: (options = {}) => nudgeAfter(deliveries.redeliverParked(database, options)),
    park: (key, { actor } = {}) => nudgeAfter(deliveries.park(database, key, actor)),
    find: key => readDelivery(database, key),
    checkListener: name => checkListenerName(database, listeners.all(), name),
    list: (filter = {}) => listDeliveries(database, filter),
    listParked: (countMax = 100) => listParked(database, countMax),
    listOverdue: (olderThanMs, countMax = 100) => listOverdue(database, olderThanMs, countMax),
    lag: () => deliveries.lag(database),
  }
}

/** @throws the first error of a delivery that could not be recorded. */
function summaryOf(settled: readonly PromiseSettledResult<Delivered>[]): DeliverySummary {
  const summary: DeliverySummary = { delivered: 0, failed: 0, parked: 0 }
  for (const delivery of settled) {
    if (delivery.status === 'rejected' || delivery.value === 'replaced') continue
    summary[delivery.value === 'stopped' ? 'failed' : delivery.value] += 1
  }
  const broken = settled.find(delivery => delivery.status === 'rejected')
  if (broken !== undefined) throw broken.reason
  return summary
}
