/** The shop of the proofs: a few SKUs, inserted into an empty database before any server starts. */
import type { Database } from '../../packages/holdfast/src/database/database.ts'
import { migrate } from '../../packages/holdfast/src/database/migrate.ts'

export interface Stock {
  sku: string
  priceMinor: number
  quantity: number
}

const currency = 'EUR'

/** Settings that all processes of a shop share, across restarts. */
export const serverEnvironment: Readonly<Record<string, string>> = {
  CHECKOUT_SECRET: 'shared by every process of this shop',
  CHECKOUT_CURRENCY: currency,
  CHECKOUT_RATE_LIMIT_PER_MINUTE: '0',
}

const text = (value: string) => `'${value.replaceAll("'", "''")}'`

/** IDs from numbers: `a` product, `b` variant, `c` location. */
const id = (kind: string, number: number) => text(`00000000-0000-7000-${kind}000-${String(number).padStart(12, '0')}`)

/** Each warehouse has half of each SKU, so that reservations span both. */
function fill(stocks: readonly Stock[]): string {
  const rows = stocks.map(({ sku, priceMinor, quantity }, index) => {
    const near = Math.ceil(quantity / 2)
    const levels = [near, quantity - near].map(
      (units, at) => `(${id('b', index)}, ${id('c', at + 1)}, ${units}, ${units})`,
    )
    return `
insert into holdfast.products (id, handle, title) values (${id('a', index)}, ${text(sku.toLowerCase())}, ${text(sku)});
insert into holdfast.variants (id, product_id, sku, position) values (${id('b', index)}, ${id('a', index)}, ${text(sku)}, 1);
insert into holdfast.prices (variant_id, currency, amount_minor) values (${id('b', index)}, '${currency}', ${priceMinor});
insert into holdfast.stock_levels (variant_id, location_id, on_hand, stocked) values ${levels.join(', ')};`
  })
  return `
insert into holdfast.locations (id, code, name, priority)
values (${id('c', 1)}, 'NEAR', 'Near', 1), (${id('c', 2)}, 'FAR', 'Far', 2);
insert into holdfast.tax_rates (country, name, rate_ppm, included) values ('DE', 'MwSt.', 190000, true);
insert into holdfast.shipping_methods (code, name) values ('standard', 'Standard');
insert into holdfast.shipping_rates (method_code, country, currency, amount_minor) values ('standard', 'DE', '${currency}', 490);
${rows.join('')}`
}

/** Migrates an empty database and inserts the stock. */
export async function fillShop(database: Database, stocks: readonly Stock[]): Promise<void> {
  await migrate(database)
  await database.execute(fill(stocks))
}
