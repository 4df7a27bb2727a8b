/**
 * The shop of the benchmark: a fresh, migrated database with 10,000 SKUs, and the carts of its buyers. Each side has
 * its own database with identical rows.
 */

import { type Database, statement } from '../packages/holdfast/src/database/database.ts'
import { migrate } from '../packages/holdfast/src/database/migrate.ts'
import type { Address } from '../packages/holdfast/src/domain/cart.ts'
import type { Wish } from './load.ts'

export type Demand = 'uniform' | 'hot'

export const currency = 'EUR'
const skuCount = 10_000

export const buyerAddress: Address = {
  firstName: 'Ada',
  lastName: 'Lindqvist',
  lineOne: 'Torstraße 1',
  city: 'Berlin',
  postcode: '10119',
  country: 'DE',
}

/** IDs from numbers: `a` product, `b` variant, `c` location. */
const id = (kind: string, number: string) =>
  `('00000000-0000-7000-${kind}000-' || lpad(to_hex(${number}), 12, '0'))::uuid`

const fill = `
insert into holdfast.products (id, handle, title, vendor)
select ${id('a', 'n')}, 'product-' || n, 'Product ' || n, 'Bench' from generate_series(1, ${skuCount}) as n;
insert into holdfast.variants (id, product_id, sku, position)
select ${id('b', 'n')}, ${id('a', 'n')}, 'SKU-' || n, 1 from generate_series(1, ${skuCount}) as n;
insert into holdfast.prices (variant_id, currency, amount_minor)
select ${id('b', 'n')}, '${currency}', 500 + n % 9500 from generate_series(1, ${skuCount}) as n;
insert into holdfast.locations (id, code, name, priority)
values (${id('c', '1')}, 'NORTH', 'North', 1), (${id('c', '2')}, 'SOUTH', 'South', 2);
insert into holdfast.stock_levels (variant_id, location_id, on_hand, stocked)
select ${id('b', 'n')}, ${id('c', 'at')}, 1000000000, 1000000000
from generate_series(1, ${skuCount}) as n, generate_series(1, 2) as at;
insert into holdfast.tax_rates (country, tax_class, name, rate_ppm, included)
values ('DE', 'standard', 'MwSt.', 190000, true), ('DE', 'reduced', 'MwSt.', 70000, true),
  ('FR', 'standard', 'TVA', 200000, true), ('*', 'standard', 'none', 0, true);
insert into holdfast.shipping_methods (code, name, position) values ('standard', 'Standard', 1), ('express', 'Express', 2);
insert into holdfast.shipping_rates (method_code, country, currency, amount_minor)
values ('standard', 'DE', '${currency}', 490), ('standard', '*', '${currency}', 990), ('express', '*', '${currency}', 1990);
analyze;`

/** Migrates an empty database and fills it. */
export async function openShop(database: Database): Promise<void> {
  await migrate(database)
  await database.execute(fill)
}

/** Two lines with random SKUs. With `hot` demand, the first line is the same for all buyers. */
export function cartMaker(demand: Demand): () => readonly Wish[] {
  const any = () => 1 + Math.floor(Math.random() * skuCount)
  return () => {
    const first = demand === 'hot' ? 1 : any()
    let second = any()
    while (second === first) second = any()
    return [
      { sku: `SKU-${first}`, quantity: 1 },
      { sku: `SKU-${second}`, quantity: 2 },
    ]
  }
}

/** Every table that a checkout writes. */
const written = [
  'holdfast.carts',
  'holdfast.cart_lines',
  'holdfast.sessions',
  'holdfast.checkouts',
  'holdfast.price_snapshots',
  'holdfast.stock_reservations',
  'holdfast.payment_operations',
  'holdfast.orders',
  'holdfast.order_lines',
  'holdfast.transitions',
  'holdfast.events',
  'holdfast.deliveries',
  'holdfast_sandbox.payments',
  'holdfast_sandbox.requests',
] as const

/** Rows per completed checkout in each table, on average. Both sides must have left the same. */
export async function rowsPerCheckout(database: Database, checkouts: number): Promise<Record<string, number>> {
  const counts = written.map(table => `select '${table}' as name, count(*) as rows from ${table}`)
  const rows = await database.query<{ name: string; rows: number }>(
    statement('bench_count_rows', counts.join(' union all ')),
  )
  return Object.fromEntries(rows.map(row => [row.name, row.rows / checkouts]))
}
