/**
 * The built-in carts: a browser session fills one, and a checkout buys it. A cart that a checkout holds cannot be
 * changed; the database refuses, and here that becomes a `CheckoutError`.
 */
import { v7 } from 'uuid'
import { createLane } from '../../concurrency/lane.ts'
import { type Database, DatabaseError, type Queryable, type Transaction } from '../../database/database.ts'
import type { Cart } from '../../domain/cart.ts'
import type { ExchangeRate } from '../../domain/exchange.ts'
import { CheckoutError } from '../../domain/failure.ts'
import { type Addresses, addressFieldsOf, cartFieldsOf, checkMethod, couponCode, type NewCart } from './cart-fields.ts'
import {
  checkCurrency,
  checkId,
  checkLines,
  checkQuantity,
  checkSku,
  isUuid,
  quantityRefusal,
  unknownSku,
} from './cart-input.ts'
import { cartNotFound, lineNotFound, refusing } from './cart-refusals.ts'
import { type CartLineRow, type CartRow, cartsOf, needsRates, selectCartLines, selectCarts } from './cart-rows.ts'
import * as sql from './cart-statements.ts'

export type { Addresses, NewCart } from './cart-fields.ts'

/** What the first add may say of the cart it begins; a cart that is there stays as it is. */
export interface CartBeginning {
  userId?: string | null
  currency?: string
}

/**
 * Every change gives the cart as it is then, and throws a `CheckoutError`: `cart_locked` while a checkout holds the
 * cart, `cart_ordered` once it was bought, `cart_not_found` when the session has no such cart or line (another
 * session's looks the same), `invalid_argument` for what cannot be meant.
 */
export interface Carts {
  /**
   * Makes a cart, which its session goes on with, and gives its id. One round trip.
   * @throws {CheckoutError} `variant_unavailable` for an unknown SKU, `address_invalid`, `invalid_argument`.
   */
  createCart(cart: NewCart): Promise<string>
  /** As `createCart` for many, all or none, in one statement; ids in the order of the carts. */
  createCarts(carts: readonly NewCart[]): Promise<string[]>
  /** The cart the session is filling; null when there is none or it was bought. */
  currentCart(sessionId: string): Promise<Cart | null>
  /** A cart with current prices; null when there is none of that id. */
  loadCart(cartId: string): Promise<Cart | null>
  /**
   * Adds units of a SKU to the session's cart; begins one where there is none, or where the last was bought.
   * @throws {CheckoutError} beside the above `variant_unavailable`.
   */
  addLine(sessionId: string, line: { sku: string; quantity: number }, beginning?: CartBeginning): Promise<Cart>
  /** Sets the units of a line, 1 to 9,999. */
  changeLine(sessionId: string, lineId: string, quantity: number): Promise<Cart>
  removeLine(sessionId: string, lineId: string): Promise<Cart>
  /** Removes every line. */
  clear(sessionId: string): Promise<Cart>
  /** @throws {CheckoutError} beside the above `coupon_invalid` and `coupon_exhausted`. */
  setCoupon(sessionId: string, code: string): Promise<Cart>
  removeCoupon(sessionId: string): Promise<Cart>
  /** Sets what is given, empties what is null, leaves the rest. `address_invalid` names the fields. */
  setAddresses(sessionId: string, addresses: Addresses): Promise<Cart>
  /** Null: the checkout takes the cheapest. `shipping_unavailable` when there is no such method. */
  setShippingMethod(sessionId: string, method: string | null): Promise<Cart>
}

/** Another add may complete or begin the session's cart meanwhile; so often in a row it does not. */
const addsMax = 5

/**
 * `currency`: the shop's own, ISO 4217: that of new carts, and the one from which prices are converted.
 * `protection` false: carts may be changed while a checkout holds them (never once they were bought).
 */
