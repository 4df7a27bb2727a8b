/** The server: a shop, its HTTP handler, and the commands of other processes while the embedded database is held here. */
import { join } from 'node:path'
import type { CheckoutConfig } from '../../../holdfast/src/config/config.ts'
import type { Database } from '../../../holdfast/src/database/database.ts'
import type { RequestHandler } from '../../../holdfast/src/database/embedded/directory-lock.ts'
import { openEmbedded } from '../../../holdfast/src/database/embedded/pglite.ts'
import { migrate } from '../../../holdfast/src/database/migrate.ts'
import { connectPostgres } from '../../../holdfast/src/database/postgres/postgres.ts'
import { createHttpHandler, type HttpHandler } from '../../../holdfast/src/http/app.ts'
import type { CheckoutLog } from '../../../holdfast/src/observe/log/log.ts'
import { openShop, type Shop } from '../../../holdfast/src/shop/create-shop.ts'
import { seedDemo } from '../../../storefront/src/demo/seed-demo.ts'
import type { Caller, CommandHost } from '../command.ts'
import { runProgram } from '../program.ts'
import { createDraining } from './draining.ts'
import { received } from './forward.ts'
import { type HttpServer, httpLog, listen } from './http-server.ts'

export interface ServerOptions {
  config: CheckoutConfig & { secret: string }
  /** Where the embedded database lives, when there is no `databaseUrl`. */
  dataDirectory: string
  log: CheckoutLog
  demo?: boolean
}

export interface Server {
  addresses: string[]
  shop: Shop
  /** Ends everything, in the order in which it depends on each other. */
  close(): Promise<void>
}

/** Opens the database (and brings it up to date), and lets other processes run commands here where it is embedded. */
async function openStore(options: ServerOptions, onRequest: RequestHandler): Promise<Database> {
  const { config, dataDirectory } = options
  const database =
    config.databaseUrl === null
      ? await openEmbedded({ directory: dataDirectory, onRequest })
      : await connectPostgres({ url: config.databaseUrl })
  try {
    await migrate(database, { log: line => options.log.info(`[Store] ${line}`) })
    return database
  } catch (error) {
    await database.close()
    throw error
  }
}

/** Runs a command that another process asked for, on this shop. */
function commandsOn(shop: () => Shop | null, config: CheckoutConfig): RequestHandler {
  return async (args, write) => {
    const { caller, args: rest } = received(args, write)
    const open = shop()
    if (open === null) {
      caller.err('the server is starting or ending; try again in a moment\n')
      return 1
    }
    const { engine, database } = open
    return runProgram(
      rest,
      hostIn(caller, work => work({ ...caller, engine, database, config, migrated: [] })),
    )
  }
}

function hostIn(caller: Caller, run: CommandHost['run']): CommandHost {
  const refuse = async () => {
    caller.err('a server runs on this database already: stop it first, or set DATABASE_URL to run several\n')
    return 1
  }
  return { caller, environment: {}, run, watch: refuse, serve: refuse, work: refuse }
}

/**
 * Starts the server.
 * @throws {ListenError} when the port is taken; {DatabaseError} when the database is.
 */
export async function startServer(options: ServerOptions): Promise<Server> {
  const { config, log } = options
  const current: { shop: Shop | null; handler: HttpHandler | null } = { shop: null, handler: null }
  const database = await openStore(
    options,
    commandsOn(() => current.shop, config),
  )
  const ending = new AbortController()
  const draining = createDraining()
  let shop: Shop | null = null
  let server: HttpServer
  try {
    shop = await openShop({
      database,
      config,
      log,
      deliverWebhook: (headers, body) => deliver(current.handler, headers, body),
      mailDirectory: options.dataDirectory === 'memory://' ? null : join(options.dataDirectory, 'mail'),
    })
    if (options.demo) log.info('[Store] demonstration', { products: await seedDemo(database) })
    const handler = handlerOf(shop, options, ending.signal)
    current.handler = handler
    server = await listen(draining.watch(handler), config)
    current.shop = shop
  } catch (error) {
    await shop?.close()
    await database.close()
    throw error
  }
  const open = shop
  return {
    addresses: server.addresses,
    shop: open,
    async close() {
      ending.abort()
      await draining.done()
      await server.close()
      current.shop = null
      await open.close()
      await database.close()
    },
  }
}

function handlerOf(shop: Shop, { config, log }: ServerOptions, stopping: AbortSignal): HttpHandler {
  return createHttpHandler({
    engine: shop.engine,
    catalog: shop.catalog,
    carts: shop.carts,
    sandbox: shop.sandbox,
    metrics: shop.metrics,
    mailbox: shop.keptMails,
    stopping,
    logsRequests: config.logLevel === 'debug',
    log: httpLog(log),
    config: {
      currency: config.currency,
      shopName: config.shopName,
      baseUrl: config.baseUrl,
      secret: config.secret,
      production: config.environment === 'production',
      rateLimitPerMinute: config.rateLimitPerMinute,
      trustedProxyHeader: config.trustedProxyHeader,
      adminSecret: config.adminSecret,
      metricsSecret: config.metricsSecret,
      stripe:
        config.gateway === 'stripe'
          ? { publishableKey: config.stripePublishableKey, apiUrl: config.stripeApiUrl }
          : null,
      paymentMethod: config.gateway === 'invoice' ? 'bank_transfer' : 'card',
      protection: config.cartProtection,
    },
  })
}

/** The sandbox's webhooks come in through the same door as any gateway's. */
async function deliver(handler: HttpHandler | null, headers: Headers, body: string): Promise<void> {
  if (handler === null) throw new Error('not ready yet')
  const response = await handler(
    new Request('http://sandbox.invalid/webhooks/sandbox', { method: 'POST', headers, body }),
  )
  await response.body?.cancel()
  if (!response.ok) throw new Error(`the webhook was answered with ${response.status}`)
}
