/**
 * The one composition of a shop: engine, catalog, carts, shipping methods, notifications, event sinks, log, metrics, and
 * the HTTP handler. The command line, the tests, the proofs, and applications all call it, so a part is wired once.
 */
import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import type { CheckoutConfig } from '../config/checkout-config.ts'
import { defaultConfig } from '../config/config.ts'
import { endAllLeases } from '../database/checkouts.ts'
import type { Database } from '../database/database.ts'
import { migrate } from '../database/migrate.ts'
import { defaultDirectory, openDatabase } from '../database/open.ts'
import type { CheckoutAlert } from '../domain/alert.ts'
import { checkOptionNames, type OptionNames } from '../engine/check-options.ts'
import type { CheckoutEngine } from '../engine/checkout-engine.ts'
import { type CheckoutOptions, composeEngine } from '../engine/create-checkout.ts'
import { joinListeners, type ListenerMap } from '../events/listeners.ts'
import { createHttpHandler, type HttpHandler, type HttpOptions } from '../http/app.ts'
import type { HttpLog } from '../http/context.ts'
import type { PageSet } from '../http/pages.ts'
import type { DevelopmentOutbox } from '../notify/mail/development-outbox.ts'
import type { CheckoutLog } from '../observe/log/log.ts'
import { openLog } from '../observe/log/open-log.ts'
import type { EngineMetrics } from '../observe/metrics/port.ts'
import { loadPeer } from '../optional-peer.ts'
import { type Gateways, onlyGateway } from '../payments/gateways.ts'
import type { DeliverWebhook } from '../payments/sandbox/jobs.ts'
import type { SandboxGateway } from '../payments/sandbox/sandbox.ts'
import { type Carts, createCarts } from './carts/carts.ts'
import { listShippingMethods } from './carts/shipping-methods.ts'
import { type Catalog, createCatalog } from './catalog/catalog.ts'
import { httpConfigOf } from './http-config.ts'
import { openGateway } from './open-gateway.ts'
import { openNotifications } from './open-notifications.ts'

export interface ShopOptions
  extends Pick<CheckoutOptions, 'quote' | 'clock' | 'random' | 'numbers'>,
    Pick<HttpOptions, 'identify' | 'remoteAddress' | 'stopping' | 'streamsMax'> {
  /**
   * A database, or the address of a PostgreSQL server. Default: `config.databaseUrl`, else the embedded database in
   * `.holdfast/`. A database that was given stays open when the shop closes.
   */
  database?: Database | string
  /**
   * Payment gateways by payment method: `{ card: createStripeGateway(…) }`. Default: the gateway that the configuration
   * names, else the sandbox. For now every method must name the same gateway; it receives all payments.
   */
  gateways?: Gateways
  /** All other settings; `configFromEnvironment(process.env)` reads them from the environment. */
  config?: Partial<CheckoutConfig>
  /** ISO 4217, for the catalog and new carts. Short for `config.currency`. */
  currency?: string
  /** The shop's name on pages and in mails. Short for `config.shopName`. */
  name?: string
  /** BCP 47, for money and dates in mails and messages. Short for `config.locale`. */
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
  /** Keeps mails in files during development while no mail server is set. Default `.holdfast/mail`; null: nowhere. */
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
  /** The mails that were kept instead of sent. Null if mails are sent, or none are written. */
  keptMails: DevelopmentOutbox | null
  /** Ends workers, engine, and gateway; closes the database if the shop opened it. */
  close(): Promise<void>
}

/** Writes the lines of the HTTP handler to the log of the shop. */
export const httpLogTo =
  (log: CheckoutLog): HttpLog =>
  (level, message, { error, ...details }) =>
    log[level]?.(`[HTTP] ${message}`, error === undefined ? details : { ...details, err: error })

function settings(options: ShopOptions, log: (config: CheckoutConfig) => CheckoutLog) {
  const { currency, name, locale } = options
  const config = {
    ...defaultConfig,
    ...options.config,
    ...(currency === undefined ? {} : { currency }),
    ...(name === undefined ? {} : { shopName: name }),
    ...(locale === undefined ? {} : { locale }),
  }
  const opened = log(config)
  if (config.secret !== null) return { config: { ...config, secret: config.secret }, log: opened }
  opened.warn('[Checkout] no secret is set: sessions end with this process; set CHECKOUT_SECRET')
  return { config: { ...config, secret: randomBytes(32).toString('hex') }, log: opened }
}

