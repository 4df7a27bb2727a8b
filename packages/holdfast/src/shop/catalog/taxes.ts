/** Sets tax rates by country, state, and tax class. */

import { type Database, statement } from '../../database/database.ts'
import { standardTaxClass } from '../../domain/tax.ts'
import { checkPlace, checkRate, checkText } from './catalog-input.ts'
import { invalidArgument } from './check-arguments.ts'

export interface TaxRateInput {
  /** ISO 3166-1 alpha-2, or '*' for every other country. */
  country: string
  /** As in addresses, for example `CA`. Default '': the whole country. */
  state?: string
  /** Default `standard`. Imported goods that are not taxable have the class `exempt`. */
  taxClass?: string
  /** The displayed name, for example "VAT". */
  name: string
  /** Parts per million: 190000 is 19 %. */
  ratePpm: number
  /** True: prices include the tax. False: the tax is added to them. */
  included: boolean
}

const upsert = statement(
  'upsert_tax_rates',
  `insert into holdfast.tax_rates (country, state, tax_class, name, rate_ppm, included)
   select country, state, tax_class, name, rate_ppm, included
   from json_to_recordset($1) as row (
     country text, state text, tax_class text, name text, rate_ppm integer, included boolean)
   order by country, state, tax_class
   on conflict (country, state, tax_class) do update
   set name = excluded.name, rate_ppm = excluded.rate_ppm, included = excluded.included`,
)

/**
 * Sets tax rates, all or none. A checkout with locked prices keeps its taxes.
 * @throws {CheckoutError} `invalid_argument`.
 */
export async function upsertTaxRates(database: Database, rates: readonly TaxRateInput[]): Promise<void> {
  await database.query(upsert, [JSON.stringify(rates.map(rowOf))])
}

/** Sets one rate; see `upsertTaxRates`. */
export function upsertTaxRate(database: Database, rate: TaxRateInput): Promise<void> {
  return upsertTaxRates(database, [rate])
}

const updateTaxClass = statement(
  'update_tax_class',
  'update holdfast.variants set tax_class = $2 where sku = any($1::text[]) and tax_class <> $2',
)

/** Assigns variants to a tax class and ignores unknown SKUs. The next import resets them to `standard` or `exempt`. */
export async function setTaxClass(database: Database, skus: readonly string[], taxClass: string): Promise<void> {
  await database.query(updateTaxClass, [skus, checkText('taxClass', taxClass)])
}

function rowOf(rate: TaxRateInput) {
  const country = checkPlace(rate.country)
  const state = (rate.state ?? '').trim()
  if (country === '*' && state !== '') {
    throw invalidArgument('A state needs a country. Set the country, or omit the state.', { country, state })
  }
  return {
    country,
    state: state === '' ? '' : checkText('state', state),
    tax_class: checkText('taxClass', rate.taxClass ?? standardTaxClass),
    name: checkText('name', rate.name),
    rate_ppm: checkRate('ratePpm', rate.ratePpm, 0),
    included: rate.included,
  }
}