export function createCarts(database: Database, options: { currency: string; protection?: boolean }): Carts {
  const currency = checkCurrency(options.currency)
  const isProtected = options.protection ?? true

  const change = <T>(work: (tx: Transaction) => Promise<T>): Promise<T> =>
    refusing(() =>
      database.transaction(tx => {
        if (!isProtected) tx.send(sql.unprotectCarts)
        return work(tx)
      }),
    )

  /** Asks for both at once, so they travel together with what was asked before. */
  async function read(on: Queryable, cartId: string): Promise<Cart | null> {
    const [rows, lines] = await Promise.all([
      on.query<CartRow>(selectCarts, [[cartId]]),
      on.query<CartLineRow>(selectCartLines, [[cartId]]),
    ])
    const exchangeRates = needsRates(lines) ? await on.query<ExchangeRate>(sql.selectExchangeRates) : []
    return cartsOf(rows, lines, { baseCurrency: currency, exchangeRates }).get(cartId) ?? null
  }

  async function readChanged(tx: Transaction, cartId: string): Promise<Cart> {
    const cart = await read(tx, cartId)
    if (cart === null) throw cartNotFound()
    return cart
  }

  async function createAll(carts: readonly NewCart[]): Promise<string[]> {
    const ids = carts.map(() => v7())
    const cartRows: Record<string, unknown>[] = []
    const lineRows: Record<string, unknown>[] = []
    const skus = new Set<string>()
    for (const [at, cart] of carts.entries()) {
      const id = ids[at]
      cartRows.push({ id, ...cartFieldsOf(cart, currency) })
      for (const [sku, quantity] of checkLines(cart.lines)) {
        skus.add(sku)
        lineRows.push({ id: v7(), cart_id: id, sku, quantity })
      }
    }
    try {
      await database.query(sql.insertCarts, [JSON.stringify(cartRows), JSON.stringify(lineRows)])
    } catch (error) {
      if (!(error instanceof DatabaseError && error.code === '23502')) throw error
      const unknown = await database.query<{ sku: string }>(sql.selectUnknownSkus, [[...skus]])
      throw unknown.length === 0 ? error : unknownSku(unknown.map(row => row.sku))
    }
    return ids
  }

  function addOnce(
    sessionId: string,
    line: { sku: string; quantity: number },
    beginning: CartBeginning,
  ): Promise<Cart> {
    const userId = beginning.userId ?? null
    const cartCurrency = beginning.currency ?? currency
    return change(async tx => {
      const [session] = await tx.query<{ cart_id: string | null; ordered: boolean }>(sql.openSession, [
        sessionId,
        userId,
      ])
      const open = session === undefined || session.ordered ? null : session.cart_id
      const cartId = open ?? v7()
      if (open === null) tx.send(sql.insertSessionCart, [cartId, sessionId, userId, cartCurrency])
      else tx.send(sql.touchCart, [cartId])
      const [added, cart] = await Promise.all([
        tx.query<{ id: string }>(sql.addCartLine, [v7(), cartId, line.sku, line.quantity]),
        readChanged(tx, cartId),
      ])
      if (added.length === 0) throw unknownSku([line.sku])
      return cart
    })
  }

  /** Changes the lines of the session's cart; `work` gives the rows it touched, or null where none is needed. */
  function changeLines(
    sessionId: string,
    lineId: string | null,
    work: (tx: Transaction, cartId: string) => Promise<unknown[]>,
  ) {
    checkId('session id', sessionId)
    if (lineId !== null && !isUuid(lineId)) throw lineNotFound(lineId)
    return change(async tx => {
      const [cart] = await tx.query<{ id: string }>(sql.touchSessionCart, [sessionId])
      if (cart === undefined) throw lineId === null ? cartNotFound() : lineNotFound(lineId)
      const [touched, changed] = await Promise.all([work(tx, cart.id), readChanged(tx, cart.id)])
      if (lineId !== null && touched.length === 0) throw lineNotFound(lineId)
      return changed
    })
  }

  function setFields(sessionId: string, fields: Record<string, unknown>): Promise<Cart> {
    checkId('session id', sessionId)
    return change(async tx => {
      const [cart] = await tx.query<{ id: string }>(sql.updateSessionCart, [sessionId, JSON.stringify(fields)])
      if (cart === undefined) throw cartNotFound()
      return readChanged(tx, cart.id)
    })
  }

  /** Carts that are made at the same time are made together. */
  const making = createLane({ name: 'make carts', run: createAll, batchMax: 256, queueMax: 10_000, parallel: 2 })

  return {
    createCart: cart => making.submit(cart),
    createCarts: createAll,

    async currentCart(sessionId) {
      const [open] = await database.query<{ cart_id: string }>(sql.selectSessionCart, [
        checkId('session id', sessionId),
      ])
      return open === undefined ? null : read(database, open.cart_id)
    },

    async loadCart(cartId) {
      return isUuid(cartId) ? read(database, cartId.toLowerCase()) : null
    },

    async addLine(sessionId, line, beginning = {}) {
      checkId('session id', sessionId)
      checkSku(line.sku)
      checkQuantity(line.quantity)
      if (beginning.currency !== undefined) checkCurrency(beginning.currency)
      if (beginning.userId) checkId('user id', beginning.userId)
      for (let adds = 1; ; adds += 1) {
        try {
          return await addOnce(sessionId, line, beginning)
        } catch (error) {
          // The cart was bought between looking at it and adding to it: the next look begins a new one.
          if (!(error instanceof CheckoutError && error.code === 'cart_ordered' && adds < addsMax)) throw error
        }
      }
    },

    async changeLine(sessionId, lineId, quantity) {
      if (quantity === 0) throw quantityRefusal(quantity)
      checkQuantity(quantity)
      return changeLines(sessionId, lineId, (tx, cartId) => tx.query(sql.updateCartLine, [cartId, lineId, quantity]))
    },
    async removeLine(sessionId, lineId) {
      return changeLines(sessionId, lineId, (tx, cartId) => tx.query(sql.deleteCartLine, [cartId, lineId]))
    },
    async clear(sessionId) {
      return changeLines(sessionId, null, (tx, cartId) => tx.query(sql.deleteCartLines, [cartId]))
    },

    async setCoupon(sessionId, code) {
      const coupon = await couponCode(database, code)
      return setFields(sessionId, { coupon_code: coupon })
    },
    async removeCoupon(sessionId) {
      return setFields(sessionId, { coupon_code: null })
    },
    async setAddresses(sessionId, addresses) {
      return setFields(sessionId, addressFieldsOf(addresses))
    },
    async setShippingMethod(sessionId, method) {
      if (method !== null) await checkMethod(database, method)
      return setFields(sessionId, { shipping_method: method })
    },
  }
}
