/** Responses with a page of the page set, for requests that prefer HTML. */
import type { HttpContext } from './context.ts'
import { HttpError } from './errors.ts'
import { noStore } from './no-store.ts'
import type { Html, PageFrame, PageSet, PaymentForm } from './pages.ts'
import type { ShopParts } from './shop-parts.ts'
import { stripeFormOf } from './stripe-form.ts'

/** True if the client prefers a page to data. */
export function wantsPage(c: HttpContext): boolean {
  return c.req.header('x-requested-with') === undefined && (c.req.header('accept') ?? '').includes('text/html')
}

/** The frame of a page without a session. */
export function plainFrame({ config, sandbox }: Pick<ShopParts, 'config' | 'sandbox'>): PageFrame {
  const { shopName = 'Holdfast', currency } = config
  return { shopName, currency, isSandbox: sandbox !== null, csrfToken: null, cartQuantity: null }
}

async function unitsInCart(shop: ShopParts, sessionId: string): Promise<number> {
  const cart = await shop.carts.currentCart(sessionId)
  return cart?.lines.reduce((sum, line) => sum + line.quantity, 0) ?? 0
}

/**
 * Responds with a page in the frame of the session. Creates a session if there is none.
 * @param quantity units in the cart, if already known.
 * @throws {HttpError} `not_acceptable` without a page set.
 */
export async function showPage(
  shop: ShopParts,
  c: HttpContext,
  render: (pages: PageSet, frame: PageFrame) => Html,
  quantity?: number,
): Promise<Response> {
  const pages = requirePages(shop)
  const sessionId = await shop.sessions.require(c)
  const frame = {
    ...plainFrame(shop),
    csrfToken: shop.csrf.tokenFor(sessionId),
    cartQuantity: quantity ?? (await unitsInCart(shop, sessionId)),
  }
  return c.html(render(pages, frame), 200, noStore)
}

/** @throws {HttpError} `not_acceptable` without a page set. */
export function requirePages({ pages }: Pick<ShopParts, 'pages'>): PageSet {
  if (pages !== null) return pages
  throw new HttpError('not_acceptable', 'This shop has no pages. Send Accept: application/json.')
}

/** How the checkout page of this shop takes payments. */
export function paymentFormOf({ sandbox, config }: Pick<ShopParts, 'sandbox' | 'config'>): PaymentForm {
  if (sandbox !== null) return { kind: 'sandbox' }
  if (config.paymentMethod === 'bank_transfer') return { kind: 'invoice' }
  return config.stripe ? { kind: 'stripe', form: stripeFormOf(config) } : { kind: 'token' }
}
