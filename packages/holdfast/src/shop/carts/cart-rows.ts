/**
 * Statements that read sets of carts, and the mapping of their rows. The pages of the shop and the steps of a checkout
 * both use them, so they see the same cart.
 */

import { type Statement, statement } from '../../database/database.ts'
import type { Address, Cart, CartLine } from '../../domain/cart.ts'
import { type ExchangeRate, unitPriceIn } from '../../domain/exchange.ts'

export interface CartRow {
  id: string
  session_id: string
  user_id: string | null
  currency: string
  email: string | null
  coupon_code: string | null
  shipping_address: Address | null
  billing_address: Address | null
  shipping_method: string | null
}

export interface CatalogPrice {
  currency: string
  amountMinor: number
}

export interface CartLineRow {
  cart_id: string
  id: string
  variant_id: string
  sku: string
  title: string
  quantity: number
  /** The price set in the cart's currency; null if there is none. */
  unit_minor: number | null
  /** Prices in other currencies, only if none is set in the cart's currency; null if there is no price at all. */
  prices: CatalogPrice[] | null
  tax_class: string
  requires_shipping: boolean
  purchasable: boolean
  stock_policy: 'deny' | 'continue'
}

const checkedOut = 'array(select cart_id from holdfast.checkouts where id = any($1::uuid[]))'

function cartsIn(name: string, cartIds: string): Statement {
  return statement(
    name,
    `select id, session_id, user_id, currency, email, coupon_code, shipping_address, billing_address, shipping_method
     from holdfast.carts
     where id = any(${cartIds})`,
  )
}

/** `$1::text[]`: cart IDs. Takes no lock. */
export const selectCarts = cartsIn('select_carts', '$1::text[]')
/** `$1::uuid[]`: checkout IDs. A step can thus read the carts in the round trip that locks the checkouts. */
export const selectCheckedOutCarts = cartsIn('select_checked_out_carts', checkedOut)

function linesIn(name: string, cartIds: string): Statement {
  return statement(
    name,
    `select l.cart_id, l.id, l.variant_id, v.sku, l.quantity, v.tax_class, v.requires_shipping, v.stock_policy,
       v.purchasable and p.published as purchasable,
       case when v.title = '' then p.title else p.title || ' – ' || v.title end as title,
       own.amount_minor as unit_minor,
       case when own.amount_minor is null then (
         select json_agg(json_build_object('currency', other.currency, 'amountMinor', other.amount_minor) order by other.currency)
         from holdfast.prices other
         where other.variant_id = l.variant_id
       ) end as prices
     from holdfast.cart_lines l
     join holdfast.carts c on c.id = l.cart_id
     join holdfast.variants v on v.id = l.variant_id
     join holdfast.products p on p.id = v.product_id
     left join holdfast.prices own on own.variant_id = l.variant_id and own.currency = c.currency
     where l.cart_id = any(${cartIds})
     order by l.cart_id, l.id`,
  )
}

/**
 * `$1::text[]`: cart IDs. Ordered by cart, then by the time of addition. Prices in other currencies are read only for
 * lines that need a conversion.
 */
export const selectCartLines = linesIn('select_cart_lines', '$1::text[]')
/** `$1::uuid[]`: checkout IDs. */
export const selectCheckedOutLines = linesIn('select_checked_out_lines', checkedOut)

/** Converts prices that are not set in the cart's currency. */
export interface Conversion {
  baseCurrency: string
  exchangeRates: readonly ExchangeRate[]
}

function lineOf(row: CartLineRow, currency: string, conversion: Conversion): CartLine {
  return {
    id: row.id,
    variantId: row.variant_id,
    sku: row.sku,
    title: row.title,
    quantity: row.quantity,
    unitMinor:
      row.unit_minor ?? unitPriceIn(currency, row.prices ?? [], conversion.baseCurrency, conversion.exchangeRates),
    taxClass: row.tax_class,
    requiresShipping: row.requires_shipping,
    purchasable: row.purchasable,
    stockPolicy: row.stock_policy,
  }
}

/** `conversion` is used only for lines without a price in the cart's currency. */
export function cartOf(row: CartRow, lineRows: readonly CartLineRow[], conversion: Conversion): Cart {
  return {
    id: row.id,
    sessionId: row.session_id,
    userId: row.user_id,
    currency: row.currency,
    email: row.email,
    couponCode: row.coupon_code,
    shippingAddress: row.shipping_address,
    billingAddress: row.billing_address,
    shippingMethod: row.shipping_method,
    lines: lineRows.map(line => lineOf(line, row.currency, conversion)),
  }
}

/** Carts by ID; the line rows may belong to any of them. */
export function cartsOf(
  rows: readonly CartRow[],
  lineRows: readonly CartLineRow[],
  conversion: Conversion,
): Map<string, Cart> {
  const carts = new Map<string, Cart>()
  for (const row of rows) carts.set(row.id, cartOf(row, [], conversion))
  for (const line of lineRows) {
    const cart = carts.get(line.cart_id)
    cart?.lines.push(lineOf(line, cart.currency, conversion))
  }
  return carts
}

/** True if a line needs exchange rates for its price. Most carts are read without them. */
export function needsRates(lineRows: readonly CartLineRow[]): boolean {
  return lineRows.some(line => line.unit_minor === null && line.prices !== null)
}
