/** A small consistent store, in which the auditor finds no violation. Each checkout is in a different state. */

import type { Database } from '../../src/database/database.ts'
import { idempotencyKey } from '../../src/payments/operations.ts'

const id = (kind: string, number: number) => `0192${kind}-0000-7000-8000-${String(number).padStart(12, '0')}`

export const checkoutId = {
  completed: id('cccc', 1),
  failed: id('cccc', 2),
  pending: id('cccc', 3),
  authorizing: id('cccc', 4),
  capturing: id('cccc', 5),
  refunded: id('cccc', 6),
} as const

export type Stage = keyof typeof checkoutId

const stages = Object.keys(checkoutId) as Stage[]
export const cartId = (stage: Stage) => id('aaaa', stages.indexOf(stage) + 1)
export const orderId = (stage: Stage) => id('dddd', stages.indexOf(stage) + 1)
export const variantId = id('bbbb', 1)
export const locationId = id('eeee', 1)
export const couponId = id('ffff', 1)

const path: Record<Stage, string[]> = {
  pending: ['pending'],
  authorizing: ['pending', 'validating', 'reserving', 'locking_prices', 'authorizing'],
  capturing: ['pending', 'validating', 'reserving', 'locking_prices', 'authorizing', 'creating_order', 'capturing'],
  completed: [
    ...['pending', 'validating', 'reserving', 'locking_prices', 'authorizing', 'creating_order', 'capturing'],
    ...['committing', 'completed'],
  ],
  refunded: [
    ...['pending', 'validating', 'reserving', 'locking_prices', 'authorizing', 'creating_order', 'capturing'],
    ...['committing', 'completed'],
  ],
  failed: [
    ...['pending', 'validating', 'reserving', 'locking_prices', 'authorizing', 'creating_order', 'capturing'],
    ...['rolling_back', 'failed'],
  ],
}
const reservation: Partial<Record<Stage, string>> = {
  authorizing: 'held',
  capturing: 'firm',
  completed: 'committed',
  refunded: 'committed',
  failed: 'released',
}
/** Two units at 10.00, less 2.00 by coupon, shipped for 5.00. */
const amounts = '2000, 200, 0, 0, 500, 2300'

function rowsOf(stage: Stage): string[] {
  const checkout = checkoutId[stage]
  const states = path[stage]
  const state = states.at(-1)
  const ended = state === 'completed' || state === 'failed'
  const priced = stage !== 'pending'
  const sql = [
    `insert into holdfast.carts (id, session_id, currency) values ('${cartId(stage)}', 'session-${stage}', 'USD')`,
    `insert into holdfast.checkouts (id, cart_id, session_id, state, holds_cart, version, epoch, wake_at, locked_at, expires_at,
       completed_at, failed_at, failure, currency, total_minor, gateway)
     values ('${checkout}', '${cartId(stage)}', 'session-${stage}', '${state}', ${state !== 'failed'}, ${states.length}, 1,
       ${ended ? 'null' : "now() + interval '1 minute'"}, now() - interval '4 seconds', now() + interval '15 minutes',
       ${state === 'completed' ? 'clock_timestamp()' : 'null'}, ${state === 'failed' ? 'clock_timestamp()' : 'null'},
       ${state === 'failed' ? `'{"phase":"payment_capture","code":"capture_refused","message":"Refused.","context":{},"retryable":false}'` : 'null'},
       ${priced ? "'USD', 2300, 'sandbox'" : 'null, null, null'})`,
    ...states.map(
      (to, index) => `insert into holdfast.transitions (checkout_id, version, from_state, to_state, epoch)
        values ('${checkout}', ${index + 1}, ${index === 0 ? 'null' : `'${states[index - 1]}'`}, '${to}', ${index === 0 ? 0 : 1})`,
    ),
    event(checkout, 'CheckoutStarted'),
  ]
  if (state === 'completed') sql.push(event(checkout, 'CheckoutCompleted'))
  if (state === 'failed') sql.push(event(checkout, 'CheckoutFailed'))
  if (!priced) return sql
  const snapshot = `insert into holdfast.price_snapshots (checkout_id, line_no, sku, title, quantity, currency, unit_minor,
    subtotal_minor, discount_minor, tax_minor, added_tax_minor, shipping_minor, total_minor, details)`
  sql.push(
    `${snapshot} values ('${checkout}', 0, null, null, null, 'USD', null, ${amounts}, '{}')`,
    `${snapshot} values ('${checkout}', 1, 'MUG', 'Mug', 2, 'USD', 1000, 2000, 200, 0, 0, 0, 1800, '{}')`,
    `insert into holdfast.stock_reservations values ('${checkout}', 1, 1, 'MUG', '${variantId}', '${locationId}', 2, '${reservation[stage]}')`,
    `insert into holdfast.coupon_claims values ('${checkout}', '${couponId}', 'email:${stage}@example.com',
      '${state === 'failed' ? 'released' : ended ? 'redeemed' : 'held'}')`,
    ...payment(stage),
  )
  if (stage !== 'authorizing') sql.push(...order(stage))
  return sql
}

