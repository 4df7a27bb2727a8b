/**
 * A server of the soak's shop, as an adopter would write it: the engine with a payment gateway, durable listeners, and
 * the HTTP API on a port. Stops on SIGTERM.
 */
import { serve } from '@hono/node-server'
import { createHttpHandler } from '../../packages/holdfast/src/http/app.ts'
import { type CheckoutEngine, createCheckout, createLog, openDatabase } from '../../packages/holdfast/src/index.ts'
import { createCarts, createCatalog } from '../../packages/holdfast/src/shop/index.ts'
import { clientOf } from './client.ts'
import type { GatewayName } from './gateway.ts'
import { listenersOf } from './listeners.ts'
import { settings } from './settings.ts'

const { DATABASE_URL: url = '', SECRET: secret = '', DELIVERED: delivered = '' } = process.env
const { GATEWAY: gatewayName = '', GATEWAY_URL: gatewayUrl = '' } = process.env
const port = Number(process.argv[2])
const { currency } = settings
const log = createLog({ level: 'warn' })

async function main(): Promise<void> {
  const database = await openDatabase({ url })
  const engine: CheckoutEngine = await createCheckout({
    database,
    gateways: { card: clientOf(gatewayName as GatewayName, { url: gatewayUrl, webhookSecret: secret }) },
    listeners: listenersOf(delivered, (order, refund) => engine.refundOrder(order, refund)),
    log,
    migrate: false,
    config: { ...settings.engine, currency, secret },
    numbers: settings.numbers,
  })
  const handler = createHttpHandler({
    engine,
    catalog: createCatalog(database, { currency }),
    carts: createCarts(database, { currency, protection: true }),
    config: { currency, secret, production: false, rateLimitPerMinute: 0, protection: true },
    log: (level, message, { error, ...details }) => log[level](`[HTTP] ${message}`, { ...details, err: error }),
  })
  const server = serve({ fetch: (request, environment) => handler(request, environment), port, hostname: '127.0.0.1' })
  server.once('listening', () => process.stdout.write(`shop ready on port ${port}\n`))

  process.once('SIGTERM', () => {
    server.close(async () => {
      await engine.close()
      await database.close()
      process.exit(0)
    })
    setInterval(() => 'closeIdleConnections' in server && server.closeIdleConnections(), 50)
  })
}

await main().catch((error: unknown) => {
  log.error('[Shop] could not start', { err: error })
  process.exit(1)
})
