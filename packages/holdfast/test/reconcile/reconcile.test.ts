/**
 * Reconciliation: each kind of difference is created in the sandbox's ledger, in both directions, and is found. A checkout
 * that changes during the comparison is not a difference.
 */
import { expect, test } from 'vitest'
import { type CrashPoint, killableProcess } from '../../../testing/src/crash-points.ts'
import type { CheckoutEngine, Difference } from '../../src/engine/checkout-engine.ts'
import { describeStore, type TestStore } from '../support/test-store.ts'

async function processed(store: TestStore, token: string, captureLater = false) {
  const { lockId } = await store.begin({ [await store.article()]: 2 })
  await store.engine.processCheckout(lockId, { token, captureLater })
  return { lockId, reference: `sbx_${lockId}:authorize:1` }
}

const change = (store: TestStore, reference: string, assignments: string) =>
  store.sql(`update holdfast_sandbox.payments set ${assignments} where id = '${reference}'`)

/** A payment at the gateway that Holdfast did not make. */
async function stray(store: TestStore, checkoutId: string, status: string, more: { hoursAgo?: number } = {}) {
  const reference = `sbx_stray-${status}-${checkoutId.slice(-12)}`
  const captured = status === 'captured' ? 900 : 0
  await store.sql(
    `insert into holdfast_sandbox.payments (id, checkout_id, status, method, behaviour, amount_minor, currency, captured_minor,
       valid_until, created_at)
     values ($1, $2::uuid, $3, 'card', 'approve', 900, 'USD', $4::bigint, now() + interval '7 days', now() - $5::int * interval '1 hour')`,
    [reference, checkoutId, status, captured, more.hoursAgo ?? 0],
  )
  return reference
}

const forget = (store: TestStore, reference: string) =>
  store.sql('delete from holdfast_sandbox.payments where id = $1', [reference])

const summary = ({ kind, reference }: Difference) => [kind, reference]
const found = async (engine: CheckoutEngine, options = {}) => (await engine.reconcile(options)).differences.map(summary)

async function orderOf(store: TestStore, lockId: string) {
  const rows = await store.sql<{ id: string; status: string }>(
    'select id, status from holdfast.orders where checkout_id = $1',
    [lockId],
  )
  return rows[0] ?? { id: '', status: 'missing' }
}
const orderStatus = async (store: TestStore, lockId: string) => (await orderOf(store, lockId)).status

interface VoidRow {
  attempt: number
  status: string
  reference: string
}
const voidsOf = (store: TestStore, lockId: string) =>
  store.sql<VoidRow>(
    `select attempt, status, reference from holdfast.payment_operations
     where checkout_id = $1 and purpose->>'reason' = 'orphan' order by attempt`,
    [lockId],
  )

interface Made {
  kind: Difference['kind']
  critical: boolean
  /** Creates the difference. Returns the payment, and a function that removes the difference. */
  make(store: TestStore): Promise<{ reference: string; unmake(): Promise<unknown> }>
}

/** Changes the payment of a checkout with this token at the gateway, and changes it back. */
const changed =
  (token: string, there: string, back: string, captureLater = false): Made['make'] =>
  async store => {
    const { reference } = await processed(store, token, captureLater)
    await change(store, reference, there)
    return { reference, unmake: () => change(store, reference, back) }
  }

const strayOf =
  (token: string | null, status: string, hoursAgo: number): Made['make'] =>
  async store => {
    const unknownId = '0192bbbb-0000-7000-8000-000000000001'
    const lockId = token === null ? unknownId : (await processed(store, token)).lockId
    const reference = await stray(store, lockId, status, { hoursAgo })
    return { reference, unmake: () => forget(store, reference) }
  }

const authorized = `status = 'authorized', decline_code = null, valid_until = now() + interval '7 days'`
const declined = `status = 'declined', decline_code = 'card_declined', captured_minor = 0, valid_until = null`

