/**
 * Conversion between minor units of ISO 4217 and Stripe's amounts. For a few currencies Stripe uses a different number of
 * decimals (docs.stripe.com/currencies: zero-decimal, three-decimal, and special cases). Exact in both directions, or
 * refused.
 */
import { currencyDecimals } from '../../domain/money.ts'

const zeroDecimal = new Set('BIF CLP DJF GNF JPY KMF KRW MGA PYG RWF VND VUV XAF XOF XPF'.split(' '))
const threeDecimal = new Set('BHD JOD KWD OMR TND'.split(' '))
/** No decimals in use; two at Stripe, which must be zero. */
const twoDecimal = new Set(['ISK', 'UGX'])

/** The power of ten that converts a minor unit of ISO 4217 into Stripe's unit. */
function shift(currency: string): number {
  const theirs = zeroDecimal.has(currency) ? 0 : threeDecimal.has(currency) ? 3 : 2
  return theirs - (twoDecimal.has(currency) ? 0 : currencyDecimals(currency))
}

/**
 * Converts minor units to Stripe's amount. Returns null if Stripe cannot represent it, such as a hundredth of an ariary
 * or a number of fils that is not a multiple of ten.
 * @throws {CheckoutError} `invalid_argument` for an unknown currency.
 */
export function toStripe(amountMinor: number, currency: string): number | null {
  const by = shift(currency)
  const amount = by >= 0 ? amountMinor * 10 ** by : amountMinor / 10 ** -by
  const isWhole = Number.isSafeInteger(amount) && (!threeDecimal.has(currency) || amount % 10 === 0)
  return isWhole ? amount : null
}

/** Converts Stripe's amount to minor units. `currency` may be in lower case, as Stripe writes it. */
export function fromStripe(amount: number, currency: string): number {
  const by = shift(currency.toUpperCase())
  return by >= 0 ? amount / 10 ** by : amount * 10 ** -by
}
