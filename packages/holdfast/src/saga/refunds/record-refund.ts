/**
 * Records a successful refund in the transaction that settles it: the order's amounts, the refunded units of its lines,
 * and the returned stock if restocking was requested. Protects A5: a unit is restocked once, to its own warehouse.
 */

import { statement, type Transaction } from '../../database/database.ts'
import type { Order } from '../../domain/order.ts'
import { type RefundedLine, shippingLeft, unitsLeft } from '../../domain/refund.ts'
import type { OperationRow } from '../../payments/operations.ts'

/** The request as the operation's row keeps it, so that any worker can record the refund. */
export interface RefundPurpose {
  /** The caller's idempotency key: the same key means the same refund. */
  key?: string | undefined
  reason?: string | undefined
  actor?: string | undefined
  restock: boolean
  /** The refunded units. */
  lines: { lineNo: number; quantity: number }[]
  shipping: boolean
  /** The request in a normal form, to detect a different request with the same key. */
  asked: { amountMinor: number | null; lines: { lineNo: number; quantity: number }[] | null; shipping: boolean }
}

export interface Refund {
  amountMinor: number
  lines: RefundedLine[]
  shipping: boolean
  restock: boolean
}

/** The refund of an operation. An intent from before refunds had lines covers all units that are left, or none. */
export function refundOf({ amount_minor: amountMinor, purpose }: OperationRow, order: Order): Refund {
  const { lines, shipping, restock = false } = (purpose ?? {}) as Partial<RefundPurpose>
  const isLast = order.refundedMinor + amountMinor === order.totalMinor
  const skuOf = new Map(order.lines.map(line => [line.lineNo, line.sku]))
  return {
    amountMinor,
    lines:
      lines?.map(({ lineNo, quantity }) => ({ lineNo, sku: skuOf.get(lineNo) ?? '', quantity })) ??
      (isLast ? unitsLeft(order) : []),
    shipping: shipping ?? (isLast && shippingLeft(order) > 0),
    restock,
  }
}

const updateOrder = statement(
  'credit_order',
  `update holdfast.orders set refunded_minor = refunded_minor + $2::bigint,
     shipping_refunded = shipping_refunded or $3::boolean,
     status = case when refunded_minor + $2::bigint = total_minor then 'refunded' else 'partially_refunded' end
   where checkout_id = $1::uuid`,
)
const updateLines = statement(
  'credit_order_lines',
  `update holdfast.order_lines as line set refunded_quantity = line.refunded_quantity + row.quantity
   from json_to_recordset($2) as row (line_no int, quantity int)
   where line.order_id = $1::uuid and line.line_no = row.line_no`,
)
const lockSoldStock = statement(
  'lock_sold_stock',
  `select 1 from holdfast.stock_levels s
   where (s.variant_id, s.location_id) in (
     select variant_id, location_id from holdfast.stock_reservations where checkout_id = $1::uuid and state = 'committed')
   order by s.variant_id, s.location_id for update of s`,
)
/** A line that several warehouses served is restocked in the order in which its stock was taken. */
const restock = statement(
  'restock',
  `with part as (
     select sold.line_no, sold.part_no, sold.variant_id, sold.location_id, least(sold.quantity - sold.restocked, greatest(0,
       row.quantity - coalesce(sum(sold.quantity - sold.restocked) over earlier, 0)))::bigint as quantity
     from json_to_recordset($2) as row (line_no int, quantity bigint)
     join holdfast.stock_reservations sold on sold.checkout_id = $1::uuid and sold.line_no = row.line_no
       and sold.state = 'committed' and sold.location_id is not null
     window earlier as (partition by sold.line_no order by sold.part_no rows between unbounded preceding and 1 preceding)
   ), counted as (
     update holdfast.stock_reservations as sold set restocked = sold.restocked + part.quantity
     from part
     where sold.checkout_id = $1::uuid and sold.line_no = part.line_no and sold.part_no = part.part_no and part.quantity > 0
   )
   update holdfast.stock_levels as level
   set on_hand = level.on_hand + back.quantity, stocked = level.stocked + back.quantity
   from (select variant_id, location_id, sum(quantity)::bigint as quantity from part group by variant_id, location_id) as back
   where level.variant_id = back.variant_id and level.location_id = back.location_id and back.quantity > 0`,
)

/** Writes the refund to the order's tables and to `order`. */
export function recordRefund(tx: Transaction, order: Order, refund: Refund): void {
  tx.send(updateOrder, [order.checkoutId, refund.amountMinor, refund.shipping])
  order.refundedMinor += refund.amountMinor
  order.shippingRefunded ||= refund.shipping
  order.status = order.refundedMinor === order.totalMinor ? 'refunded' : 'partially_refunded'
  if (refund.lines.length === 0) return
  const rows = JSON.stringify(refund.lines.map(({ lineNo, quantity }) => ({ line_no: lineNo, quantity })))
  tx.send(updateLines, [order.id, rows])
  for (const line of order.lines) {
    line.refundedQuantity += refund.lines.find(({ lineNo }) => lineNo === line.lineNo)?.quantity ?? 0
  }
  if (!refund.restock) return
  tx.send(lockSoldStock, [order.checkoutId])
  tx.send(restock, [order.checkoutId, rows])
}
