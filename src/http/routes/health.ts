/** Whether checkouts can work, for monitoring. */
import { createRoute } from '@hono/zod-openapi'
import { answers, healthAnswer } from '../answers.ts'
import type { HttpApp, Shop } from '../shop.ts'

const health = createRoute({
  method: 'get',
  path: '/health/checkout',
  summary: 'Health of the checkout',
  responses: answers({ 200: ['Healthy or degraded', healthAnswer], 503: ['Unhealthy', healthAnswer] }),
})

export function healthRoutes(app: HttpApp, shop: Shop): void {
  app.openapi(health, async c => {
    const report = await shop.engine.health()
    const status = report.status === 'unhealthy' ? 503 : 200
    return c.json({ status: report.status, checks: report.checks, timestamp: report.timestamp }, status, {
      'Cache-Control': 'no-store',
    })
  })
}
