/** Quotes the prices that `processCheckout` would freeze now, for display. Takes no lock and writes nothing. */

import { statement } from '../database/database.ts'
import type { Address, Cart } from '../domain/cart.ts'
import type { Failure } from '../domain/failure.ts'
import type { Quote } from '../domain/quote.ts'
import { lockPrices, priceCart } from '../phases/3-lock-prices.ts'
import { couponFor, readCouponsOf } from '../phases/claim-coupons.ts'
import { type CartLineRow, type CartRow, cartOf, selectCartLines, selectCarts } from '../shop/carts/cart-rows.ts'
import type { SagaContext } from './context.ts'

const readNow = statement('read_now', 'select clock_timestamp() as now')

export interface Preview {
  cart: Cart
  quote: Quote | null
  /** Why the quote is null. */
  failure: Failure | null
}

/** Null if the cart does not exist. */
export async function preview(
  context: SagaContext,
  cartId: string,
  overrides: { shippingAddress?: Address; shippingMethod?: string },
): Promise<Preview | null> {
  const { db, numbers } = context
  const [[cartRow], lineRows, terms, coupons, [clock]] = await Promise.all([
    db.query<CartRow>(selectCarts, [[cartId]]),
    db.query<CartLineRow>(selectCartLines, [[cartId]]),
    lockPrices.read(db),
    readCouponsOf(db, [cartId]),
    db.query<{ now: string }>(readNow),
  ])
  if (cartRow === undefined) return null
  const { baseCurrency } = numbers
  const cart = cartOf(cartRow, lineRows, { baseCurrency, exchangeRates: terms.exchangeRates })
  const details = {
    shippingAddress: overrides.shippingAddress ?? cart.shippingAddress,
    shippingMethod: overrides.shippingMethod ?? cart.shippingMethod,
  }
  const coupon = couponFor(coupons, cart)
  const now = clock?.now ?? ''
  const quoted = priceCart({ cart, details, terms, coupon, baseCurrency, now, price: context.quote })
  return quoted.ok ? { cart, quote: quoted.quote, failure: null } : { cart, quote: null, failure: quoted.failure }
}
