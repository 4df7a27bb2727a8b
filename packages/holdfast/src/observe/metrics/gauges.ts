/** The gauges of figures in the database. One reading fills all of them, and is shared by all scrapes within `maxAgeMs`. */
import { Gauge, type Registry } from 'prom-client'
import { isFinal, restingStates } from '../../domain/states.ts'
import { keepFresh } from '../health/shared-reading.ts'
import { type Figures, type FiguresReading, readFigures } from './database-figures.ts'
import { databaseMetrics, type MetricDefinition } from './definitions.ts'
import type { GaugesSource } from './port.ts'

export interface GaugesOptions {
  register: Registry
  /** Null while no engine is watched; the gauges are then empty. */
  source(): GaugesSource | null
  /** The shortest interval between two readings, milliseconds. */
  maxAgeMs: number
}

const activeStates = restingStates.filter(state => !isFinal(state))

/** Each gauge requests the reading itself, so that it is current in any register. */
export function createGauges({ register, source, maxAgeMs }: GaugesOptions): void {
  const nothing: FiguresReading = { isUp: false, figures: null }
  const readNow = async () => {
    const current = source()
    return current === null ? nothing : readFigures(current)
  }
  // Scrapes are far apart, so nothing is read between them.
  const read = keepFresh(readNow, { mayReadAhead: () => false })

  function gauge(
    { name, help, labels }: MetricDefinition,
    fill: (gauge: Gauge<string>, figures: Figures) => void,
  ): void {
    new Gauge<string>({
      name,
      help,
      labelNames: [...labels],
      registers: [register],
      async collect() {
        const { figures } = source() === null ? nothing : await read({ maxAgeMs })
        this.reset()
        if (labels.length === 0) this.remove()
        if (figures !== null) fill(this, figures)
      },
    })
  }
  const simple = (definition: MetricDefinition, of: (read: Figures) => number) =>
    gauge(definition, (it, read) => it.set(of(read)))
  const byListener = (definition: MetricDefinition, of: (read: Figures) => Iterable<readonly [string, number]>) =>
    gauge(definition, (it, read) => {
      for (const listener of source()?.listenerNames() ?? []) it.set({ listener }, 0)
      for (const [listener, value] of of(read)) it.set({ listener }, value)
    })
  const byState = (
    definition: MetricDefinition,
    states: readonly string[],
    of: (read: Figures) => Record<string, number>,
  ) =>
    gauge(definition, (it, read) => {
      for (const state of states) it.set({ state }, of(read)[state] ?? 0)
    })

  new Gauge<string>({
    name: databaseMetrics.up.name,
    help: databaseMetrics.up.help,
    registers: [register],
    async collect() {
      if (source() === null) this.remove()
      else this.set((await read({ maxAgeMs })).isUp ? 1 : 0)
    },
  })
  byState(databaseMetrics.active, activeStates, read => read.active)
  byState(databaseMetrics.held, ['held', 'firm'], read => read.held)
  simple(databaseMetrics.expired, read => read.expired)
  simple(databaseMetrics.stuck, read => read.stuck)
  simple(databaseMetrics.rollbacks, read => read.rollbacks)
  simple(databaseMetrics.captures, read => read.captures)
  simple(databaseMetrics.unanswered, read => read.unanswered)
  simple(databaseMetrics.failedWebhooks, read => read.failedWebhooks)
  byListener(databaseMetrics.due, read => read.deliveries.map(({ listener, due }) => [listener, due]))
  byListener(databaseMetrics.lag, read => read.deliveries.map(({ listener, lagSeconds }) => [listener, lagSeconds]))
  byListener(databaseMetrics.parked, read => Object.entries(read.parked))
  gauge(databaseMetrics.differences, (it, { reconciled }) => {
    if (reconciled === null) return
    it.set({ critical: 'true' }, reconciled.critical)
    it.set({ critical: 'false' }, reconciled.differences - reconciled.critical)
  })
  gauge(databaseMetrics.reconciled, (it, { reconciled }) => {
    if (reconciled !== null) it.set(reconciled.agoMs / 1000)
  })
}
