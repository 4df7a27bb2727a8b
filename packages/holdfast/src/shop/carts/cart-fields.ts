/** The fields of a cart beside its lines: what a new cart and a change of one set, checked. */

import type { Database } from '../../database/database.ts'
import type { Address } from '../../domain/cart.ts'
import { CheckoutError } from '../../domain/failure.ts'
import { checkAddress, checkCurrency, checkEmail, checkId } from './cart-input.ts'
import * as sql from './cart-statements.ts'

export interface NewCart {
  sessionId: string
  userId?: string | null
  /** ISO 4217; default: the shop's. */
  currency?: string
  email?: string | null
  /** The same SKU twice adds up. */
  lines: readonly { sku: string; quantity: number }[]
  couponCode?: string | null
  shippingAddress?: Address | null
  /** Default: none; the checkout then bills to the shipping address. */
  billingAddress?: Address | null
  shippingMethod?: string | null
}

export interface Addresses {
  email?: string | null
  shippingAddress?: Address | null
  billingAddress?: Address | null
}

/** The row of a new cart, but for its id. */
export function cartFieldsOf(cart: NewCart, currency: string): Record<string, unknown> {
  const { userId = null, email = null, shippingAddress = null, billingAddress = null } = cart
  return {
    session_id: checkId('session id', cart.sessionId),
    user_id: userId === null ? null : checkId('user id', userId),
    currency: cart.currency === undefined ? currency : checkCurrency(cart.currency),
    coupon_code: cart.couponCode ? cart.couponCode.trim().toUpperCase() : null,
    shipping_method: cart.shippingMethod ?? null,
    ...addressFieldsOf({ email, shippingAddress, billingAddress }),
  }
}

/** The columns that `given` sets; what it leaves out is not among them. */
export function addressFieldsOf(given: Addresses): Record<string, unknown> {
  const { email, shippingAddress: shipping, billingAddress: billing } = given
  const fields: Record<string, unknown> = {}
  if (email !== undefined) fields.email = email === null ? null : checkEmail(email)
  if (shipping !== undefined)
    fields.shipping_address = shipping === null ? null : checkAddress('shippingAddress', shipping)
  if (billing !== undefined) fields.billing_address = billing === null ? null : checkAddress('billingAddress', billing)
  return fields
}

/** The code as it is stored, when the coupon may be used now. */
export async function couponCode(database: Database, given: string): Promise<string> {
  const code = typeof given === 'string' ? given.trim().toUpperCase() : ''
  const isCode = code !== '' && code.length <= 100 && !code.includes('\0')
  const [coupon] = isCode
    ? await database.query<{ early: boolean; ended: boolean; exhausted: boolean }>(sql.selectCouponState, [code])
    : []
  const context = { coupon: code.slice(0, 100) }
  if (coupon === undefined)
    throw new CheckoutError('coupon_invalid', 'There is no such coupon; check its code.', { context })
  if (coupon.early) throw new CheckoutError('coupon_invalid', 'This coupon is not valid yet.', { context })
  if (coupon.ended) throw new CheckoutError('coupon_invalid', 'This coupon has expired.', { context })
  if (coupon.exhausted) throw new CheckoutError('coupon_exhausted', 'This coupon has been used up.', { context })
  return code
}

/** Refuses a method that is not offered. */
export async function checkMethod(database: Database, method: string): Promise<void> {
  const isCode = typeof method === 'string' && method.length <= 100 && !method.includes('\0')
  const rows = isCode ? await database.query(sql.selectShippingMethod, [method]) : []
  if (rows.length === 0) {
    throw new CheckoutError('shipping_unavailable', 'There is no such shipping method; choose one that is offered.', {
      context: { shippingMethod: String(method).slice(0, 100) },
    })
  }
}