const logOf = (config: CheckoutConfig): CheckoutLog =>
  openLog({
    enabled: config.loggingEnabled,
    level: config.logLevel,
    channel: config.logChannel,
    directory: join(defaultDirectory, 'logs'),
  })

async function openMetrics(): Promise<EngineMetrics | null> {
  try {
    const { createMetrics } = await loadPeer('prom-client', () => import('../observe/metrics/metrics.ts'))
    return createMetrics()
  } catch (error) {
    if (error instanceof Error && error.name === 'MissingPeerError') return null
    throw error
  }
}

async function openStore({ database, migrate: mayMigrate = true }: ShopOptions, url: string | null) {
  const given = typeof database === 'object' ? database : null
  const address = typeof database === 'string' ? database : url
  const opened = given ?? (await openDatabase(address === null ? {} : { url: address }))
  try {
    if (mayMigrate) await migrate(opened)
  } catch (error) {
    if (given === null) await opened.close()
    throw error
  }
  return { database: opened, close: async () => (given === null ? opened.close() : undefined) }
}

/** The sandbox's webhooks reach the shop over its HTTP interface, as those of every gateway do. */
async function deliverTo(handler: HttpHandler, headers: Headers, body: string): Promise<void> {
  const request = new Request('http://sandbox.invalid/webhooks/sandbox', { method: 'POST', headers, body })
  const response = await handler(request)
  await response.body?.cancel()
  if (!response.ok) throw new Error(`the webhook was answered with ${response.status}`)
}

/** Runs every step, also after one that fails. @throws the first failure. */
async function inTurn([step, ...rest]: readonly (() => Promise<unknown>)[]): Promise<void> {
  try {
    await step?.()
  } finally {
    if (rest.length > 0) await inTurn(rest)
  }
}

/**
 * Opens a shop and starts its workers.
 * @throws {CheckoutError} `invalid_argument` for an unknown option; {DatabaseError} if the database cannot be reached;
 * {ConfigError} if settings contradict each other; {MissingPeerError} if a configured part needs a package that is not installed.
 */
export async function createShop(options: ShopOptions = {}): Promise<Shop> {
  checkOptionNames('createShop', options, optionNames)
  const { workers = true, onAlert } = options
  const { config, log } = settings(options, given => options.log ?? logOf(given))
  const store = await openStore(options, config.databaseUrl)
  const { database } = store
  const closing: (() => Promise<unknown>)[] = [store.close]
  let closed: Promise<void> | null = null
  const close = () => {
    closed ??= inTurn(closing)
    return closed
  }
  try {
    const metrics = options.metrics ?? (await openMetrics())
    const deliver: DeliverWebhook = (headers, body) => deliverTo(shop.handler, headers, body)
    const given = onlyGateway(options.gateways)
    const { gateway, sandbox, ...gatewayParts } = await openGateway({
      given,
      database,
      config,
      deliverWebhook: deliver,
      onPaid: checkoutId => engine.captureCheckout(checkoutId),
    })
    closing.unshift(gatewayParts.close)
    const notifications = await openNotifications(config, log, options.mailDirectory)
    closing.unshift(notifications.close)
    // One process has the embedded database: a lease that stands there is of a process that died.
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
          return onAlert?.(alert)
        },
        workers,
        migrate: false,
      },
      gateway,
    )
    closing.unshift(() => Promise.all([notifications.flush(), engine.close()]))
    const catalog = createCatalog(database, { currency: config.currency })
    const carts = createCarts(database, { currency: config.currency, protection: config.cartProtection })
    const { keptMails } = notifications
    let handler: HttpHandler | null = null
    const shop: Shop = {
      database,
      engine,
      catalog,
      carts,
      metrics,
      sandbox,
      keptMails,
      get handler() {
        handler ??= createHttpHandler({
          ...options,
          engine,
          catalog,
          carts,
          sandbox,
          mailbox: keptMails,
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