const kinds: [title: string, made: Made][] = [
  [
    'a second captured payment of a paid checkout',
    { kind: 'orphan_captured', critical: true, make: strayOf('tok_approve', 'captured', 0) },
  ],
  [
    'a captured payment of an unknown checkout',
    { kind: 'orphan_captured', critical: true, make: strayOf(null, 'captured', 0) },
  ],
  [
    'a captured payment of a failed checkout',
    {
      kind: 'orphan_captured',
      critical: true,
      make: changed('tok_decline', `${authorized}, captured_minor = 2500`.replace('authorized', 'captured'), declined),
    },
  ],
  [
    'an open authorization of a failed checkout',
    { kind: 'orphan_open', critical: false, make: changed('tok_decline', authorized, declined) },
  ],
  [
    'a second open authorization of a paid checkout',
    { kind: 'orphan_open', critical: false, make: strayOf('tok_approve', 'authorized', 0) },
  ],
  [
    'an abandoned unconfirmed payment',
    { kind: 'orphan_open', critical: false, make: strayOf('tok_approve', 'action_required', 2) },
  ],
  [
    'a payment that the gateway does not have',
    // The payment can no longer be looked up.
    { kind: 'lost', critical: true, make: changed('tok_approve', 'method = null', `method = 'card'`) },
  ],
  [
    'a different currency',
    { kind: 'currency', critical: false, make: changed('tok_approve', `currency = 'EUR'`, `currency = 'USD'`) },
  ],
  [
    'a different captured amount',
    {
      kind: 'captured',
      critical: false,
      make: changed('tok_approve', 'captured_minor = 2400', 'captured_minor = 2500'),
    },
  ],
  [
    'a different refunded amount',
    { kind: 'refunded', critical: false, make: changed('tok_approve', 'refunded_minor = 100', 'refunded_minor = 0') },
  ],
  [
    'an authorization that has ended at the gateway',
    {
      kind: 'authorized',
      critical: false,
      make: changed('tok_approve', `status = 'voided'`, `status = 'authorized'`, true),
    },
  ],
  [
    'an unrecorded dispute',
    {
      kind: 'disputed',
      critical: false,
      make: changed(
        'tok_approve',
        `disputes = '[{"id": "dp_1", "status": "lost", "reason": "fraudulent", "amountMinor": 2500}]'`,
        `disputes = '[]'`,
      ),
    },
  ],
]

