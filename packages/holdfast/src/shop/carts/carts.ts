/**
 * The built-in carts: a browser session fills a cart, and a checkout buys it. A cart that a checkout holds cannot be
 * changed.
 */
import { createLane } from '../../concurrency/lane.ts'
import type { Database } from '../../database/database.ts'
import type { Cart } from '../../domain/cart.ts'
import { checkCurrency } from '../catalog/check-arguments.ts'
import { type Addresses, addressFieldsOf, checkShippingMethod, type NewCart, usableCouponCode } from './cart-fields.ts'
import { checkId, checkQuantity, checkSku } from './cart-input.ts'
import * as sql from './cart-statements.ts'
import { insertNewCarts } from './new-carts.ts'
import { readCart } from './read-cart.ts'
import { type CartBeginning, sessionCarts } from './session-carts.ts'

export type { Addresses, NewCart } from './cart-fields.ts'
export type { CartBeginning } from './session-carts.ts'

/**
 * Every change returns the cart after the change. It throws a `CheckoutError`: `cart_locked` while a checkout holds the
 * cart, `cart_ordered` once the cart was bought, `cart_not_found` if the session has no such cart or line (also for
 * those of another session), `invalid_argument` for input that is out of range.
 */
export interface Carts {
  /**
   * Creates a cart, which becomes the current cart of its session, and returns its ID. One round trip.
   * @throws {CheckoutError} `variant_unavailable` for an unknown SKU, `address_invalid`, `invalid_argument`.
   */
  createCart(cart: NewCart): Promise<string>
  /** Like `createCart` for many carts, all or none, in one statement. The IDs are in the order of the carts. */
  createCarts(carts: readonly NewCart[]): Promise<string[]>
  /** The current cart of the session; null if there is none or it was bought. */
  currentCart(sessionId: string): Promise<Cart | null>
  /** A cart with current prices; null if it does not exist. */
  loadCart(cartId: string): Promise<Cart | null>
  /**
   * Adds units of a SKU to the session's cart. Creates a cart if there is none or the last one was bought.
   * @throws {CheckoutError} `variant_unavailable` for a SKU that is unknown or not for sale.
   */
  addLine(sessionId: string, line: { sku: string; quantity: number }, beginning?: CartBeginning): Promise<Cart>
  /** Sets the units of a line, 1 to 9,999. */
  changeLine(sessionId: string, lineId: string, quantity: number): Promise<Cart>
  removeLine(sessionId: string, lineId: string): Promise<Cart>
  /** Removes every line. */
  clear(sessionId: string): Promise<Cart>
  /** @throws {CheckoutError} `coupon_invalid`, `coupon_exhausted`. */
  setCoupon(sessionId: string, code: string): Promise<Cart>
  removeCoupon(sessionId: string): Promise<Cart>
  /**
   * Sets the given fields, clears those that are null, and leaves the others.
   * @throws {CheckoutError} `address_invalid` with the names of the wrong fields.
   */
  setAddresses(sessionId: string, addresses: Addresses): Promise<Cart>
  /**
   * Null: the checkout uses the cheapest method.
   * @throws {CheckoutError} `shipping_unavailable` if there is no such active method.
   */
  setShippingMethod(sessionId: string, method: string | null): Promise<Cart>
}

/**
 * `currency`: the shop's currency (ISO 4217), for new carts and as the base of price conversion.
 * `protection` false: a cart can be changed while a checkout holds it (never once it was bought).
 */
export function createCarts(database: Database, options: { currency: string; protection?: boolean }): Carts {
  const currency = checkCurrency(options.currency)
  const session = sessionCarts(database, currency, options.protection ?? true)
  const insertAll = (carts: readonly NewCart[]) => insertNewCarts(database, carts, currency)
  /** Carts that are created at the same time share one statement. */
  const creating = createLane({ name: 'create carts', run: insertAll, batchMax: 256, queueMax: 10_000, parallel: 2 })

  return {
    createCart: cart => creating.submit(cart),
    createCarts: insertAll,

    async currentCart(sessionId) {
      const [open] = await database.query<{ cart_id: string }>(sql.selectSessionCart, [
        checkId('session id', sessionId),
      ])
      return open === undefined ? null : readCart(database, open.cart_id, currency)
    },
    async loadCart(cartId) {
      // A cart ID is any text. PostgreSQL stores no NUL character, and refuses one in a parameter.
      return cartId.includes('\0') ? null : readCart(database, cartId, currency)
    },

    async addLine(sessionId, line, beginning = {}) {
      checkId('session id', sessionId)
      checkSku(line.sku)
      checkQuantity(line.quantity)
      if (beginning.currency !== undefined) checkCurrency(beginning.currency)
      if (beginning.userId) checkId('user id', beginning.userId)
      return session.add(sessionId, line, beginning)
    },
    async changeLine(sessionId, lineId, quantity) {
      checkQuantity(quantity)
      return session.changeLine(sessionId, lineId, (tx, cartId) =>
        tx.query(sql.updateCartLine, [cartId, lineId, quantity]),
      )
    },
    async removeLine(sessionId, lineId) {
      return session.changeLine(sessionId, lineId, (tx, cartId) => tx.query(sql.deleteCartLine, [cartId, lineId]))
    },
    clear: sessionId => session.clear(sessionId),

    async setCoupon(sessionId, code) {
      return session.setFields(sessionId, { coupon_code: await usableCouponCode(database, code) })
    },
    async removeCoupon(sessionId) {
      return session.setFields(sessionId, { coupon_code: null })
    },
    async setAddresses(sessionId, addresses) {
      return session.setFields(sessionId, addressFieldsOf(addresses))
    },
    async setShippingMethod(sessionId, method) {
      if (method !== null) await checkShippingMethod(database, method)
      return session.setFields(sessionId, { shipping_method: method })
    },
  }
}
