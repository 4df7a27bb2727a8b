/**
 * Tax of one amount, by place and class of goods. Tax is rounded once per line, half up, after discount. The US accepts
 * this (Streamlined Sales and Use Tax Agreement, section 324: half up, per item or invoice), and so does the EU, which
 * leaves rounding to its members (Court of Justice, C-484/06 Ahold). Per line, a line's tax can be refunded exactly.
 */
import type { Address } from './cart.ts'
import { proportion } from './money.ts'

/** The rate for one class of goods at one place. */
export interface TaxRate {
  /** ISO 3166-1 alpha-2. '*': every other country. */
  country: string
  /** '': the whole country. */
  state: string
  taxClass: string
  /** Name on invoices, such as "VAT". */
  name: string
  /** Parts per million: 190000 is 19 %. */
  ratePpm: number
  /** True: prices include the tax. False: it is added to them. */
  included: boolean
}

/** The tax of an amount, minor units. */
export interface Tax {
  /** All of the tax. */
  taxMinor: number
  /** The part that the price does not include. */
  addedTaxMinor: number
}

/** The class whose rates apply to classes without a rate of their own. */
export const standardTaxClass = 'standard'

/**
 * The rate for goods of `taxClass` at `address`. Without an address only rates of '*' apply. Null: no rate, so no tax.
 * A rate of the goods' own class precedes every rate of the standard class, so goods that are exempt everywhere stay
 * exempt. Within a class, the state precedes the country, and the country precedes '*'.
 */
export function taxRateAt(address: Address | null, taxClass: string, rates: readonly TaxRate[]): TaxRate | null {
  const country = address?.country ?? '*'
  const state = address?.state ?? ''
  let best: TaxRate | null = null
  let bestRank = 0
  for (const rate of rates) {
    const rank = placeRank(rate, country, state)
    if (rank === 0) continue
    const ranked = rate.taxClass === taxClass ? rank + 3 : rate.taxClass === standardTaxClass ? rank : 0
    if (ranked > bestRank) {
      best = rate
      bestRank = ranked
    }
  }
  return best
}

function placeRank(rate: TaxRate, country: string, state: string): 0 | 1 | 2 | 3 {
  if (rate.country === country && country !== '*') {
    if (rate.state === '') return 2
    return rate.state === state ? 3 : 0
  }
  return rate.country === '*' && rate.state === '' ? 1 : 0
}

/** The tax included in `taxableMinor`, or added to it. */
export function taxOf(taxableMinor: number, rate: TaxRate | null): Tax {
  if (rate === null) return { taxMinor: 0, addedTaxMinor: 0 }
  if (rate.included) {
    return { taxMinor: proportion(taxableMinor, rate.ratePpm, 1_000_000 + rate.ratePpm), addedTaxMinor: 0 }
  }
  const taxMinor = proportion(taxableMinor, rate.ratePpm, 1_000_000)
  return { taxMinor, addedTaxMinor: taxMinor }
}
