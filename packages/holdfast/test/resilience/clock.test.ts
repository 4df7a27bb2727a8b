/** Processes whose clocks are a day ahead or behind: nothing depends on them, because the database's clock decides. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type CheckoutFacts, paid } from '../support/store-facts.ts'
import { describeStore } from '../support/test-store.ts'
import { startWorker, type Worker } from './worker-process.ts'

const dayMs = 24 * 3_600_000
const payment = { token: 'tok_approve' }
type Name = 'ahead' | 'behind'

describeStore(
  'A process whose clock is a day',
  store => {
    const workers = {} as Record<Name, Worker>
    beforeAll(async () => {
      const listeners = ['both'] as const
      const [ahead, behind] = await Promise.all(
        [dayMs, -dayMs].map(dateShiftMs => startWorker(store, { dateShiftMs, listeners: [...listeners] })),
      )
      Object.assign(workers, { ahead, behind })
    })
    afterAll(() => Promise.all(Object.values(workers).map(worker => worker.kill())))

    /** Sorted events: their IDs come from processes with wrong clocks. A test of its own checks their order. */
    async function factsOf(lockId: string): Promise<CheckoutFacts> {
      const { events, ...facts } = await store.facts(lockId)
      return { ...facts, events: events.toSorted().toReversed() }
    }

    async function deliverAll(): Promise<void> {
      await workers.ahead.call('deliver')
      await workers.behind.call('deliver')
    }

    /** Recorded times of a checkout that differ from now by over ten minutes, except times in the future by design. */
    async function wrongTimes(lockId: string): Promise<unknown[]> {
      const tables = [
        'checkouts',
        'orders',
        'payment_operations',
        'transitions',
        'events',
        'deliveries',
        'price_snapshots',
      ]
      const rows = await Promise.all(
        tables.map(name =>
          store.sql(
            `select '${name}' as name, entry.key, entry.value
             from holdfast.${name} t cross join jsonb_each_text(to_jsonb(t)) as entry
             where ${name === 'checkouts' ? 'id' : 'checkout_id'} = $1 and entry.key like '%\\_at'
               and entry.key not in ('expires_at', 'wake_at', 'next_at')
               and abs(extract(epoch from now() - entry.value::timestamptz)) > 600`,
            [lockId],
          ),
        ),
      )
      return rows.flat()
    }

    test.each([
      ['ahead', 'behind'],
      ['behind', 'ahead'],
    ] as const)(
      '%s starts a checkout, one %s completes it: times and the order of events are right',
      async (first, second) => {
        const { cartId, sessionId } = await store.cart({ [await store.article()]: 1 })
        const { id } = await workers[first].call('startCheckout', cartId, { sessionId })
        expect(await workers[second].call('processCheckout', id, payment)).toMatchObject({ status: 'completed' })
        expect(await factsOf(id)).toEqual(paid(1_500))
        expect(await wrongTimes(id)).toEqual([])
        await deliverAll()
        await deliverAll()
        const delivered = await store.sql(
          'select type, state from holdfast.deliveries where checkout_id = $1 order by delivered_at',
          [id],
        )
        const state = 'delivered'
        expect(delivered).toEqual([
          { type: 'CheckoutStarted', state },
          { type: 'CheckoutCompleted', state },
        ])
      },
    )

    describe.each(['ahead', 'behind'] as const)('%s', name => {
      test('takes over a checkout once its lease has expired, not before', async () => {
        const other = workers[name === 'ahead' ? 'behind' : 'ahead']
        const { lockId } = await store.begin({ [await store.article()]: 1 })
        const there = other.stopAt('before_call:capture')
        const outcome = other.call('processCheckout', lockId, payment)
        await there
        expect(await workers[name].call('recover')).toBe(0)
        await store.wake(lockId)
        expect(await workers[name].call('recover')).toBe(1)
        expect(await factsOf(lockId)).toEqual(paid(1_500))
        other.proceed()
        expect(await outcome).toMatchObject({ status: 'completed' })
        expect(await factsOf(lockId)).toEqual(paid(1_500))
        await deliverAll()
      })

      test('expires a checkout on time', async () => {
        const sku = await store.article()
        const { lockId } = await store.begin({ [sku]: 1 })
        expect(await workers[name].call('recover')).toBe(0)
        expect(await workers[name].call('getCheckoutStatus', lockId)).toMatchObject({
          isExpired: false,
          canResume: true,
        })
        await workers[name].call('processCheckout', lockId, { token: 'tok_action_required' })
        expect(await workers[name].call('recover')).toBe(0)
        await store.expire(lockId)
        expect(await workers[name].call('getCheckoutStatus', lockId)).toMatchObject({ isExpired: true })
        expect(await workers[name].call('recover')).toBe(1)
        expect(await store.facts(lockId)).toMatchObject({ state: 'failed', code: 'checkout_expired' })
        expect(await store.stock(sku)).toEqual({ onHand: 100, reserved: 0 })
      })

      test('keeps an authorization that awaits its capture, and one that is still pending', async () => {
        const later = await store.begin({ [await store.article()]: 1 })
        await workers[name].call('processCheckout', later.lockId, { ...payment, captureLater: true })
        const open = await store.begin({ [await store.article()]: 1 })
        await workers[name].call('processCheckout', open.lockId, { token: 'tok_pending' })
        await store.wake(open.lockId)
        expect(await workers[name].call('recover')).toBe(1)
        expect(await store.facts(open.lockId)).toMatchObject({ state: 'authorizing' })
        expect(await store.facts(later.lockId)).toMatchObject({ state: 'awaiting_capture' })
        expect(await workers[name].call('captureCheckout', later.lockId)).toMatchObject({ status: 'completed' })
        await store.drain()
        expect(await factsOf(open.lockId)).toEqual(paid(1_500))
        await deliverAll()
      })
    })
  },
  ['postgres'],
)
