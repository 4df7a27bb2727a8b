/**
 * The metrics of this process, for Prometheus. They disclose how much a shop sells, so in production they are closed
 * until a secret is set.
 */
import { createRoute, z } from '@hono/zod-openapi'
import type { ShopMetrics } from '../context.ts'
import type { HttpApp } from '../create-app.ts'
import { type Attempts, closed, guardWithBearer } from '../middleware/bearer.ts'
import { noStore } from '../no-store.ts'
import { errorResponse } from '../schemas/responses.ts'

const route = createRoute({
  method: 'get',
  path: '/metrics',
  summary: 'Get metrics for Prometheus',
  description:
    'Counters of this process and gauges from the database, in the text format of Prometheus, or in OpenMetrics if ' +
    '`Accept` asks for it. If `CHECKOUT_METRICS_SECRET` is set, send it as a bearer token.',
  responses: {
    200: { description: 'The metrics', content: { 'text/plain': { schema: z.string() } } },
    default: { description: 'An error', content: { 'application/json': { schema: errorResponse } } },
  },
})

export interface MetricsRouteOptions {
  metrics: ShopMetrics
  /** Null or empty: open, except in production. */
  secret: string | null
  production: boolean
  attempts: Attempts
}

export function metricsRoutes(app: HttpApp, { metrics, secret, production, attempts }: MetricsRouteOptions): void {
  if (secret !== null && secret !== '') {
    app.use(route.path, guardWithBearer({ realm: 'metrics', secret, refusal: 'metrics_unauthorized', attempts }))
  } else if (production) {
    const message = 'Metrics are closed in production. Set CHECKOUT_METRICS_SECRET to open them.'
    app.use(route.path, closed('metrics_closed', message))
  }
  app.openapi(route, async c => {
    const { contentType, text } = await metrics.render(c.req.header('accept'))
    return c.text(text, 200, { 'Content-Type': contentType, ...noStore })
  })
}
