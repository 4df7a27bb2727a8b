/** What the database's refusal of a cart change means to the caller. */

import { DatabaseError } from '../../database/database.ts'
import { CheckoutError } from '../../domain/failure.ts'
import { quantityRefusal } from './cart-input.ts'

/** SQLSTATEs of the triggers that keep a held cart as it is. */
const lockedState = 'HF423'
const orderedState = 'HF410'

export function cartNotFound(): CheckoutError {
  return new CheckoutError('cart_not_found', 'This session has no open cart; add something to it first.')
}

/** Also for a line of another session's cart: it looks as if it did not exist. */
export function lineNotFound(lineId: string): CheckoutError {
  return new CheckoutError('cart_not_found', 'There is no such line in this cart; load the cart again.', {
    context: { lineId },
  })
}

/** Turns the database's refusals into what the caller can act on; everything else stays what it is. */
function cartRefusal(error: unknown): unknown {
  if (!(error instanceof DatabaseError)) return error
  switch (error.code) {
    case lockedState:
      return new CheckoutError('cart_locked', `${error.message} Finish or cancel the checkout first.`, {
        context: { lockId: error.detail },
        retryable: true,
        cause: error,
      })
    case orderedState:
      return new CheckoutError('cart_ordered', `${error.message} Add something to begin a new one.`, {
        context: { lockId: error.detail },
        cause: error,
      })
    case '23514':
      return error.constraint === 'cart_lines_quantity_check' ? quantityRefusal(null) : error
    default:
      return error
  }
}

/** Runs `work` with the database's refusals turned into `CheckoutError`s. */
export async function refusing<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    throw cartRefusal(error)
  }
}
