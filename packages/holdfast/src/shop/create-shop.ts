/**
 * The one composition of a shop: engine, catalog, carts, shipping methods, notifications, event sinks, log, metrics, and
 * the HTTP handler. The command line, the tests, the proofs, and applications all call it, so a part is wired once.
 */
import type { CheckoutConfig } from '../config/checkout-config.ts'
import { endAllLeases } from '../database/checkouts.ts'
import type { Database } from '../database/database.ts'
import type { CheckoutAlert } from '../domain/alert.ts'
import { checkOptionNames, type OptionNames } from '../engine/check-options.ts'
import type { CheckoutEngine } from '../engine/checkout-engine.ts'
import { type CheckoutOptions, composeEngine } from '../engine/create-checkout.ts'
import { joinListeners, type ListenerMap } from '../events/listeners.ts'
import { createHttpHandler, type HttpHandler, type HttpOptions } from '../http/app.ts'
import type { PageSet } from '../http/pages.ts'
import type { DevelopmentOutbox } from '../notify/mail/development-outbox.ts'
import type { CheckoutLog } from '../observe/log/log.ts'
import type { EngineMetrics } from '../observe/metrics/port.ts'
import { type Gateways, onlyGateway } from '../payments/gateways.ts'
import type { SandboxGateway } from '../payments/sandbox/sandbox.ts'
import { type Carts, createCarts } from './carts/carts.ts'
import { listShippingMethods } from './carts/shipping-methods.ts'
import { type Catalog, createCatalog } from './catalog/catalog.ts'
import { httpConfigOf } from './http-config.ts'
import { openGateway } from './open-gateway.ts'
import { openMetrics } from './open-metrics.ts'
import { openNotifications } from './open-notifications.ts'
import { openShopDatabase } from './open-shop-database.ts'
import { httpLogTo, shopSettings } from './shop-settings.ts'

export interface ShopOptions
  extends Pick<CheckoutOptions, 'quote' | 'clock' | 'random' | 'numbers'>,
    Pick<HttpOptions, 'identify' | 'remoteAddress' | 'stopping' | 'streamsMax'> {
  /**
   * A database, or the address of a PostgreSQL server. Default: `config.databaseUrl`, else the embedded database in
   * `.holdfast/`. A database that was given stays open when the shop closes.
   */
  database?: Database | string | undefined
  /**
   * Payment gateways by payment method: `{ card: createStripeGateway(…) }`. Default: the gateway that the configuration
   * names, else the sandbox. For now every method must name the same gateway; it receives all payments.
   */
  gateways?: Gateways
  /** All other settings; `configFromEnvironment(process.env)` reads them from the environment. */
  config?: Partial<CheckoutConfig>
  /** ISO 4217, for the catalog and new carts. Short for `config.currency`. */
  currency?: string
  /** The shop's name on pages and in emails. Short for `config.shopName`. */
  name?: string
  /** BCP 47, for money and dates in emails and messages. Short for `config.locale`. */
  locale?: string
  /** Durable listeners of the application, beside those for notifications and sinks. */
  listeners?: ListenerMap
  /** Receives alerts that need a person, beside mail and Slack. */
  onAlert?(alert: CheckoutAlert): unknown
  /** Default: the log that the configuration describes. */
  log?: CheckoutLog
  /** Default: metrics of the shop's own, if `prom-client` is installed. */
  metrics?: EngineMetrics
  /** The pages for browsers, such as `storefront` of `@holdfast/storefront`. Default: none; requests for HTML get 406. */
  pages?: PageSet
  /** Recover, expire, deliver, and compare in this process. Default true. */
  workers?: boolean
  /** Bring the schema up to date first. Default true. */
  migrate?: boolean
  /**
   * Keeps emails in files during development while no mail server is set. Null: nowhere. Default `.holdfast/mail`; with a
   * gateway of your own nowhere, because it may take real money.
   */
  mailDirectory?: string | null
}

const optionNames: OptionNames<ShopOptions> = {
  database: true,
  gateways: true,
  config: true,
  currency: true,
  name: true,
  locale: true,
  listeners: true,
  onAlert: true,
  log: true,
  metrics: true,
  pages: true,
  workers: true,
  migrate: true,
  mailDirectory: true,
  quote: true,
  clock: true,
  random: true,
  numbers: true,
  identify: true,
  remoteAddress: true,
  stopping: true,
  streamsMax: true,
}

