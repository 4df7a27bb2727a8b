/** Processes whose clocks are a day ahead and a day behind: nothing depends on them, for time is the database's. */
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
      const listens = ['both'] as const
      const [ahead, behind] = await Promise.all(
        [dayMs, -dayMs].map(dateShiftMs => startWorker(store, { dateShiftMs, listens: [...listens] })),
      )
      Object.assign(workers, { ahead, behind })
    })
    afterAll(() => Promise.all(Object.values(workers).map(worker => worker.kill())))

    /** Ids are made by processes, so the ids of events are in no order here: their order is tested by itself. */
    async function factsOf(lockId: string): Promise<CheckoutFacts> {
      const { events, ...facts } = await store.facts(lockId)
      return { ...facts, events: events.toSorted().toReversed() }
    }

    async function deliverAll(): Promise<void> {
      await workers.ahead.call('deliver')
      await workers.behind.call('deliver')
    }

    /** The times that were written of a checkout, but those that are to come; in seconds from now. */
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
    ] as const)('%s starts, one %s completes: times and the order of events are right', async (first, second) => {
      const { cartId, sessionId } = await store.cart({ [await store.article()]: 1 })
      const { id } = await workers[first].call('startCheckout', cartId, { sessionId })
      expect(await workers[second].call('processCheckout', id, payment)).toMatchObject({ status: 'completed' })
      expect(await factsOf(id)).toEqual(paid(1_500))
      expect(await wrongTimes(id)).toEqual([])
      await deliverAll()
      await deliverAll()
      const told = await store.sql(
        'select type, state from holdfast.deliveries where checkout_id = $1 order by delivered_at',
        [id],
      )
      const state = 'delivered'
      expect(told).toEqual([
        { type: 'CheckoutStarted', state },
        { type: 'CheckoutCompleted', state },
      ])
    })

    describe.each(['ahead', 'behind'] as const)('%s', name => {
      test('takes nothing over while a lease runs, and everything once it is over', async () => {
        const other = workers[name === 'ahead' ? 'behind' : 'ahead']
        const { lockId } = await store.begin({ [await store.article()]: 1 })
        const there = other.stopAt('before_call:capture')
        const told = other.call('processCheckout', lockId, payment)
        await there
        expect(await workers[name].call('recover')).toBe(0)
        await store.wake(lockId)
        expect(await workers[name].call('recover')).toBe(1)
        expect(await factsOf(lockId)).toEqual(paid(1_500))
        other.goOn()
        expect(await told).toMatchObject({ status: 'completed' })
        expect(await factsOf(lockId)).toEqual(paid(1_500))
        await deliverAll()
      })

      test('expires nothing early and nothing late', async () => {
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

      test('gives no authorization up that waits for its capture, and none that is not settled yet', async () => {
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
