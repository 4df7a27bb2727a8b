/** Checks of B1 to B4. B2 and B3 hold for every ended checkout; B1 and B4 hold once the system has drained. */
import { type Check, fenced } from './invariant.ts'

/** SQL: true of a checkout that its buyer may still continue; it is not in flight. */
const waitsForBuyer = `(c.state in ('pending', 'awaiting_action') and c.expires_at > now())`

export const endChecks: readonly Check[] = [
  {
    invariant: 'B1',
    only: 'drained',
    text: `select format('checkout %s is %s, since %s', c.id, c.state, c.locked_at) as example
      from holdfast.checkouts c
      where c.state not in ('completed', 'failed', 'awaiting_capture') and not ${waitsForBuyer}`,
  },
  {
    invariant: 'B1',
    only: 'drained',
    text: `select format('operation %s has an unknown outcome', o.idempotency_key) as example
      from holdfast.payment_operations o join holdfast.checkouts c on c.id = o.checkout_id
      where o.status = 'intended' and not ${waitsForBuyer} and not ${fenced('o')}`,
  },
  {
    invariant: 'B2',
    text: `select format('checkout %s is %s and its order is %s', coalesce(c.id, o.checkout_id), c.state,
        coalesce(o.status, 'missing')) as example
      from holdfast.checkouts c full join holdfast.orders o on o.checkout_id = c.id
      where (c.state = 'completed') is distinct from coalesce(o.status in ('paid', 'partially_refunded', 'refunded'), false)
        and c.state is distinct from 'failed' and c.id is not null`,
  },
  {
    invariant: 'B2',
    text: `select format('checkout %s is completed, but the stock of line %s is %s', c.id, r.line_no, r.state) as example
      from holdfast.stock_reservations r join holdfast.checkouts c on c.id = r.checkout_id
      where c.state = 'completed' and r.state <> 'committed'`,
  },
  {
    invariant: 'B2',
    text: `select format('checkout %s is completed, but its coupon claim is %s', c.id, k.state) as example
      from holdfast.coupon_claims k join holdfast.checkouts c on c.id = k.checkout_id
      where c.state = 'completed' and k.state <> 'redeemed'`,
  },
  {
    // A refund reaches the gateway first and the order next; in between, its operation is open.
    invariant: 'B2',
    only: 'ledger',
    text: `select format('order %s has %s refunded, the gateway has %s', o.number, o.refunded_minor, p.refunded) as example
      from holdfast.orders o
      join holdfast.checkouts c on c.id = o.checkout_id and c.gateway = 'sandbox' and c.state = 'completed'
      join (select checkout_id, sum(refunded_minor) as refunded from holdfast_sandbox.payments group by checkout_id) as p
        on p.checkout_id = c.id
      left join (
        select checkout_id, sum(amount_minor) as amount from holdfast.payment_operations
        where kind = 'refund' and status = 'intended' group by checkout_id
      ) as open on open.checkout_id = c.id
      where p.refunded < o.refunded_minor or p.refunded > o.refunded_minor + coalesce(open.amount, 0)`,
  },
  {
    invariant: 'B3',
    only: 'ledger',
    text: `select format('checkout %s is failed, but payment %s is %s with %s captured, %s refunded', c.id, p.id, p.status,
        p.captured_minor, p.refunded_minor) as example
      from holdfast.checkouts c join holdfast_sandbox.payments p on p.checkout_id = c.id
      where c.state = 'failed'
        and (p.status in ('in_flight', 'action_required', 'pending', 'authorized') or p.captured_minor <> p.refunded_minor)`,
  },
  {
    invariant: 'B3',
    text: `select format('checkout %s is failed, but the stock of line %s is %s', c.id, r.line_no, r.state) as example
      from holdfast.stock_reservations r join holdfast.checkouts c on c.id = r.checkout_id
      where c.state = 'failed' and r.state <> 'released'`,
  },
  {
    invariant: 'B3',
    text: `select format('checkout %s is failed, but its coupon claim is %s', c.id, k.state) as example
      from holdfast.coupon_claims k join holdfast.checkouts c on c.id = k.checkout_id
      where c.state = 'failed' and k.state <> 'released'`,
  },
  {
    invariant: 'B3',
    text: `select format('checkout %s is failed, but its order %s is %s', c.id, o.number, o.status) as example
      from holdfast.orders o join holdfast.checkouts c on c.id = o.checkout_id
      where c.state = 'failed' and o.status <> 'cancelled'`,
  },
  {
    invariant: 'B3',
    text: `select format('checkout %s is failed, but still locks cart %s', id, cart_id) as example
      from holdfast.checkouts where state = 'failed' and holds_cart`,
  },
  {
    invariant: 'B4',
    only: 'drained',
    text: `select format('%s is not delivered to %s (%s attempts)', d.type, d.listener, d.attempts) as example
      from holdfast.deliveries d where d.state = 'due'`,
  },
]
