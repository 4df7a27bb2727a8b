/** The data of a sale: one product, a cart per buyer, the stock, and the final totals. */

import type { Address } from 'holdfast'
import { type Database, statement } from 'holdfast/database'
import { type Acknowledged, audit } from 'holdfast/operations'
import { createCarts, setStocks, upsertLocation, upsertShippingMethod, upsertTaxRates } from 'holdfast/shop'
import type { SaleTotals, Stock } from './protocol.ts'

const sku = 'LAST-ONES'
const currency = 'EUR'
const priceMinor = 4_900
const cartsAtOnce = 1_000

const address: Address = {
  firstName: 'Ada',
  lastName: 'Lovelace',
  lineOne: 'Hafenstraße 1',
  city: 'Hamburg',
  postcode: '20457',
  country: 'DE',
}

export const sessionOf = (buyer: number): string => `buyer-${buyer + 1}`

const insertArticle = statement(
  'flash_sale_article',
  `with product as (
     insert into holdfast.products (id, handle, title) values (gen_random_uuid(), lower($1), $1) returning id
   ), variant as (
     insert into holdfast.variants (id, product_id, sku, position)
     select gen_random_uuid(), id, $1, 1 from product returning id
   )
   insert into holdfast.prices (variant_id, currency, amount_minor) select id, $2, $3::bigint from variant`,
)

/** Creates the product and the carts. The stock is split over two locations, so holds use both. */
export async function fillShop(database: Database, units: number, quantities: readonly number[]): Promise<string[]> {
  await upsertLocation(database, { code: 'near', priority: 1 })
  await upsertLocation(database, { code: 'far', priority: 2 })
  await upsertTaxRates(database, [{ country: 'DE', name: 'MwSt.', ratePpm: 190_000, included: true }])
  const rates = [{ country: 'DE', currency, amountMinor: 490 }]
  await upsertShippingMethod(database, { code: 'standard', name: 'Standard', rates })
  await database.query(insertArticle, [sku, currency, priceMinor])
  const near = Math.ceil(units / 2)
  await setStocks(database, [
    { sku, location: 'near', quantity: near },
    { sku, location: 'far', quantity: units - near },
  ])
  const carts = createCarts(database, { currency })
  const ids: string[] = []
  while (ids.length < quantities.length) {
    const next = quantities.slice(ids.length, ids.length + cartsAtOnce).map((quantity, at) => {
      const sessionId = sessionOf(ids.length + at)
      return { sessionId, email: `${sessionId}@example.com`, shippingAddress: address, lines: [{ sku, quantity }] }
    })
    ids.push(...(await carts.createCarts(next)))
  }
  return ids
}

const selectStock = statement(
  'flash_sale_stock',
  `select coalesce(sum(on_hand - reserved), 0)::bigint as free, coalesce(sum(reserved), 0)::bigint as held,
     coalesce(sum(stocked - on_hand), 0)::bigint as sold
   from holdfast.stock_levels`,
)

export async function readStock(database: Database): Promise<Stock> {
  const [stock] = await database.query<Stock>(selectStock)
  return stock ?? { free: 0, held: 0, sold: 0 }
}

const expireWaiting = statement(
  'flash_sale_expire',
  `update holdfast.checkouts
   set expires_at = now() - interval '1 second', wake_at = now() - interval '1 second'
   where state in ('pending', 'awaiting_action') and ($1::uuid is null or id = $1::uuid)`,
)

/** Makes deliveries due whose process died. */
const hurryDeliveries = statement(
  'flash_sale_hurry_deliveries',
  `update holdfast.deliveries set next_at = now() where state = 'due'`,
)

/** Expires a lock; null: all locks that are waiting for a buyer, and the leases of deliveries. */
export async function expireLocks(database: Database, lockId: string | null): Promise<void> {
  await database.query(expireWaiting, [lockId])
  if (lockId === null) await database.query(hurryDeliveries)
}

const countOpen = statement(
  'flash_sale_open',
  `select (select count(*) from holdfast.checkouts where state not in ('completed', 'failed'))
     + (select count(*) from holdfast.payment_operations o join holdfast.checkouts c on c.id = o.checkout_id
        where o.status = 'intended' and c.wake_at is not null)
     + (select count(*) from holdfast.deliveries where state = 'due') as open`,
)

/** Number of active checkouts, unsettled operations, and pending deliveries. */
export async function countUnfinished(database: Database): Promise<number> {
  const [row] = await database.query<{ open: number }>(countOpen)
  return row?.open ?? 0
}

const selectReckoning = statement(
  'flash_sale_reckoning',
  `select
     (select count(*) from holdfast.checkouts where state in ('completed', 'failed')) as checkouts,
     (select count(*) from holdfast.orders where status = 'paid') as orders,
     (select coalesce(sum(l.quantity), 0)::bigint from holdfast.orders o
      join holdfast.order_lines l on l.order_id = o.id where o.status = 'paid') as "unitsSold",
     (select count(*) from holdfast_sandbox.payments p where p.captured_minor > p.refunded_minor
        and not exists (select from holdfast.orders o where o.checkout_id = p.checkout_id and o.status = 'paid')
     ) as "chargedWithoutOrder",
     (select count(*) from holdfast.deliveries where state = 'delivered') as confirmations`,
)

export async function readTotals(database: Database, acknowledged: readonly Acknowledged[]): Promise<SaleTotals> {
  const report = await audit(database, { ledger: 'sandbox', drained: true, acknowledged })
  const [row] = await database.query<Omit<SaleTotals, 'audit'>>(selectReckoning)
  if (row === undefined) throw new Error('the totals have no row')
  return { audit: report, ...row }
}
