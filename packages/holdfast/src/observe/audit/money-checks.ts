/**
 * Checks of money (A2, A3, A4), among the rows of the database and against the gateway's ledger. An operation row exists
 * before its effect at the gateway, and its result is recorded after, so each comparison uses the direction that holds
 * at any instant.
 */
import { type Check, ofOwnPayment } from './invariant.ts'

/** SQL: the sums of all payments at the gateway, per checkout. */
const ledgerByCheckout = `select checkout_id, sum(captured_minor) as captured, sum(refunded_minor) as refunded,
    count(*) filter (where status in ('action_required', 'pending', 'authorized')) as open
  from holdfast_sandbox.payments group by checkout_id`

/** SQL: the ID in the ledger of the payment that an authorization creates. */
const paymentOf = (operation: string) => `('sbx_' || ${operation}.idempotency_key) collate "C"`

/** SQL: the units that successful refunds name, per order line, and how many of them were to be restocked. */
export const refundedUnits = `select r.checkout_id, line."lineNo" as line_no, sum(line.quantity) as refunded,
    coalesce(sum(line.quantity) filter (where r.restock), 0) as restocked
  from (
    select checkout_id, purpose->'lines' as lines, coalesce((purpose->>'restock')::boolean, false) as restock
    from holdfast.payment_operations where kind = 'refund' and status = 'succeeded' and purpose ? 'lines'
  ) as r
  cross join lateral jsonb_to_recordset(r.lines) as line ("lineNo" integer, quantity bigint)
  group by r.checkout_id, line."lineNo"`

/** SQL: checkouts with a refund from before refunds named lines; for these the units are unknown. */
export const refundedWithoutLines = `select checkout_id from holdfast.payment_operations
  where kind = 'refund' and status = 'succeeded' and not coalesce(purpose ? 'lines', false)`

