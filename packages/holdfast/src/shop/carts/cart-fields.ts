/** Checks of cart fields other than lines, for new carts and for changes. */

import type { Database } from '../../database/database.ts'
import type { Address } from '../../domain/cart.ts'
import { couponMessages } from '../../domain/cart-messages.ts'
import { CheckoutError } from '../../domain/failure.ts'
import { checkCurrency } from '../catalog/check-arguments.ts'
import { checkAddress, checkEmail, checkId } from './cart-input.ts'
import * as sql from './cart-statements.ts'

export interface NewCart {
  sessionId: string
  userId?: string | null
  /** ISO 4217. Default: the currency of the shop. */
  currency?: string
  email?: string | null
  /** Quantities of the same SKU are added. */
  lines: readonly { sku: string; quantity: number }[]
  couponCode?: string | null
  shippingAddress?: Address | null
  /** Default: none; the checkout then uses the shipping address. */
  billingAddress?: Address | null
  shippingMethod?: string | null
}

export interface Addresses {
  email?: string | null
  shippingAddress?: Address | null
  billingAddress?: Address | null
}

/** The row of a new cart, without its ID. */
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

/** The columns that `given` sets. Omitted fields are not included. */
export function addressFieldsOf(given: Addresses): Record<string, unknown> {
  const { email, shippingAddress: shipping, billingAddress: billing } = given
  const fields: Record<string, unknown> = {}
  if (email !== undefined) fields.email = email === null ? null : checkEmail(email)
  if (shipping !== undefined)
    fields.shipping_address = shipping === null ? null : checkAddress('shippingAddress', shipping)
  if (billing !== undefined) fields.billing_address = billing === null ? null : checkAddress('billingAddress', billing)
  return fields
}

/** The stored form of a coupon code. @throws {CheckoutError} if the coupon cannot be used now. */
export async function usableCouponCode(database: Database, given: string): Promise<string> {
  const code = typeof given === 'string' ? given.trim().toUpperCase() : ''
  const isCode = code !== '' && code.length <= 100 && !code.includes('\0')
  const [coupon] = isCode
    ? await database.query<{ early: boolean; ended: boolean; exhausted: boolean }>(sql.selectCouponState, [code])
    : []
  const context = { coupon: code.slice(0, 100) }
  if (coupon === undefined) throw new CheckoutError('coupon_invalid', couponMessages.unknown, { context })
  if (coupon.early) throw new CheckoutError('coupon_invalid', couponMessages.not_started, { context })
  if (coupon.ended) throw new CheckoutError('coupon_invalid', couponMessages.ended, { context })
  if (coupon.exhausted) throw new CheckoutError('coupon_exhausted', couponMessages.used_up, { context })
  return code
}

/** @throws {CheckoutError} `shipping_unavailable` if no active method has this code. */
export async function checkShippingMethod(database: Database, method: string): Promise<void> {
  const isCode = typeof method === 'string' && method.length <= 100 && !method.includes('\0')
  const rows = isCode ? await database.query(sql.selectShippingMethod, [method]) : []
  if (rows.length === 0) {
    throw new CheckoutError('shipping_unavailable', 'This shipping method is not available. Choose another one.', {
      context: { shippingMethod: String(method).slice(0, 100) },
    })
  }
}
