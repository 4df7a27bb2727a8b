/**
 * Changes of a session's cart, one transaction each. The first statement locks the cart's row, so the database refuses
 * a change of a cart that a checkout holds; the refusal becomes a `CheckoutError`.
 */
import { validate as isUuid, v7 } from 'uuid'
import type { Database, Transaction } from '../../database/database.ts'
import type { Cart } from '../../domain/cart.ts'
import { CheckoutError } from '../../domain/failure.ts'
import { cartNotFound, lineNotFound, withCartErrors } from './cart-errors.ts'
import { checkId, unavailableSkus } from './cart-input.ts'
import * as sql from './cart-statements.ts'
import { readCart } from './read-cart.ts'

/** Settings of the cart that a first addition creates. An existing cart stays unchanged. */
export interface CartBeginning {
  userId?: string | null
  currency?: string
}

export interface SessionCarts {
  /** Adds units of a SKU; creates a cart if the session has none or its last one was bought. */
  add(sessionId: string, line: { sku: string; quantity: number }, beginning: CartBeginning): Promise<Cart>
  /** Runs `change` on one line of the cart; it returns the rows that it changed. */
  changeLine(
    sessionId: string,
    lineId: string,
    change: (tx: Transaction, cartId: string) => Promise<unknown[]>,
  ): Promise<Cart>
  clear(sessionId: string): Promise<Cart>
  /** Sets columns of the cart; null clears one. */
  setFields(sessionId: string, fields: Record<string, unknown>): Promise<Cart>
}

/** Attempts of one addition. Each time another request may buy the cart in the meantime; five in a row do not. */
const attemptsMax = 5

/** `isProtected` false: a cart can be changed while a checkout holds it (never once it was bought). */
export function sessionCarts(database: Database, currency: string, isProtected: boolean): SessionCarts {
  const inTransaction = <T>(work: (tx: Transaction) => Promise<T>): Promise<T> =>
    withCartErrors(() =>
      database.transaction(tx => {
        if (!isProtected) tx.send(sql.unprotectCarts)
        return work(tx)
      }),
    )

  async function readChanged(tx: Transaction, cartId: string): Promise<Cart> {
    const cart = await readCart(tx, cartId, currency)
    if (cart === null) throw cartNotFound()
    return cart
  }

  function addOnce(
    sessionId: string,
    line: { sku: string; quantity: number },
    { userId = null, currency: cartCurrency = currency }: CartBeginning,
  ): Promise<Cart> {
    return inTransaction(async tx => {
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
      if (added.length === 0) throw unavailableSkus([line.sku])
      return cart
    })
  }

  return {
    async add(sessionId, line, beginning) {
      for (let attempts = 1; ; attempts += 1) {
        try {
          return await addOnce(sessionId, line, beginning)
        } catch (error) {
          // The cart was bought between the read and the addition. The next attempt creates a new cart.
          const isBought = error instanceof CheckoutError && error.code === 'cart_ordered'
          if (!isBought || attempts >= attemptsMax) throw error
        }
      }
    },

    async changeLine(sessionId, lineId, change) {
      checkId('session id', sessionId)
      if (!isUuid(lineId)) throw lineNotFound(lineId)
      return inTransaction(async tx => {
        const [cart] = await tx.query<{ id: string }>(sql.touchSessionCart, [sessionId])
        if (cart === undefined) throw lineNotFound(lineId)
        const [changedRows, changed] = await Promise.all([change(tx, cart.id), readChanged(tx, cart.id)])
        if (changedRows.length === 0) throw lineNotFound(lineId)
        return changed
      })
    },

    async clear(sessionId) {
      checkId('session id', sessionId)
      return inTransaction(async tx => {
        const [cart] = await tx.query<{ id: string }>(sql.touchSessionCart, [sessionId])
        if (cart === undefined) throw cartNotFound()
        tx.send(sql.deleteCartLines, [cart.id])
        return readChanged(tx, cart.id)
      })
    },

    async setFields(sessionId, fields) {
      checkId('session id', sessionId)
      return inTransaction(async tx => {
        const [cart] = await tx.query<{ id: string }>(sql.updateSessionCart, [sessionId, JSON.stringify(fields)])
        if (cart === undefined) throw cartNotFound()
        return readChanged(tx, cart.id)
      })
    },
  }
}
