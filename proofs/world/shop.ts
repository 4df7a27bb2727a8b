/** The shop of a simulated world: small stocks in two warehouses and a coupon with two uses. Reset for each run. */
import type { Database } from '../../packages/holdfast/src/database/database.ts'
import { migrate } from '../../packages/holdfast/src/database/migrate.ts'

export interface Article {
  sku: string
  priceMinor: number
  /** Units in the near and in the far warehouse. */
  stock: readonly [number, number]
}

/** `last` has a single unit. */
export const articles = {
  plenty: { sku: 'PLENTY', priceMinor: 1_000, stock: [60, 40] },
  spread: { sku: 'SPREAD', priceMinor: 2_500, stock: [1, 9] },
  last: { sku: 'LAST', priceMinor: 4_000, stock: [1, 0] },
} as const satisfies Record<string, Article>
/** Can be used twice. */
export const coupon = 'TWICE'
export const shippingMinor = 500

const all: readonly Article[] = Object.values(articles)
const id = (kind: string, number: number) => `'00000000-0000-7000-${kind}000-${String(number).padStart(12, '0')}'`

const fixed = `
insert into holdfast.locations (id, code, name, priority) values (${id('c', 1)}, 'near', 'Near', 1), (${id('c', 2)}, 'far', 'Far', 2);
insert into holdfast.tax_rates (country, name, rate_ppm, included) values ('DE', 'VAT', 190000, true);
insert into holdfast.shipping_methods (code, name) values ('standard', 'Standard');
insert into holdfast.shipping_rates (method_code, country, currency, amount_minor) values ('standard', 'DE', 'USD', ${shippingMinor});
insert into holdfast.coupons (id, code, kind, rate_ppm, usage_limit) values (${id('d', 1)}, '${coupon}', 'percentage', 100000, 2);
${all
  .map(
    ({ sku, priceMinor, stock }, index) => `
insert into holdfast.products (id, handle, title) values (${id('a', index)}, lower('${sku}'), '${sku}');
insert into holdfast.variants (id, product_id, sku, position) values (${id('b', index)}, ${id('a', index)}, '${sku}', 1);
insert into holdfast.prices (variant_id, currency, amount_minor) values (${id('b', index)}, 'USD', ${priceMinor});
insert into holdfast.stock_levels (variant_id, location_id, on_hand, stocked)
values ${stock.map((units, at) => `(${id('b', index)}, ${id('c', at + 1)}, ${units}, ${units})`).join(', ')};`,
  )
  .join('')}`

const tables = [
  'deliveries',
  'events',
  'transitions',
  'order_lines',
  'orders',
  'payment_operations',
  'coupon_claims',
  'stock_reservations',
  'price_snapshots',
  'checkouts',
  'sessions',
  'cart_lines',
  'carts',
  'webhooks',
  'admin_actions',
].map(table => `holdfast.${table}`)
const ledger = ['jobs', 'requests', 'payments'].map(table => `holdfast_sandbox.${table}`)

/** Carts are deleted after checkouts, which lock them. */
const emptied = `
${[...tables, ...ledger].map(table => `delete from ${table};`).join('\n')}
${all
  .map(({ stock }, index) =>
    stock
      .map(
        (units, at) => `update holdfast.stock_levels set on_hand = ${units}, reserved = 0, stocked = ${units}
          where variant_id = ${id('b', index)} and location_id = ${id('c', at + 1)};`,
      )
      .join('\n'),
  )
  .join('\n')}
update holdfast.coupons set claimed = 0;`

export async function openShop(database: Database): Promise<void> {
  await migrate(database)
  await database.execute(fixed)
}

/** Restores the state after `openShop`. */
export async function resetShop(database: Database): Promise<void> {
  await database.execute(emptied)
}
