/** Creates and changes shipping methods with their flat rates. */

import { type Database, statement } from '../../database/database.ts'
import { standardTaxClass } from '../../domain/tax.ts'
import { checkAmount, checkPlace, checkText } from './catalog-input.ts'
import { checkCurrency, invalidArgument } from './check-arguments.ts'

export interface ShippingMethodInput {
  code: string
  name: string
  /** Default `standard`. */
  taxClass?: string
  /** Position in lists. Default 0. */
  position?: number
  /** Default true. */
  active?: boolean
  /**
   * Replaces all rates of the method. Country '*' is every country without its own rate; without it the method serves
   * only the named countries.
   */
  rates: readonly { country: string; currency: string; amountMinor: number }[]
}

const upsertMethod = statement(
  'upsert_shipping_method',
  `insert into holdfast.shipping_methods (code, name, tax_class, position, active) values ($1, $2, $3, $4, $5)
   on conflict (code) do update set
     name = excluded.name, tax_class = excluded.tax_class, position = excluded.position, active = excluded.active`,
)

const deleteRates = statement('delete_shipping_rates', 'delete from holdfast.shipping_rates where method_code = $1')

const insertRates = statement(
  'insert_shipping_rates',
  `insert into holdfast.shipping_rates (method_code, country, currency, amount_minor)
   select $1, country, currency, amount_minor
   from json_to_recordset($2) as row (country text, currency text, amount_minor bigint)`,
)

/**
 * Creates or changes a shipping method with its rates. A checkout with locked prices keeps its shipping cost.
 * @throws {CheckoutError} `invalid_argument`.
 */
export async function upsertShippingMethod(database: Database, method: ShippingMethodInput): Promise<void> {
  const code = checkText('code', method.code)
  const name = checkText('name', method.name)
  const taxClass = checkText('taxClass', method.taxClass ?? standardTaxClass)
  const { position = 0, active = true } = method
  if (!Number.isInteger(position) || Math.abs(position) > 1_000_000) {
    throw invalidArgument('The position of a shipping method must be a whole number from -1000000 to 1000000.', {
      position,
    })
  }
  const rates = ratesOf(method)
  await database.transaction(async tx => {
    tx.send(upsertMethod, [code, name, taxClass, position, active])
    tx.send(deleteRates, [code])
    tx.send(insertRates, [code, JSON.stringify(rates)])
  })
}

function ratesOf(method: ShippingMethodInput) {
  const seen = new Set<string>()
  return method.rates.map(rate => {
    const row = {
      country: checkPlace(rate.country),
      currency: checkCurrency(rate.currency),
      amount_minor: checkAmount('amountMinor', rate.amountMinor),
    }
    const place = `${row.country} ${row.currency}`
    if (seen.has(place)) throw invalidArgument(`The method has two rates for ${place}. Remove one.`, { place })
    seen.add(place)
    return row
  })
}
