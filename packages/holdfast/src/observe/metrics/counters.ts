/**
 * The metrics that a process counts itself. The process whose transaction ended a checkout counts it once, after the
 * commit. It is not counted if that process dies at that moment, or if the outcome of the commit stays unknown.
 */
import { Counter, Gauge, Histogram, type Registry } from 'prom-client'
import type { CheckoutRow } from '../../database/checkout-row.ts'
import { phaseNames, type RestingState } from '../../domain/states.ts'
import { finishedPhasesOf, phaseAtGateway } from '../finished-phases.ts'
import { type MetricDefinition, ownMetrics } from './definitions.ts'
import type { Observers } from './port.ts'

export interface Counters extends Observers {
  /**
   * Creates the series that alerts watch for an increase, with the value 0. Prometheus sees no increase in a series that
   * starts with its first event.
   */
  initialize(shop: { currency: string; gateway: string }): void
}

/** Caches the child of a metric per combination of label values. */
function children<Child>(make: (...values: string[]) => Child): (...values: string[]) => Child {
  const cache = new Map<string, Child>()
  return (...values) => {
    const key = values.join(' ')
    const known = cache.get(key)
    if (known !== undefined) return known
    const child = make(...values)
    cache.set(key, child)
    return child
  }
}

/** Measures how long checkouts wait for the gateway, if this process started the call. */
function createStopwatch(observe: (state: RestingState, durationMs: number) => void) {
  /** Checkouts timed at once; beyond that, the oldest is dropped. */
  const timedMax = 20_000
  const since = new Map<string, number>()
  return {
    start(id: string, at: number): void {
      since.delete(id)
      since.set(id, at)
      const [oldest] = since.keys()
      if (since.size > timedMax && oldest !== undefined) since.delete(oldest)
    },
    stop(id: string, state: RestingState, at: number): void {
      const entered = since.get(id)
      if (entered === undefined) return
      since.delete(id)
      observe(state, Math.max(0, at - entered))
    },
  }
}

/** @param laneSizes the number of items that wait or run in each lane. */
export function createCounters(register: Registry, laneSizes: () => Readonly<Record<string, number>>): Counters {
  const named = ({ name, help, labels }: MetricDefinition) => ({
    name,
    help,
    labelNames: [...labels],
    registers: [register],
  })
  const counter = (definition: MetricDefinition) => new Counter<string>(named(definition))
  const histogram = (definition: MetricDefinition) =>
    new Histogram<string>({ ...named(definition), buckets: [...(definition.buckets ?? [])] })

  const started = counter(ownMetrics.started)
  const completed = counter(ownMetrics.completed)
  const failed = counter(ownMetrics.failed)
  const drifts = counter(ownMetrics.drifts)
  const checkoutSeconds = histogram(ownMetrics.checkoutSeconds)
  const phaseSeconds = histogram(ownMetrics.phaseSeconds)
  const gatewaySeconds = histogram(ownMetrics.gatewaySeconds)
  const laneSize = histogram(ownMetrics.laneSize)
  const laneSeconds = histogram(ownMetrics.laneSeconds)
  new Gauge<string>({
    ...named(ownMetrics.laneQueue),
    collect() {
      this.reset()
      for (const [lane, size] of Object.entries(laneSizes())) this.set({ lane }, size)
    },
  })
  const deliveries = counter(ownMetrics.deliveries)

  const phase = children(name => phaseSeconds.labels(name))
  const gatewayCall = children((gateway, kind, outcome) => gatewaySeconds.labels(gateway, kind, outcome))
  const lane = children(name => ({ size: laneSize.labels(name), seconds: laneSeconds.labels(name) }))
  const atGateway = createStopwatch((state, durationMs) => {
    const left = phaseAtGateway(state)
    if (left !== null) phase(left).observe(durationMs / 1000)
  })

  function countEnd({ state, currency, completed_at: completedAt, locked_at: lockedAt, failure }: CheckoutRow): void {
    if (state === 'completed' && completedAt !== null) {
      completed.inc({ currency: currency ?? 'none' })
      checkoutSeconds.observe(Math.max(0, Date.parse(completedAt) - Date.parse(lockedAt)) / 1000)
    }
    if (state === 'failed' && failure !== null) {
      failed.inc({ currency: currency ?? 'none', phase: failure.phase ?? 'none', code: failure.code })
    }
  }

  return {
    observeMoves(moved) {
      for (const move of moved.moves) {
        const { from, path, row } = move
        if (from === null) started.inc()
        else atGateway.stop(row.id, from, moved.startedAt)
        for (const finished of finishedPhasesOf(move, moved)) {
          phase(finished.phase).observe((finished.endedAt - finished.startedAt) / 1000)
        }
        if (path.some(({ details }) => details?.priceDrift !== undefined)) drifts.inc()
        if (phaseAtGateway(row.state) !== null) atGateway.start(row.id, moved.committedAt)
        countEnd(row)
      }
    },
    observeGateway({ gateway, operation }, outcome, durationMs) {
      gatewayCall(gateway, operation, outcome).observe(durationMs / 1000)
    },
    observeLane(name, size, durationMs) {
      const { size: sizes, seconds } = lane(name)
      sizes.observe(size)
      seconds.observe(durationMs / 1000)
    },
    observeDelivery: (listener, outcome) => deliveries.inc({ listener, outcome }),
    initialize({ currency, gateway }) {
      completed.inc({ currency }, 0)
      failed.inc({ currency, phase: 'payment_authorization', code: 'payment_mismatch' }, 0)
      for (const name of phaseNames) phaseSeconds.zero({ phase: name })
      for (const kind of ['authorize', 'capture']) {
        for (const outcome of ['succeeded', 'unknown']) gatewaySeconds.zero({ gateway, kind, outcome })
      }
    },
  }
}
