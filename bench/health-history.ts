/**
 * A history for the health benchmark: completed checkouts with all their rows, inserted in batches within all constraints
 * and spread evenly over the last day. One in fifty failed and was undone.
 */
import { type Database, statement } from '../packages/holdfast/src/database/database.ts'

const chunk = 25_000

/** `$1`, `$2`: the first and last number; `$3`: the total. IDs and times are derived from the number. */
const past = `select n,
    (lpad(to_hex((extract(epoch from at) * 1000)::bigint), 12, '0') || '7000' || '8000' || lpad(to_hex(n), 12, '0'))::uuid as id,
    ('0190cafe-0000-7000-8000-' || lpad(to_hex(n), 12, '0')) as cart_id,
    ('0190feed-0000-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid as order_id,
    ('0190beef-0000-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid as event_id,
    'past-' || n as session_id, at, n % 50 = 0 as is_failed
  from generate_series($1::bigint, $2::bigint) as n
  cross join lateral (select now() - ($3::bigint - n + 1) * interval '23 hours 50 minutes' / $3::bigint as at) as time`

const path = [
  ...['pending', 'validating', 'reserving', 'locking_prices', 'authorizing', 'creating_order', 'capturing'],
  ...['committing', 'completed'],
]
const failedPath = [...path.slice(0, 5), 'rolling_back', 'failed']
const steps = (states: readonly string[]) =>
  states.map((to, at) => `(${at + 1}, ${at === 0 ? 'null' : `'${states[at - 1]}'`}, '${to}')`).join(', ')

const inserts: readonly (readonly [table: string, text: string])[] = [
  [
    'carts',
    `insert into holdfast.carts (id, session_id, currency, email, created_at, updated_at)
     select cart_id, session_id, 'EUR', session_id || '@example.com', at, at from past`,
  ],
  [
    'checkouts',
    `insert into holdfast.checkouts (id, cart_id, session_id, state, holds_cart, version, epoch, locked_at, expires_at,
       completed_at, failed_at, failure, currency, total_minor, gateway, details)
     select id, cart_id, session_id, case when is_failed then 'failed' else 'completed' end, not is_failed,
       case when is_failed then ${failedPath.length} else ${path.length} end, 1, at, at + interval '15 minutes',
       case when not is_failed then at + (40 + n % 200) * interval '1 ms' end,
       case when is_failed then at + interval '1 second' end,
       case when is_failed then '{"phase":"payment_authorization","code":"payment_declined","message":"Declined.","context":{},"retryable":true}'::jsonb end,
       'EUR', 2490, 'sandbox', jsonb_build_object('method', 'card', 'email', session_id || '@example.com')
     from past`,
  ],
  [
    'transitions',
    `insert into holdfast.transitions (checkout_id, version, from_state, to_state, epoch, at, duration_us)
     select id, version, from_state, to_state, 1, at + version * interval '5 ms', 500
     from past cross join (values ${steps(path)}) as step (version, from_state, to_state) where not is_failed
     union all
     select id, version, from_state, to_state, 1, at + version * interval '5 ms', 500
     from past cross join (values ${steps(failedPath)}) as step (version, from_state, to_state) where is_failed`,
  ],
  [
    'price_snapshots',
    `insert into holdfast.price_snapshots (checkout_id, line_no, sku, title, quantity, currency, unit_minor,
       subtotal_minor, discount_minor, tax_minor, added_tax_minor, shipping_minor, total_minor, details, created_at)
     select id, line_no, case when line_no > 0 then 'SKU-1' end,
       case when line_no > 0 then 'Product' end, case when line_no > 0 then 2 end, 'EUR',
       case when line_no > 0 then 1000 end, 2000, 0, 0, 0, case when line_no = 0 then 490 else 0 end,
       case when line_no = 0 then 2490 else 2000 end, '{}', at
     from past cross join generate_series(0, 1) as line_no`,
  ],
  [
    'stock_reservations',
    `insert into holdfast.stock_reservations (checkout_id, line_no, part_no, sku, variant_id, location_id, quantity, state)
     select id, 1, 1, 'SKU-1', id, id, 2, case when is_failed then 'released' else 'committed' end from past`,
  ],
  [
    'payment_operations',
    `insert into holdfast.payment_operations (checkout_id, kind, attempt, gateway, amount_minor, currency, parameters_hash,
       status, reference, answer, intended_at, settled_at)
     select id, kind, 1, 'sandbox', 2490, 'EUR', 'past', case when is_failed then 'declined' else 'succeeded' end,
       'past_' || n, '{"outcome": "past"}', at, at
     from past cross join (values ('authorize'), ('capture')) as operation (kind)
     where not (is_failed and kind = 'capture')`,
  ],
  [
    'orders',
    `insert into holdfast.orders (id, checkout_id, session_id, email, status, currency, subtotal_minor, discount_minor,
       tax_minor, shipping_minor, total_minor, placed_at, paid_at)
     select order_id, id, session_id, session_id || '@example.com', 'paid', 'EUR', 2000, 0, 0, 490, 2490, at, at
     from past where not is_failed`,
  ],
  [
    'order_lines',
    `insert into holdfast.order_lines (order_id, line_no, sku, title, quantity, unit_minor, subtotal_minor,
       discount_minor, tax_minor, total_minor)
     select order_id, 1, 'SKU-1', 'Product', 2, 1000, 2000, 0, 0, 2000 from past where not is_failed`,
  ],
  [
    'events',
    `insert into holdfast.events (id, checkout_id, type, payload, created_at)
     select event_id, id, case when is_failed then 'CheckoutFailed' else 'CheckoutCompleted' end,
       jsonb_build_object('lock', jsonb_build_object('id', id)), at from past`,
  ],
  [
    'deliveries',
    `insert into holdfast.deliveries (event_id, listener, checkout_id, type, state, attempts, next_at, delivered_at)
     select event_id, listener, id, case when is_failed then 'CheckoutFailed' else 'CheckoutCompleted' end, 'delivered', 1, at, at
     from past cross join (values ('confirmation'), ('books')) as delivered_to (listener)`,
  ],
  [
    'webhooks',
    `insert into holdfast.webhooks (gateway, event_id, type, checkout_id, named_id, reference, payload, received_at, handled_at)
     select 'sandbox', 'past-' || n, 'payment.authorized', id, id, 'past_' || n, '{}', at, at from past`,
  ],
]

/** Reports each finished part. */
export async function makeHistory(
  database: Database,
  checkouts: number,
  report: (done: number) => void,
): Promise<void> {
  const statements = inserts.map(([table, text]) =>
    statement(`bench_past_${table}`, `with past as materialized (${past}) ${text}`),
  )
  for (let from = 1; from <= checkouts; from += chunk) {
    const to = Math.min(checkouts, from + chunk - 1)
    await database.transaction(async tx => {
      for (const insert of statements) tx.send(insert, [from, to, checkouts])
    })
    report(to)
  }
  await database.execute('vacuum analyze')
}
