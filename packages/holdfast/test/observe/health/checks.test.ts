/** Every health check fails for its cause, and is ok again once the cause is fixed. */
import { expect, test } from 'vitest'
import type { CheckoutEngine } from '../../../src/engine/checkout-engine.ts'
import type { SandboxFaults } from '../../../src/payments/sandbox/faults.ts'
import { describeStore, type TestStore } from '../../support/test-store.ts'

const token = 'tok_approve'
/** Returns `processing` at once and continues in the background. */
const impatient = { numbers: { answerWithinMs: 20 } }
const onBooks = { retriesMax: 0, name: 'books' }

async function checkOf(engine: CheckoutEngine, name: string) {
  const report = await engine.health({ maxAgeMs: 0 })
  return { overall: report.status, ...report.checks[name] }
}

const failing =
  (...kinds: string[]): SandboxFaults =>
  ({ kind }) =>
    kinds.includes(kind) ? 'error_before' : null

/** Moves the lock and the operations of a checkout this far into the past. */
async function age(store: TestStore, lockId: string, minutes: number) {
  const earlier = `- interval '${minutes} minutes'`
  await store.sql(`update holdfast.checkouts set locked_at = locked_at ${earlier} where id = $1`, [lockId])
  await store.sql(
    `update holdfast.payment_operations set intended_at = intended_at ${earlier} where checkout_id = $1`,
    [lockId],
  )
}

async function look(store: TestStore, engine: CheckoutEngine, lockId: string, times = 1) {
  for (let time = 0; time < times; time += 1) {
    await store.wake(lockId)
    await engine.recover()
  }
}

