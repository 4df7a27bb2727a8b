/**
 * Amounts as Stripe counts them. Ours are minor units of ISO 4217; Stripe's are minor units too, but for a few
 * currencies it counts other decimals than the standard does (docs.stripe.com/currencies: zero-decimal, three-decimal
 * and special cases). Exact both ways, or refused.
 */
import { currencyDecimals } from '../../domain/money.ts'

const zeroDecimal = new Set('BIF CLP DJF GNF JPY KMF KRW MGA PYG RWF VND VUV XAF XOF XPF'.split(' '))
const threeDecimal = new Set('BHD JOD KWD OMR TND'.split(' '))
/** Without decimals in the world, and with two at Stripe, which have to be zero. */
const twoDecimal = new Set(['ISK', 'UGX'])

/** How many of our minor units one of Stripe's is (a fraction: how many of Stripe's one of ours is). */
function shift(currency: string): number {
  const theirs = zeroDecimal.has(currency) ? 0 : threeDecimal.has(currency) ? 3 : 2
  return theirs - (twoDecimal.has(currency) ? 0 : currencyDecimals(currency))
}

/**
 * Minor units as Stripe takes them; null for an amount that Stripe cannot take: a hundredth of an ariary, a fils that is
 * no whole ten.
 * @throws {CheckoutError} `invalid_argument` for a currency that does not exist.
 */
export function toStripe(amountMinor: number, currency: string): number | null {
  const by = shift(currency)
  const amount = by >= 0 ? amountMinor * 10 ** by : amountMinor / 10 ** -by
  const isWhole = Number.isSafeInteger(amount) && (!threeDecimal.has(currency) || amount % 10 === 0)
  return isWhole ? amount : null
}

/** Stripe's amount in our minor units. `currency` may be in lower case, as Stripe writes it. */
export function fromStripe(amount: number, currency: string): number {
  const by = shift(currency.toUpperCase())
  return by >= 0 ? amount / 10 ** by : amount * 10 ** -by
}
