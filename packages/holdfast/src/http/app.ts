/**
 * The shop over HTTP: one fetch handler, mountable in anything that has a `Request`.
 * Order matters: a request is known, bounded, named and of this site before a route sees it.
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
import type { Refusal } from './errors.ts'
import { createLiveStatus } from './live-status.ts'
import { guardAdmin } from './middleware/admin-guard.ts'
import { wrongSecretsPerMinute } from './middleware/bearer.ts'
import { readBody } from './middleware/body.ts'
import { openDoor } from './middleware/common-middleware.ts'
import { createCsrf } from './middleware/csrf.ts'
import { isForThisMachine } from './middleware/local-request.ts'
import { pageHeaders } from './middleware/page-headers.ts'
import { addressOf, createRateLimit } from './middleware/rate-limit.ts'
import { protectAgainstForgery } from './middleware/reject-forgery.ts'
import { createSessions, deriveKey } from './middleware/session.ts'
import type { PageSet } from './pages.ts'
import type { Shop } from './route-helpers.ts'
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
import { plainFrame } from './show-page.ts'
import { stripeFormOf } from './stripe-form.ts'

export interface HttpOptions {
  engine: ShopEngine
  catalog: ShopCatalog
  carts: ShopCarts
  /** With it, the buyer's confirmation page of the sandbox gateway is served. */
  sandbox?: SandboxControls | null
  /** Mails that were kept instead of being sent: shown at `/dev/mail` to this machine alone, never in production. */
  mailbox?: Mailbox | null
  /** The pages for browsers, such as those of `@holdfast/storefront`. Default: none; requests for HTML get 406. */
  pages?: PageSet | null
  config: HttpConfig
  /** How the shop sends things, for buyers to choose from; without it the checkout takes the cheapest that serves. */
  shippingMethods?(): Promise<readonly ShippingMethod[]>
  /** Who is signed in, as your application knows it; null for guests. */
  identify?(request: Request): Promise<string | null> | string | null
  /** The client's address where the server does not hand it over as `@hono/node-server` does. */
  remoteAddress?(request: Request): string | null
  log?: HttpLog
  /** A line of the level `debug` for every request. Default false. */
  logsRequests?: boolean
  /** Those that were given to the engine; without them there is no `/metrics`. */
  metrics?: ShopMetrics
  /** Ends live connections, so that a server can stop, and says at `/health/ready` that it does. */
  stopping?: AbortSignal
  /** Live connections at once; default 1,000. */
  streamsMax?: number
}

export type HttpHandler = (request: Request, environment?: HttpEnvironment) => Promise<Response>

/** Makes the handler. It keeps nothing but counters and open streams; everything else is in the database. */
export function createHttpHandler(options: HttpOptions): HttpHandler {
  const { config } = options
  const csrf = createCsrf(deriveKey(config.secret, 'csrf'))
  const sessions = createSessions({ secret: config.secret, production: config.production, csrf })
  const rateLimit = createRateLimit(config.rateLimitPerMinute)
  const { remoteAddress, stopping } = options
  const { trustedProxyHeader = null } = config
  const clientOf = (c: HttpContext) => addressOf(c, { trustedProxyHeader, remoteAddress })
  const shop: Shop = {
    engine: options.engine,
    catalog: options.catalog,
    carts: options.carts,
    sandbox: options.sandbox ?? null,
    config,
    sessions,
    csrf,
    pages: options.pages ?? null,
    live: createLiveStatus({ engine: options.engine, streamsMax: options.streamsMax ?? 1_000, stopping }),
    shippingMethods: async () => (await options.shippingMethods?.()) ?? [],
    originOf: c => new URL(config.baseUrl ?? c.req.url).origin,
    throttle(c) {
      const userId = c.get('userId')
      const address = clientOf(c)
      // Without an address a limit for everybody together would lock the shop; the session is the next best.
      const who =
        userId !== null ? `user:${userId}` : address !== null ? `address:${address}` : `session:${c.get('sessionId')}`
      return rateLimit.consume(who)
    },
  }

  const { log, logsRequests } = options
  const { production } = config
  const { pages } = shop
  const page = pages === null ? undefined : (refusal: Refusal) => pages.error(plainFrame(shop), refusal)
  const app = openDoor({ production, log, logsRequests, page })
  const form = stripeFormOf(config)
  if (form !== null) app.use('/checkout', pageHeaders({ production, form }))
  // These know no session: a gateway signs what it sends, the sandbox is another world, the rest only reads.
  webhookRoutes(app, shop)
  healthRoutes(app, shop, stopping)
  if (pages !== null) assetRoutes(app, pages)
  if (shop.sandbox !== null) sandboxRoutes(app, shop, shop.sandbox)
  if (options.mailbox && isForThisMachine(config))
    devMailRoutes(app, shop, options.mailbox, c => addressOf(c, { remoteAddress }))
  // Neither does this: a cookie opens nothing here.
  const attempts = { limit: createRateLimit(wrongSecretsPerMinute), addressOf: clientOf }
  const { metrics } = options
  if (metrics !== undefined) {
    metricsRoutes(app, { metrics, secret: config.metricsSecret ?? null, production, attempts })
  }
  app.use('/admin/*', guardAdmin({ secret: config.adminSecret ?? null, attempts }), readBody)
  adminRoutes(app, shop)
  adminDeliveryRoutes(app, shop)
  adminWebhookRoutes(app, shop)
  app.use(sessions.read)
  app.use(async (c, next) => {
    c.set('userId', (await options.identify?.(c.req.raw)) ?? null)
    await next()
  })
  app.use(protectAgainstForgery(shop))
  app.use(readBody)
  catalogRoutes(app, shop)
  cartRoutes(app, shop)
  checkoutRoutes(app, shop)
  checkoutStatusRoutes(app, shop)
  storefrontRoutes(app, shop)
  describeApi(app)

  return async (request, environment) => app.fetch(request, environment ?? {})
}
