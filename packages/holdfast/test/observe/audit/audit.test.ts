/** The auditor finds nothing in a consistent store, and finds each violation of each invariant. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Database, statement } from '../../../src/database/database.ts'
import { type AuditOptions, audit } from '../../../src/observe/audit/audit.ts'
import { type Invariant, invariants } from '../../../src/observe/audit/invariant.ts'
import { openTestDatabase, type TestDatabase } from '../../support/test-database.ts'
import { cartId, checkoutId, couponId, orderId, seedHealthyStore } from '../healthy-store.ts'

interface Corruption {
  breaks: Invariant
  title: string
  /** Constraints that would reject the change. */
  without?: string[]
  sql: string[]
  options?: AuditOptions
}

const { completed, failed, pending, authorizing, capturing, refunded } = checkoutId
const payment = (checkout: string) => `id = 'sbx_${checkout}:authorize:1'`
const mine = (checkout: string) => `checkout_id = '${checkout}'`
/** Reserves the failed checkout's units again, so that the counters match the broken rows. */
const oneMoreHold = `update holdfast.stock_levels set reserved = reserved + 2`

const corruptions: Corruption[] = [
  {
    breaks: 'A1',
    title: 'two orders of one checkout',
    without: ['orders drop constraint orders_checkout_id_key'],
    sql: [
      `insert into holdfast.orders select (jsonb_populate_record(o, '{"id":"0192dddd-0000-7000-8000-000000000099","number":"7"}')).*
       from holdfast.orders o where id = '${orderId('completed')}'`,
      `insert into holdfast.order_lines select '0192dddd-0000-7000-8000-000000000099', line_no, sku, title, quantity,
         unit_minor, subtotal_minor, discount_minor, tax_minor, total_minor
       from holdfast.order_lines where order_id = '${orderId('completed')}'`,
    ],
  },
  {
    breaks: 'A1',
    title: 'two active checkouts of one cart',
    sql: [
      'drop index holdfast.one_checkout_per_cart',
      `update holdfast.checkouts set cart_id = '${cartId('pending')}' where id = '${authorizing}'`,
    ],
  },
  {
    breaks: 'A1',
    title: 'an active checkout that does not lock its cart',
    sql: [`update holdfast.checkouts set holds_cart = false where id = '${capturing}'`],
  },
  {
    breaks: 'A2',
    title: 'a payment captured twice according to the operations',
    sql: [
      'alter table holdfast.payment_operations drop constraint one_authorization_and_one_capture',
      `insert into holdfast.payment_operations (checkout_id, kind, attempt, gateway, amount_minor, currency, parameters_hash, status, settled_at)
       values ('${completed}', 'capture', 2, 'other', 2300, 'USD', 'hash', 'succeeded', now())`,
    ],
  },
  {
    breaks: 'A2',
    title: 'a refund above the capture according to the operations',
    sql: [
      `insert into holdfast.payment_operations (checkout_id, kind, attempt, gateway, amount_minor, currency, parameters_hash, status, settled_at)
       values ('${refunded}', 'refund', 2, 'other', 1, 'USD', 'hash', 'succeeded', now())`,
    ],
  },
  {
    breaks: 'A2',
    title: 'money in a payment that was voided',
    without: ['~holdfast_sandbox.payments drop constraint only_captures_have_money'],
    sql: [`update holdfast_sandbox.payments set captured_minor = 1, refunded_minor = 1 where ${payment(failed)}`],
  },
  {
    breaks: 'A2',
    title: 'two captures at the gateway',
    without: ['payment_operations drop constraint one_authorization_and_one_capture'],
    sql: [
      `insert into holdfast.payment_operations (checkout_id, kind, attempt, gateway, amount_minor, currency, parameters_hash, status, settled_at)
       values ('${completed}', 'capture', 2, 'sandbox', 2300, 'USD', 'hash', 'declined', now())`,
      `insert into holdfast_sandbox.requests (idempotency_key, kind, checkout_id, payment_id, amount_minor, currency, detail)
       select '${completed}:capture:2', kind, checkout_id, payment_id, amount_minor, currency, detail
       from holdfast_sandbox.requests where idempotency_key = '${completed}:capture:1'`,
    ],
  },
  {
    breaks: 'A2',
    title: 'two authorizations for one checkout',
    without: ['payment_operations drop constraint one_authorization_and_one_capture'],
    sql: [
      `insert into holdfast.payment_operations (checkout_id, kind, attempt, gateway, amount_minor, currency, parameters_hash, status, settled_at)
       values ('${authorizing}', 'authorize', 2, 'sandbox', 2300, 'USD', 'hash', 'declined', now())`,
      `insert into holdfast_sandbox.payments (id, checkout_id, status, behaviour, amount_minor, currency, valid_until)
       values ('sbx_${authorizing}:authorize:2', '${authorizing}', 'authorized', 'approve', 2300, 'USD', now())`,
    ],
  },
  {
    breaks: 'A2',
    title: 'an order whose refunded amount differs from its refunds',
    sql: [
      `update holdfast.checkouts set gateway = 'other' where id = '${refunded}'`,
      `update holdfast.orders set refunded_minor = 2299, status = 'partially_refunded' where ${mine(refunded)}`,
    ],
  },
  {
    breaks: 'A2',
    title: 'fewer units refunded than refunds name',
    sql: [`update holdfast.order_lines set refunded_quantity = 1 where order_id = '${orderId('refunded')}'`],
  },
  {
    breaks: 'A2',
    title: 'units refunded that no refund names',
    sql: [`update holdfast.order_lines set refunded_quantity = 1 where order_id = '${orderId('completed')}'`],
  },
  {
    breaks: 'A2',
    title: 'more units refunded than were sold',
    without: ['order_lines drop constraint no_more_is_refunded_than_was_sold'],
    sql: [
      `update holdfast.order_lines set refunded_quantity = 3 where order_id = '${orderId('refunded')}'`,
      `update holdfast.payment_operations set purpose = '{"lines": [{"lineNo": 1, "quantity": 3}]}'
       where ${mine(refunded)} and kind = 'refund'`,
    ],
  },
  {
    breaks: 'A3',
    title: 'a checkout whose frozen total differs from its snapshot',
    sql: [
      `update holdfast.price_snapshots set shipping_minor = 501, total_minor = 2301 where ${mine(authorizing)} and line_no = 0`,
    ],
  },
  {
    breaks: 'A3',
    title: 'snapshot lines that do not add up',
    sql: [
      `update holdfast.price_snapshots set subtotal_minor = 2001, total_minor = 1801 where ${mine(authorizing)} and line_no = 1`,
    ],
  },
  {
    breaks: 'A3',
    title: 'an authorization in a different currency',
    sql: [
      `update holdfast.payment_operations set gateway = 'other', currency = 'EUR' where ${mine(authorizing)}`,
      `update holdfast_sandbox.requests set currency = 'EUR' where ${mine(authorizing)}`,
    ],
  },
  {
    breaks: 'A3',
    title: 'an order with a different total',
    sql: [`update holdfast.orders set total_minor = 2299 where id = '${orderId('capturing')}'`],
  },
  {
    breaks: 'A3',
    title: 'an order line from a live price',
    sql: [`update holdfast.order_lines set unit_minor = 1001 where order_id = '${orderId('completed')}'`],
  },
  {
    breaks: 'A3',
    title: 'an amount authorized at the gateway that differs from the frozen one',
    sql: [`update holdfast_sandbox.payments set amount_minor = 2301 where ${payment(capturing)}`],
  },
  {
    breaks: 'A3',
    title: 'less captured at the gateway than ordered',
    without: ['~holdfast_sandbox.payments drop constraint money_is_within_bounds'],
    sql: [
      `update holdfast_sandbox.payments set captured_minor = 2299 where ${payment(completed)}`,
      `update holdfast.payment_operations set gateway = 'other' where ${mine(completed)}`,
    ],
  },
  {
    breaks: 'A4',
    title: 'a request at the gateway without an operation',
    sql: [`delete from holdfast.payment_operations where ${mine(authorizing)}`],
  },
  {
    breaks: 'A4',
    title: 'a request with an amount that differs from its operation',
    sql: [`update holdfast_sandbox.requests set amount_minor = 2299 where idempotency_key = '${capturing}:capture:1'`],
  },
  {
    breaks: 'A4',
    title: 'a payment at the gateway without an operation',
    sql: [`update holdfast_sandbox.payments set id = 'sbx_stranger' where ${payment(authorizing)}`],
  },
  {
    breaks: 'A4',
    title: 'a recorded authorization that the gateway does not have',
    sql: [`delete from holdfast_sandbox.payments where ${payment(failed)}`],
  },
  {
    breaks: 'A4',
    title: 'a recorded refund that the gateway does not have',
    sql: [
      `insert into holdfast.payment_operations (checkout_id, kind, attempt, gateway, amount_minor, currency, parameters_hash, status, settled_at)
       values ('${completed}', 'refund', 1, 'sandbox', 300, 'USD', 'hash', 'succeeded', now())`,
      `update holdfast.checkouts set gateway = 'other' where id = '${completed}'`,
      `update holdfast.orders set refunded_minor = 300, status = 'partially_refunded' where ${mine(completed)}`,
    ],
  },
  {
    breaks: 'A5',
    title: 'more reserved than on hand',
    without: ['stock_levels drop constraint stock_is_never_oversold'],
    sql: [`update holdfast.stock_levels set on_hand = 3, stocked = 7`],
  },
  { breaks: 'A5', title: 'reserved units without a hold', sql: [`update holdfast.stock_levels set reserved = 5`] },
  {
    breaks: 'A5',
    title: 'a hold without reserved units',
    sql: [`update holdfast.stock_reservations set location_id = gen_random_uuid() where ${mine(authorizing)}`],
  },
  { breaks: 'A5', title: 'a missing unit', sql: [`update holdfast.stock_levels set on_hand = 5`] },
  {
    breaks: 'A5',
    title: 'restocked units that no refund names',
    sql: [`update holdfast.stock_reservations set restocked = 1 where ${mine(refunded)}`],
  },
  {
    breaks: 'A5',
    title: 'units that a refund names for restocking, not restocked',
    sql: [
      `update holdfast.payment_operations set purpose = purpose || '{"restock": true}' where ${mine(refunded)} and kind = 'refund'`,
    ],
  },
  {
    breaks: 'A5',
    title: 'more units restocked than were taken',
    without: ['stock_reservations drop constraint no_more_is_restocked_than_was_sold'],
    sql: [
      `update holdfast.payment_operations set purpose = purpose || '{"restock": true}' where ${mine(refunded)} and kind = 'refund'`,
      `update holdfast.stock_reservations set restocked = 3 where ${mine(refunded)}`,
    ],
  },
  {
    breaks: 'A6',
    title: 'a checkout that is being captured without firm stock',
    sql: [`update holdfast.stock_reservations set state = 'held' where ${mine(capturing)}`],
  },
  {
    breaks: 'A6',
    title: 'fewer units committed than were paid for',
    sql: [
      `update holdfast.stock_reservations set quantity = 1 where ${mine(completed)}`,
      `update holdfast.stock_levels set on_hand = 7`,
    ],
  },
  {
    breaks: 'A6',
    title: 'a capture at the gateway whose operation is declined and whose stock is released',
    sql: [
      `update holdfast.payment_operations set status = 'declined', settled_at = now() where ${mine(capturing)} and kind = 'capture'`,
      `update holdfast.stock_reservations set state = 'released' where ${mine(capturing)}`,
      `update holdfast.stock_levels set reserved = 2`,
    ],
  },
  {
    breaks: 'A7',
    title: 'a gap in the history',
    sql: [`delete from holdfast.transitions where ${mine(completed)} and version = 4`],
  },
  {
    breaks: 'A7',
    title: 'an illegal edge',
    without: ['transitions drop constraint edge_is_legal'],
    sql: [
      `update holdfast.transitions set to_state = 'committing' where ${mine(completed)} and version = 4`,
      `update holdfast.transitions set from_state = 'committing' where ${mine(completed)} and version = 5`,
    ],
  },
  {
    breaks: 'A7',
    title: 'a falling epoch',
    sql: [`update holdfast.transitions set epoch = 0 where ${mine(completed)} and version = 5`],
  },
  {
    breaks: 'A7',
    title: 'a state without its history',
    sql: [`update holdfast.checkouts set version = version + 1 where id = '${pending}'`],
  },
  {
    breaks: 'A8',
    title: 'a completed checkout without its event',
    sql: [
      `delete from holdfast.deliveries where ${mine(completed)}`,
      `delete from holdfast.events where ${mine(completed)} and type = 'CheckoutCompleted'`,
    ],
  },
  {
    breaks: 'A8',
    title: 'a completion event of a checkout that is not completed',
    sql: [
      `insert into holdfast.events (id, checkout_id, type, payload) values (gen_random_uuid(), '${capturing}', 'CheckoutCompleted', '{}')`,
    ],
  },
  {
    breaks: 'A8',
    title: 'an end event from a later transaction',
    sql: [
      `update holdfast.events set created_at = now() + interval '1 second' where ${mine(failed)} and type = 'CheckoutFailed'`,
    ],
  },
  {
    breaks: 'A9',
    title: 'a completion acknowledged to a client but missing in the database',
    sql: [],
    options: { acknowledged: [{ checkoutId: capturing, state: 'completed', orderId: orderId('capturing') }] },
  },
  {
    breaks: 'A9',
    title: 'an order that differs from the one acknowledged to a client',
    sql: [],
    options: { acknowledged: [{ checkoutId: completed, state: 'completed', orderId: orderId('refunded') }] },
  },
  {
    breaks: 'A10',
    title: 'a coupon above its limit',
    without: ['coupons drop constraint coupon_is_never_overclaimed'],
    sql: [`update holdfast.coupons set usage_limit = 3`],
  },
  { breaks: 'A10', title: 'uncounted coupon claims', sql: [`update holdfast.coupons set claimed = 3`] },
  {
    breaks: 'A10',
    title: 'a customer above the limit per customer',
    sql: [`update holdfast.coupon_claims set customer = 'email:one@example.com'`],
  },
  {
    breaks: 'A11',
    title: 'an active checkout that no worker resumes',
    without: ['checkouts drop constraint active_has_a_wake_time'],
    sql: [`update holdfast.checkouts set wake_at = null where id = '${authorizing}'`],
  },
  {
    breaks: 'A11',
    title: 'an operation with an unknown outcome at an ended checkout',
    sql: [
      `insert into holdfast.payment_operations (checkout_id, kind, attempt, gateway, amount_minor, currency, parameters_hash)
       values ('${completed}', 'refund', 1, 'sandbox', 300, 'USD', 'hash')`,
    ],
  },
  {
    breaks: 'A12',
    title: 'a payment token stored after the payment',
    sql: [`update holdfast.checkouts set sealed_token = 'sealed' where id = '${completed}'`],
  },
  {
    breaks: 'B2',
    title: 'a completed checkout whose order is pending',
    sql: [`update holdfast.orders set status = 'pending', paid_at = null where id = '${orderId('completed')}'`],
  },
  {
    breaks: 'B2',
    title: 'a paid order of a checkout that is still capturing',
    sql: [`update holdfast.orders set status = 'paid', paid_at = now() where id = '${orderId('capturing')}'`],
  },
  {
    breaks: 'B2',
    title: 'a completed checkout whose stock is not committed',
    sql: [
      `update holdfast.stock_reservations set state = 'firm' where ${mine(completed)}`,
      `update holdfast.stock_levels set reserved = 6, on_hand = 8`,
    ],
  },
  {
    breaks: 'B2',
    title: 'a completed checkout whose coupon is only held',
    sql: [`update holdfast.coupon_claims set state = 'held' where ${mine(completed)}`],
  },
  {
    breaks: 'B2',
    title: 'a refund at the gateway that its order does not have',
    sql: [`update holdfast_sandbox.payments set refunded_minor = 100 where ${payment(completed)}`],
  },
  {
    breaks: 'B3',
    title: 'an authorization left open by a failed checkout',
    sql: [
      `delete from holdfast.payment_operations where ${mine(failed)} and kind = 'void'`,
      `delete from holdfast_sandbox.requests where ${mine(failed)} and kind = 'void'`,
      `update holdfast_sandbox.payments set status = 'authorized' where ${payment(failed)}`,
    ],
  },
  {
    breaks: 'B3',
    title: 'stock held by a failed checkout',
    sql: [`update holdfast.stock_reservations set state = 'held' where ${mine(failed)}`, oneMoreHold],
  },
  {
    breaks: 'B3',
    title: 'a coupon held by a failed checkout',
    sql: [
      `update holdfast.coupon_claims set state = 'held' where ${mine(failed)}`,
      `update holdfast.coupons set claimed = 5`,
    ],
  },
  {
    breaks: 'B3',
    title: 'an order of a failed checkout that is not cancelled',
    sql: [`update holdfast.orders set status = 'pending', cancelled_at = null where id = '${orderId('failed')}'`],
  },
  {
    breaks: 'B3',
    title: 'a cart that a failed checkout still locks',
    without: ['checkouts drop constraint failed_releases_the_cart'],
    sql: [`update holdfast.checkouts set holds_cart = true where id = '${failed}'`],
  },
  ...['stock_reservations', 'coupon_claims', 'transitions', 'events'].map(
    (table): Corruption => ({
      breaks: 'references',
      title: `a row of ${table} without a checkout`,
      sql: [stray(table)],
    }),
  ),
  {
    breaks: 'references',
    title: 'a snapshot without a checkout',
    sql: [
      `insert into holdfast.price_snapshots (checkout_id, line_no, currency, subtotal_minor, discount_minor, tax_minor,
         added_tax_minor, total_minor, details)
       values (gen_random_uuid(), 0, 'USD', 0, 0, 0, 0, 0, '{}')`,
    ],
  },
  {
    breaks: 'references',
    title: 'a payment operation without a checkout',
    sql: [
      `insert into holdfast.payment_operations (checkout_id, kind, attempt, gateway, amount_minor, currency, parameters_hash)
       values (gen_random_uuid(), 'void', 1, 'other', 0, 'USD', 'hash')`,
    ],
  },
  {
    breaks: 'references',
    title: 'an order without lines',
    sql: [
      `delete from holdfast.price_snapshots where ${mine(failed)} and line_no = 1`,
      `update holdfast.price_snapshots set subtotal_minor = 0, discount_minor = 0, total_minor = 500 where ${mine(failed)}`,
      `update holdfast.checkouts set total_minor = 500 where id = '${failed}'`,
      `update holdfast.orders set subtotal_minor = 0, discount_minor = 0, total_minor = 500 where ${mine(failed)}`,
      `update holdfast.payment_operations set amount_minor = 500 where ${mine(failed)}`,
      `update holdfast_sandbox.requests set amount_minor = 500 where ${mine(failed)}`,
      `delete from holdfast.order_lines where order_id = '${orderId('failed')}'`,
    ],
  },
  {
    breaks: 'references',
    title: 'an order line without an order',
    sql: [`insert into holdfast.order_lines values (gen_random_uuid(), 1, 'MUG', 'Mug', 1, 1, 1, 0, 0, 1)`],
  },
  {
    breaks: 'references',
    title: 'a delivery without an event',
    sql: [`update holdfast.deliveries set event_id = gen_random_uuid() where ${mine(pending)}`],
  },
  {
    breaks: 'references',
    title: 'a claim on a coupon that does not exist',
    sql: [`update holdfast.coupon_claims set coupon_id = gen_random_uuid() where ${mine(failed)}`],
  },
]

