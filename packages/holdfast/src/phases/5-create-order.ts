/**
 * Phase 5, `order_creation`: creates the order and its lines from the price snapshots and makes the holds firm in the
 * same transaction. Protects A1 (one order per checkout, by a unique constraint), A3 (no live price is used), and A6: a
 * firm hold never expires, so no buyer is charged for units that are gone. Undone by cancelling the order.
 */
import { v7 as uuid } from 'uuid'
import { type Queryable, statement, type Transaction } from '../database/database.ts'
import { groupBy } from '../domain/group-by.ts'
import type { OrderMetadata } from '../domain/order.ts'
import type { Phase } from './phase.ts'

const phase = 'order_creation'

const readDrift = statement(
  'read_price_drift',
  `select snapshot.checkout_id, snapshot.sku, snapshot.unit_minor as frozen_minor, price.amount_minor as current_minor
   from holdfast.price_snapshots snapshot
   join holdfast.variants variant on variant.sku = snapshot.sku
   join holdfast.prices price on price.variant_id = variant.id and price.currency = snapshot.currency
   where snapshot.checkout_id = any($1::uuid[]) and snapshot.line_no > 0
     and abs(price.amount_minor - snapshot.unit_minor) > $2::bigint
   order by snapshot.checkout_id, snapshot.line_no`,
)
const insertOrders = statement(
  'insert_orders',
  `insert into holdfast.orders (id, checkout_id, session_id, user_id, email, status, currency, subtotal_minor,
     discount_minor, tax_minor, shipping_minor, total_minor, coupon_code, shipping_address, billing_address,
     shipping_method, notes, metadata)
   select row.order_id, checkout.id, checkout.session_id, checkout.user_id, checkout.details->>'email', 'pending',
     snapshot.currency, snapshot.subtotal_minor, snapshot.discount_minor, snapshot.tax_minor, snapshot.shipping_minor,
     snapshot.total_minor, snapshot.details->'coupon'->>'code',
     nullif(checkout.details->'shippingAddress', 'null'), nullif(checkout.details->'billingAddress', 'null'),
     snapshot.details->'shipping'->>'code', checkout.details->>'notes', row.metadata
   from json_to_recordset($1) as row (checkout_id uuid, order_id uuid, metadata jsonb)
   join holdfast.checkouts checkout on checkout.id = row.checkout_id
   cross join lateral (
     select * from holdfast.price_snapshots of_cart
     where of_cart.checkout_id = row.checkout_id and of_cart.line_no = 0 offset 0) as snapshot`,
)
const insertOrderLines = statement(
  'insert_order_lines',
  `insert into holdfast.order_lines (order_id, line_no, sku, title, quantity, unit_minor, subtotal_minor,
     discount_minor, tax_minor, total_minor)
   select row.order_id, snapshot.line_no, snapshot.sku, snapshot.title, snapshot.quantity,
     snapshot.unit_minor, snapshot.subtotal_minor, snapshot.discount_minor, snapshot.tax_minor, snapshot.total_minor
   from json_to_recordset($1) as row (checkout_id uuid, order_id uuid)
   join holdfast.price_snapshots snapshot on snapshot.checkout_id = row.checkout_id and snapshot.line_no > 0`,
)
const firmReservations = statement(
  'firm_reservations',
  `update holdfast.stock_reservations set state = 'firm' where checkout_id = any($1::uuid[]) and state = 'held'`,
)
const cancelOrders = statement(
  'cancel_orders',
  `update holdfast.orders set status = 'cancelled', cancelled_at = clock_timestamp()
   where checkout_id = any($1::uuid[]) and status = 'pending'`,
)

export interface PriceDrift {
  sku: string
  frozenMinor: number
  currentMinor: number
}

/**
 * Reads which prices changed by more than `toleranceMinor` since they were frozen, by checkout ID. The frozen prices
 * still apply; the drift is only recorded. Prices converted from another currency are not compared.
 */
async function read(
  tx: Queryable,
  checkoutIds: readonly string[],
  toleranceMinor: number,
): Promise<Map<string, PriceDrift[]>> {
  const rows = await tx.query<{ checkout_id: string; sku: string; frozen_minor: number; current_minor: number }>(
    readDrift,
    [checkoutIds, toleranceMinor],
  )
  const drifts = new Map<string, PriceDrift[]>()
  for (const [checkoutId, drifted] of groupBy(rows, row => row.checkout_id)) {
    drifts.set(
      checkoutId,
      drifted.map(row => ({ sku: row.sku, frozenMinor: row.frozen_minor, currentMinor: row.current_minor })),
    )
  }
  return drifts
}

/** Creates the orders of a batch as `pending` and makes their holds firm. Returns the order IDs by checkout ID. */
function write(
  tx: Transaction,
  orders: readonly { checkoutId: string; metadata: OrderMetadata }[],
): Map<string, string> {
  const checkoutIds = orders.map(order => order.checkoutId)
  const orderIds = new Map(checkoutIds.map(id => [id, uuid()]))
  if (orders.length === 0) return orderIds
  const rows = JSON.stringify(
    orders.map(({ checkoutId, metadata }) => ({
      checkout_id: checkoutId,
      order_id: orderIds.get(checkoutId),
      metadata,
    })),
  )
  tx.send(insertOrders, [rows])
  tx.send(insertOrderLines, [rows])
  tx.send(firmReservations, [checkoutIds])
  return orderIds
}

/** Undo: cancels the orders of a batch. They are not deleted. */
function undo(tx: Transaction, checkoutIds: readonly string[]): void {
  if (checkoutIds.length > 0) tx.send(cancelOrders, [checkoutIds])
}

export const createOrder = { phase, read, write, undo } as const satisfies Phase