describeStore('Reconciliation', store => {
  test('reconciliation finds no difference for consistent checkouts in any state', async () => {
    const refunded = await processed(store, 'tok_approve')
    const order = await orderOf(store, refunded.lockId)
    await store.engine.refundOrder(order.id, { amountMinor: 300 })
    for (const token of ['tok_approve', 'tok_decline', 'tok_capture_decline', 'tok_action_required', 'tok_pending']) {
      await processed(store, token)
    }
    await processed(store, 'tok_approve', true)
    const cancelled = await processed(store, 'tok_action_required')
    await store.engine.cancelCheckout(cancelled.lockId)
    const report = await store.engine.reconcile()
    expect(report).toMatchObject({
      gateway: 'sandbox',
      hours: 72,
      differences: [],
      differenceCount: 0,
      criticalCount: 0,
    })
    expect(report.payments).toBeGreaterThanOrEqual(8)
    expect(report.checkouts).toBeGreaterThanOrEqual(8)
    expect((await store.engine.health({ maxAgeMs: 0 })).checks.reconciliation).toMatchObject({ status: 'ok', count: 0 })
  })

  test.each(kinds)('reconciliation lists %s until it is corrected', async (_, { kind, critical, make }) => {
    const { reference, unmake } = await make(store)
    const report = await store.engine.reconcile()
    const { reconciliation } = (await store.engine.health({ maxAgeMs: 0 })).checks
    await unmake()
    expect(report.differences.map(summary)).toEqual([[kind, reference]])
    expect(report).toMatchObject({ differenceCount: 1, criticalCount: critical ? 1 : 0, settled: [] })
    expect(reconciliation).toMatchObject({ status: critical ? 'critical' : 'warning', count: 1 })
    expect(await found(store.engine)).toEqual([])
  })

  test('a difference has the amounts of both sides', async () => {
    const { lockId, reference } = await processed(store, 'tok_approve')
    await change(store, reference, 'captured_minor = 2400, refunded_minor = 50')
    expect((await store.engine.reconcile()).differences[0]).toMatchObject({
      kind: 'captured',
      checkoutId: lockId,
      reference,
      ours: { state: 'completed', currency: 'USD', authorizedMinor: 2_500, capturedMinor: 2_500, refundedMinor: 0 },
      theirs: { status: 'captured', currency: 'USD', openMinor: 0, capturedMinor: 2_400, refundedMinor: 50 },
    })
    await change(store, reference, 'captured_minor = 2500, refunded_minor = 0')
  })

  test('reconciliation reads all pages and finds the one payment that differs', async () => {
    await store.sql(
      `insert into holdfast_sandbox.payments (id, checkout_id, status, method, behaviour, amount_minor, currency, created_at)
       select 'sbx_page-' || n, '0192bbbb-0000-7000-8000-000000000002', 'voided', 'card', 'approve', 1, 'USD',
         now() - interval '1 hour' + n / 3 * interval '1 second' from generate_series(1, 350) n`,
    )
    await change(store, 'sbx_page-7', `status = 'captured', captured_minor = 1, valid_until = now()`)
    const report = await store.engine.reconcile()
    expect(report.differences.map(summary)).toEqual([['orphan_captured', 'sbx_page-7']])
    expect(report.payments).toBeGreaterThanOrEqual(350)
    await store.sql(`delete from holdfast_sandbox.payments where id like 'sbx_page-%'`)
    expect(await found(store.engine)).toEqual([])
  })

  test('reconciliation examines the differences of the last run, however old they are', async () => {
    const { lockId } = await processed(store, 'tok_approve')
    const reference = await stray(store, lockId, 'captured', { hoursAgo: 20 })
    expect(await found(store.engine, { hours: 10 })).toEqual([])
    expect(await found(store.engine, { hours: 30 })).toEqual([['orphan_captured', reference]])
    expect(await found(store.engine, { hours: 10 })).toEqual([['orphan_captured', reference]])
    await forget(store, reference)
    expect(await found(store.engine, { hours: 10 })).toEqual([])
  })

  test('reconciliation reads a payment from before the period if an operation in the period concerns it', async () => {
    const { lockId, reference } = await processed(store, 'tok_approve')
    await change(store, reference, `created_at = now() - interval '100 hours', refunded_minor = 100`)
    expect(await found(store.engine)).toEqual([['refunded', reference]])
    await change(store, reference, 'refunded_minor = 0')
    const order = await orderOf(store, lockId)
    await store.sql(
      `update holdfast.payment_operations set intended_at = intended_at - interval '100 hours' where checkout_id = $1`,
      [lockId],
    )
    expect(await found(store.engine)).toEqual([])
    // No operation in the period concerns it, so it is not read.
    await change(store, reference, 'refunded_minor = 100')
    expect(await found(store.engine)).toEqual([])
    await change(store, reference, 'refunded_minor = 0')
    await store.engine.refundOrder(order.id, { amountMinor: 50 })
    await change(store, reference, 'refunded_minor = 150')
    expect(await found(store.engine)).toEqual([['refunded', reference]])
    await change(store, reference, 'refunded_minor = 50')
  })

  test('a checkout that changes during its examination is not a difference', async () => {
    const { lockId } = await processed(store, 'tok_approve', true)
    const engine = await store.open({
      gateway: {
        ...store.gateway,
        async list(page) {
          const payments = await store.gateway.list(page)
          // Captured after the gateway answered that it is not.
          if (page.after === null) await store.engine.captureCheckout(lockId)
          return payments
        },
      },
    })
    expect(await found(engine)).toEqual([])
    const refunding = await processed(store, 'tok_approve')
    const order = await orderOf(store, refunding.lockId)
    await change(store, refunding.reference, 'refunded_minor = 10')
    const meanwhile = await store.open({
      gateway: {
        ...store.gateway,
        async inspect(reference, signal) {
          const payment = await store.gateway.inspect(reference, signal)
          if (reference === refunding.reference) await store.engine.refundOrder(order.id, { amountMinor: 5 })
          return payment
        },
      },
    })
    expect(await found(meanwhile)).toEqual([])
    await change(store, refunding.reference, 'refunded_minor = 5')
  })

  test('reconciliation records refunds made at the gateway only if requested', async () => {
    const { lockId, reference } = await processed(store, 'tok_approve')
    await change(store, reference, 'refunded_minor = 400')
    await store.engine.reconcile({ voidOrphans: true })
    expect(await orderStatus(store, lockId)).toBe('paid')
    const report = await store.engine.reconcile({ record: true })
    expect(report.differences).toEqual([])
    expect(report.settled.map(summary)).toEqual([['refunded', reference]])
    expect(await orderStatus(store, lockId)).toBe('partially_refunded')
  })

  test('invalid hours and a gateway that cannot list payments are refused', async () => {
    await expect(store.engine.reconcile({ hours: 0 })).rejects.toMatchObject({ code: 'invalid_argument' })
    const { inspect: _, list: __, ...gateway } = store.gateway
    const closed = await store.open({ gateway })
    await expect(closed.reconcile()).rejects.toMatchObject({ code: 'invalid_argument' })
    expect((await closed.health({ maxAgeMs: 0 })).checks).not.toHaveProperty('reconciliation')
  })
})

