/** A whole shop in this process: database, payment gateway, engine with its workers, catalog and carts; and the way to end it. */

import type { CheckoutConfig } from '../config/config.ts'
import { wakeOrphans } from '../database/checkouts.ts'
import type { Database } from '../database/database.ts'
import type { CheckoutEngine } from '../engine/checkout-engine.ts'
import { createCheckout } from '../engine/create-checkout.ts'
import type { KeptMails } from '../notify/mail/development-outbox.ts'
import type { CheckoutLog } from '../observe/log/log.ts'
import { createMetrics, type Metrics } from '../observe/metrics/metrics.ts'
import type { DeliverWebhook } from '../payments/sandbox/jobs.ts'
import type { SandboxGateway } from '../payments/sandbox/sandbox.ts'
import { type Carts, createCarts } from './carts/carts.ts'
import { type Catalog, createCatalog } from './catalog/catalog.ts'
import { openGateway } from './open-gateway.ts'
import { openNotifications } from './open-notifications.ts'

export interface Shop {
  database: Database
  engine: CheckoutEngine
  metrics: Metrics
  /** The gateway, where it is the sandbox. */
  sandbox: SandboxGateway | null
  catalog: Catalog
  carts: Carts
  /** Mails that were kept instead of being sent, where they are. */
  keptMails: KeptMails | null
  /** Ends the engine, then the gateway. The database is the caller's. */
  close(): Promise<void>
}

export interface ShopOptions {
  database: Database
  config: CheckoutConfig & { secret: string }
  log: CheckoutLog
  /** Where the sandbox sends its webhooks; default: straight to the engine. */
  deliverWebhook?: DeliverWebhook
  /** Carry checkouts on, deliver and compare in this process. Default true; false: what a command asks for, and no more. */
  workers?: boolean
  /** Where mails are kept that nothing sends while one develops; null: nowhere. Default `.holdfast/mail`. */
  mailDirectory?: string | null
}

/** Opens the shop on a database that is up to date, and starts its workers. */
export async function openShop(options: ShopOptions): Promise<Shop> {
  const { database, config, log, workers = true } = options
  const metrics = createMetrics()
  const deliver: { to: DeliverWebhook } = { to: options.deliverWebhook ?? (async () => {}) }
  const { gateway, sandbox, start, close } = await openGateway({
    database,
    config,
    deliverWebhook: (headers, body) => deliver.to(headers, body),
    onPaid: checkoutId => engine.captureCheckout(checkoutId),
  })
  // One process has the embedded database: what stands there as being worked on was left by one that died.
  if (workers && database.kind === 'embedded') await wakeOrphans(database)
  const notifications = await openNotifications(config, log, options.mailDirectory)
  const { listeners, onAlert } = notifications
  const given = { database, gateway, config, log, listeners, onAlert, metrics, workers }
  const engine = await createCheckout({ ...given, migrate: false })
  if (options.deliverWebhook === undefined) {
    deliver.to = async (headers, body) => {
      if (!(await engine.receiveWebhook(gateway.name, headers, body))) throw new Error('the webhook was refused')
    }
  }
  if (workers) {
    start()
    notifications.watch(engine)
  }
  return {
    database,
    engine,
    metrics,
    sandbox,
    catalog: createCatalog(database, { currency: config.currency }),
    carts: createCarts(database, { currency: config.currency, protection: config.cartProtection }),
    keptMails: notifications.keptMails,
    async close() {
      await Promise.all([notifications.flush(), engine.close()])
      await notifications.close()
      await close()
    },
  }
}
