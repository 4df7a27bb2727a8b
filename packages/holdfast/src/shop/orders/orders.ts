/** Reads orders and maps their rows. */

import { type Queryable, statement } from '../../database/database.ts'
import type { Address } from '../../domain/cart.ts'
import type { Order, OrderLine, OrderMetadata, OrderStatus } from '../../domain/order.ts'

export interface OrderRow {
  id: string
  number: string
  checkout_id: string
  session_id: string
  user_id: string | null
  email: string | null
  status: OrderStatus
  currency: string
  subtotal_minor: number
  discount_minor: number
  tax_minor: number
  shipping_minor: number
  total_minor: number
  refunded_minor: number
  shipping_refunded: boolean
  coupon_code: string | null
  shipping_address: Address | null
  billing_address: Address | null
  shipping_method: string | null
  notes: string | null
  metadata: OrderMetadata
  placed_at: string
  paid_at: string | null
  cancelled_at: string | null
}

export interface OrderLineRow {
  order_id: string
  line_no: number
  sku: string
  title: string
  quantity: number
  unit_minor: number
  subtotal_minor: number
  discount_minor: number
  tax_minor: number
  total_minor: number
  refunded_quantity: number
}

const orderColumns = `id, number, checkout_id, session_id, user_id, email, status, currency, subtotal_minor, discount_minor,
  tax_minor, shipping_minor, total_minor, refunded_minor, shipping_refunded, coupon_code, shipping_address,
  billing_address, shipping_method, notes, metadata, placed_at, paid_at, cancelled_at`
const lineColumns = `order_id, line_no, sku, title, quantity, unit_minor, subtotal_minor, discount_minor,
  tax_minor, total_minor, refunded_quantity`

const readOrdersOfCheckouts = statement(
  'read_orders_of_checkouts',
  `select ${orderColumns} from holdfast.orders where checkout_id = any($1::uuid[])`,
)
const readLinesOfCheckouts = statement(
  'read_order_lines_of_checkouts',
  `select ${lineColumns} from holdfast.order_lines
   where order_id = any(array(select id from holdfast.orders where checkout_id = any($1::uuid[])))
   order by order_id, line_no`,
)
const readOrdersById = statement(
  'read_orders',
  `select ${orderColumns} from holdfast.orders where id = any($1::uuid[])`,
)
const readLinesById = statement(
  'read_order_lines',
  `select ${lineColumns} from holdfast.order_lines where order_id = any($1::uuid[]) order by order_id, line_no`,
)

/** Orders of a batch of checkouts, by the ID of the checkout. */
export async function readOrdersOf(db: Queryable, checkoutIds: readonly string[]): Promise<Map<string, Order>> {
  const [orders, lines] = await Promise.all([
    db.query<OrderRow>(readOrdersOfCheckouts, [checkoutIds]),
    db.query<OrderLineRow>(readLinesOfCheckouts, [checkoutIds]),
  ])
  return new Map(ordersOf(orders, lines).map(order => [order.checkoutId, order]))
}

/** Orders by their IDs. */
export async function readOrders(db: Queryable, orderIds: readonly string[]): Promise<Map<string, Order>> {
  const [orders, lines] = await Promise.all([
    db.query<OrderRow>(readOrdersById, [orderIds]),
    db.query<OrderLineRow>(readLinesById, [orderIds]),
  ])
  return new Map(ordersOf(orders, lines).map(order => [order.id, order]))
}

function ordersOf(rows: readonly OrderRow[], lineRows: readonly OrderLineRow[]): Order[] {
  const linesOf = new Map<string, OrderLine[]>(rows.map(row => [row.id, []]))
  for (const row of lineRows) linesOf.get(row.order_id)?.push(lineOf(row))
  return rows.map(row => orderOf(row, linesOf.get(row.id) ?? []))
}

function orderOf(row: OrderRow, lines: OrderLine[]): Order {
  return {
    id: row.id,
    number: row.number,
    checkoutId: row.checkout_id,
    sessionId: row.session_id,
    userId: row.user_id,
    email: row.email,
    status: row.status,
    currency: row.currency,
    subtotalMinor: row.subtotal_minor,
    discountMinor: row.discount_minor,
    taxMinor: row.tax_minor,
    shippingMinor: row.shipping_minor,
    totalMinor: row.total_minor,
    refundedMinor: row.refunded_minor,
    shippingRefunded: row.shipping_refunded,
    couponCode: row.coupon_code,
    shippingAddress: row.shipping_address,
    billingAddress: row.billing_address,
    shippingMethod: row.shipping_method,
    notes: row.notes,
    metadata: row.metadata,
    lines,
    placedAt: row.placed_at,
    paidAt: row.paid_at,
    cancelledAt: row.cancelled_at,
  }
}

function lineOf(row: OrderLineRow): OrderLine {
  return {
    lineNo: row.line_no,
    sku: row.sku,
    title: row.title,
    quantity: row.quantity,
    unitMinor: row.unit_minor,
    subtotalMinor: row.subtotal_minor,
    discountMinor: row.discount_minor,
    taxMinor: row.tax_minor,
    totalMinor: row.total_minor,
    refundedQuantity: row.refunded_quantity,
  }
}

const findLastOrder = statement(
  'find_last_order',
  `select o.id from holdfast.sessions s
   join holdfast.checkouts k on k.cart_id = s.cart_id and k.holds_cart
   join holdfast.orders o on o.checkout_id = k.id
   where s.id = $1 and o.status <> 'cancelled'`,
)

/** The order of the session's current cart; null if the cart was not bought. */
export async function readLastOrderOf(db: Queryable, sessionId: string): Promise<Order | null> {
  const [found] = await db.query<{ id: string }>(findLastOrder, [sessionId])
  return found === undefined ? null : ((await readOrders(db, [found.id])).get(found.id) ?? null)
}
