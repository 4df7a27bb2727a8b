/** Checks of stock and coupons (A5, A6, A10): counters against the rows that they count. */

import type { Check } from './invariant.ts'
import { refundedUnits, refundedWithoutLines } from './money-checks.ts'

/** Finds lines of `paid` checkouts with less stock than was bought. */
function shortOf(paid: string): string {
  return `select format('checkout %s is paid, but of line %s (%s × %s) only %s units are firm or committed', s.checkout_id, s.line_no,
      s.quantity, s.sku, coalesce(r.quantity, 0)) as example
    from (${paid}) as paid
    join holdfast.price_snapshots s on s.checkout_id = paid.checkout_id and s.line_no > 0
    left join (
      select checkout_id, line_no, sum(quantity) as quantity from holdfast.stock_reservations
      where state in ('firm', 'committed') group by checkout_id, line_no
    ) as r on r.checkout_id = s.checkout_id and r.line_no = s.line_no
    where coalesce(r.quantity, 0) < s.quantity`
}

export const stockChecks: readonly Check[] = [
  {
    invariant: 'A5',
    text: `select format('variant %s at %s: %s on hand, %s reserved', variant_id, location_id, on_hand, reserved) as example
      from holdfast.stock_levels where reserved < 0 or reserved > on_hand`,
  },
  {
    invariant: 'A5',
    text: `select format('variant %s at %s: %s reserved, but live holds add up to %s', coalesce(s.variant_id, r.variant_id),
        coalesce(s.location_id, r.location_id), coalesce(s.reserved, 0), coalesce(r.held, 0)) as example
      from holdfast.stock_levels s
      full join (
        select variant_id, location_id, sum(quantity) as held from holdfast.stock_reservations
        where state in ('held', 'firm') and location_id is not null group by variant_id, location_id
      ) as r on r.variant_id = s.variant_id and r.location_id = s.location_id
      where coalesce(s.reserved, 0) <> coalesce(r.held, 0)`,
  },
  {
    invariant: 'A5',
    text: `select format('variant %s at %s: %s on hand + %s committed is not %s stocked', s.variant_id, s.location_id, s.on_hand,
        coalesce(r.sold, 0), s.stocked) as example
      from holdfast.stock_levels s
      left join (
        select variant_id, location_id, sum(quantity) as sold from holdfast.stock_reservations
        where state = 'committed' and location_id is not null group by variant_id, location_id
      ) as r on r.variant_id = s.variant_id and r.location_id = s.location_id
      where s.on_hand + coalesce(r.sold, 0) <> s.stocked`,
  },
  {
    // Back-ordered units came from no warehouse and are not restocked.
    invariant: 'A5',
    text: `select format('checkout %s, line %s: %s of %s units from warehouses were restocked, but refunds name %s', checkout_id,
        line_no, coalesce(sold.restocked, 0), coalesce(sold.taken, 0), coalesce(named.restocked, 0)) as example
      from (
        select checkout_id, line_no, sum(quantity) as taken, sum(restocked) as restocked,
          bool_or(restocked not between 0 and quantity) as is_over
        from holdfast.stock_reservations where state = 'committed' and location_id is not null group by checkout_id, line_no
      ) as sold
      full join (${refundedUnits}) as named using (checkout_id, line_no)
      where coalesce(is_over, false) or (checkout_id not in (${refundedWithoutLines})
        and coalesce(sold.restocked, 0) <> least(coalesce(named.restocked, 0), coalesce(sold.taken, 0)))`,
  },
  {
    // Includes captures of unknown outcome: from the intent on, the stock must be firm.
    invariant: 'A6',
    text: shortOf(`select checkout_id from holdfast.payment_operations
      where (kind = 'capture' and status <> 'declined') or (kind = 'refund' and status = 'succeeded')
      group by checkout_id having bool_or(kind = 'capture') and not bool_or(kind = 'refund')`),
  },
  {
    invariant: 'A6',
    only: 'ledger',
    text: shortOf(`select p.checkout_id from holdfast_sandbox.payments p
      where p.captured_minor > 0 and p.refunded_minor = 0
        and not exists (select from holdfast.payment_operations o
          where o.checkout_id = p.checkout_id and o.kind = 'capture' and o.status <> 'declined')`),
  },
  {
    invariant: 'A10',
    text: `select format('coupon %s has the limit %s, is claimed %s times, and has %s live or redeemed claims', c.code,
        coalesce(c.usage_limit::text, 'none'), c.claimed, coalesce(k.claims, 0)) as example
      from holdfast.coupons c
      left join (
        select coupon_id, count(*) as claims from holdfast.coupon_claims where state <> 'released' group by coupon_id
      ) as k on k.coupon_id = c.id
      where c.claimed <> coalesce(k.claims, 0) or c.claimed > c.usage_limit`,
  },
  {
    invariant: 'A10',
    text: `select format('coupon %s has the limit %s per customer, but %s has %s claims', c.code, c.usage_limit_per_customer,
        split_part(k.customer, ':', 1) || ' ' || md5(k.customer), count(*)) as example
      from holdfast.coupons c join holdfast.coupon_claims k on k.coupon_id = c.id and k.state <> 'released'
      where c.usage_limit_per_customer is not null
      group by c.id, k.customer having count(*) > c.usage_limit_per_customer`,
  },
]
