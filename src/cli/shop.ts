/** A whole shop in this process: database, sandbox gateway, engine with its workers, catalog and carts; and the way to end it. */
import { createHmac } from 'node:crypto'
import { type Carts, createCarts } from '../carts/carts.ts'
import { type Catalog, createCatalog } from '../catalog/catalog.ts'
import type { CheckoutEngine } from '../checkout-engine.ts'
import type { CheckoutConfig } from '../config.ts'
import { createCheckout } from '../engine.ts'
import type { CheckoutLog } from '../observe/log.ts'
import { createSandboxGateway, type SandboxGateway } from '../payments/sandbox.ts'
import type { DeliverWebhook } from '../payments/sandbox-jobs.ts'
import { wakeOrphans } from '../store/checkouts.ts'
import type { Database } from '../store/database.ts'
import { connectPostgres } from '../store/postgres.ts'

export interface Shop {
  database: Database
  engine: CheckoutEngine
  sandbox: SandboxGateway
  catalog: Catalog
  carts: Carts
  /** Ends the engine, then the gateway. The database is the caller's. */
  close(): Promise<void>
}

export interface ShopOptions {
  database: Database
  config: CheckoutConfig & { secret: string }
  log: CheckoutLog
  /** Where the sandbox sends its webhooks; default: straight to the engine. */
  deliverWebhook?: DeliverWebhook
}

/** Opens the shop on a database that is up to date, and starts its workers. */
export async function openShop(options: ShopOptions): Promise<Shop> {
  const { database, config, log } = options
  const ledger = config.databaseUrl === null ? null : await connectPostgres({ url: config.databaseUrl, poolMax: 4 })
  const deliver: { to: DeliverWebhook } = { to: options.deliverWebhook ?? (async () => {}) }
  const sandbox = createSandboxGateway({
    database: ledger ?? database,
    // The same in every process of the shop: any of them delivers, any receives.
    webhookSecret: createHmac('sha256', config.secret).update('sandbox webhooks').digest('hex'),
    deliverWebhook: (headers, body) => deliver.to(headers, body),
  })
  // One process has the embedded database: what stands there as being worked on was left by one that died.
  if (database.kind === 'embedded') await wakeOrphans(database)
  const engine = await createCheckout({ database, gateway: sandbox, config, log, migrate: false })
  if (options.deliverWebhook === undefined) {
    deliver.to = async (headers, body) => {
      if (!(await engine.receiveWebhook('sandbox', headers, body))) throw new Error('the webhook was refused')
    }
  }
  sandbox.start()
  return {
    database,
    engine,
    sandbox,
    catalog: createCatalog(database, { currency: config.currency }),
    carts: createCarts(database, { currency: config.currency, protection: config.cartProtection }),
    async close() {
      await engine.close()
      await sandbox.close()
      await ledger?.close()
    },
  }
}
