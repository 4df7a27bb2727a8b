/** Whether checkouts work, for monitoring; and whether this process lives and can serve, for whoever starts and feeds it. */
import { createRoute } from '@hono/zod-openapi'
import type { ReadinessReport } from '../../engine/checkout-engine.ts'
import type { ShopEngine } from '../context.ts'
import type { HttpApp } from '../route-helpers.ts'
import { answers, healthAnswer, livenessAnswer, readinessAnswer } from '../schemas/responses.ts'

const health = createRoute({
  method: 'get',
  path: '/health/checkout',
  summary: 'Health of the checkout',
  description:
    'For monitoring: every check with what it found, read at `timestamp`, at most a second ago. A database that does not ' +
    'answer shows within five seconds.',
  responses: answers({ 200: ['Healthy or degraded', healthAnswer], 503: ['Unhealthy', healthAnswer] }),
})

const liveness = createRoute({
  method: 'get',
  path: '/health/live',
  summary: 'Whether the process answers',
  description: 'For whoever restarts it. Nothing is asked of the database.',
  responses: answers({ 200: ['It does', livenessAnswer] }),
})

const readiness = createRoute({
  method: 'get',
  path: '/health/ready',
  summary: 'Whether the process can serve',
  description:
    'For load balancers: the database answers, its schema is up to date, and the process is not ending. Once it is, requests ' +
    'are still served for a moment.',
  responses: answers({ 200: ['Ready', readinessAnswer], 503: ['Not ready', readinessAnswer] }),
})

const noStore = { 'Cache-Control': 'no-store' }

/** @param stopping whose abort says that the process is about to end. */
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
    const { status, checks, timestamp } = stopping?.aborted ? ending() : await shop.engine.readiness()
    return c.json({ status, checks, timestamp }, status === 'ready' ? 200 : 503, noStore)
  })
}

function ending(): ReadinessReport {
  const process = { status: 'critical' as const, message: 'The process is ending' }
  return { status: 'not_ready', checks: { process }, timestamp: new Date().toISOString() }
}
