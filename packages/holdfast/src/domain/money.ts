/**
 * Money: a safe integer of minor units with an ISO 4217 code. Every calculation is exact and rounds once, half up.
 * Currencies and their decimals come from dinero.js, which follows ISO 4217. The runtime's `Intl` follows CLDR, which
 * differs: its forint and Iraqi dinar have no decimals.
 */
import * as currencies from 'dinero.js/currencies'
import { CheckoutError } from './failure.ts'

const decimalsOf: ReadonlyMap<string, number> = new Map(
  Object.values(currencies).map(currency => {
    // The ariary and the ouguiya divide into five; ISO 4217 still gives them two decimals.
    const isDecimal = (currency.base as number) === 10
    return [currency.code, isDecimal ? currency.exponent : 2]
  }),
)

/** True for the ISO 4217 code of a currency in use, in upper case. */
export function isCurrency(code: string): boolean {
  return decimalsOf.has(code)
}

/**
 * How many decimals a currency has: USD 2, JPY 0, KWD 3.
 * @throws {CheckoutError} `invalid_argument` for an unknown currency.
 */
export function currencyDecimals(currency: string): number {
  const decimals = decimalsOf.get(currency)
  if (decimals === undefined) {
    const message = `unknown currency "${currency}"; expected a three-letter ISO 4217 code in upper case`
    throw new CheckoutError('invalid_argument', message, { context: { currency } })
  }
  return decimals
}

/** True for a valid amount: an integer from 0 to 2^53 - 1. */
export function isMinor(amountMinor: number): boolean {
  return Number.isSafeInteger(amountMinor) && amountMinor >= 0
}

const plainDecimal = /^([0-9]+)(?:\.([0-9]+))?$/

/**
 * Parses a decimal such as "9.99" into minor units of `currency`. Null for anything else: a sign, separators, spaces, more
 * decimals than the currency has, an amount above 2^53 - 1, or an unknown currency.
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

/**
 * Formats an amount for people in `locale` (BCP 47): 1999 EUR in `de` is "19,99 €". The amount may be negative.
 * @throws {CheckoutError} `invalid_argument` for an unknown currency; {RangeError} for a malformed locale.
 */
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
    // Locales come from requests, so this cache must be bounded.
    if (formatters.size >= formattersMax) formatters.clear()
    formatters.set(key, formatter)
  }
  // Passed as text, because a division by 100 would round the largest amounts.
  return formatter.format(`${amountMinor}E-${decimals}` as Intl.StringNumericLiteral)
}

/** `amount` × `numerator` ÷ `denominator`, exact, rounded half up. Takes integers from 0; the denominator is not 0. */
export function proportion(amount: number, numerator: number, denominator: number): number {
  const product = amount * numerator
  if (product <= Number.MAX_SAFE_INTEGER) {
    const remainder = product % denominator
    const whole = (product - remainder) / denominator
    return remainder >= denominator - remainder ? whole + 1 : whole
  }
  return Number(divideHalfUp(BigInt(amount) * BigInt(numerator), BigInt(denominator)))
}

/** The quotient, rounded half up. Takes integers from 0; the divisor is not 0. */
export function divideHalfUp(dividend: bigint, divisor: bigint): bigint {
  return (2n * dividend + divisor) / (2n * divisor)
}
