/** The metrics of a process, in Prometheus' form: what it did itself, and what the database knows when somebody asks. */
import { collectDefaultMetrics, Registry } from 'prom-client'
import { createCounters } from './counters.ts'
import { metricDefinitions } from './definitions.ts'
import { createGauges } from './gauges.ts'
import type { EngineMetrics, MetricsSource } from './port.ts'

export interface Metrics extends EngineMetrics {
  readonly register: Registry
}

export interface MetricsOptions {
  /** The host's own register, which may hold other metrics too. Default: one of its own, with those of the process. */
  register?: Registry
  /** The database is asked at most this often, milliseconds; default 5,000. */
  maxAgeMs?: number
}

/** Made once: what listens for garbage collections cannot be taken away again. */
let ofProcess: Registry | null = null

function processMetrics(): Registry {
  if (ofProcess !== null) return ofProcess
  ofProcess = new Registry()
  collectDefaultMetrics({ register: ofProcess })
  return ofProcess
}

/** In OpenMetrics a counter is described by the name of its samples without their ending. */
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

/** Makes metrics for one engine: given to `createCheckout`, and to `createHttpHandler`, which serves them. */
export function createMetrics(options: MetricsOptions = {}): Metrics {
  const { maxAgeMs = 5_000 } = options
  const register = options.register ?? Registry.merge([processMetrics()])
  let source: MetricsSource | null = null
  const { expect, ...observers } = createCounters(register, () => source?.laneSizes() ?? {})
  createGauges({ register, source: () => source, maxAgeMs })

  return {
    register,
    async render(accept = null) {
      const text = await register.metrics()
      // How a host's own register is written down is the host's to say.
      return options.register === undefined && accept?.includes('application/openmetrics-text')
        ? { contentType: Registry.OPENMETRICS_CONTENT_TYPE, text: asOpenMetrics(text) }
        : { contentType: register.contentType, text }
    },
    watch(given) {
      if (source !== null) throw new Error('These metrics watch another engine: give each engine metrics of its own.')
      source = given
      expect(given)
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
