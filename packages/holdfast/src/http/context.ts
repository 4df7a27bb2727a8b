/** What the HTTP layer is given and what every route can reach: the shop's parts, the settings and the request's own values. */
import type { Context } from 'hono'
import type { CheckoutEngine } from '../engine/checkout-engine.ts'
import type { SandboxGateway } from '../payments/sandbox/sandbox.ts'
import type { Carts } from '../shop/carts/carts.ts'
import type { Catalog } from '../shop/catalog/catalog.ts'

export interface HttpConfig {
  /** ISO 4217; the currency of the catalog and of new carts. */
  currency: string
  /** Signs sessions and CSRF tokens; at least 32 characters in production. */
  secret: string
  /** Stands on every page. Default "Holdfast". */
  shopName?: string
  /** Cookies are `Secure` and HTTPS is demanded of browsers. */
  production: boolean
  /** Where the shop is reached from outside ("https://shop.example"); default: what the request says. */
  baseUrl?: string | null
  /** `POST /checkout` a minute, by user, else by address; 0: unlimited. */
  rateLimitPerMinute: number
  /** The header in which a proxy of yours names the client ("x-forwarded-for"); default: none is believed. */
  trustedProxyHeader?: string | null
  /** Opens `/admin`, as a bearer token; at least 16 characters. Default none: it stays closed. */
  adminSecret?: string | null
  /** Opens `/metrics`, as a bearer token. Default none: open, but closed in production. */
  metricsSecret?: string | null
  /** How buyers pay on the pages where the gateway is not the sandbox. Default: `card`, with the provider's token. */
  paymentMethod?: 'card' | 'bank_transfer'
  /** Where the gateway is Stripe: what the checkout page needs for its form. Default: none. */
  stripe?: StripeOnPage | null
  /** Carts are read-only while they are checked out. */
  protection: boolean
}

export interface StripeOnPage {
  /** `pk_…`. Null: buyers cannot be shown Stripe's form; the page asks for a token. */
  publishableKey: string | null
  /** Another address than Stripe's own for script and API: a simulator's, never in production. */
  apiUrl?: string | null
}

export type ShopEngine = Pick<
  CheckoutEngine,
  | 'startCheckout'
  | 'processCheckout'
  | 'resumeCheckout'
  | 'cancelCheckout'
  | 'getCheckoutStatus'
  | 'getConfirmation'
  | 'captureCheckout'
  | 'getActiveLock'
  | 'quoteCart'
  | 'getOrder'
  | 'health'
  | 'readiness'
  | 'receiveWebhook'
  | 'subscribe'
  | 'lastOrderOf'
  | 'refundOrder'
  | 'deliverer'
  | 'webhooks'
>

export type ShopCarts = Pick<
  Carts,
  | 'currentCart'
  | 'addLine'
  | 'changeLine'
  | 'removeLine'
  | 'clear'
  | 'setCoupon'
  | 'removeCoupon'
  | 'setAddresses'
  | 'setShippingMethod'
>

export type ShopCatalog = Pick<Catalog, 'listProducts' | 'getProduct'>

/** The metrics of `createMetrics`, as far as they are served. */
export interface ShopMetrics {
  /** `accept`: the request's header. */
  render(accept?: string | null): Promise<{ contentType: string; text: string }>
}

/** A way to send things. */
export interface ShippingMethod {
  code: string
  name: string
}

/** Of the sandbox gateway: what the buyer's confirmation page needs. */
export type SandboxControls = Pick<SandboxGateway, 'payment' | 'approve' | 'refuse'>

/** Writes one line of the server's log; `details` never hold bodies, tokens or addresses of people. */
export type HttpLog = (
  level: 'debug' | 'info' | 'warn' | 'error',
  message: string,
  details: Record<string, unknown>,
) => void

/** What a server may hand over beside the request; `@hono/node-server` does. */
export interface HttpEnvironment {
  incoming?: { socket?: { remoteAddress?: string | undefined } | undefined } | undefined
}

export interface RequestVariables {
  requestId: string
  /** The signed cookie's session, null when there is none yet. */
  sessionId: string | null
  userId: string | null
}

export type HttpContext = Context<{ Bindings: HttpEnvironment; Variables: RequestVariables }>
