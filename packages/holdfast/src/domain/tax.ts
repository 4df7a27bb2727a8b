/**
 * Tax of one amount, by place and class of goods; protects that tax is rounded once a line, half up, after discount.
 *
 * Half up a line is what both sides of the Atlantic accept: the Streamlined Sales and Use Tax Agreement, section 324,
 * rounds the third decimal up from 5 and lets the seller choose item or invoice; in the EU the rule is left to
 * the member states (Court of Justice, C-484/06 Ahold), which take commercial rounding. By line, the tax of a
 * line can be refunded with it to the last minor unit.
 */
import type { Address } from './cart.ts'
import { proportion } from './money.ts'

export interface TaxRate {
  /** ISO 3166-1 alpha-2; '*' is everywhere else. */
  country: string
  /** '' is the whole country. */
  state: string
  taxClass: string
  name: string
  ratePpm: number
  /** True: prices contain the tax. False: it is added to them. */
  included: boolean
}

export interface Tax {
  /** All of it, and the part that the price does not contain. */
  taxMinor: number
  addedTaxMinor: number
}

/** The class that stands in where a class has no rate of its own. */
export const standardTaxClass = 'standard'

/**
 * The rate for goods of `taxClass` at `address` (null: not known yet, so only '*' applies); null when there is none,
 * and with it no tax. A rate of the goods' own class goes before any of the standard class, so that what is exempt
 * everywhere stays exempt; within a class the state goes before the country, and that before '*'.
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

/** The tax in, or on top of, `taxableMinor`. */
export function taxOf(taxableMinor: number, rate: TaxRate | null): Tax {
  if (rate === null) return { taxMinor: 0, addedTaxMinor: 0 }
  if (rate.included) {
    return { taxMinor: proportion(taxableMinor, rate.ratePpm, 1_000_000 + rate.ratePpm), addedTaxMinor: 0 }
  }
  const taxMinor = proportion(taxableMinor, rate.ratePpm, 1_000_000)
  return { taxMinor, addedTaxMinor: taxMinor }
}