describeStore(
  'Health',
  store => {
    test('counts expired locks while no worker runs, and warns from ten on', async () => {
      const sku = await store.article()
      const begun = await Promise.all(Array.from({ length: 10 }, () => store.begin({ [sku]: 1 })))
      const [last, ...others] = begun.map(({ lockId }) => lockId)
      await Promise.all(others.map(store.expire))
      expect(await checkOf(store.engine, 'expired_locks')).toEqual({
        overall: 'healthy',
        status: 'ok',
        count: 9,
        message: '9 expired locks (normal)',
      })
      await store.expire(last ?? '')
      expect(await checkOf(store.engine, 'expired_locks')).toEqual({
        overall: 'degraded',
        status: 'warning',
        count: 10,
        message: '10 expired locks waiting for cleanup; check that a worker is running',
      })
      await store.engine.cleanupExpiredLocks()
      expect(await checkOf(store.engine, 'expired_locks')).toMatchObject({ overall: 'healthy', count: 0 })
    })

    test('warns about a gateway without answers: soon by failed calls, later by stuck checkouts, while the process stays ready', async () => {
      const engine = await store.open(impatient)
      const sku = await store.article()
      store.faults.with = failing('authorize', 'void')
      const { lockId } = await store.begin({ [sku]: 1 }, { engine })
      expect(await engine.processCheckout(lockId, { token })).toMatchObject({ status: 'processing' })
      await look(store, engine, lockId, 4)
      const soon = await checkOf(engine, 'gateway')
      expect(soon).toMatchObject({ overall: 'degraded', status: 'warning' })
      expect(soon.message).toMatch(/^\d+ of \d+ calls in the last 3 minutes failed$/)
      await age(store, lockId, 31)
      // The authorization is abandoned now, and the void that fences it gets no answer either.
      await look(store, engine, lockId)
      expect(await checkOf(engine, 'stuck_checkouts')).toEqual({
        overall: 'degraded',
        status: 'warning',
        count: 1,
        message: '1 checkout active for more than 30 minutes',
      })
      expect((await checkOf(engine, 'gateway')).message).toMatch(
        /failed; 1 operation without an answer for more than 5 minutes$/,
      )
      // A process without calls of its own knows it from the operation.
      expect(await checkOf(store.engine, 'gateway')).toMatchObject({
        status: 'warning',
        count: 1,
        message: '1 operation without an answer for more than 5 minutes',
      })
      expect(await engine.readiness()).toMatchObject({ status: 'ready' })
      store.faults.with = null
      await look(store, engine, lockId)
      expect(await engine.getCheckoutStatus(lockId)).toMatchObject({ lock: { state: 'failed' } })
      const buyers = await Promise.all(Array.from({ length: 30 }, () => store.begin({ [sku]: 1 }, { engine })))
      await Promise.all(buyers.map(buyer => engine.processCheckout(buyer.lockId, { token })))
      expect(await checkOf(engine, 'gateway')).toMatchObject({ overall: 'healthy', status: 'ok' })
      expect(await checkOf(engine, 'stuck_checkouts')).toMatchObject({ count: 0, message: 'No stuck checkouts' })
    })

    test('does not mistake a payment that is pending at the bank for a gateway without answers', async () => {
      const { lockId } = await store.begin({ [await store.article()]: 1 })
      const engine = await store.open(impatient)
      expect(await engine.processCheckout(lockId, { token: 'tok_pending' })).toMatchObject({ status: 'processing' })
      await age(store, lockId, 4)
      await store.sql(
        `update holdfast.payment_operations set intended_at = now() - interval '6 minutes' where checkout_id = $1`,
        [lockId],
      )
      expect(await checkOf(engine, 'gateway')).toMatchObject({ overall: 'healthy', status: 'ok' })
    })

    test('warns about a rollback whose void the gateway refuses, until the void succeeds', async () => {
      const engine = await store.open(impatient)
      const { lockId } = await store.begin({ [await store.article()]: 1 }, { engine })
      await engine.processCheckout(lockId, { token: 'tok_action_required' })
      store.faults.with = failing('void')
      await engine.cancelCheckout(lockId)
      expect(await checkOf(engine, 'rollbacks')).toMatchObject({ status: 'ok', count: 0 })
      await look(store, engine, lockId, 10)
      expect(await checkOf(engine, 'rollbacks')).toMatchObject({
        overall: 'degraded',
        status: 'warning',
        count: 1,
        message: '1 stuck rollback: void or refund not confirmed after 10 attempts',
      })
      store.faults.with = null
      await look(store, engine, lockId)
      expect(await checkOf(engine, 'rollbacks')).toMatchObject({ status: 'ok', count: 0 })
    })

    test('warns about a capture whose outcome is unknown for an hour', async () => {
      const engine = await store.open(impatient)
      const { lockId } = await store.begin({ [await store.article()]: 1 }, { engine })
      store.faults.with = failing('capture')
      expect(await engine.processCheckout(lockId, { token })).toMatchObject({ status: 'processing' })
      await age(store, lockId, 59)
      expect(await checkOf(engine, 'captures')).toMatchObject({ status: 'ok', count: 0 })
      await age(store, lockId, 2)
      expect(await checkOf(engine, 'captures')).toMatchObject({
        overall: 'degraded',
        status: 'warning',
        count: 1,
        message: '1 capture with an unknown outcome for too long',
      })
      store.faults.with = null
      await look(store, engine, lockId)
      expect(await checkOf(engine, 'captures')).toMatchObject({ status: 'ok', count: 0 })
    })

    test('warns about a delivery that was parked because its listener failed, until it is redelivered', async () => {
      let isFixed = false
      const run = () => {
        if (!isFixed) throw new Error('not today')
      }
      const engine = await store.open({ listeners: { CheckoutCompleted: [{ ...onBooks, run }] } })
      const { lockId } = await store.begin({ [await store.article()]: 1 }, { engine })
      await engine.processCheckout(lockId, { token })
      await engine.deliverer.runOnce()
      expect(await checkOf(engine, 'deliveries')).toEqual({
        overall: 'degraded',
        status: 'warning',
        count: 1,
        message: '1 parked delivery',
      })
      isFixed = true
      const [parked] = await engine.deliverer.listParked()
      if (parked === undefined) throw new Error('nothing is parked')
      await engine.deliverer.redeliver(parked)
      await engine.deliverer.runOnce()
      expect(await checkOf(engine, 'deliveries')).toMatchObject({
        overall: 'healthy',
        count: 0,
        message: 'No parked or overdue deliveries',
      })
    })

    test('warns about overdue deliveries, but not about those that wait for a retry or behind one', async () => {
      let isFixed = false
      const run = () => {
        if (!isFixed) throw new Error('not today')
      }
      const later = { name: 'later', run }
      const engine = await store.open({
        listeners: { CheckoutStarted: [later], CheckoutCompleted: [{ ...onBooks, run() {} }, later] },
      })
      const { lockId } = await store.begin({ [await store.article()]: 1 }, { engine })
      // The first delivery fails and waits for its retry; the next one of the same checkout waits behind it.
      await engine.deliverer.runOnce()
      await engine.processCheckout(lockId, { token })
      expect(await checkOf(engine, 'deliveries')).toMatchObject({ status: 'ok', count: 0 })
      await store.sql(
        `update holdfast.deliveries set next_at = next_at - interval '6 minutes'
         where checkout_id = $1 and type = 'CheckoutCompleted'`,
        [lockId],
      )
      expect(await checkOf(engine, 'deliveries')).toEqual({
        overall: 'degraded',
        status: 'warning',
        count: 1,
        message: '1 overdue delivery, the oldest by 6 minutes',
      })
      isFixed = true
      await engine.deliverer.runOnce()
      expect(await checkOf(engine, 'deliveries')).toMatchObject({ overall: 'healthy', count: 0 })
      for (const _ of ['CheckoutStarted', 'CheckoutCompleted']) {
        await store.sql(`update holdfast.deliveries set next_at = now() where state = 'due'`)
        await engine.deliverer.runOnce()
      }
    })

    test('warns about a webhook for a known checkout that could not be processed for three days, until a retry succeeds', async () => {
      const { lockId } = await store.begin({ [await store.article()]: 1 })
      await store.engine.processCheckout(lockId, { token })
      const blind = await store.open({
        gateway: { ...store.gateway, inspect: () => Promise.reject(new Error('no answer')) },
      })
      store.webhooks.to = blind
      await store.sql(
        `insert into holdfast_sandbox.jobs (id, kind, payment_id, payload, due_at)
         values (gen_random_uuid(), 'webhook', 'none', $1::jsonb, now() - interval '1 minute')`,
        [JSON.stringify({ type: 'refund.created', data: { checkout_id: lockId } })],
      )
      await store.pass(1)
      await store.sql(`update holdfast.webhooks set look_at = now(), received_at = now() - interval '73 hours'`)
      await blind.recover()
      expect(await checkOf(blind, 'webhooks')).toEqual({
        overall: 'degraded',
        status: 'warning',
        count: 1,
        message: '1 webhook for known checkouts not processed for three days; 0 unmatched webhooks',
      })
      // The gateway's records can be read again, and an operator retries the webhook (docs/operating/health.md).
      expect(await store.engine.webhooks.retryGivenUp({ ours: true })).toBe(1)
      await store.engine.recover()
      expect(await checkOf(store.engine, 'webhooks')).toMatchObject({ overall: 'healthy', count: 0 })
    })

    test('is unhealthy if the gateway took money without a checkout, until it is refunded', async () => {
      const { lockId } = await store.begin({ [await store.article()]: 1 })
      await store.engine.processCheckout(lockId, { token: 'tok_decline' })
      // Another program with the same API keys made this payment, so it has no operation row here.
      const call = { checkoutId: lockId, amountMinor: 900, currency: 'USD', signal: AbortSignal.timeout(5_000) }
      const payment = await store.gateway.authorize({
        ...call,
        idempotencyKey: `${lockId}:authorize:7`,
        method: 'card',
        token,
        returnUrl: null,
        reference: null,
        keep: async reference => reference,
      })
      if (payment.outcome !== 'succeeded') throw new Error(payment.outcome)
      const { reference } = payment
      const money = { ...call, reference }
      await store.gateway.capture({ ...money, idempotencyKey: `${lockId}:capture:7`, orderId: 'none' })
      await store.engine.reconcile()
      expect(await checkOf(store.engine, 'reconciliation')).toEqual({
        overall: 'unhealthy',
        status: 'critical',
        count: 1,
        message: '1 difference from the gateway’s records, 1 of them unaccounted money',
      })
      await store.gateway.refund({ ...money, idempotencyKey: `${lockId}:refund:7` })
      await store.engine.reconcile()
      expect(await checkOf(store.engine, 'reconciliation')).toMatchObject({ overall: 'healthy', count: 0 })
      // The auditor would rightly keep reporting it.
      await store.sql('delete from holdfast_sandbox.requests where payment_id = $1', [reference])
      await store.sql('delete from holdfast_sandbox.payments where id = $1', [reference])
    })
  },
  ['postgres'],
)
