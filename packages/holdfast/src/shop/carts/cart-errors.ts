/** Errors of carts: those that the cart code throws, and the mapping of what the database's triggers refuse. */

import { DatabaseError } from '../../database/database.ts'
import { CheckoutError } from '../../domain/failure.ts'
import { invalidQuantity } from './cart-input.ts'

/** SQLSTATEs raised by the triggers that protect held carts. */
const lockedState = 'HF423'
const orderedState = 'HF410'

export function cartNotFound(): CheckoutError {
  return new CheckoutError('cart_not_found', 'This session has no open cart. Add a product first.')
}

/** Also for a line of another session's cart, so that its existence is not revealed. */
export function lineNotFound(lineId: string): CheckoutError {
  return new CheckoutError('cart_not_found', 'This cart has no such line. Load the cart again.', {
    context: { lineId },
  })
}

function cartErrorFrom(error: unknown): unknown {
  if (!(error instanceof DatabaseError)) return error
  switch (error.code) {
    case lockedState:
      return new CheckoutError('cart_locked', `${error.message} Finish or cancel the checkout first.`, {
        context: { lockId: error.detail },
        retryable: true,
        cause: error,
      })
    case orderedState:
      return new CheckoutError('cart_ordered', `${error.message} Add a product to start a new cart.`, {
        context: { lockId: error.detail },
        cause: error,
      })
    case '23514':
      return error.constraint === 'cart_lines_quantity_check' ? invalidQuantity(null) : error
    default:
      return error
  }
}

/** Runs `work`. @throws {CheckoutError} for a refusal of the triggers; any other error unchanged. */
export async function withCartErrors<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    throw cartErrorFrom(error)
  }
}
