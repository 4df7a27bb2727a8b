/**
 * What the session of a request is buying: its cart, its checkout, and its last order. Other sessions never see them.
 */
import type { Cart } from '../domain/cart.ts'
import { CheckoutError } from '../domain/failure.ts'
import type { CheckoutLock } from '../domain/lock.ts'
import type { Order } from '../domain/order.ts'
import type { HttpContext } from './context.ts'
import type { ShopParts } from './shop-parts.ts'

/** The cart of the session. Null without a session or a cart. */
export async function cartOf({ carts }: ShopParts, c: HttpContext): Promise<Cart | null> {
  const sessionId = c.get('sessionId')
  return sessionId === null ? null : carts.currentCart(sessionId)
}

/**
 * The checkout with the ID `lockId`, else the one that locks the cart of the session. Null if there is none.
 * @throws {CheckoutError} `checkout_not_found` if `lockId` names no checkout of this session.
 */
export async function lockOf(
  shop: ShopParts,
  c: HttpContext,
  lockId: string | undefined,
): Promise<CheckoutLock | null> {
  const sessionId = c.get('sessionId')
  if (lockId !== undefined) {
    const status = sessionId === null ? null : await shop.engine.getCheckoutStatus(lockId, { sessionId })
    if (status === null) throw new CheckoutError('checkout_not_found', 'Checkout not found.')
    return status.lock
  }
  const cart = await cartOf(shop, c)
  const lock = cart === null ? null : await shop.engine.getActiveLock(cart.id)
  return lock?.sessionId === sessionId ? lock : null
}

/** The last order of a session, for a client that lost the response to its payment. Null if it was cancelled. */
export async function lastOrderOf({ engine }: ShopParts, sessionId: string): Promise<Order | null> {
  const order = await engine.lastOrderOf(sessionId)
  return order === null || order.status === 'cancelled' ? null : order
}
