/**
 * Phase 7, `stock_commit`: turns holds into sales. Stock leaves the warehouse, the coupon is redeemed, the order is
 * paid. It runs in the transaction that records the capture and goes only forward: there is nothing to undo, because
 * firm holds cannot have been given to anybody else. Protects A5 and B2.
 */

import { statement, type Transaction } from '../database/database.ts'
import type { OrderPayment } from '../domain/order.ts'
import { reserveInventory } from './2-reserve-inventory.ts'

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
const redeemCoupons = statement(
  'redeem_coupons',
  `update holdfast.coupon_claims set state = 'redeemed' where checkout_id = any($1::uuid[]) and state = 'held'`,
)
/** `$2`: when, to the millisecond; `greatest` keeps it from being before the transaction began. */
const payOrders = statement(
  'pay_orders',
  `update holdfast.orders set status = 'paid', paid_at = greatest($2::timestamptz, now()),
     metadata = metadata || jsonb_build_object('payment', $3::jsonb -> checkout_id::text)
   where checkout_id = any($1::uuid[]) and status = 'pending'`,
)

/** A set of checkouts that were captured. */
export interface Captured {
  checkoutIds: readonly string[]
  /** When their orders were paid. */
  paidAt: string
  /** What is kept with the orders, by checkout id. */
  payments: Readonly<Record<string, OrderPayment>>
}

/** Sells what a set of checkouts holds firmly. */
function write(tx: Transaction, { checkoutIds, paidAt, payments }: Captured): void {
  if (checkoutIds.length === 0) return
  tx.send(payOrders, [checkoutIds, paidAt, JSON.stringify(payments)])
  for (const step of [redeemCoupons, reserveInventory.lockHeldStock, takeFromStock, commitReservations]) {
    tx.send(step, [checkoutIds])
  }
}

export const commitStock = { phase, write } as const
