/**
 * Comparisons beyond the audit: captured money with the requests of buyers, events with deliveries, stock and coupons
 * with their limits, and refunds with the expected amounts. Call it after everything has drained.
 */
import { type Database, statement, type Value } from '../../packages/holdfast/src/database/database.ts'
import type { BuyerRecord } from '../buyers/buyer.ts'
import { goodwillOf } from './settings.ts'

/** The number of checked items, and a sentence per wrong one. */
export interface Finding {
  of: number
  wrong: string[]
}

export interface Comparison {
  /** Captured payments without a payment request of the buyer, or with a different amount from the one shown. */
  unrequested: Finding
  /** Carts that were acknowledged as cancelled, but sold or charged. */
  brokenCancellations: Finding
  /** Events of finished checkouts that the listener did not receive, and deliveries without an event. */
  undelivered: Finding
  /** SKUs with more units sold than stocked. */
  oversold: Finding
  /** Coupons that were used beyond their limit. */
  overRedeemed: Finding
  /** Orders whose refunded amount differs from the expected one. */
  wrongRefunds: Finding
}

/** The statements on the gateway's payments, whose relation depends on the gateway. */
const ofPayments = (payments: string) => ({
  countCaptured: statement('soak_captured', `select count(*) as count from ${payments} where status = 'captured'`),
  findUnasked: statement(
    'soak_unasked',
    `select format('payment %s of cart %s captured %s; its buyer was shown %s', p.id, c.cart_id, p.captured_minor,
       coalesce(asked.total::text, 'no total and sent no payment')) as text
     from ${payments} p
     left join holdfast.checkouts c on c.id = p.checkout_id
     left join json_to_recordset($1) as asked ("cartId" text, total bigint) on asked."cartId" = c.cart_id
     where p.status = 'captured' and p.captured_minor is distinct from asked.total`,
  ),
  findCancelled: statement(
    'soak_cancelled',
    `select format('cart %s was acknowledged as cancelled; checkout %s is %s', c.cart_id, c.id, c.state) as text
     from holdfast.checkouts c left join ${payments} p on p.checkout_id = c.id
     where c.cart_id = any($1::text[]) and (c.state = 'completed' or p.captured_minor > p.refunded_minor)`,
  ),
  readRefunds: statement(
    'soak_refunds',
    `select o.id, o.total_minor as "totalMinor", o.refunded_minor as "refundedMinor",
       (select sum(p.refunded_minor) from ${payments} p where p.checkout_id = o.checkout_id)::bigint as given
     from holdfast.orders o where o.status <> 'cancelled'`,
  ),
})
const countEvents = statement(
  'soak_events',
  `select count(*) as count from holdfast.events where type in ('CheckoutCompleted', 'CheckoutFailed')`,
)
const findUndelivered = statement(
  'soak_undelivered',
  `select format('%s %s: %s', coalesce(e.type, 'delivered'), coalesce(e.id, delivered.id),
     case when e.id is null then 'no such event' else 'not delivered' end) as text
   from (select id, type from holdfast.events where type in ('CheckoutCompleted', 'CheckoutFailed')) as e
   full join (select id::uuid from json_array_elements_text($1) as id) as delivered on delivered.id = e.id
   where e.id is null or delivered.id is null`,
)
const countSkus = statement('soak_skus', 'select count(*) as count from holdfast.variants')
const findOversold = statement(
  'soak_oversold',
  `select format('%s: %s sold, %s left, %s stocked', sku, sold, left_over, stocked) as text from (
     select v.sku, coalesce((select sum(l.quantity) from holdfast.order_lines l join holdfast.orders o on o.id = l.order_id
         where l.sku = v.sku and o.status <> 'cancelled'), 0) as sold,
       (select sum(s.on_hand) from holdfast.stock_levels s where s.variant_id = v.id) as left_over,
       (select sum(s.stocked) from holdfast.stock_levels s where s.variant_id = v.id) as stocked
     from holdfast.variants v) as sums
   where sold + left_over <> stocked or sold > stocked`,
)
const countRedeemed = statement(
  'soak_redeemed',
  `select count(*) as count from holdfast.orders where coupon_code is not null and status <> 'cancelled'`,
)
const findOverRedeemed = statement(
  'soak_over_redeemed',
  `select format('%s may be used %s times: %s orders have it, %s are claimed', code, usage_limit, used, claimed) as text
   from (select c.code, c.usage_limit, c.claimed, (select count(*) from holdfast.orders o
     where o.coupon_code = c.code and o.status <> 'cancelled') as used from holdfast.coupons c) as uses
   where used > usage_limit or used <> claimed`,
)
interface RefundRow {
  id: string
  totalMinor: number
  refundedMinor: number
  given: number
}

export async function compare(
  database: Database,
  records: readonly BuyerRecord[],
  delivered: readonly string[],
  payments: string,
): Promise<Comparison> {
  const { countCaptured, findUnasked, findCancelled, readRefunds } = ofPayments(payments)
  const cancelled = records.flatMap(({ wasCancelled, cartId }) => (wasCancelled && cartId !== null ? [cartId] : []))
  const asked = records.filter(({ payments }) => payments > 0).map(({ cartId, total }) => ({ cartId, total }))
  const count = async (counting: typeof countSkus) => (await database.query<{ count: number }>(counting))[0]?.count ?? 0
  const texts = async (finding: typeof countSkus, values: Value[] = []) =>
    (await database.query<{ text: string }>(finding, values)).map(({ text }) => text)
  const orders = await database.query<RefundRow>(readRefunds)
  return {
    unrequested: { of: await count(countCaptured), wrong: await texts(findUnasked, [JSON.stringify(asked)]) },
    brokenCancellations: { of: cancelled.length, wrong: await texts(findCancelled, [cancelled]) },
    undelivered: {
      of: await count(countEvents),
      wrong: await texts(findUndelivered, [JSON.stringify([...new Set(delivered)])]),
    },
    oversold: { of: await count(countSkus), wrong: await texts(findOversold) },
    overRedeemed: { of: await count(countRedeemed), wrong: await texts(findOverRedeemed) },
    wrongRefunds: {
      of: orders.length,
      wrong: orders.flatMap(({ refundedMinor, given, ...order }) =>
        refundedMinor === goodwillOf(order) && given === refundedMinor
          ? []
          : [
              `order ${order.id}: expected a refund of ${goodwillOf(order)}, the order has ${refundedMinor}, the gateway ${given}`,
            ],
      ),
    },
  }
}
