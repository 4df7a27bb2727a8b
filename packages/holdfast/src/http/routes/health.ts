/**
 * Health of the checkout for monitoring, and liveness and readiness of this process for supervisors and load
 * balancers.
 */
import { createRoute } from '@hono/zod-openapi'
import { shutdownReport } from '../../observe/health/readiness.ts'
import type { ShopEngine } from '../context.ts'
import type { HttpApp } from '../create-app.ts'
import { noStore } from '../no-store.ts'
import { healthResponse, livenessResponse, readinessResponse, responses } from '../schemas/responses.ts'

const health = createRoute({
  method: 'get',
  path: '/health/checkout',
  summary: 'Get the health of the checkout',
  description:
    'For monitoring: the result of every check, read at `timestamp`, at most one second ago. An unresponsive database is ' +
    'reported within five seconds.',
  responses: responses({ 200: ['Healthy or degraded', healthResponse], 503: ['Unhealthy', healthResponse] }),
})

const liveness = createRoute({
  method: 'get',
  path: '/health/live',
  summary: 'Check that the process responds',
  description: 'For the supervisor that restarts the process. Does not query the database.',
  responses: responses({ 200: ['The process responds', livenessResponse] }),
})

const readiness = createRoute({
  method: 'get',
  path: '/health/ready',
  summary: 'Check that the process can serve requests',
  description:
    'For load balancers: the database responds, its schema is up to date, and the process is not stopping. A stopping ' +
    'process still serves requests for a moment.',
  responses: responses({ 200: ['Ready', readinessResponse], 503: ['Not ready', readinessResponse] }),
})

/** @param stopping aborted when the process begins to stop. */
export function healthRoutes(
  app: HttpApp,
  shop: { engine: Pick<ShopEngine, 'health' | 'readiness'> },
  stopping: AbortSignal | undefined,
): void {
  app.openapi(health, async c => {
    const { status, checks, timestamp } = await shop.engine.health()
    return c.json({ status, checks, timestamp }, status === 'unhealthy' ? 503 : 200, noStore)
  })
  app.openapi(liveness, c => c.json({ status: 'live' as const }, 200, noStore))
  app.openapi(readiness, async c => {
    const { status, checks, timestamp } = stopping?.aborted ? shutdownReport() : await shop.engine.readiness()
    return c.json({ status, checks, timestamp }, status === 'ready' ? 200 : 503, noStore)
  })
}
