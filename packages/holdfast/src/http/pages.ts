/**
 * The port for server-rendered pages: a page set renders the data of a route as HTML and serves its own files.
 * Sessions, guards, and queries stay in the routes. Without a page set, requests for HTML get 406.
 */
import type { Order } from '../domain/order.ts'
import type { ProductPage } from '../shop/catalog/catalog.ts'
import type { CatalogProduct } from '../shop/catalog/catalog-rows.ts'
import type { Refusal } from './errors.ts'
import type { PresentedCart, presentStatus } from './present.ts'
import type { StripeForm } from './stripe-form.ts'

/** An HTML document. */
export type Html = string | Promise<string>

/** The data that every page shows around its content. */
export interface PageFrame {
  shopName: string
  /** ISO 4217. */
  currency: string
  /** True for the sandbox gateway: no real money moves. */
  isSandbox: boolean
  /** For forms and scripts. Null on pages without a session, such as error pages. */
  csrfToken: string | null
  /** Units in the cart. Null on pages without a session. */
  cartQuantity: number | null
}

/** How buyers pay on the checkout page. */
export type PaymentForm =
  | { kind: 'sandbox' }
  | { kind: 'invoice' }
  /** `form` is null if the publishable key is missing. */
  | { kind: 'stripe'; form: StripeForm | null }
  /** Another gateway: the page asks for the provider's token. */
  | { kind: 'token' }

export interface HomeView extends ProductPage {
  /** The search text; empty for all products. */
  query: string
  /** False from the second page of the list on. */
  isFirst: boolean
}

export interface CheckoutView {
  cart: PresentedCart
  /** The status of the checkout as in `GET /checkout/status`. Null before a checkout starts. */
  lock: ReturnType<typeof presentStatus> | null
  /** True if the buyer returns from a page of the gateway. */
  returned: boolean
  payment: PaymentForm
}

/** An email that was kept instead of sent during development. */
export interface ShownMail {
  id: string
  /** ISO 8601. */
  keptAt: string
  from: string
  to: string
  subject: string
  text: string
  html: string
  /** The whole message, starting with its headers. */
  source: string
}

/** A file of the page set: style sheet, script, or picture. */
export interface PageAsset {
  type: string
  content: string
  cacheControl: string
  /** Replaces the policy of pages, for example for an SVG picture with inline styles. */
  contentSecurityPolicy?: string
}

/** A set of pages; `@holdfast/storefront` exports one. */
export interface PageSet {
  home(frame: PageFrame, view: HomeView): Html
  product(frame: PageFrame, product: CatalogProduct): Html
  /** `isLocked`: a checkout holds the cart, so it cannot be changed. */
  cart(frame: PageFrame, view: { cart: PresentedCart; isLocked: boolean }): Html
  checkout(frame: PageFrame, view: CheckoutView): Html
  confirmation(frame: PageFrame, order: Order): Html
  error(frame: PageFrame, refusal: Refusal): Html
  /** Newest first. Development only. */
  mailList(frame: PageFrame, mails: readonly ShownMail[]): Html
  mail(frame: PageFrame, mail: ShownMail): Html
  /** A file by its path, such as "/assets/store.1a2b3c.css". Null if there is no such file. */
  asset(path: string): PageAsset | null
}
