/** Which shipping method serves a country, and at what price; null wherever none does, never a price of nothing. */
import { convertMinor, type ExchangeRate } from './exchange.ts'

export interface ShippingOption {
  code: string
  name: string
  taxClass: string
  /** Flat rates; country '*' is everywhere that has no rate of its own. */
  rates: { country: string; currency: string; amountMinor: number }[]
}

export interface ShippingChoice {
  option: ShippingOption
  amountMinor: number
}

/** Where to, and in what currency the price is wanted. */
export interface ShippingDestination {
  country: string
  currency: string
  exchangeRates: readonly ExchangeRate[]
  baseCurrency: string
}

/**
 * The method with code `method`, or with null the cheapest (the first of equals), that serves the destination.
 * Null when none does, or its price cannot be had in the currency.
 */
export function chooseShipping(
  method: string | null,
  destination: ShippingDestination,
  options: readonly ShippingOption[],
): ShippingChoice | null {
  let best: ShippingChoice | null = null
  for (const option of options) {
    if (method !== null && option.code !== method) continue
    const amountMinor = shippingPriceTo(destination, option)
    if (amountMinor !== null && (best === null || amountMinor < best.amountMinor)) best = { option, amountMinor }
  }
  return best
}

/**
 * What a method costs: the rate set in the currency, else the one in the base currency converted, else the lowest of
 * the others converted. A country with any rate of its own never falls back to those of '*'.
 */
function shippingPriceTo(destination: ShippingDestination, option: ShippingOption): number | null {
  const { currency, exchangeRates, baseCurrency } = destination
  const country = option.rates.some(rate => rate.country === destination.country) ? destination.country : '*'
  let inBaseMinor: number | null = null
  let lowestMinor: number | null = null
  for (const rate of option.rates) {
    if (rate.country !== country) continue
    if (rate.currency === currency) return rate.amountMinor
    const convertedMinor = convertMinor(rate.amountMinor, rate.currency, currency, exchangeRates, baseCurrency)
    if (convertedMinor === null) continue
    if (rate.currency === baseCurrency) inBaseMinor = convertedMinor
    if (lowestMinor === null || convertedMinor < lowestMinor) lowestMinor = convertedMinor
  }
  return inBaseMinor ?? lowestMinor
}
