/** Reads one cart with current prices. */
import type { Queryable } from '../../database/database.ts'
import type { Cart } from '../../domain/cart.ts'
import type { ExchangeRate } from '../../domain/exchange.ts'
import { type CartLineRow, type CartRow, cartsOf, needsRates, selectCartLines, selectCarts } from './cart-rows.ts'
import { selectExchangeRates } from './cart-statements.ts'

/** Null if the cart does not exist. Sends both statements at once, so they are pipelined with earlier ones of `on`. */
export async function readCart(on: Queryable, cartId: string, baseCurrency: string): Promise<Cart | null> {
  const [rows, lines] = await Promise.all([
    on.query<CartRow>(selectCarts, [[cartId]]),
    on.query<CartLineRow>(selectCartLines, [[cartId]]),
  ])
  const exchangeRates = needsRates(lines) ? await on.query<ExchangeRate>(selectExchangeRates) : []
  return cartsOf(rows, lines, { baseCurrency, exchangeRates }).get(cartId) ?? null
}