describeStore('An orphaned authorization', store => {
  const old = `created_at = now() - interval '2 hours'`

  test('an orphaned authorization of a failed checkout is voided with an intent, once it is an hour old', async () => {
    const { lockId, reference } = await processed(store, 'tok_decline')
    await change(store, reference, authorized)
    const young = await store.engine.reconcile({ voidOrphans: true })
    expect([young.differences.map(summary), young.settled]).toEqual([[['orphan_open', reference]], []])
    expect(await voidsOf(store, lockId)).toEqual([])
    await change(store, reference, old)
    const report = await store.engine.reconcile({ voidOrphans: true })
    expect([report.differences, report.settled.map(summary)]).toEqual([[], [['orphan_open', reference]]])
    expect(await voidsOf(store, lockId)).toEqual([{ attempt: 1, status: 'succeeded', reference }])
    expect((await store.facts(lockId)).payment).toBe('voided')
    expect(await found(store.engine, { voidOrphans: true })).toEqual([])
    expect(await voidsOf(store, lockId)).toHaveLength(1)
  })

  test('an orphaned authorization of a paid checkout is voided, and its own payment is not', async () => {
    const { lockId, reference: own } = await processed(store, 'tok_approve')
    const reference = await stray(store, lockId, 'action_required', { hoursAgo: 2 })
    await change(store, own, old)
    const report = await store.engine.reconcile({ voidOrphans: true })
    expect([report.differences, report.settled.map(summary)]).toEqual([[], [['orphan_open', reference]]])
    expect(await store.gateway.payment(reference)).toMatchObject({ status: 'voided' })
    expect(await store.gateway.payment(own)).toMatchObject({ status: 'captured' })
    await forget(store, reference)
  })

  test('an orphaned authorization that turns out to be captured is left to an operator', async () => {
    const { lockId, reference } = await processed(store, 'tok_decline')
    await change(store, reference, `${authorized}, ${old}`)
    const engine = await store.open({
      gateway: {
        ...store.gateway,
        async void(request) {
          await change(store, reference, `status = 'captured', captured_minor = 2500`)
          return store.gateway.void(request)
        },
      },
    })
    const report = await engine.reconcile({ voidOrphans: true })
    expect(report.differences.map(summary)).toEqual([['orphan_captured', reference]])
    expect(report.criticalCount).toBe(1)
    expect(await voidsOf(store, lockId)).toMatchObject([{ status: 'declined' }])
    await change(store, reference, declined)
  })

  test('a void of an orphaned authorization is abandoned after three refusals', async () => {
    const { lockId, reference } = await processed(store, 'tok_decline')
    await change(store, reference, `${authorized}, ${old}`)
    const engine = await store.open({
      gateway: { ...store.gateway, void: async () => ({ outcome: 'declined', code: 'not_now', message: 'No.' }) },
    })
    for (let times = 0; times < 4; times += 1) {
      expect(await found(engine, { voidOrphans: true })).toEqual([['orphan_open', reference]])
    }
    expect(await voidsOf(store, lockId)).toHaveLength(3)
    await change(store, reference, declined)
  })

  test('a void of an orphaned authorization without an answer is retried until it has one', async () => {
    const { lockId, reference } = await processed(store, 'tok_decline')
    await change(store, reference, `${authorized}, ${old}`)
    const engine = await store.open({
      gateway: {
        ...store.gateway,
        async void(request) {
          await store.gateway.void(request)
          return { outcome: 'unknown', message: 'reset' }
        },
      },
    })
    await engine.reconcile({ voidOrphans: true })
    expect(await voidsOf(store, lockId)).toMatchObject([{ status: 'intended' }])
    await store.wake(lockId)
    await store.engine.recover()
    expect(await voidsOf(store, lockId)).toMatchObject([{ status: 'succeeded' }])
  })

  test('an orphaned authorization and a refund of unknown outcome are both settled, in either order', async () => {
    const { lockId } = await processed(store, 'tok_approve')
    const order = await orderOf(store, lockId)
    const reference = await stray(store, lockId, 'authorized', { hoursAgo: 2 })
    const deaf = await store.open({
      gateway: {
        ...store.gateway,
        void: async () => ({ outcome: 'unknown', message: 'reset' }),
        refund: async () => ({ outcome: 'unknown', message: 'reset' }),
        lookup: async () => ({ outcome: 'unknown', message: 'reset' }),
      },
    })
    await deaf.reconcile({ voidOrphans: true })
    await deaf.refundOrder(order.id, { amountMinor: 100 })
    await store.drain()
    expect(await voidsOf(store, lockId)).toMatchObject([{ status: 'succeeded' }])
    expect(await orderStatus(store, lockId)).toBe('partially_refunded')
    await forget(store, reference)
  })

  const points: CrashPoint[] = [
    'before_commit:intend',
    'after_commit:intend',
    'before_call:void',
    'after_call:void',
    'before_commit:record',
    'after_commit:record',
  ]
  test.each(points)('an orphaned authorization is voided even if its process died %s', async point => {
    const { lockId, reference } = await processed(store, 'tok_decline')
    await change(store, reference, `${authorized}, ${old}`)
    const life = killableProcess(store.database, store.gateway, point)
    const doomed = await store.open({ database: life.database, gateway: life.gateway, clock: life.clock })
    await Promise.race([doomed.reconcile({ voidOrphans: true }), life.died])
    expect(life.isDead).toBe(true)
    await store.drain()
    const left = point === 'before_commit:intend' ? [['orphan_open', reference]] : []
    // The next run ends the one that did not renew its lease.
    await expect(store.engine.reconcile()).rejects.toMatchObject({ code: 'overloaded' })
    await store.sql(`update holdfast.reconciliations set alive_until = now() where ended_at is null`)
    expect(await found(store.engine)).toEqual(left)
    expect(await found(store.engine, { voidOrphans: true })).toEqual([])
    expect(await voidsOf(store, lockId)).toEqual([{ attempt: 1, status: 'succeeded', reference }])
  })
})
