/**
 * A server of the soak's shop, as an adopter would write it: a shop with a payment gateway and durable listeners, and
 * its HTTP API on a port. Stops on SIGTERM.
 */
import { serve } from '@hono/node-server'
import { createLog } from '../../packages/holdfast/src/index.ts'
import { createShop, type Shop } from '../../packages/holdfast/src/shop/index.ts'
import { clientOf } from './client.ts'
import type { GatewayName } from './gateway.ts'
import { listenersOf } from './listeners.ts'
import { settings } from './settings.ts'

const { DATABASE_URL: url = '', SECRET: secret = '', DELIVERED: delivered = '' } = process.env
const { GATEWAY: gatewayName = '', GATEWAY_URL: gatewayUrl = '' } = process.env
const port = Number(process.argv[2])
const log = createLog({ level: 'warn' })

async function main(): Promise<void> {
  const shop: Shop = await createShop({
    database: url,
    gateways: { card: clientOf(gatewayName as GatewayName, { url: gatewayUrl, webhookSecret: secret }) },
    listeners: listenersOf(delivered, (order, refund) => shop.engine.refundOrder(order, refund)),
    log,
    migrate: false,
    config: { ...settings.engine, currency: settings.currency, secret, rateLimitPerMinute: 0 },
    numbers: settings.numbers,
  })
  const fetch = (request: Request, environment: object) => shop.handler(request, environment)
  const server = serve({ fetch, port, hostname: '127.0.0.1' })
  server.once('listening', () => process.stdout.write(`shop ready on port ${port}\n`))

  process.once('SIGTERM', () => {
    server.close(async () => {
      await shop.close()
      process.exit(0)
    })
    setInterval(() => 'closeIdleConnections' in server && server.closeIdleConnections(), 50)
  })
}

await main().catch((error: unknown) => {
  log.error('[Shop] could not start', { err: error })
  process.exit(1)
})
