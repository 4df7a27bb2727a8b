/**
 * Phase 1, `cart_validation`: the cart has lines, every line is still sold, and the addresses are complete. Stock is
 * checked in phase 2, in the same transaction, under the locks that keep the answer true.
 */

import type { CheckoutDetails } from '../database/checkout-row.ts'
import type { Transaction } from '../database/database.ts'
import { validateAddress } from '../domain/address.ts'
import type { Cart } from '../domain/cart.ts'
import { emptyCartMessage } from '../domain/cart-messages.ts'
import type { Failure } from '../domain/failure.ts'
import {
  type CartLineRow,
  type CartRow,
  selectCheckedOutCarts,
  selectCheckedOutLines,
} from '../shop/carts/cart-rows.ts'
import { type Phase, refusal } from './phase.ts'

const phase = 'cart_validation'

export interface CartsRead {
  carts: CartRow[]
  lines: CartLineRow[]
}

/** Reads the carts of a batch of checkouts, with their lines and the current catalog data of each line. */
async function read(tx: Transaction, checkoutIds: readonly string[]): Promise<CartsRead> {
  const [carts, lines] = await Promise.all([
    tx.query<CartRow>(selectCheckedOutCarts, [checkoutIds]),
    tx.query<CartLineRow>(selectCheckedOutLines, [checkoutIds]),
  ])
  return { carts, lines }
}

/** Why this cart cannot be bought, null if it can. `details` already replace or complete those of the cart. */
function decide(cart: Cart | undefined, details: CheckoutDetails): Failure | null {
  if (cart === undefined) return refusal(phase, 'cart_not_found', 'This cart no longer exists.')
  if (cart.lines.length === 0) return refusal(phase, 'cart_empty', emptyCartMessage)
  const withdrawn = cart.lines.find(line => !line.purchasable)
  if (withdrawn !== undefined) {
    return refusal(phase, 'variant_unavailable', `"${withdrawn.title}" is no longer sold. Remove it to continue.`, {
      sku: withdrawn.sku,
    })
  }
  const needed = cart.lines.some(line => line.requiresShipping) ? 'shippingAddress' : 'billingAddress'
  if (details[needed] === null) {
    const which = needed === 'shippingAddress' ? 'shipping' : 'billing'
    return refusal(phase, 'address_missing', `Enter a ${which} address.`, { address: which })
  }
  for (const key of ['shippingAddress', 'billingAddress'] as const) {
    const address = details[key]
    const wrong = address === null ? [] : validateAddress(address)
    if (wrong.length > 0) {
      const which = key === 'shippingAddress' ? 'shipping' : 'billing'
      return refusal(phase, 'address_invalid', `Check the ${which} address: ${wrong.join(', ')}.`, {
        address: which,
        fields: wrong,
      })
    }
  }
  return null
}

/** Writes nothing, so there is nothing to undo. */
export const validateCart = { phase, read, decide } as const satisfies Phase
