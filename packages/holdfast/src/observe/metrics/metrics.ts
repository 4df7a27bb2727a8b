/** The metrics of a process for Prometheus: its own counters, and figures read from the database on request. */
import { collectDefaultMetrics, Registry } from 'prom-client'
import { createCounters } from './counters.ts'
import { metricDefinitions } from './definitions.ts'
import { createGauges } from './gauges.ts'
import type { EngineMetrics, MetricsSource } from './port.ts'

export interface Metrics extends EngineMetrics {
  readonly register: Registry
}

export interface MetricsOptions {
  /** A prom-client register of the host, which may hold other metrics. Default: a new one with the process's metrics. */
  register?: Registry
  /** The shortest interval between two readings of the database, milliseconds. Default 5,000. */
  maxAgeMs?: number
}

/** Created once, because the observer of garbage collections cannot be removed. */
let ofProcess: Registry | null = null

function processMetrics(): Registry {
  if (ofProcess !== null) return ofProcess
  ofProcess = new Registry()
  collectDefaultMetrics({ register: ofProcess })
  return ofProcess
}

/** Converts to OpenMetrics, which describes a counter by its name without the suffix `_total`. */
function asOpenMetrics(text: string): string {
  const counters = new Set([...text.matchAll(/^# TYPE (\S+) counter$/gm)].map(([, name = '']) => name))
  const lines = text
    .split('\n')
    .filter(line => line !== '')
    .map(line =>
      line.replace(/^(# \w+) (\S+)_total /, (described, keyword, name) =>
        counters.has(`${name}_total`) ? `${keyword} ${name} ` : described,
      ),
    )
  return `${lines.join('\n')}\n# EOF\n`
}

/** Creates the metrics of one engine. Pass them to `createCheckout`, and to `createHttpHandler`, which serves them. */
export function createMetrics(options: MetricsOptions = {}): Metrics {
  const { maxAgeMs = 5_000 } = options
  const register = options.register ?? Registry.merge([processMetrics()])
  let source: MetricsSource | null = null
  const { initialize, ...observers } = createCounters(register, () => source?.laneSizes() ?? {})
  createGauges({ register, source: () => source, maxAgeMs })

  return {
    register,
    async render(accept = null) {
      const text = await register.metrics()
      // The content type of the host's own register is configured by the host.
      return options.register === undefined && accept?.includes('application/openmetrics-text')
        ? { contentType: Registry.OPENMETRICS_CONTENT_TYPE, text: asOpenMetrics(text) }
        : { contentType: register.contentType, text }
    },
    watch(given) {
      if (source !== null)
        throw new Error('these metrics already belong to another engine; call createMetrics() once per engine')
      source = given
      initialize(given)
      return {
        ...observers,
        stop() {
          source = null
        },
      }
    },
    close() {
      for (const { name } of metricDefinitions) register.removeSingleMetric(name)
    },
  }
}
