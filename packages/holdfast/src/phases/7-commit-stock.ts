/**
 * Phase 7, `stock_commit`: turns firm holds into sales. Units leave the stock, the coupon is redeemed, and the order is
 * paid, in the transaction that records the capture. Protects A5 and B2. Nothing is decided and nothing is undone: a
 * firm hold cannot have been sold to another buyer.
 */

import { statement, type Transaction } from '../database/database.ts'
import type { OrderPayment } from '../domain/order.ts'
import { lockHeldStock } from './2-reserve-inventory.ts'
import { redeem } from './claim-coupons.ts'
import type { Phase } from './phase.ts'

const phase = 'stock_commit'

const takeFromStock = statement(
  'take_from_stock',
  `update holdfast.stock_levels as level
   set on_hand = level.on_hand - firm.quantity, reserved = level.reserved - firm.quantity
   from (select variant_id, location_id, sum(quantity) as quantity from holdfast.stock_reservations
         where checkout_id = any($1::uuid[]) and state = 'firm' and location_id is not null
         group by variant_id, location_id) as firm
   where level.variant_id = firm.variant_id and level.location_id = firm.location_id`,
)
const commitReservations = statement(
  'commit_reservations',
  `update holdfast.stock_reservations set state = 'committed' where checkout_id = any($1::uuid[]) and state = 'firm'`,
)
/** `$2`: time of payment, to the millisecond. `greatest` keeps it from being earlier than the transaction's start. */
const payOrders = statement(
  'pay_orders',
  `update holdfast.orders set status = 'paid', paid_at = greatest($2::timestamptz, now()),
     metadata = metadata || jsonb_build_object('payment', $3::jsonb -> checkout_id::text)
   where checkout_id = any($1::uuid[]) and status = 'pending'`,
)

/** A batch of captured checkouts. */
export interface Captured {
  checkoutIds: readonly string[]
  /** When their orders were paid, ISO 8601. */
  paidAt: string
  /** Stored with the orders, by checkout ID. */
  payments: Readonly<Record<string, OrderPayment>>
}

/** Sells the firm holds of a batch. */
function write(tx: Transaction, { checkoutIds, paidAt, payments }: Captured): void {
  if (checkoutIds.length === 0) return
  tx.send(payOrders, [checkoutIds, paidAt, JSON.stringify(payments)])
  redeem(tx, checkoutIds)
  for (const step of [lockHeldStock, takeFromStock, commitReservations]) tx.send(step, [checkoutIds])
}

export const commitStock = { phase, write } as const satisfies Phase
