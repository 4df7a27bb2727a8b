/** Listeners receive committed events and never affect a checkout. */
import { expect, test } from 'vitest'
import type { CheckoutEvent } from '../../src/domain/events.ts'
import { requireOrder } from '../../src/domain/outcome.ts'
import { describeStore } from '../support/test-store.ts'

describeStore('Listeners', store => {
  test('a completed checkout is delivered once, with its lock and order', async () => {
    const delivered: CheckoutEvent<'CheckoutCompleted'>[] = []
    const engine = await store.open({
      listeners: { CheckoutCompleted: [{ name: 'confirm', run: event => delivered.push(event) }] },
    })
    const { lockId } = await store.begin({ [await store.article()]: 1 })
    const order = requireOrder(await engine.processCheckout(lockId, { token: 'tok_approve' }))
    expect(delivered).toEqual([])
    await engine.deliverer.runOnce()
    expect(delivered).toMatchObject([
      { type: 'CheckoutCompleted', lock: { id: lockId, state: 'completed' }, order: { id: order.id } },
    ])
    expect(delivered[0]?.order).toEqual(order)
    expect(delivered[0]?.lock.completedAt).not.toBeNull()
    expect((await engine.deliverer.runOnce()).delivered).toBe(0)
  })

  test('a listener that throws does not affect the checkout and is retried', async () => {
    let tries = 0
    const engine = await store.open({
      listeners: {
        CheckoutStarted: [{ name: 'throws', run: () => Promise.reject(new Error('no')), retriesMax: 0 }],
        CheckoutCompleted: [
          {
            name: 'throws-once',
            run() {
              tries += 1
              if (tries === 1) throw new Error('not yet')
            },
          },
        ],
      },
    })
    const { lockId } = await store.begin({ [await store.article()]: 1 }, { engine })
    expect(await engine.processCheckout(lockId, { token: 'tok_approve' })).toMatchObject({ status: 'completed' })
    expect(await engine.deliverer.runOnce()).toEqual({ delivered: 0, failed: 1, parked: 1 })
    await store.sql('update holdfast.deliveries set next_at = now() where checkout_id = $1', [lockId])
    expect(await engine.deliverer.runOnce()).toEqual({ delivered: 1, failed: 0, parked: 0 })
    expect(tries).toBe(2)
    expect(await engine.deliverer.listParked()).toMatchObject([{ listener: 'throws' }])
  })

  test('a secret in the error of a listener is not stored', async () => {
    const key = 'sk_live_thisOpensTheTill0123456789'
    const refuses = { name: 'refuses', run: () => Promise.reject(new Error(`refused: ${key}`)), retriesMax: 0 }
    const engine = await store.open({ listeners: { CheckoutStarted: [refuses] } })
    await store.begin({ [await store.article()]: 1 }, { engine })
    expect(await engine.deliverer.runOnce()).toMatchObject({ parked: 1 })
    const written = await store.sql<{ last_error: string }>(
      `select last_error from holdfast.deliveries where listener = 'refuses'`,
    )
    expect(written).toEqual([{ last_error: expect.stringMatching(/^Error: refused: /) }])
    expect(JSON.stringify(written)).not.toContain(key)
  })

  test('failure, expiry, cancellation, and a required action are delivered, with the state at that time', async () => {
    const delivered: string[] = []
    const listener = (name: string) => ({
      name,
      run: (event: CheckoutEvent) => void delivered.push(`${event.type} ${event.lock.state}`),
    })
    const engine = await store.open({
      listeners: {
        CheckoutFailed: [listener('failed')],
        CheckoutExpired: [listener('expired')],
        CheckoutCancelled: [listener('cancelled')],
        PaymentActionRequired: [listener('action')],
      },
    })
    const deliver = async () => {
      await engine.deliverer.runOnce()
      return delivered.splice(0).sort()
    }
    const sku = await store.article()
    const declined = await store.begin({ [sku]: 1 }, { engine })
    await engine.processCheckout(declined.lockId, { token: 'tok_decline' })
    expect(await deliver()).toEqual(['CheckoutFailed failed'])
    const expired = await store.begin({ [sku]: 1 }, { engine })
    await store.expire(expired.lockId)
    await engine.recover()
    expect(await deliver()).toEqual(['CheckoutExpired failed', 'CheckoutFailed failed'])
    const cancelled = await store.begin({ [sku]: 1 }, { engine })
    await engine.processCheckout(cancelled.lockId, { token: 'tok_action_required' })
    expect(await deliver()).toEqual(['PaymentActionRequired awaiting_action'])
    await engine.cancelCheckout(cancelled.lockId)
    expect(await deliver()).toEqual(['CheckoutCancelled failed', 'CheckoutFailed failed'])
  })

  test('subscribers receive changes of other processes live', async () => {
    const watching = await store.open({ apart: true })
    const states = new Set<string>()
    const done = new Promise<void>(resolve => {
      watching.subscribe(change => {
        states.add(change.state)
        if (change.state === 'completed') resolve()
      })
    })
    if (store.kind === 'embedded') return
    await expect
      .poll(async () => (await store.sql(`select 1 from pg_stat_activity where query ilike 'listen%'`)).length)
      .toBeGreaterThan(0)
    const { lockId } = await store.begin({ [await store.article()]: 1 })
    await store.engine.processCheckout(lockId, { token: 'tok_approve' })
    await done
    expect(states).toContain('completed')
  })
})
