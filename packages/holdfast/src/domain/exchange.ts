/**
 * Conversion between currencies; protects that an amount is rounded once, half up like everything else, from the
 * exact product of the rates, and that the decimals of both currencies are respected.
 */
import { currencyDecimals, divideHalfUp, isCurrency, isMinor } from './money.ts'

/** `rate` units of `quote` for one unit of `base`, both in major units. */
export interface ExchangeRate {
  base: string
  quote: string
  rate: number
}

interface Fraction {
  numerator: bigint
  denominator: bigint
}

/**
 * An amount of `from` in `to`, in minor units. Takes the direct rate, else the inverse of the opposite one, else two
 * steps over a currency that both have a rate with: `pivot` where it is given and serves, else the first by code.
 * Null when the rates do not connect the two, a currency is unknown, or the result is beyond 2^53 - 1.
 */
export function convertMinor(
  amountMinor: number,
  from: string,
  to: string,
  exchangeRates: readonly ExchangeRate[],
  pivot?: string,
): number | null {
  if (!isMinor(amountMinor)) return null
  if (from === to) return amountMinor
  if (!isCurrency(from) || !isCurrency(to)) return null
  const rate = rateOf(from, to, exchangeRates, pivot)
  if (rate === null) return null
  const dividend = BigInt(amountMinor) * rate.numerator * 10n ** BigInt(currencyDecimals(to))
  const divisor = rate.denominator * 10n ** BigInt(currencyDecimals(from))
  const converted = Number(divideHalfUp(dividend, divisor))
  return isMinor(converted) ? converted : null
}

/** Units of `to` for one unit of `from`, found as `convertMinor` finds it; null where nothing connects the two. */
export function exchangeRateBetween(
  from: string,
  to: string,
  exchangeRates: readonly ExchangeRate[],
  pivot?: string,
): number | null {
  if (from === to) return 1
  const rate = rateOf(from, to, exchangeRates, pivot)
  return rate === null ? null : Number(rate.numerator) / Number(rate.denominator)
}

/**
 * The price of one unit in `currency`: the one set in that currency, else the one in the base currency converted.
 * Null when neither is there, or no rate leads from the base currency.
 */
export function unitPriceIn(
  currency: string,
  prices: readonly { currency: string; amountMinor: number }[],
  baseCurrency: string,
  exchangeRates: readonly ExchangeRate[],
): number | null {
  let baseMinor: number | null = null
  for (const price of prices) {
    if (price.currency === currency) return price.amountMinor
    if (price.currency === baseCurrency) baseMinor = price.amountMinor
  }
  return baseMinor === null ? null : convertMinor(baseMinor, baseCurrency, currency, exchangeRates)
}

function rateOf(from: string, to: string, rates: readonly ExchangeRate[], pivot?: string): Fraction | null {
  const straight = straightRate(from, to, rates)
  if (straight !== null) return straight
  if (pivot !== undefined) {
    const over = rateOver(pivot, from, to, rates)
    if (over !== null) return over
  }
  let best: Fraction | null = null
  let bestPivot = ''
  for (const { base, quote } of rates) {
    const other = base === from ? quote : quote === from ? base : null
    if (other === null || (best !== null && other >= bestPivot)) continue
    const over = rateOver(other, from, to, rates)
    if (over !== null) {
      best = over
      bestPivot = other
    }
  }
  return best
}

function rateOver(pivot: string, from: string, to: string, rates: readonly ExchangeRate[]): Fraction | null {
  const first = straightRate(from, pivot, rates)
  const second = first === null ? null : straightRate(pivot, to, rates)
  if (first === null || second === null) return null
  return {
    numerator: first.numerator * second.numerator,
    denominator: first.denominator * second.denominator,
  }
}

function straightRate(from: string, to: string, rates: readonly ExchangeRate[]): Fraction | null {
  let inverse: number | null = null
  for (const { base, quote, rate } of rates) {
    if (!(rate > 0 && rate < Number.POSITIVE_INFINITY)) continue
    if (base === from && quote === to) return fractionOf(rate)
    if (base === to && quote === from) inverse = rate
  }
  if (inverse === null) return null
  const { numerator, denominator } = fractionOf(inverse)
  return { numerator: denominator, denominator: numerator }
}

/** The decimal fraction people wrote, 0.92 say, and not the nearest binary one. */
function fractionOf(rate: number): Fraction {
  const [mantissa = '', exponent = ''] = rate.toExponential().split('e')
  const [whole = '', decimals = ''] = mantissa.split('.')
  const scale = Number(exponent) - decimals.length
  const digits = BigInt(whole + decimals)
  return scale < 0
    ? { numerator: digits, denominator: 10n ** BigInt(-scale) }
    : { numerator: digits * 10n ** BigInt(scale), denominator: 1n }
}
