/**
 * What a process counts itself, as it does it. An end is counted by the process whose transaction wrote it, after the
 * commit: once, or (where it died right then, or the commit's outcome cannot be known) never.
 */
import { Counter, Gauge, Histogram, type Registry } from 'prom-client'
import type { CheckoutRow } from '../../database/checkout-row.ts'
import { phaseNames, type RestingState } from '../../domain/states.ts'
import { passagesOf, phaseAtGateway } from '../finished-phases.ts'
import { type MetricDefinition, ownMetrics } from './definitions.ts'
import type { Observers } from './port.ts'

export interface Counters extends Observers {
  /**
   * Counts from 0 what alerts look for a rise of: a series that begins with its first event never rose, as Prometheus
   * sees it.
   */
  expect(shop: { currency: string; gateway: string }): void
}

/** A child for each value of its labels, looked up once. */
function children<Child>(make: (...values: string[]) => Child): (...values: string[]) => Child {
  const made = new Map<string, Child>()
  return (...values) => {
    const key = values.join(' ')
    const known = made.get(key)
    if (known !== undefined) return known
    const child = make(...values)
    made.set(key, child)
    return child
  }
}

/** Calls with the time that checkouts are at the gateway, as far as this process brought them there. */
function createStopwatch(observe: (state: RestingState, durationMs: number) => void) {
  /** Beyond it the oldest is not timed. */
  const timedMax = 20_000
  const since = new Map<string, number>()
  return {
    enters(id: string, at: number): void {
      since.delete(id)
      since.set(id, at)
      const [oldest] = since.keys()
      if (since.size > timedMax && oldest !== undefined) since.delete(oldest)
    },
    leaves(id: string, state: RestingState, at: number): void {
      const entered = since.get(id)
      if (entered === undefined) return
      since.delete(id)
      observe(state, Math.max(0, at - entered))
    },
  }
}

/** @param laneSizes how many wait or run now. */
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

  function ends({ state, currency, completed_at: completedAt, locked_at: lockedAt, failure }: CheckoutRow): void {
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
        else atGateway.leaves(row.id, from, moved.startedAt)
        for (const passage of passagesOf(move, moved)) {
          phase(passage.phase).observe((passage.endedAt - passage.startedAt) / 1000)
        }
        if (path.some(({ details }) => details?.priceDrift !== undefined)) drifts.inc()
        if (phaseAtGateway(row.state) !== null) atGateway.enters(row.id, moved.committedAt)
        ends(row)
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
    expect({ currency, gateway }) {
      completed.inc({ currency }, 0)
      failed.inc({ currency, phase: 'payment_authorization', code: 'payment_mismatch' }, 0)
      for (const name of phaseNames) phaseSeconds.zero({ phase: name })
      for (const kind of ['authorize', 'capture']) {
        for (const outcome of ['succeeded', 'unknown']) gatewaySeconds.zero({ gateway, kind, outcome })
      }
    },
  }
}
