/** Where gateways report: the raw body is handed on as it came, for its signature covers every byte. */
import { createRoute, z } from '@hono/zod-openapi'
import { HttpError } from '../errors.ts'
import type { HttpApp, Shop } from '../route-helpers.ts'
import { gatewayParamSchema } from '../schemas/requests.ts'
import { answers } from '../schemas/responses.ts'

const webhook = createRoute({
  method: 'post',
  path: '/webhooks/{gateway}',
  summary: 'A payment gateway reports',
  description: 'Signed by the gateway. Stored and deduplicated before it is acknowledged; a repetition is harmless.',
  request: { params: gatewayParamSchema },
  responses: answers({ 200: ['Stored', z.strictObject({ received: z.literal(true) })] }),
})

export function webhookRoutes(app: HttpApp, shop: Shop): void {
  app.openapi(webhook, async c => {
    const { gateway } = c.req.valid('param')
    const body = await c.req.text()
    const requestId = c.get('requestId')
    const genuine = await shop.engine.receiveWebhook(gateway, c.req.raw.headers, body, { requestId })
    if (!genuine) throw new HttpError('webhook_refused', 'The signature is missing, not ours, or too old.')
    return c.json({ received: true }, 200)
  })
}
