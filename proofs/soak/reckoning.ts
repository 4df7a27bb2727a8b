/**
 * The reckoning beyond the audit: money against what buyers asked for, events against what listeners heard, stock and
 * coupon against what there was, refunds against what was promised. To be asked once all has drained.
 */
import { type Database, statement, type Value } from '../../packages/holdfast/src/database/database.ts'
import type { BuyerRecord } from '../buyers/buyer.ts'
import { goodwillOf } from './settings.ts'

/** Of so many that were looked at, these are wrong, each in a sentence. */
export interface Finding {
  of: number
  wrong: string[]
}

export interface Reckoning {
  /** Captured payments of carts that no buyer sent a payment for, or of another amount than the buyer was told. */
  unasked: Finding
  /** Carts that were told to be cancelled and are sold or charged. */
  cancelledInVain: Finding
  /** Completed and failed checkouts whose event the recording listener did not hear, and what it heard that never was. */
  unheard: Finding
  /** SKUs of which more was sold than there was. */
  oversold: Finding
  /** Redemptions, of a coupon used more often than it may be. */
  overRedeemed: Finding
  /** Completed orders of which not as much was given back as was to be. */
  wrongRefunds: Finding
}

/** Of the gateway's payments, which stand in a relation that its books name. */
const ofPayments = (payments: string) => ({
  countCaptured: statement('soak_captured', `select count(*) as count from ${payments} where status = 'captured'`),
  findUnasked: statement(
    'soak_unasked',
    `select format('payment %s of cart %s captured %s; its buyer was told %s', p.id, c.cart_id, p.captured_minor,
       coalesce(asked.total::text, 'nothing and sent no payment')) as text
     from ${payments} p
     left join holdfast.checkouts c on c.id = p.checkout_id
     left join json_to_recordset($1) as asked ("cartId" text, total bigint) on asked."cartId" = c.cart_id
     where p.status = 'captured' and p.captured_minor is distinct from asked.total`,
  ),
  findCancelled: statement(
    'soak_cancelled',
    `select format('cart %s was told to be cancelled; checkout %s is %s', c.cart_id, c.id, c.state) as text
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
const findUnheard = statement(
  'soak_unheard',
  `select format('%s %s: %s', coalesce(e.type, 'heard'), coalesce(e.id, heard.id),
     case when e.id is null then 'there is no such event' else 'nobody heard it' end) as text
   from (select id, type from holdfast.events where type in ('CheckoutCompleted', 'CheckoutFailed')) as e
   full join (select id::uuid from json_array_elements_text($1) as id) as heard on heard.id = e.id
   where e.id is null or heard.id is null`,
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

export async function reckon(
  database: Database,
  records: readonly BuyerRecord[],
  heard: readonly string[],
  payments: string,
): Promise<Reckoning> {
  const { countCaptured, findUnasked, findCancelled, readRefunds } = ofPayments(payments)
  const cancelled = records.flatMap(({ wasCancelled, cartId }) => (wasCancelled && cartId !== null ? [cartId] : []))
  const asked = records.filter(({ payments }) => payments > 0).map(({ cartId, total }) => ({ cartId, total }))
  const count = async (counting: typeof countSkus) => (await database.query<{ count: number }>(counting))[0]?.count ?? 0
  const texts = async (finding: typeof countSkus, values: Value[] = []) =>
    (await database.query<{ text: string }>(finding, values)).map(({ text }) => text)
  const orders = await database.query<RefundRow>(readRefunds)
  return {
    unasked: { of: await count(countCaptured), wrong: await texts(findUnasked, [JSON.stringify(asked)]) },
    cancelledInVain: { of: cancelled.length, wrong: await texts(findCancelled, [cancelled]) },
    unheard: {
      of: await count(countEvents),
      wrong: await texts(findUnheard, [JSON.stringify([...new Set(heard)])]),
    },
    oversold: { of: await count(countSkus), wrong: await texts(findOversold) },
    overRedeemed: { of: await count(countRedeemed), wrong: await texts(findOverRedeemed) },
    wrongRefunds: {
      of: orders.length,
      wrong: orders.flatMap(({ refundedMinor, given, ...order }) =>
        refundedMinor === goodwillOf(order) && given === refundedMinor
          ? []
          : [
              `order ${order.id}: ${goodwillOf(order)} were to be given back, we say ${refundedMinor}, the gateway ${given}`,
            ],
      ),
    },
  }
}