export interface Shop {
  database: Database
  engine: CheckoutEngine
  catalog: Catalog
  carts: Carts
  /** The HTTP interface of the shop. */
  handler: HttpHandler
  /** Null if `prom-client` is not installed. */
  metrics: EngineMetrics | null
  /** The gateway, if it is the sandbox. */
  sandbox: SandboxGateway | null
  /** The emails that were kept instead of sent. Null if emails are sent, or none are written. */
  keptMails: DevelopmentOutbox | null
  /** Ends workers, engine, and gateway; closes the database if the shop opened it. */
  close(): Promise<void>
}

/** The sandbox delivers its webhooks to the HTTP interface of the shop, as every gateway does. */
async function deliverTo(handler: HttpHandler, headers: Headers, body: string): Promise<void> {
  const request = new Request('http://sandbox.invalid/webhooks/sandbox', { method: 'POST', headers, body })
  const response = await handler(request)
  await response.body?.cancel()
  if (!response.ok) throw new Error(`the webhook was answered with ${response.status}`)
}

/** Runs every step in order, even after one that fails. @throws the first failure. */
async function runAll([step, ...rest]: readonly (() => Promise<unknown>)[]): Promise<void> {
  try {
    await step?.()
  } finally {
    if (rest.length > 0) await runAll(rest)
  }
}

/**
 * Opens a shop and starts its workers.
 * @throws {CheckoutError} `invalid_argument` for an unknown option or for two different gateways; {DatabaseError} if the
 * database cannot be reached; {ConfigError} if settings contradict each other; {MissingPeerError} if a configured part
 * needs a package that is not installed.
 */
export async function createShop(options: ShopOptions = {}): Promise<Shop> {
  checkOptionNames('createShop', options, optionNames)
  const givenGateway = onlyGateway(options.gateways)
  const { workers = true } = options
  const { config, log } = shopSettings(options)
  const opened = await openShopDatabase(options.database, config.databaseUrl, options.migrate ?? true)
  const { database } = opened
  /** In the order in which they run: each part closes before the parts that it uses. */
  const closing: (() => Promise<unknown>)[] = [opened.close]
  let closed: Promise<void> | null = null
  const close = () => {
    closed ??= runAll(closing)
    return closed
  }
  try {
    const metrics = options.metrics ?? (await openMetrics())
    const { gateway, sandbox, ...gatewayParts } = await openGateway({
      given: givenGateway,
      database,
      config,
      deliverWebhook: (headers, body) => deliverTo(shop.handler, headers, body),
      onPaid: checkoutId => engine.captureCheckout(checkoutId),
    })
    closing.unshift(gatewayParts.close)
    // A gateway of the application may take real money, so emails to real buyers are kept in files only on request.
    const isOwnGateway = givenGateway !== undefined && sandbox === null
    const mailDirectory = options.mailDirectory === undefined && isOwnGateway ? null : options.mailDirectory
    const notifications = await openNotifications(config, log, mailDirectory)
    closing.unshift(notifications.close)
    // Only one process can have the embedded database, so existing leases belong to a process that has ended.
    if (workers && database.kind === 'embedded') await endAllLeases(database)
    const engine: CheckoutEngine = await composeEngine(
      {
        ...options,
        database,
        listeners: joinListeners(notifications.listeners, options.listeners ?? {}),
        config,
        log,
        ...(metrics === null ? {} : { metrics }),
        onAlert(alert) {
          notifications.onAlert(alert)
          return options.onAlert?.(alert)
        },
        workers,
        migrate: false,
      },
      gateway,
    )
    closing.unshift(() => Promise.all([notifications.flush(), engine.close()]))
    const parts = {
      engine,
      catalog: createCatalog(database, { currency: config.currency }),
      carts: createCarts(database, { currency: config.currency, protection: config.cartProtection }),
      sandbox,
    }
    let handler: HttpHandler | null = null
    const shop: Shop = {
      ...parts,
      database,
      metrics,
      keptMails: notifications.keptMails,
      get handler() {
        handler ??= createHttpHandler({
          ...options,
          ...parts,
          mailbox: notifications.keptMails,
          ...(metrics === null ? {} : { metrics }),
          pages: options.pages ?? null,
          shippingMethods: () => listShippingMethods(database),
          log: httpLogTo(log),
          logsRequests: config.logLevel === 'debug',
          config: httpConfigOf(config, gateway.name),
        })
        return handler
      },
      close,
    }
    if (workers) {
      gatewayParts.start()
      notifications.watch(engine)
    }
    return shop
  } catch (error) {
    await close()
    throw error
  }
}