function stray(table: string): string {
  return `insert into holdfast.${table} select (jsonb_populate_record(row, '{"checkout_id":"0192cccc-0000-7000-8000-999999999999"}')).*
    from (select row from holdfast.${table} row where ${mine(failed)} limit 1) as one`
}

const drainedOnly: Corruption[] = [
  {
    breaks: 'B1',
    title: 'a checkout that is still rolling back',
    sql: [
      `update holdfast.checkouts set state = 'rolling_back', version = 6 where id = '${authorizing}'`,
      `insert into holdfast.transitions (checkout_id, version, from_state, to_state, epoch)
       values ('${authorizing}', 6, 'authorizing', 'rolling_back', 1)`,
      `update holdfast.payment_operations set status = 'succeeded', settled_at = now() where ${mine(authorizing)}`,
    ],
  },
  {
    breaks: 'B1',
    title: 'an operation with an unknown outcome',
    sql: [
      `insert into holdfast.payment_operations (checkout_id, kind, attempt, gateway, amount_minor, currency, parameters_hash)
       values ('${completed}', 'refund', 1, 'sandbox', 300, 'USD', 'hash')`,
      `update holdfast.checkouts set wake_at = now() where id = '${completed}'`,
    ],
  },
  {
    breaks: 'B4',
    title: 'an undelivered event',
    sql: [`update holdfast.deliveries set state = 'due', delivered_at = null where ${mine(completed)}`],
  },
]