export const moneyChecks: readonly Check[] = [
  {
    invariant: 'A2',
    text: `select format('checkout %s was captured %s times', checkout_id, count(*)) as example
      from holdfast.payment_operations where kind = 'capture' and status = 'succeeded'
      group by checkout_id having count(*) > 1`,
  },
  {
    // A capture whose answer was lost may be recorded only by its refund, hence the two bounds for refunds.
    invariant: 'A2',
    text: `select format('checkout %s: authorized %s, captured %s, refunded %s%s', checkout_id, coalesce(authorized, 0),
        coalesce(captured, 0), coalesce(refunded, 0), case when voided then ', voided' else '' end) as example
      from (
        select checkout_id,
          sum(amount_minor) filter (where kind = 'authorize') as authorized,
          sum(amount_minor) filter (where kind = 'capture') as captured,
          sum(amount_minor) filter (where kind = 'refund') as refunded,
          bool_or(kind = 'void' and ${ofOwnPayment('o')}) as voided
        from holdfast.payment_operations o where status = 'succeeded' group by checkout_id
      ) as sums
      where captured > coalesce(authorized, 0) or refunded > coalesce(captured, authorized, 0) or (voided and captured is not null)`,
  },
  {
    invariant: 'A2',
    only: 'ledger',
    text: `select format('payment %s (checkout %s) at the gateway is %s, authorized %s, captured %s, refunded %s',
        id, checkout_id, status, amount_minor, captured_minor, refunded_minor) as example
      from holdfast_sandbox.payments
      where captured_minor > amount_minor or refunded_minor > captured_minor
        or (status in ('voided', 'declined') and captured_minor > 0)`,
  },
  {
    invariant: 'A2',
    only: 'ledger',
    text: `select format('the gateway captured payment %s of checkout %s %s times', payment_id, checkout_id, count(*)) as example
      from holdfast_sandbox.requests where kind = 'capture' and decline_code is null
      group by payment_id, checkout_id having count(*) > 1`,
  },
  {
    invariant: 'A2',
    only: 'ledger',
    text: `select format('checkout %s has %s payments at the gateway that charged or can charge', checkout_id, count(*)) as example
      from holdfast_sandbox.payments where status in ('action_required', 'pending', 'authorized', 'captured')
      group by checkout_id having count(*) > 1`,
  },
  {
    invariant: 'A2',
    text: `select format('order %s has %s refunded, but its refunds add up to %s', o.number, o.refunded_minor, coalesce(r.refunded, 0)) as example
      from holdfast.orders o
      left join (
        select checkout_id, sum(amount_minor) as refunded from holdfast.payment_operations
        where kind = 'refund' and status = 'succeeded' group by checkout_id
      ) as r on r.checkout_id = o.checkout_id
      where o.status <> 'cancelled' and o.refunded_minor <> coalesce(r.refunded, 0)`,
  },
  {
    invariant: 'A2',
    text: `select format('checkout %s, line %s: %s sold, %s refunded, but refunds name %s', checkout_id, line_no, coalesce(sold, 0),
        coalesce(line.refunded, 0), coalesce(named.refunded, 0)) as example
      from (
        select o.checkout_id, l.line_no, l.quantity as sold, l.refunded_quantity as refunded
        from holdfast.order_lines l join holdfast.orders o on o.id = l.order_id where l.refunded_quantity <> 0
      ) as line
      full join (${refundedUnits}) as named using (checkout_id, line_no)
      where coalesce(line.refunded, 0) not between 0 and coalesce(sold, 0)
        or (coalesce(line.refunded, 0) <> coalesce(named.refunded, 0) and checkout_id not in (${refundedWithoutLines}))`,
  },
  {
    invariant: 'A3',
    text: `select format('checkout %s froze %s %s, but its snapshot has %s %s', c.id, c.total_minor, c.currency,
        coalesce(s.total_minor::text, 'nothing'), s.currency) as example
      from holdfast.checkouts c left join holdfast.price_snapshots s on s.checkout_id = c.id and s.line_no = 0
      where c.total_minor is not null and (s.total_minor is distinct from c.total_minor or s.currency is distinct from c.currency)`,
  },
  {
    invariant: 'A3',
    text: `select format('the snapshot lines of checkout %s do not add up to its cart', checkout_id) as example
      from holdfast.price_snapshots group by checkout_id
      having sum(case line_no when 0 then subtotal_minor else -subtotal_minor end) <> 0
        or sum(case line_no when 0 then discount_minor else -discount_minor end) <> 0`,
  },
  {
    invariant: 'A3',
    text: `select format('checkout %s froze %s %s, but its %s is for %s %s', o.checkout_id, coalesce(c.total_minor::text, 'nothing'),
        c.currency, o.kind, o.amount_minor, o.currency) as example
      from holdfast.payment_operations o join holdfast.checkouts c on c.id = o.checkout_id
      where (o.kind in ('authorize', 'capture') and o.amount_minor is distinct from c.total_minor)
        or o.currency is distinct from c.currency`,
  },
  {
    invariant: 'A3',
    text: `select format('checkout %s froze %s %s, but its order %s has %s %s', o.checkout_id, coalesce(s.total_minor::text, 'nothing'),
        s.currency, o.number, o.total_minor, o.currency) as example
      from holdfast.orders o left join holdfast.price_snapshots s on s.checkout_id = o.checkout_id and s.line_no = 0
      where (o.total_minor, o.subtotal_minor, o.discount_minor, o.tax_minor, o.shipping_minor, o.currency::text)
        is distinct from (s.total_minor, s.subtotal_minor, s.discount_minor, s.tax_minor, s.shipping_minor, s.currency::text)`,
  },
  {
    invariant: 'A3',
    text: `select format('order line %s of checkout %s differs from its frozen line', line_no, checkout_id) as example
      from (
        select o.checkout_id, l.line_no, l.sku, l.quantity, l.unit_minor, l.discount_minor, l.total_minor
        from holdfast.orders o join holdfast.order_lines l on l.order_id = o.id
      ) as l
      full join (
        select s.checkout_id, s.line_no, s.sku, s.quantity, s.unit_minor, s.discount_minor, s.total_minor
        from holdfast.orders o join holdfast.price_snapshots s on s.checkout_id = o.checkout_id and s.line_no > 0
      ) as s using (checkout_id, line_no)
      where l.sku is distinct from s.sku or l.quantity is distinct from s.quantity
        or l.unit_minor is distinct from s.unit_minor or l.discount_minor is distinct from s.discount_minor
        or l.total_minor is distinct from s.total_minor`,
  },
  {
    // A payment may have a different amount until the mismatch is found and it is voided, but not from the decision to
    // capture on.
    invariant: 'A3',
    only: 'ledger',
    text: `select format('checkout %s (%s) froze %s %s, but the gateway authorized %s %s', c.id, c.state, c.total_minor, c.currency,
        p.amount_minor, p.currency) as example
      from holdfast.checkouts c
      join holdfast_sandbox.payments p on p.checkout_id = c.id and p.status in ('authorized', 'captured')
      where c.gateway = 'sandbox' and c.state in ('capturing', 'awaiting_capture', 'completed')
        and (p.amount_minor <> c.total_minor or p.currency is distinct from c.currency)`,
  },
  {
    invariant: 'A3',
    only: 'ledger',
    text: `select format('checkout %s completed with %s %s, but the gateway captured %s', c.id, c.total_minor, c.currency,
        coalesce(p.captured, 0)) as example
      from holdfast.checkouts c left join (${ledgerByCheckout}) as p on p.checkout_id = c.id
      where c.gateway = 'sandbox' and c.state = 'completed' and coalesce(p.captured, 0) <> c.total_minor`,
  },
  {
    invariant: 'A4',
    only: 'ledger',
    text: `select format('the gateway received %s of %s %s with key %s, whose operation is %s', r.kind, r.amount_minor, r.currency,
        r.idempotency_key, case when o.checkout_id is null then 'missing' else
          format('%s of %s %s', o.kind, o.amount_minor, o.currency) end) as example
      from holdfast_sandbox.requests r
      left join holdfast.payment_operations o on o.idempotency_key = r.idempotency_key collate "C"
      where o.checkout_id is null or o.checkout_id <> r.checkout_id or o.kind <> r.kind
        or (r.kind <> 'void' and (o.amount_minor <> r.amount_minor or o.currency is distinct from r.currency))`,
  },
  {
    invariant: 'A4',
    only: 'ledger',
    text: `select format('payment %s at the gateway has no operation', p.id) as example
      from holdfast_sandbox.payments p
      left join holdfast.payment_operations o on ${paymentOf('o')} = p.id and o.kind = 'authorize'
      where o.checkout_id is null`,
  },
  {
    invariant: 'A4',
    only: 'ledger',
    text: `select format('authorization %s is recorded as succeeded, but the gateway has no such payment', o.idempotency_key) as example
      from holdfast.payment_operations o
      left join holdfast_sandbox.payments p on p.id = ${paymentOf('o')}
      where o.gateway = 'sandbox' and o.kind = 'authorize' and o.status = 'succeeded' and p.id is null`,
  },
  {
    invariant: 'A4',
    only: 'ledger',
    text: `select format('checkout %s has recorded %s as succeeded, but the gateway captured %s, refunded %s and has %s open',
        o.checkout_id, o.kinds, coalesce(p.captured, 0), coalesce(p.refunded, 0), coalesce(p.open, 0)) as example
      from (
        select checkout_id, string_agg(format('%s %s', kind, amount_minor), ', ' order by kind) as kinds,
          sum(amount_minor) filter (where kind = 'capture') as captured,
          sum(amount_minor) filter (where kind = 'refund') as refunded,
          bool_or(kind = 'void' and ${ofOwnPayment('o')}) as voided
        from holdfast.payment_operations o
        where gateway = 'sandbox' and status = 'succeeded' and kind <> 'authorize' group by checkout_id
      ) as o
      left join (${ledgerByCheckout}) as p on p.checkout_id = o.checkout_id
      where o.captured > coalesce(p.captured, 0) or o.refunded > coalesce(p.refunded, 0) or (o.voided and p.open > 0)`,
  },
]
