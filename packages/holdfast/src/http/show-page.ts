/** Draws pages with the shop's page set, in the frame of the request's session. */
import type { HttpContext } from './context.ts'
import { HttpError } from './errors.ts'
import type { Html, PageFrame, PageSet, PaymentForm } from './pages.ts'
import type { Shop } from './route-helpers.ts'
import { stripeFormOf } from './stripe-form.ts'

/** The frame of a page without a session. */
export function plainFrame({ config, sandbox }: Pick<Shop, 'config' | 'sandbox'>): PageFrame {
  const { shopName = 'Holdfast', currency } = config
  return { shopName, currency, isSandbox: sandbox !== null, csrfToken: null, cartQuantity: null }
}

async function unitsInCart(shop: Shop, sessionId: string): Promise<number> {
  const cart = await shop.carts.currentCart(sessionId)
  return cart?.lines.reduce((sum, line) => sum + line.quantity, 0) ?? 0
}

/**
 * Answers with a page of the request's session.
 * @param quantity units in the cart, if already known.
 * @throws {HttpError} `not_acceptable` without a page set.
 */
export async function showPage(
  shop: Shop,
  c: HttpContext,
  draw: (pages: PageSet, frame: PageFrame) => Html,
  quantity?: number,
): Promise<Response> {
  const pages = requirePages(shop)
  const sessionId = await shop.sessions.require(c)
  const frame = {
    ...plainFrame(shop),
    csrfToken: shop.csrf.tokenFor(sessionId),
    cartQuantity: quantity ?? (await unitsInCart(shop, sessionId)),
  }
  return c.html(draw(pages, frame), 200, { 'Cache-Control': 'no-store' })
}

/** @throws {HttpError} `not_acceptable` without a page set. */
export function requirePages({ pages }: Pick<Shop, 'pages'>): PageSet {
  if (pages !== null) return pages
  throw new HttpError('not_acceptable', 'This shop serves no pages. Send Accept: application/json.')
}

/** How the checkout page of this shop takes payments. */
export function paymentFormOf({ sandbox, config }: Pick<Shop, 'sandbox' | 'config'>): PaymentForm {
  if (sandbox !== null) return { kind: 'sandbox' }
  if (config.paymentMethod === 'bank_transfer') return { kind: 'invoice' }
  return config.stripe ? { kind: 'stripe', form: stripeFormOf(config) } : { kind: 'token' }
}
