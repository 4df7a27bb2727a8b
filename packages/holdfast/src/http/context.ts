/**
 * The types of the HTTP layer's surroundings: its configuration, the parts of the shop it calls, and the values of a
 * request.
 */
import type { Context } from 'hono'
import type { CheckoutEngine } from '../engine/checkout-engine.ts'
import type { SandboxGateway } from '../payments/sandbox/sandbox.ts'
import type { Carts } from '../shop/carts/carts.ts'
import type { Catalog } from '../shop/catalog/catalog.ts'

export interface HttpConfig {
  /** ISO 4217. The currency of the catalog and of new carts. */
  currency: string
  /** Signs sessions and CSRF tokens. At least 32 characters in production. */
  secret: string
  /** The name on every page. Default "Holdfast". */
  shopName?: string
  /** Makes cookies `Secure` and sends `Strict-Transport-Security`. */
  production: boolean
  /** The public address of the shop ("https://shop.example"). Default: the address of the request. */
  baseUrl?: string | null
  /** `POST /checkout` requests per minute, by user if signed in, else by address. 0: unlimited. */
  rateLimitPerMinute: number
  /** The header in which your proxy names the client ("x-forwarded-for"). Default: no header is trusted. */
  trustedProxyHeader?: string | null
  /** The bearer token for `/admin`, at least 16 characters. Default: none, `/admin` is closed. */
  adminSecret?: string | null
  /** The bearer token for `/metrics`. Default: none; `/metrics` is then open, but closed in production. */
  metricsSecret?: string | null
  /** How buyers pay on the pages if the gateway is not the sandbox. Default: `card`, with the provider's token. */
  paymentMethod?: 'card' | 'bank_transfer'
  /** What the checkout page needs for Stripe's form, if the gateway is Stripe. Default: none. */
  stripe?: StripeOnPage | null
  /** Carts are read-only while they are checked out. */
  protection: boolean
}

export interface StripeOnPage {
  /** `pk_…`. Null: the page asks for a token instead of showing Stripe's form. */
  publishableKey: string | null
  /** The address of a simulator that replaces Stripe's script and API. Never in production. */
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

/** The part of `createMetrics` that `/metrics` serves. */
export interface ShopMetrics {
  /** @param accept the `Accept` header of the request. */
  render(accept?: string | null): Promise<{ contentType: string; text: string }>
}

export interface ShippingMethod {
  code: string
  name: string
}

/** What the sandbox's confirmation page needs of the gateway. */
export type SandboxControls = Pick<SandboxGateway, 'payment' | 'approve' | 'refuse'>

/** Writes one line of the server's log. `details` never contains bodies, tokens, or personal addresses. */
export type HttpLog = (
  level: 'debug' | 'info' | 'warn' | 'error',
  message: string,
  details: Record<string, unknown>,
) => void

/** The connection behind a request, as `@hono/node-server` passes it. */
export interface HttpEnvironment {
  incoming?: { socket?: { remoteAddress?: string | undefined } | undefined } | undefined
}

export interface RequestVariables {
  /** From `X-Request-Id`, or generated. */
  requestId: string
  /** From the signed cookie. Null until a session is needed. */
  sessionId: string | null
  /** From `identify` of the application. Null for guests. */
  userId: string | null
}

/** The environment of the app in Hono's terms. */
export interface HttpEnv {
  Bindings: HttpEnvironment
  Variables: RequestVariables
}

export type HttpContext = Context<HttpEnv>
