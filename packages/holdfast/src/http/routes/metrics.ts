/**
 * The metrics of this process, for Prometheus. They tell how much a shop sells: open on a developer's machine, closed in
 * production until a secret opens them.
 */
import { createRoute, z } from '@hono/zod-openapi'
import type { ShopMetrics } from '../context.ts'
import { type Attempts, closed, guardWithBearer } from '../middleware/bearer.ts'
import type { HttpApp } from '../route-helpers.ts'
import { errorAnswer } from '../schemas/responses.ts'

const route = createRoute({
  method: 'get',
  path: '/metrics',
  summary: 'Metrics for Prometheus',
  description:
    'What this process counted and what the database knows, in Prometheus’ text format, or in OpenMetrics where that is ' +
    'asked for. Where `CHECKOUT_METRICS_SECRET` is set it is sent as a bearer token.',
  responses: {
    200: { description: 'The metrics', content: { 'text/plain': { schema: z.string() } } },
    default: { description: 'A refusal', content: { 'application/json': { schema: errorAnswer } } },
  },
})

export interface MetricsRouteOptions {
  metrics: ShopMetrics
  /** Null or empty: open, but closed in production. */
  secret: string | null
  production: boolean
  attempts: Attempts
}

export function metricsRoutes(app: HttpApp, { metrics, secret, production, attempts }: MetricsRouteOptions): void {
  if (secret !== null && secret !== '') {
    app.use(route.path, guardWithBearer({ realm: 'metrics', secret, refusal: 'metrics_unauthorized', attempts }))
  } else if (production) {
    const message = 'Metrics are closed in production until CHECKOUT_METRICS_SECRET is set.'
    app.use(route.path, closed('metrics_closed', message))
  }
  app.openapi(route, async c => {
    const { contentType, text } = await metrics.render(c.req.header('accept'))
    return c.text(text, 200, { 'Content-Type': contentType, 'Cache-Control': 'no-store' })
  })
}