const named = (list: Corruption[]) => list.map(one => [`${one.breaks}: finds ${one.title}`, one] as const)

class Undo extends Error {}
let statements = 0

/** Corrupts the store, audits it, and rolls the corruption back. */
async function auditOf(database: Database, corruption: Corruption) {
  const dropped = (corruption.without ?? []).map(text =>
    text.startsWith('~') ? `alter table ${text.slice(1)}` : `alter table holdfast.${text}`,
  )
  let report: Awaited<ReturnType<typeof audit>> | undefined
  await database
    .transaction(async tx => {
      for (const sql of [...dropped, ...corruption.sql]) {
        statements += 1
        await tx.query(statement(`corruption_${statements}`, sql))
      }
      const inside: Database = { ...database, transaction: work => work(tx) }
      report = await audit(inside, { ledger: 'sandbox', ...corruption.options })
      throw new Undo()
    })
    .catch(error => {
      if (!(error instanceof Undo)) throw error
    })
  if (report === undefined) throw new Error('no report')
  return report
}

const broken = (report: { findings: { invariant: string; violations: number }[] }) =>
  report.findings.filter(finding => finding.violations > 0).map(finding => finding.invariant)

describe.each(['embedded', 'postgres'] as const)('the audit on %s', kind => {
  let opened: TestDatabase
  beforeAll(async () => {
    opened = await openTestDatabase(kind)
    await seedHealthyStore(opened.database)
  })
  afterAll(() => opened?.stop())

  it('finds nothing in an empty store', async () => {
    const empty = await openTestDatabase(kind)
    expect(await audit(empty.database, { ledger: 'sandbox', drained: true })).toMatchObject({
      violations: 0,
      checkouts: 0,
    })
    await empty.stop()
  })

  it('finds nothing in a consistent store with checkouts in flight', async () => {
    const report = await audit(opened.database, { ledger: 'sandbox' })
    expect(report.findings.flatMap(finding => finding.examples)).toEqual([])
    expect(report).toMatchObject({ violations: 0, checkouts: 6 })
    expect(report.findings.map(finding => finding.invariant)).toEqual(
      Object.keys(invariants).filter(name => name !== 'B1' && name !== 'B4'),
    )
  })

  it('reports checkouts in flight as violations if the store should be drained', async () => {
    const report = await audit(opened.database, { ledger: 'sandbox', drained: true })
    expect(broken(report)).toEqual(['B1'])
    // Both checkouts in flight, and the operation of each.
    expect(report.violations).toBe(4)
  })

  it('accepts answers of clients that match the database', async () => {
    const acknowledged = [
      { checkoutId: completed, state: 'completed' as const, orderId: orderId('completed') },
      { checkoutId: failed, state: 'failed' as const },
    ]
    expect(await audit(opened.database, { ledger: 'sandbox', acknowledged })).toMatchObject({ violations: 0 })
  })

  it('marks the invariants that were not compared with a gateway', async () => {
    const report = await audit(opened.database)
    const apart = report.findings.filter(finding => finding.title.endsWith('(not compared with the gateway)'))
    expect(apart.map(finding => finding.invariant)).toEqual(['A2', 'A3', 'A4', 'A6', 'B2', 'B3'])
  })

  it.each(named(corruptions))('%s is found', async (_, corruption) => {
    const report = await auditOf(opened.database, corruption)
    expect(broken(report)).toEqual([corruption.breaks])
    expect(report.findings.find(finding => finding.invariant === corruption.breaks)?.examples.length).toBeGreaterThan(0)
  })

  it.each(named(drainedOnly))('%s is found once drained, and allowed before', async (_, corruption) => {
    expect(broken(await auditOf(opened.database, corruption))).toEqual([])
    const calm: Corruption = { ...corruption, options: { drained: true } }
    const usual = (await audit(opened.database, { ledger: 'sandbox', drained: true })).findings
    const now = (await auditOf(opened.database, calm)).findings
    const grown = now.filter((finding, index) => finding.violations > (usual[index]?.violations ?? 0))
    // The corruption replaced one violation of B1 with another.
    expect(broken({ findings: now })).toContain(corruption.breaks)
    if (corruption.breaks !== 'B1' || corruption.title.startsWith('an operation')) {
      expect(grown.map(finding => finding.invariant)).toEqual([corruption.breaks])
    }
  })

  it('counts every violation and shows five of them', async () => {
    const many = `insert into holdfast.coupon_claims select gen_random_uuid(), '${couponId}', 'user:' || n, 'released' from generate_series(1, 40) n`
    const report = await auditOf(opened.database, { breaks: 'references', title: '', sql: [many] })
    const finding = report.findings.find(one => one.invariant === 'references')
    expect(finding?.violations).toBe(40)
    expect(finding?.examples).toHaveLength(5)
  })
})
