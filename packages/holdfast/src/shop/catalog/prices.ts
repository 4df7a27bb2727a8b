/** Prices of variants, in minor units, and the exchange rates that convert them. */

import { type Database, type Queryable, statement } from '../../database/database.ts'
import type { ExchangeRate } from '../../domain/exchange.ts'
import { CheckoutError } from '../../domain/failure.ts'
import { checkAmount } from './catalog-input.ts'
import { checkCurrency, invalidArgument } from './check-arguments.ts'

export interface PriceRow {
  variant_id: string
  currency: string
  amount_minor: number
  compare_at_minor: number | null
}

/** `$1` price rows. */
export const upsertPrices = statement(
  'upsert_prices',
  `insert into holdfast.prices as p (variant_id, currency, amount_minor, compare_at_minor)
   select variant_id, currency, amount_minor, compare_at_minor
   from json_to_recordset($1) as row (variant_id uuid, currency text, amount_minor bigint, compare_at_minor bigint)
   order by variant_id, currency
   on conflict (variant_id, currency) do update
   set amount_minor = excluded.amount_minor, compare_at_minor = excluded.compare_at_minor`,
)

const upsertPricesBySku = statement(
  'upsert_prices_by_sku',
  `with asked as (
     select v.id, row.sku, row.currency, row.amount_minor, row.compare_at_minor
     from json_to_recordset($1) as row (sku text, currency text, amount_minor bigint, compare_at_minor bigint)
     left join holdfast.variants v on v.sku = row.sku
   ), written as (
     insert into holdfast.prices as p (variant_id, currency, amount_minor, compare_at_minor)
     select id, currency, amount_minor, compare_at_minor from asked
     where not exists (select from asked where id is null)
     order by id, currency
     on conflict (variant_id, currency) do update
     set amount_minor = excluded.amount_minor, compare_at_minor = excluded.compare_at_minor
   )
   select sku from asked where id is null`,
)

const upsertExchangeRate = statement(
  'upsert_exchange_rate',
  `insert into holdfast.exchange_rates (base, quote, rate) values ($1, $2, $3::numeric)
   on conflict (base, quote) do update set rate = excluded.rate, updated_at = now()`,
)

const selectExchangeRates = statement(
  'select_exchange_rates',
  'select base, quote, rate from holdfast.exchange_rates order by base, quote',
)

/** All exchange rates; a shop has a few dozen. */
export function loadExchangeRates(on: Queryable): Promise<ExchangeRate[]> {
  return on.query<ExchangeRate>(selectExchangeRates)
}

export interface PriceInput {
  sku: string
  /** ISO 4217. */
  currency: string
  amountMinor: number
  /** The earlier price, shown struck through. Default: none. */
  compareAtMinor?: number | null
}

/**
 * Sets prices, all or none. A checkout with locked prices keeps them.
 * @throws {CheckoutError} `variant_unavailable` for an unknown SKU, `invalid_argument`.
 */
export async function setPrices(database: Database, prices: readonly PriceInput[]): Promise<void> {
  const rows = prices.map(price => ({
    sku: price.sku,
    currency: checkCurrency(price.currency),
    amount_minor: checkAmount('amountMinor', price.amountMinor),
    compare_at_minor: price.compareAtMinor == null ? null : checkAmount('compareAtMinor', price.compareAtMinor),
  }))
  const unknown = await database.query<{ sku: string }>(upsertPricesBySku, [JSON.stringify(rows)])
  if (unknown.length > 0) throw unknownVariants(unknown.map(row => row.sku))
}

/** Sets one price; see `setPrices`. */
export function setPrice(database: Database, price: PriceInput): Promise<void> {
  return setPrices(database, [price])
}

/**
 * Sets the number of units of `quote` per unit of `base`, both in major units.
 * @throws {CheckoutError} `invalid_argument`.
 */
export async function setExchangeRate(
  database: Database,
  exchange: { base: string; quote: string; rate: number },
): Promise<void> {
  const base = checkCurrency(exchange.base)
  const quote = checkCurrency(exchange.quote)
  const { rate } = exchange
  if (base === quote || !(rate >= 1e-9 && rate <= 1e9)) {
    throw invalidArgument(
      'An exchange rate needs two different currencies and a rate from 0.000000001 to 1000000000.',
      {
        base,
        quote,
        rate,
      },
    )
  }
  await database.query(upsertExchangeRate, [base, quote, rate.toFixed(10)])
}

export function unknownVariants(skus: readonly string[]): CheckoutError {
  const shown = skus.slice(0, 10).map(sku => `"${sku}"`)
  return new CheckoutError('variant_unavailable', `No variant has the SKU ${shown.join(', ')}. Check the catalog.`, {
    context: { skus: skus.slice(0, 10) },
  })
}
