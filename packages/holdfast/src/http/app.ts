/**
 * The shop over HTTP as one fetch handler, for anything that serves a `Request`. The order of registration matters: no
 * route runs before the ID, the limits, and the guards of its request.
 */

import type {
  HttpConfig,
  HttpContext,
  HttpEnvironment,
  HttpLog,
  SandboxControls,
  ShippingMethod,
  ShopCarts,
  ShopCatalog,
  ShopEngine,
  ShopMetrics,
} from './context.ts'
import type { HttpApp } from './create-app.ts'
import type { Refusal } from './errors.ts'
import { createLiveStatus } from './live-status.ts'
import { guardAdmin } from './middleware/admin-guard.ts'
import { type Attempts, wrongSecretsPerMinute } from './middleware/bearer.ts'
import { readBody } from './middleware/body.ts'
import { createBaseApp } from './middleware/common-middleware.ts'
import { createCsrf } from './middleware/csrf.ts'
import { servesOnlyThisMachine } from './middleware/local-request.ts'
import { pageHeaders } from './middleware/page-headers.ts'
import { addressOf, createRateLimit } from './middleware/rate-limit.ts'
import { rejectForgery } from './middleware/reject-forgery.ts'
import { createSessions, deriveKey } from './middleware/session.ts'
import type { PageSet } from './pages.ts'
import { adminRoutes } from './routes/admin.ts'
import { adminDeliveryRoutes } from './routes/admin-deliveries.ts'
import { adminWebhookRoutes } from './routes/admin-webhooks.ts'
import { assetRoutes } from './routes/assets.ts'
import { cartRoutes } from './routes/cart.ts'
import { catalogRoutes } from './routes/catalog.ts'
import { checkoutRoutes } from './routes/checkout.ts'
import { checkoutStatusRoutes } from './routes/checkout-status.ts'
import { devMailRoutes, type Mailbox } from './routes/dev-mail.ts'
import { healthRoutes } from './routes/health.ts'
import { metricsRoutes } from './routes/metrics.ts'
import { sandboxRoutes } from './routes/sandbox.ts'
import { storefrontRoutes } from './routes/storefront.ts'
import { webhookRoutes } from './routes/webhooks.ts'
import { describeApi } from './schemas/openapi.ts'
import type { ShopParts } from './shop-parts.ts'
import { plainFrame } from './show-page.ts'
import { stripeFormOf } from './stripe-form.ts'

export interface HttpOptions {
  engine: ShopEngine
  catalog: ShopCatalog
  carts: ShopCarts
  /** The sandbox gateway, to serve its confirmation page. Default: none. */
  sandbox?: SandboxControls | null
  /**
   * Emails kept during development, shown at `/dev/mail` to this machine only and never in production. Default: none.
   */
  mailbox?: Mailbox | null
  /** The pages for browsers, such as those of `@holdfast/storefront`. Default: none; requests for HTML get 406. */
  pages?: PageSet | null
  config: HttpConfig
  /** The shipping methods to offer. Default: none; the checkout takes the cheapest method that serves the address. */
  shippingMethods?(): Promise<readonly ShippingMethod[]>
  /** Gives the ID of the signed-in user of your application, or null for a guest. */
  identify?(request: Request): Promise<string | null> | string | null
  /** The client's address, if the server does not pass the connection as `@hono/node-server` does. */
  remoteAddress?(request: Request): string | null
  log?: HttpLog
  /** Write a line of the level `debug` per request. Default false. */
  logsRequests?: boolean
  /** The metrics that were given to the engine. Default: none, and no `/metrics`. */
  metrics?: ShopMetrics
  /** Once aborted, live connections end and `/health/ready` responds with 503. */
  stopping?: AbortSignal
  /** Concurrent live connections. Default 1,000. */
  streamsMax?: number
}

export type HttpHandler = (request: Request, environment?: HttpEnvironment) => Promise<Response>

type ClientAddress = (c: HttpContext) => string | null

