/** Checks of arguments that the catalog and the carts share. */
import { CheckoutError } from '../../domain/failure.ts'
import { isCurrency } from '../../domain/money.ts'

export function invalidArgument(message: string, context: Record<string, unknown>): CheckoutError {
  return new CheckoutError('invalid_argument', message, { context })
}

/** @throws {CheckoutError} `invalid_argument` if `currency` is not an upper-case ISO 4217 code. */
export function checkCurrency(currency: string): string {
  if (!isCurrency(currency)) {
    throw invalidArgument(`Unknown currency "${currency}". Use an upper-case ISO 4217 code, such as USD.`, { currency })
  }
  return currency
}
