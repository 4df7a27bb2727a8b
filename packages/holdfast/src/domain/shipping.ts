/** Choice and price of a shipping method for a country. Without a rate there is no price; it is never 0 by default. */
import { convertMinor, type ExchangeRate } from './exchange.ts'

/** A shipping method of the shop. */
export interface ShippingOption {
  code: string
  name: string
  taxClass: string
  /** Flat rates. Country '*' applies to every country without a rate of its own. */
  rates: { country: string; currency: string; amountMinor: number }[]
}

/** A shipping method with its price. */
export interface ShippingChoice {
  option: ShippingOption
  amountMinor: number
}

/** The country of the delivery, and the currency of the price. */
export interface ShippingDestination {
  country: string
  currency: string
  exchangeRates: readonly ExchangeRate[]
  baseCurrency: string
}

/**
 * The method with code `method`; for null, the cheapest method that serves the destination (the first of equals).
 * Null if none serves it, or no rate converts its price to the currency.
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
 * The price of a method: its rate in the currency, else its converted rate of the base currency, else the lowest other
 * converted rate. A country with a rate of its own never uses those of '*'.
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
