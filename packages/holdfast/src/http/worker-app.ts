/**
 * What a process answers that only works: whether it lives, is ready and well, and its metrics, by the routes of the shop
 * and closed as they are. It has no shop, no session and no secret of one.
 */
import type { HttpHandler } from './app.ts'
import type { HttpConfig, HttpContext, HttpLog, ShopEngine, ShopMetrics } from './context.ts'
import { wrongSecretsPerMinute } from './middleware/bearer.ts'
import { openDoor } from './middleware/common-middleware.ts'
import { addressOf, createRateLimit } from './middleware/rate-limit.ts'
import { healthRoutes } from './routes/health.ts'
import { metricsRoutes } from './routes/metrics.ts'

export interface WorkerHttpOptions {
  engine: Pick<ShopEngine, 'health' | 'readiness'>
  /** Without it there is no `/metrics`. */
  metrics?: ShopMetrics
  config: Pick<HttpConfig, 'production' | 'metricsSecret' | 'trustedProxyHeader'>
  log?: HttpLog
  /** A line of the level `debug` for every request. Default false. */
  logsRequests?: boolean
  /** Says at `/health/ready` that the process ends. */
  stopping?: AbortSignal
}

export function createWorkerHandler(options: WorkerHttpOptions): HttpHandler {
  const { engine, metrics, log, logsRequests, stopping } = options
  const { production, metricsSecret: secret = null, trustedProxyHeader = null } = options.config
  const app = openDoor({ production, log, logsRequests })
  healthRoutes(app, { engine }, stopping)
  const clientOf = (c: HttpContext) => addressOf(c, { trustedProxyHeader })
  const attempts = { limit: createRateLimit(wrongSecretsPerMinute), addressOf: clientOf }
  if (metrics !== undefined) metricsRoutes(app, { metrics, secret, production, attempts })
  return async (request, environment) => app.fetch(request, environment ?? {})
}