/** Creates the handler. Counters and open streams are its only state; everything else is in the database. */
export function createHttpHandler(options: HttpOptions): HttpHandler {
  const { config, remoteAddress, log, logsRequests } = options
  const { production, trustedProxyHeader = null } = config
  const clientOf: ClientAddress = c => addressOf(c, { trustedProxyHeader, remoteAddress })
  const shop = shopParts(options, clientOf)
  const { pages } = shop
  const page = pages === null ? undefined : (refusal: Refusal) => pages.error(plainFrame(shop), refusal)
  const app = createBaseApp({ production, log, logsRequests, page })
  const form = stripeFormOf(config)
  if (form !== null) app.use('/checkout', pageHeaders({ production, form }))
  registerOpenRoutes(app, shop, options)
  registerOperatorRoutes(app, shop, options, { limit: createRateLimit(wrongSecretsPerMinute), addressOf: clientOf })
  registerBuyerRoutes(app, shop, options)
  describeApi(app)
  return async (request, environment) => app.fetch(request, environment ?? {})
}

function shopParts(options: HttpOptions, clientOf: ClientAddress): ShopParts {
  const { engine, catalog, carts, config, stopping } = options
  const csrf = createCsrf(deriveKey(config.secret, 'csrf'))
  const rateLimit = createRateLimit(config.rateLimitPerMinute)
  return {
    engine,
    catalog,
    carts,
    sandbox: options.sandbox ?? null,
    config,
    sessions: createSessions({ secret: config.secret, production: config.production, csrf }),
    csrf,
    pages: options.pages ?? null,
    live: createLiveStatus({ engine, streamsMax: options.streamsMax ?? 1_000, stopping }),
    shippingMethods: async () => (await options.shippingMethods?.()) ?? [],
    originOf: c => new URL(config.baseUrl ?? c.req.url).origin,
    throttle(c) {
      const userId = c.get('userId')
      const address = clientOf(c)
      // Without an address, one limit shared by all clients would lock the shop. The session is the next best key.
      const key =
        userId !== null ? `user:${userId}` : address !== null ? `address:${address}` : `session:${c.get('sessionId')}`
      return rateLimit.consume(key)
    },
  }
}

/**
 * Routes without session and guard: gateways sign their webhooks, and the other routes only read or belong to the
 * sandbox.
 */
function registerOpenRoutes(app: HttpApp, shop: ShopParts, options: HttpOptions): void {
  const { remoteAddress, stopping, mailbox } = options
  webhookRoutes(app, shop)
  healthRoutes(app, shop, stopping)
  if (shop.pages !== null) assetRoutes(app, shop.pages)
  if (shop.sandbox !== null) sandboxRoutes(app, shop, shop.sandbox)
  if (mailbox && servesOnlyThisMachine(shop.config)) {
    devMailRoutes(app, shop, mailbox, c => addressOf(c, { remoteAddress }))
  }
}

/** Routes behind a bearer token. They read no cookie. */
function registerOperatorRoutes(app: HttpApp, shop: ShopParts, options: HttpOptions, attempts: Attempts): void {
  const { metrics } = options
  const { production, metricsSecret = null, adminSecret = null } = shop.config
  if (metrics !== undefined) metricsRoutes(app, { metrics, secret: metricsSecret, production, attempts })
  app.use('/admin/*', guardAdmin({ secret: adminSecret, attempts }), readBody)
  adminRoutes(app, shop)
  adminDeliveryRoutes(app, shop)
  adminWebhookRoutes(app, shop)
}

/** Routes with a session. Changes need the CSRF token and a valid body before a route runs. */
function registerBuyerRoutes(app: HttpApp, shop: ShopParts, { identify }: HttpOptions): void {
  app.use(shop.sessions.read)
  app.use(async (c, next) => {
    c.set('userId', (await identify?.(c.req.raw)) ?? null)
    await next()
  })
  app.use(rejectForgery(shop))
  app.use(readBody)
  catalogRoutes(app, shop)
  cartRoutes(app, shop)
  checkoutRoutes(app, shop)
  checkoutStatusRoutes(app, shop)
  storefrontRoutes(app, shop)
}
