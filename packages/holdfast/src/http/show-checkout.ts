/**
 * The response to a browser that opens the checkout: the page, or a redirect to the order if the cart is already paid.
 */
import { z } from '@hono/zod-openapi'
import type { Order } from '../domain/order.ts'
import { isFinal } from '../domain/states.ts'
import type { CheckoutStatus } from '../engine/checkout-engine.ts'
import type { HttpContext } from './context.ts'
import { noStore } from './no-store.ts'
import { type PresentedCart, presentStatus } from './present.ts'
import { readCart } from './read-cart.ts'
import { cartOf, lastOrderOf } from './session-checkout.ts'
import type { ShopParts } from './shop-parts.ts'
import { paymentFormOf, requirePages, showPage } from './show-page.ts'

/** The checkout in `checkout_id`, else the one that locks the cart. */
async function statusOf(shop: ShopParts, c: HttpContext, cart: PresentedCart): Promise<CheckoutStatus | null> {
  const sessionId = c.get('sessionId')
  if (sessionId === null) return null
  const named = z.uuid().safeParse(c.req.query('checkout_id'))
  const lockId = named.success ? named.data : cart.lock_id
  return lockId === null ? null : shop.engine.getCheckoutStatus(lockId, { sessionId })
}

/** Stripe appends the payment's client secret to the return URL. Gives the URL without it, or null if it has none. */
function urlWithoutSecret(c: HttpContext): string | null {
  const { pathname, searchParams } = new URL(c.req.url)
  if (!searchParams.has('payment_intent_client_secret')) return null
  searchParams.delete('payment_intent_client_secret')
  return `${pathname}?${searchParams}`
}

/** The order of a buyer who returns after a webhook has already completed the checkout. */
async function orderAtReturn(shop: ShopParts, c: HttpContext, cart: PresentedCart): Promise<Order | null> {
  const sessionId = c.get('sessionId')
  if (sessionId === null || cart.lines.length > 0 || c.req.query('returned') === undefined) return null
  return lastOrderOf(shop, sessionId)
}

/** @throws {HttpError} `not_acceptable` without a page set. */
export async function showCheckout(shop: ShopParts, c: HttpContext): Promise<Response> {
  requirePages(shop)
  c.header('Cache-Control', noStore['Cache-Control'])
  const cleanUrl = urlWithoutSecret(c)
  if (cleanUrl !== null) return c.redirect(cleanUrl, 303)
  const cart = await readCart(shop, await cartOf(shop, c))
  const status = await statusOf(shop, c, cart)
  const isDone = status?.lock.state === 'completed' || status?.lock.state === 'awaiting_capture'
  const order = isDone ? status.order : status === null ? await orderAtReturn(shop, c, cart) : null
  if (order) return c.redirect(`/checkout/confirmation/${order.id}`, 303)
  const view = {
    cart,
    lock: status === null ? null : presentStatus(status, !isFinal(status.lock.state)),
    returned: c.req.query('returned') !== undefined,
    payment: paymentFormOf(shop),
  }
  return showPage(shop, c, (pages, frame) => pages.checkout(frame, view), cart.quantity)
}
