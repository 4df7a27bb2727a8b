/**
 * Conversion between currencies. A converted amount is rounded once, half up, from the exact product of the rates, and
 * respects the decimals of both currencies.
 */
import { currencyDecimals, divideHalfUp, isCurrency, isMinor } from './money.ts'

/** One unit of `base` costs `rate` units of `quote`; both are major units. */
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
 * Converts minor units of `from` to minor units of `to`. Uses the direct rate, else the inverse rate, else two rates
 * through a third currency: `pivot` if it connects the two, else the first by code.
 * Null if no rates connect the two, a currency is unknown, or the result exceeds 2^53 - 1.
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

/** How many units of `to` one unit of `from` costs, by the rates that `convertMinor` uses. Null if none connect the two. */
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
 * The price of one unit in `currency`, minor units: the price set in that currency, else the converted price of the base
 * currency. Null if there is neither, or no rate to convert.
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
  const direct = directRate(from, to, rates)
  if (direct !== null) return direct
  if (pivot !== undefined) {
    const viaPivot = rateVia(pivot, from, to, rates)
    if (viaPivot !== null) return viaPivot
  }
  let best: Fraction | null = null
  let bestPivot = ''
  for (const { base, quote } of rates) {
    const other = base === from ? quote : quote === from ? base : null
    if (other === null || (best !== null && other >= bestPivot)) continue
    const viaOther = rateVia(other, from, to, rates)
    if (viaOther !== null) {
      best = viaOther
      bestPivot = other
    }
  }
  return best
}

function rateVia(pivot: string, from: string, to: string, rates: readonly ExchangeRate[]): Fraction | null {
  const first = directRate(from, pivot, rates)
  const second = first === null ? null : directRate(pivot, to, rates)
  if (first === null || second === null) return null
  return {
    numerator: first.numerator * second.numerator,
    denominator: first.denominator * second.denominator,
  }
}

function directRate(from: string, to: string, rates: readonly ExchangeRate[]): Fraction | null {
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

/** The decimal fraction as it was written, such as 0.92, instead of the nearest binary number. */
function fractionOf(rate: number): Fraction {
  const [mantissa = '', exponent = ''] = rate.toExponential().split('e')
  const [whole = '', decimals = ''] = mantissa.split('.')
  const scale = Number(exponent) - decimals.length
  const digits = BigInt(whole + decimals)
  return scale < 0
    ? { numerator: digits, denominator: 10n ** BigInt(-scale) }
    : { numerator: digits * 10n ** BigInt(scale), denominator: 1n }
}
