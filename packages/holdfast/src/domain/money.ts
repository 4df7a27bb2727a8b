/**
 * Money as a safe integer of minor units beside an ISO 4217 code; every step is exact, and rounds once and half up.
 * The list of currencies and their decimals is dinero.js's, which follows ISO 4217; the runtime's `Intl` follows
 * CLDR, where the forint and the Iraqi dinar have no decimals.
 */
import * as currencies from 'dinero.js/currencies'
import { CheckoutError } from './failure.ts'

const decimalsOf: ReadonlyMap<string, number> = new Map(
  Object.values(currencies).map(currency => {
    // The ariary and the ouguiya have five minor units; ISO 4217 writes them with two decimals all the same.
    const isDecimal = (currency.base as number) === 10
    return [currency.code, isDecimal ? currency.exponent : 2]
  }),
)

/** True for the code of a currency in use, in upper case. */
export function isCurrency(code: string): boolean {
  return decimalsOf.has(code)
}

/**
 * How many decimals the minor unit of a currency stands for: USD 2, JPY 0, KWD 3.
 * @throws {CheckoutError} `invalid_argument` when ISO 4217 has no such currency.
 */
export function currencyDecimals(currency: string): number {
  const decimals = decimalsOf.get(currency)
  if (decimals === undefined) {
    throw new CheckoutError('invalid_argument', 'This is not a currency of ISO 4217.', { context: { currency } })
  }
  return decimals
}

/** True for what an amount can be: an integer, not negative, at most 2^53 - 1. */
export function isMinor(amountMinor: number): boolean {
  return Number.isSafeInteger(amountMinor) && amountMinor >= 0
}

/**
 * Gives `amountMinor` back when it can be an amount.
 * @throws {CheckoutError} `invalid_argument` when it is negative, fractional, or beyond 2^53 - 1.
 */
export function assertMinor(amountMinor: number): number {
  if (!isMinor(amountMinor)) {
    throw new CheckoutError('invalid_argument', 'An amount is a whole number of minor units, from 0 to 2^53 - 1.', {
      context: { amountMinor },
    })
  }
  return amountMinor
}

const plainDecimal = /^([0-9]+)(?:\.([0-9]+))?$/

/**
 * Reads "9.99" as minor units of `currency`. Null for anything that is not a plain number with a point: a sign,
 * separators, spaces, more decimals than the currency has, an amount beyond 2^53 - 1, an unknown currency.
 */
export function parseDecimal(text: string, currency: string): number | null {
  const decimals = decimalsOf.get(currency)
  const match = plainDecimal.exec(text)
  if (decimals === undefined || match === null) return null
  const [, whole = '', fraction = ''] = match
  if (fraction.length > decimals) return null
  const amountMinor = Number(whole + fraction.padEnd(decimals, '0'))
  return isMinor(amountMinor) ? amountMinor : null
}

const formattersMax = 500
const formatters = new Map<string, Intl.NumberFormat>()

/** An amount for people, in the manner of `locale` (a BCP 47 tag): 1999 EUR in `de` is "19,99 €". May be negative. */
export function formatMoney(amountMinor: number, currency: string, locale = 'en'): string {
  const decimals = currencyDecimals(currency)
  const key = `${locale} ${currency}`
  let formatter = formatters.get(key)
  if (formatter === undefined) {
    formatter = new Intl.NumberFormat(locale, {
      style: 'currency',
      currency,
      minimumFractionDigits: decimals,
      maximumFractionDigits: decimals,
    })
    // Locales come from requests: what they fill must be bounded.
    if (formatters.size >= formattersMax) formatters.clear()
    formatters.set(key, formatter)
  }
  // As text, for the division by 100 would round the largest amounts.
  return formatter.format(`${amountMinor}E-${decimals}` as Intl.StringNumericLiteral)
}

/** `amount` × `numerator` ÷ `denominator`, exact and rounded half up. All are integers, none negative, the last not 0. */
export function proportion(amount: number, numerator: number, denominator: number): number {
  const product = amount * numerator
  if (product <= Number.MAX_SAFE_INTEGER) {
    const remainder = product % denominator
    const whole = (product - remainder) / denominator
    return remainder >= denominator - remainder ? whole + 1 : whole
  }
  return Number(divideHalfUp(BigInt(amount) * BigInt(numerator), BigInt(denominator)))
}

/** The quotient rounded half up; neither is negative. */
export function divideHalfUp(dividend: bigint, divisor: bigint): bigint {
  return (2n * dividend + divisor) / (2n * divisor)
}
