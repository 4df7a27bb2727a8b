/** Metrics after real checkouts. */
import { Registry } from 'prom-client'
import { afterEach, expect, test } from 'vitest'
import { requireOrder } from '../../../src/domain/outcome.ts'
import type { CheckoutOptions } from '../../../src/engine/create-checkout.ts'
import { createMetrics, type Metrics } from '../../../src/observe/metrics/metrics.ts'
import { describeStore } from '../../support/test-store.ts'

/** Parses `name{label="value"} 3` into a map with the part before the value as key. */
async function read(metrics: Metrics): Promise<Map<string, number>> {
  const { text } = await metrics.render()
  const lines = text.split('\n').filter(line => line.startsWith('holdfast_'))
  return new Map(
    lines.map(line => [line.slice(0, line.lastIndexOf(' ')), Number(line.slice(line.lastIndexOf(' ') + 1))]),
  )
}

/** The non-zero counters and counts of one metric, without its name. */
async function counted(metrics: Metrics, name: string): Promise<Record<string, number>> {
  const entries = [...(await read(metrics))].filter(([key, value]) => key.split('{')[0] === name && value !== 0)
  return Object.fromEntries(entries.map(([key, value]) => [key.slice(name.length), value]))
}

describeStore('metrics', store => {
  const open: Metrics[] = []
  afterEach(() => {
    for (const metrics of open.splice(0)) metrics.close()
  })

  async function watched(options: CheckoutOptions & { apart?: boolean } = {}) {
    const metrics = createMetrics({ maxAgeMs: 0 })
    open.push(metrics)
    return { metrics, engine: await store.open({ ...options, metrics }) }
  }

  test('count a paid order once, even if its checkout is processed again', async () => {
    const { metrics, engine } = await watched()
    const sku = await store.article()
    const { lockId, cartId, sessionId } = await store.begin({ [sku]: 1 }, { engine })
    await engine.startCheckout(cartId, { sessionId })
    const pay = () => engine.processCheckout(lockId, { method: 'card', token: 'tok_approve' })
    const [first, second] = await Promise.all([pay(), pay()])
    await pay()
    await engine.resumeCheckout(lockId)
    await engine.cancelCheckout(lockId)
    await engine.recover()
    await engine.refundOrder(requireOrder(first).id)
    expect([first.status, second.status]).toEqual(['completed', 'completed'])
    expect(await counted(metrics, 'holdfast_checkouts_started_total')).toEqual({ '': 1 })
    expect(await counted(metrics, 'holdfast_checkouts_completed_total')).toEqual({ '{currency="USD"}': 1 })
    expect(await counted(metrics, 'holdfast_checkouts_failed_total')).toEqual({})
    expect(await counted(metrics, 'holdfast_checkout_duration_seconds_count')).toEqual({ '': 1 })
  })

  test('time each of the seven phases, which together take no longer than the checkout', async () => {
    const { metrics, engine } = await watched()
    const { lockId } = await store.begin({ [await store.article()]: 1 }, { engine })
    const startedAt = performance.now()
    await engine.processCheckout(lockId, { method: 'card', token: 'tok_approve' })
    const seconds = (performance.now() - startedAt) / 1000
    expect(await counted(metrics, 'holdfast_phase_duration_seconds_count')).toEqual({
      '{phase="cart_validation"}': 1,
      '{phase="inventory_reservation"}': 1,
      '{phase="price_lock"}': 1,
      '{phase="payment_authorization"}': 1,
      '{phase="order_creation"}': 1,
      '{phase="payment_capture"}': 1,
      '{phase="stock_commit"}': 1,
    })
    const sums = Object.values(await counted(metrics, 'holdfast_phase_duration_seconds_sum'))
    const together = sums.reduce((sum, one) => sum + one, 0)
    expect(together).toBeGreaterThan(0)
    expect(together).toBeLessThanOrEqual(seconds)
  })

  test('count failures by currency, phase and code', async () => {
    const { metrics, engine } = await watched()
    const scarce = await store.begin({ [await store.article({ stock: [1] })]: 1 }, { engine })
    await store.sql(`update holdfast.stock_levels set on_hand = 0, stocked = 0 where variant_id in (
      select variant_id from holdfast.cart_lines where cart_id = '${scarce.cartId}')`)
    await engine.processCheckout(scarce.lockId, { method: 'card', token: 'tok_approve' })
    const declined = await store.begin({ [await store.article()]: 1 }, { engine })
    await engine.processCheckout(declined.lockId, { method: 'card', token: 'tok_decline' })
    const cancelled = await store.begin({ [await store.article()]: 1 }, { engine })
    await engine.cancelCheckout(cancelled.lockId)
    await engine.cancelCheckout(cancelled.lockId)
    expect(await counted(metrics, 'holdfast_checkouts_failed_total')).toEqual({
      '{currency="none",phase="inventory_reservation",code="insufficient_stock"}': 1,
      '{currency="USD",phase="payment_authorization",code="payment_declined"}': 1,
      '{currency="none",phase="none",code="checkout_cancelled"}': 1,
    })
  })

  test('count an end in the process that wrote it: by recovery, by cleanup, or by a new checkout', async () => {
    const one = await watched({ apart: true })
    const other = await watched({ apart: true })
    const sku = await store.article()
    const swept = await store.begin({ [sku]: 1 }, { engine: one.engine })
    await store.expire(swept.lockId)
    await Promise.all([one.engine.cleanupExpiredLocks(), other.engine.cleanupExpiredLocks()])
    const replaced = await store.begin({ [sku]: 1 }, { engine: one.engine })
    await store.expire(replaced.lockId)
    await other.engine.startCheckout(replaced.cartId, { sessionId: replaced.sessionId })
    const expired = '{currency="none",phase="none",code="checkout_expired"}'
    const failed = await Promise.all(
      [one, other].map(({ metrics }) => counted(metrics, 'holdfast_checkouts_failed_total')),
    )
    expect((failed[0]?.[expired] ?? 0) + (failed[1]?.[expired] ?? 0)).toBe(2)
    expect(failed[1]?.[expired]).toBeGreaterThanOrEqual(1)
    expect(await counted(other.metrics, 'holdfast_checkouts_started_total')).toEqual({ '': 1 })
  })

  test('count a gateway call without an answer, and the lookup that found its outcome', async () => {
    const { metrics, engine } = await watched({ numbers: { gatewayTimeoutMs: 30 } })
    const { lockId } = await store.begin({ [await store.article()]: 1 }, { engine })
    await engine.processCheckout(lockId, { method: 'card', token: 'tok_timeout_after' })
    await store.drain(engine)
    const calls = await counted(metrics, 'holdfast_gateway_request_duration_seconds_count')
    expect(calls['{gateway="sandbox",kind="authorize",outcome="unknown"}']).toBeGreaterThanOrEqual(1)
    expect(calls['{gateway="sandbox",kind="lookup",outcome="succeeded"}']).toBeGreaterThanOrEqual(1)
    expect(calls['{gateway="sandbox",kind="capture",outcome="succeeded"}']).toBe(1)
  })

  test('count an order that recovery completes after a late confirmation', async () => {
    const { metrics, engine } = await watched({ numbers: { answerWithinMs: 0 } })
    const { lockId } = await store.begin({ [await store.article()]: 1 }, { engine })
    const outcome = await engine.processCheckout(lockId, { method: 'card', token: 'tok_pending' })
    expect(outcome.status).toBe('processing')
    expect(await counted(metrics, 'holdfast_checkouts_completed_total')).toEqual({})
    await store.drain(engine)
    expect(await counted(metrics, 'holdfast_checkouts_completed_total')).toEqual({ '{currency="USD"}': 1 })
  })

  test('observe a batch of checkouts once', async () => {
    const { metrics, engine } = await watched()
    const sku = await store.article()
    const begun = await Promise.all(Array.from({ length: 8 }, () => store.begin({ [sku]: 1 }, { engine })))
    await Promise.all(
      begun.map(({ lockId }) => engine.processCheckout(lockId, { method: 'card', token: 'tok_approve' })),
    )
    const sets = (await counted(metrics, 'holdfast_lane_batch_size_count'))['{lane="prepare"}'] ?? 0
    expect(sets).toBeGreaterThanOrEqual(1)
    expect(sets).toBeLessThan(8)
    expect((await counted(metrics, 'holdfast_lane_batch_size_sum'))['{lane="prepare"}']).toBe(8)
    expect((await counted(metrics, 'holdfast_lane_duration_seconds_count'))['{lane="prepare"}']).toBe(sets)
    expect((await counted(metrics, 'holdfast_phase_duration_seconds_count'))['{phase="price_lock"}']).toBe(8)
    expect((await read(metrics)).get('holdfast_lane_queue_length{lane="prepare"}')).toBe(0)
  })

  test('show active checkouts and their held stock, and remove them once they end', async () => {
    const { metrics, engine } = await watched({ config: { capture: 'later' } })
    const before = await read(metrics)
    const { lockId } = await store.begin({ [await store.article()]: 3 }, { engine })
    const pending = await store.begin({ [await store.article()]: 1 }, { engine })
    await engine.processCheckout(lockId, { method: 'card', token: 'tok_approve' })
    await store.expire(pending.lockId)
    const during = await read(metrics)
    const change = (name: string) => (during.get(name) ?? 0) - (before.get(name) ?? 0)
    expect(during.get('holdfast_database_up')).toBe(1)
    expect(change('holdfast_active_locks{state="awaiting_capture"}')).toBe(1)
    expect(change('holdfast_active_locks{state="pending"}')).toBe(1)
    expect(change('holdfast_expired_locks')).toBe(1)
    expect(change('holdfast_stock_held_units{state="held"}') + change('holdfast_stock_held_units{state="firm"}')).toBe(
      3,
    )
    await engine.captureCheckout(lockId)
    await engine.cleanupExpiredLocks()
    const after = await read(metrics)
    for (const name of ['holdfast_active_locks{state="awaiting_capture"}', 'holdfast_expired_locks']) {
      expect(after.get(name)).toBe(before.get(name))
    }
  })

  test('show per listener the delivered, due and parked deliveries', async () => {
    const healthy = { name: 'metrics-healthy', run: async () => {} }
    const broken = {
      name: 'metrics-broken',
      retriesMax: 0,
      run: async () => {
        throw new Error('no')
      },
    }
    const { metrics, engine } = await watched({ listeners: { CheckoutCompleted: [healthy, broken] } })
    const { lockId } = await store.begin({ [await store.article()]: 1 }, { engine })
    await engine.processCheckout(lockId, { method: 'card', token: 'tok_approve' })
    await store.sql(
      `update holdfast.deliveries set next_at = now() - interval '1 hour' where listener = 'metrics-healthy'`,
    )
    const waiting = await read(metrics)
    expect(waiting.get('holdfast_deliveries_due{listener="metrics-healthy"}')).toBe(1)
    expect(waiting.get('holdfast_delivery_lag_seconds{listener="metrics-healthy"}')).toBeGreaterThanOrEqual(3_600)
    expect(waiting.get('holdfast_deliveries_parked{listener="metrics-broken"}')).toBe(0)
    await engine.deliverer.runOnce()
    const after = await read(metrics)
    expect(after.get('holdfast_deliveries_due{listener="metrics-healthy"}')).toBe(0)
    expect(after.get('holdfast_delivery_lag_seconds{listener="metrics-healthy"}')).toBe(0)
    expect(after.get('holdfast_deliveries_parked{listener="metrics-broken"}')).toBe(1)
    expect(await counted(metrics, 'holdfast_deliveries_total')).toEqual({
      '{listener="metrics-healthy",outcome="delivered"}': 1,
      '{listener="metrics-broken",outcome="parked"}': 1,
    })
  })

  test('share the host’s register, and leave its other metrics unchanged', async () => {
    const register = new Registry()
    const metrics = createMetrics({ register })
    const engine = await store.open({ metrics })
    const { lockId } = await store.begin({ [await store.article()]: 1 }, { engine })
    await engine.processCheckout(lockId, { method: 'card', token: 'tok_approve' })
    const text = await register.metrics()
    expect(text).toContain('holdfast_checkouts_completed_total{currency="USD"} 1')
    expect(text).toContain('holdfast_database_up 1')
    expect(text).not.toContain('process_cpu')
    metrics.close()
    expect(await register.metrics()).toBe('\n')
  })

  test('cannot be used by two engines at a time', async () => {
    const metrics = createMetrics()
    const engine = await store.open({ metrics })
    await expect(store.open({ metrics })).rejects.toThrow(/already belong to another engine/)
    await engine.close()
    await expect(store.open({ metrics })).resolves.toBeDefined()
  })

  test('have only labels with a small set of values, and none about a buyer', async () => {
    const { metrics, engine } = await watched()
    const { lockId, cartId, sessionId } = await store.begin({ [await store.article()]: 1 }, { engine })
    await engine.processCheckout(lockId, { method: 'card', token: 'tok_approve' })
    const { text } = await metrics.render()
    for (const secret of [lockId, cartId, sessionId, 'tok_approve', '@']) expect(text).not.toContain(secret)
    const uuids = /[0-9a-f]{8}-[0-9a-f]{4}/
    expect(text).not.toMatch(uuids)
  })
})
