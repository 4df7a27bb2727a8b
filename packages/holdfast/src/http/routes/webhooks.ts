/** Receives webhooks of gateways. The raw body is passed on unchanged, because its signature covers every byte. */
import { createRoute, z } from '@hono/zod-openapi'
import type { HttpApp } from '../create-app.ts'
import { HttpError } from '../errors.ts'
import { gatewayParamSchema } from '../schemas/requests.ts'
import { responses } from '../schemas/responses.ts'
import type { ShopParts } from '../shop-parts.ts'

const webhook = createRoute({
  method: 'post',
  path: '/webhooks/{gateway}',
  summary: 'Receive a webhook of a payment gateway',
  description:
    'Signed by the gateway. It is stored and deduplicated before the response, so repeated deliveries are harmless.',
  request: { params: gatewayParamSchema },
  responses: responses({ 200: ['Stored', z.strictObject({ received: z.literal(true) })] }),
})

export function webhookRoutes(app: HttpApp, shop: ShopParts): void {
  app.openapi(webhook, async c => {
    const { gateway } = c.req.valid('param')
    const body = await c.req.text()
    const requestId = c.get('requestId')
    const isGenuine = await shop.engine.receiveWebhook(gateway, c.req.raw.headers, body, { requestId })
    if (!isGenuine) throw new HttpError('webhook_refused', 'The signature is missing, invalid, or too old.')
    return c.json({ received: true }, 200)
  })
}