function event(checkout: string, type: string): string {
  return `with event as (insert into holdfast.events (id, checkout_id, type, payload)
      values (gen_random_uuid(), '${checkout}', '${type}', '{}') returning id, checkout_id, type)
    insert into holdfast.deliveries (event_id, listener, checkout_id, type, state, delivered_at)
    select id, 'mail', checkout_id, type, 'delivered', now() from event`
}

/** What was asked of the gateway and what it did; `capturing` has its effect already and not yet its record. */
function payment(stage: Stage): string[] {
  const checkout = checkoutId[stage]
  const reference = `sbx_${idempotencyKey(checkout, 'authorize', 1)}`
  const captured = stage === 'capturing' || stage === 'completed' || stage === 'refunded'
  const status = captured ? 'captured' : stage === 'failed' ? 'voided' : 'authorized'
  const operation = (kind: string, outcome: string, amount = 2300) =>
    `insert into holdfast.payment_operations (checkout_id, kind, attempt, gateway, amount_minor, currency, parameters_hash, status,
       reference, settled_at)
     values ('${checkout}', '${kind}', 1, 'sandbox', ${amount}, 'USD', 'hash', '${outcome}', '${reference}',
       ${outcome === 'intended' ? 'null' : 'now()'})`
  const request = (kind: string, amount: number, decline: string | null = null) =>
    `insert into holdfast_sandbox.requests (idempotency_key, kind, checkout_id, payment_id, amount_minor, currency, detail, decline_code)
     values ('${checkout}:${kind}:1', '${kind}', '${checkout}', '${reference}', ${amount}, '${amount === 0 ? 'XXX' : 'USD'}', '',
       ${decline === null ? 'null' : `'${decline}'`})`
  const sql = [
    `insert into holdfast_sandbox.payments (id, checkout_id, status, method, behaviour, amount_minor, currency, captured_minor,
       refunded_minor, valid_until)
     values ('${reference}', '${checkout}', '${status}', 'card', 'approve', 2300, 'USD', ${captured ? 2300 : 0},
       ${stage === 'refunded' ? 2300 : 0}, now() + interval '7 days')`,
    operation('authorize', stage === 'authorizing' ? 'intended' : 'succeeded'),
    request('authorize', 2300),
  ]
  if (captured)
    sql.push(operation('capture', stage === 'capturing' ? 'intended' : 'succeeded'), request('capture', 2300))
  if (stage === 'failed') {
    sql.push(operation('capture', 'declined'), request('capture', 2300, 'capture_refused'))
    sql.push(operation('void', 'succeeded'), request('void', 0))
  }
  if (stage === 'refunded') {
    sql.push(operation('refund', 'succeeded'), request('refund', 2300))
    sql.push(`update holdfast.payment_operations set purpose = '{"lines": [{"lineNo": 1, "quantity": 2}], "shipping": true}'
       where checkout_id = '${checkout}' and kind = 'refund'`)
  }
  return sql
}

function order(stage: Stage): string[] {
  const paid = stage === 'completed' || stage === 'refunded'
  const status =
    stage === 'capturing' ? 'pending' : stage === 'failed' ? 'cancelled' : stage === 'refunded' ? 'refunded' : 'paid'
  return [
    `insert into holdfast.orders (id, checkout_id, session_id, status, currency, subtotal_minor, discount_minor, tax_minor,
       shipping_minor, total_minor, refunded_minor, shipping_refunded, paid_at, cancelled_at)
     values ('${orderId(stage)}', '${checkoutId[stage]}', 'session-${stage}', '${status}', 'USD', 2000, 200, 0, 500, 2300,
       ${stage === 'refunded' ? '2300, true' : '0, false'}, ${paid ? 'now()' : 'null'}, ${stage === 'failed' ? 'now()' : 'null'})`,
    `insert into holdfast.order_lines values ('${orderId(stage)}', 1, 'MUG', 'Mug', 2, 1000, 2000, 200, 0, 1800,
       ${stage === 'refunded' ? 2 : 0})`,
  ]
}

/** Stock of ten mugs: four sold, four held. */
const shop = [
  `insert into holdfast.products (id, handle, title) values ('${id('9999', 1)}', 'mug', 'Mug')`,
  `insert into holdfast.variants (id, product_id, sku, position) values ('${variantId}', '${id('9999', 1)}', 'MUG', 1)`,
  `insert into holdfast.locations (id, code, name) values ('${locationId}', 'main', 'Main')`,
  `insert into holdfast.stock_levels values ('${variantId}', '${locationId}', 6, 4, 10)`,
  `insert into holdfast.coupons (id, code, kind, amount_minor, currency, usage_limit, usage_limit_per_customer, claimed)
   values ('${couponId}', 'TWO', 'fixed', 200, 'USD', 10, 1, 4)`,
]

export async function seedHealthyStore(database: Database): Promise<void> {
  await database.execute(`begin; ${[...shop, ...stages.flatMap(rowsOf)].join(';\n')}; commit;`)
}
