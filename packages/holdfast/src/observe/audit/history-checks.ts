/** Checks of locks, history and events (A1, A7, A8, A9, A11, A12), and of references between rows. */
import { edges } from '../../domain/states.ts'
import { type Check, fenced } from './invariant.ts'

const legalEdges = Object.entries(edges)
  .flatMap(([from, tos]) => tos.map(to => `'${from}>${to}'`))
  .join(', ')

/** Finds rows of a table whose checkout does not exist. */
function orphansIn(table: string, where = 'true'): Check {
  return {
    invariant: 'references',
    text: `select format('a row of ${table} refers to checkout %s, which does not exist', t.checkout_id) as example
      from holdfast.${table} t left join holdfast.checkouts c on c.id = t.checkout_id where c.id is null and ${where}`,
  }
}

export const historyChecks: readonly Check[] = [
  {
    invariant: 'A1',
    text: `select format('checkout %s has %s orders', checkout_id, count(*)) as example
      from holdfast.orders group by checkout_id having count(*) > 1`,
  },
  {
    invariant: 'A1',
    text: `select format('cart %s is locked by %s checkouts', cart_id, count(*)) as example
      from holdfast.checkouts where holds_cart group by cart_id having count(*) > 1`,
  },
  {
    // A rollback that outlasts its lock has released the cart, so that the buyer may start again.
    invariant: 'A1',
    text: `select format('checkout %s is %s, but does not lock its cart', id, state) as example
      from holdfast.checkouts where not holds_cart and state not in ('rolling_back', 'failed')`,
  },
  {
    invariant: 'A7',
    text: `select format('history of checkout %s: version %s (%s to %s, epoch %s) follows version %s (to %s, epoch %s)', checkout_id,
        version, coalesce(from_state, 'start'), to_state, epoch, coalesce(previous, 0), coalesce(came_to, 'start'),
        coalesce(previous_epoch, 0)) as example
      from (
        select checkout_id, version, from_state, to_state, epoch, lag(version) over entries as previous,
          lag(to_state) over entries as came_to, lag(epoch) over entries as previous_epoch
        from holdfast.transitions
        window entries as (partition by checkout_id order by version)
      ) as history
      where version <> coalesce(previous, 0) + 1 or from_state is distinct from came_to or epoch < previous_epoch`,
  },
  {
    invariant: 'A7',
    text: `select format('checkout %s went from %s to %s, which is not a legal edge', checkout_id, coalesce(from_state, 'start'), to_state) as example
      from holdfast.transitions where coalesce(from_state, 'start') || '>' || to_state not in (${legalEdges})`,
  },
  {
    invariant: 'A7',
    text: `select format('checkout %s is %s at version %s, epoch %s; its history ends with %s at version %s, epoch %s', c.id, c.state,
        c.version, c.epoch, coalesce(t.to_state, 'nothing'), coalesce(t.version, 0), coalesce(t.epoch, 0)) as example
      from holdfast.checkouts c
      left join holdfast.transitions t on t.checkout_id = c.id and t.version >= c.version
      where t.checkout_id is null or t.version > c.version or t.to_state <> c.state or t.epoch > c.epoch`,
  },
  {
    invariant: 'A8',
    text: `select format('checkout %s is %s and has %s CheckoutStarted, %s CheckoutCompleted, %s CheckoutFailed', c.id, c.state,
        coalesce(e.started, 0), coalesce(e.completed, 0), coalesce(e.failed, 0)) as example
      from holdfast.checkouts c
      left join (
        select checkout_id, count(*) filter (where type = 'CheckoutStarted') as started,
          count(*) filter (where type = 'CheckoutCompleted') as completed,
          count(*) filter (where type = 'CheckoutFailed') as failed
        from holdfast.events group by checkout_id
      ) as e on e.checkout_id = c.id
      where coalesce(e.started, 0) <> 1 or coalesce(e.completed, 0) <> (c.state = 'completed')::integer
        or coalesce(e.failed, 0) <> (c.state = 'failed')::integer`,
  },
  {
    // The time of an event is the start of its transaction; the time of an end lies within its transaction.
    invariant: 'A8',
    text: `select format('%s of checkout %s was written after its end, in a different transaction', e.type, c.id) as example
      from holdfast.events e join holdfast.checkouts c on c.id = e.checkout_id
      where e.type in ('CheckoutCompleted', 'CheckoutFailed') and e.created_at > coalesce(c.completed_at, c.failed_at)`,
  },
  {
    invariant: 'A9',
    text: `select format('checkout %s was acknowledged to a client as %s, but the database has %s', acknowledged.checkout_id,
        acknowledged.state, coalesce(c.state, 'no such checkout')) as example
      from json_to_recordset($1) as acknowledged (checkout_id uuid, state text, order_id uuid)
      left join holdfast.checkouts c on c.id = acknowledged.checkout_id
      left join holdfast.orders o on o.checkout_id = acknowledged.checkout_id
      where c.state is distinct from acknowledged.state
        or (acknowledged.order_id is not null and o.id is distinct from acknowledged.order_id)`,
  },
  {
    invariant: 'A11',
    text: `select format('checkout %s is %s, and no worker resumes it before %s', id, state, coalesce(wake_at::text, 'infinity')) as example
      from holdfast.checkouts
      where state not in ('completed', 'failed') and (wake_at is null or wake_at > now() + interval '100 days')`,
  },
  {
    invariant: 'A11',
    text: `select format('operation %s has an unknown outcome, and no worker will retry it', o.idempotency_key) as example
      from holdfast.payment_operations o join holdfast.checkouts c on c.id = o.checkout_id
      where o.status = 'intended' and c.state in ('completed', 'failed') and c.wake_at is null and not ${fenced('o')}`,
  },
  {
    invariant: 'A12',
    text: `select format('checkout %s is %s, but still has its encrypted payment token', id, state) as example
      from holdfast.checkouts
      where sealed_token is not null and state in ('capturing', 'awaiting_capture', 'completed', 'failed')`,
  },
  orphansIn('price_snapshots'),
  orphansIn('stock_reservations'),
  orphansIn('coupon_claims'),
  orphansIn('payment_operations'),
  orphansIn('orders'),
  // A7 ensures that every history begins with version 1.
  orphansIn('transitions', 't.version = 1'),
  orphansIn('events'),
  {
    invariant: 'references',
    text: `select format('a delivery to %s refers to event %s, which does not exist', d.listener, d.event_id) as example
      from holdfast.deliveries d left join holdfast.events e on e.id = d.event_id and e.checkout_id = d.checkout_id where e.id is null`,
  },
  {
    invariant: 'references',
    text: `select format('order %s has no lines', o.number) as example
      from holdfast.orders o where not exists (select from holdfast.order_lines l where l.order_id = o.id)`,
  },
  {
    invariant: 'references',
    text: `select format('line %s refers to order %s, which does not exist', l.line_no, l.order_id) as example
      from holdfast.order_lines l left join holdfast.orders o on o.id = l.order_id where o.id is null`,
  },
  {
    invariant: 'references',
    text: `select format('checkout %s claims coupon %s, which does not exist', k.checkout_id, k.coupon_id) as example
      from holdfast.coupon_claims k left join holdfast.coupons c on c.id = k.coupon_id where c.id is null`,
  },
]
