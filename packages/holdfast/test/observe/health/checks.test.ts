/** Every health check, failing for what makes it fail in a shop, and well again once that is mended. */
import { expect, test } from 'vitest'
import type { CheckoutEngine } from '../../../src/engine/checkout-engine.ts'
import type { SandboxFaults } from '../../../src/payments/sandbox/faults.ts'
import { describeStore, type TestStore } from '../../support/test-store.ts'

const token = 'tok_approve'
/** Tells at once that it goes on in the background. */
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

/** So much time has passed since a checkout was locked and its operations were intended. */
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
    test('counts locks whose time is over while no worker runs, and warns of ten', async () => {
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
        message: '10 expired locks wait to be cleaned up: does a worker run?',
      })
      await store.engine.cleanupExpiredLocks()
      expect(await checkOf(store.engine, 'expired_locks')).toMatchObject({ overall: 'healthy', count: 0 })
    })

    test('warns of a gateway that answers nothing, soon by its calls, later by what is stuck, and never takes the process out', async () => {
      const engine = await store.open(impatient)
      const sku = await store.article()
      store.faults.with = failing('authorize', 'void')
      const { lockId } = await store.begin({ [sku]: 1 }, { engine })
      expect(await engine.processCheckout(lockId, { token })).toMatchObject({ status: 'processing' })
      await look(store, engine, lockId, 4)
      const soon = await checkOf(engine, 'gateway')
      expect(soon).toMatchObject({ overall: 'degraded', status: 'warning' })
      expect(soon.message).toMatch(/^\d+ of \d+ calls of the last 3 minutes failed$/)
      await age(store, lockId, 31)
      // The authorization is given up now, and the void that fences it is not answered either.
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
      // Whoever has called nothing knows it by the operation alone.
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

    test('does not take a payment that the bank decides on for days for a gateway without an answer', async () => {
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

    test('warns of a rollback whose void the gateway refuses, until it takes it', async () => {
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
        message: '1 rollback tried 10 times and more; the gateway refuses to void or refund',
      })
      store.faults.with = null
      await look(store, engine, lockId)
      expect(await checkOf(engine, 'rollbacks')).toMatchObject({ status: 'ok', count: 0 })
    })

    test('warns of a capture that nobody knows the outcome of for an hour', async () => {
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
        message: '1 capture of unknown outcome for too long',
      })
      store.faults.with = null
      await look(store, engine, lockId)
      expect(await checkOf(engine, 'captures')).toMatchObject({ status: 'ok', count: 0 })
    })

    test('warns of what was given up because its listener fails, until it is delivered again', async () => {
      let isMended = false
      const run = () => {
        if (!isMended) throw new Error('not today')
      }
      const engine = await store.open({ listeners: { CheckoutCompleted: [{ ...onBooks, run }] } })
      const { lockId } = await store.begin({ [await store.article()]: 1 }, { engine })
      await engine.processCheckout(lockId, { token })
      await engine.deliverer.runOnce()
      expect(await checkOf(engine, 'deliveries')).toEqual({
        overall: 'degraded',
        status: 'warning',
        count: 1,
        message: '1 delivery given up',
      })
      isMended = true
      const [parked] = await engine.deliverer.listParked()
      if (parked === undefined) throw new Error('nothing is parked')
      await engine.deliverer.redeliver(parked)
      await engine.deliverer.runOnce()
      expect(await checkOf(engine, 'deliveries')).toMatchObject({
        overall: 'healthy',
        count: 0,
        message: 'All events are on their way',
      })
    })

    test('warns of events that nobody delivers, not of those that wait for a retry or behind one', async () => {
      let isMended = false
      const run = () => {
        if (!isMended) throw new Error('not today')
      }
      const later = { name: 'later', run }
      const engine = await store.open({
        listeners: { CheckoutStarted: [later], CheckoutCompleted: [{ ...onBooks, run() {} }, later] },
      })
      const { lockId } = await store.begin({ [await store.article()]: 1 }, { engine })
      // Its first delivery fails, and waits; the next one of the same checkout stands behind it.
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
        message: '1 delivery late, the oldest by 6 minutes',
      })
      isMended = true
      await engine.deliverer.runOnce()
      expect(await checkOf(engine, 'deliveries')).toMatchObject({ overall: 'healthy', count: 0 })
      for (const _ of ['CheckoutStarted', 'CheckoutCompleted']) {
        await store.sql(`update holdfast.deliveries set next_at = now() where state = 'due'`)
        await engine.deliverer.runOnce()
      }
    })

    test('warns of a webhook of ours that could not be heeded for three days, until somebody can look into the books', async () => {
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
        message: '1 webhook of ours could not be heeded for three days; 0 of no checkout of ours',
      })
      // The books can be read again, and somebody has it looked at again (docs/operating/health.md).
      expect(await store.engine.webhooks.retryGivenUp({ ours: true })).toBe(1)
      await store.engine.recover()
      expect(await checkOf(store.engine, 'webhooks')).toMatchObject({ overall: 'healthy', count: 0 })
    })

    test('is unhealthy where the gateway took money that no checkout knows of, until that is given back', async () => {
      const { lockId } = await store.begin({ [await store.article()]: 1 })
      await store.engine.processCheckout(lockId, { token: 'tok_decline' })
      // Another program with the same keys: no intent of ours stands behind it.
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
        message: '1 difference from the gateway’s books, 1 of them money that is not accounted for',
      })
      await store.gateway.refund({ ...money, idempotencyKey: `${lockId}:refund:7` })
      await store.engine.reconcile()
      expect(await checkOf(store.engine, 'reconciliation')).toMatchObject({ overall: 'healthy', count: 0 })
      // The auditor would go on about it, and be right.
      await store.sql('delete from holdfast_sandbox.requests where payment_id = $1', [reference])
      await store.sql('delete from holdfast_sandbox.payments where id = $1', [reference])
    })
  },
  ['postgres'],
)
