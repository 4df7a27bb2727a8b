/**
 * The HTTP handler of a worker process: health and metrics only, with the same guards as the shop and without
 * sessions.
 */
import type { HttpHandler } from './app.ts'
import type { HttpConfig, HttpContext, HttpLog, ShopEngine, ShopMetrics } from './context.ts'
import { wrongSecretsPerMinute } from './middleware/bearer.ts'
import { createBaseApp } from './middleware/common-middleware.ts'
import { addressOf, createRateLimit } from './middleware/rate-limit.ts'
import { healthRoutes } from './routes/health.ts'
import { metricsRoutes } from './routes/metrics.ts'

export interface WorkerHttpOptions {
  engine: Pick<ShopEngine, 'health' | 'readiness'>
  /** Default: none, and no `/metrics`. */
  metrics?: ShopMetrics
  config: Pick<HttpConfig, 'production' | 'metricsSecret' | 'trustedProxyHeader'>
  log?: HttpLog
  /** Write a line of the level `debug` per request. Default false. */
  logsRequests?: boolean
  /** Makes `/health/ready` respond with 503 once aborted. */
  stopping?: AbortSignal
}

export function createWorkerHandler(options: WorkerHttpOptions): HttpHandler {
  const { engine, metrics, log, logsRequests, stopping } = options
  const { production, metricsSecret: secret = null, trustedProxyHeader = null } = options.config
  const app = createBaseApp({ production, log, logsRequests })
  healthRoutes(app, { engine }, stopping)
  const clientOf = (c: HttpContext) => addressOf(c, { trustedProxyHeader })
  const attempts = { limit: createRateLimit(wrongSecretsPerMinute), addressOf: clientOf }
  if (metrics !== undefined) metricsRoutes(app, { metrics, secret, production, attempts })
  return async (request, environment) => app.fetch(request, environment ?? {})
}
