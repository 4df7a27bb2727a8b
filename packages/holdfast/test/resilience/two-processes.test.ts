/** Two processes of the operating system at one checkout: a double click over two servers is one order. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { paid } from '../support/store-facts.ts'
import { describeStore } from '../support/test-store.ts'
import { pointsOfAll } from './points.ts'
import { startWorker, type Worker } from './worker-process.ts'

const payment = { token: 'tok_approve' }

describeStore(
  'Two processes at one checkout',
  store => {
    let workers: [Worker, Worker]
    beforeAll(async () => {
      workers = await Promise.all([startWorker(store), startWorker(store)])
    })
    afterAll(() => Promise.all(workers.map(worker => worker.kill())))

    const requests = (lockId: string) =>
      store.sql('select kind from holdfast_sandbox.requests where checkout_id = $1 order by kind', [lockId])
    const both = [{ kind: 'authorize' }, { kind: 'capture' }]

    test('started and paid in both at once, twice each: one lock, one order, one answer', async () => {
      for (let round = 0; round < 6; round += 1) {
        const { cartId, sessionId } = await store.cart({ [await store.article()]: 1 })
        const twice = [...workers, ...workers]
        const locks = await Promise.all(twice.map(worker => worker.call('startCheckout', cartId, { sessionId })))
        const [lockId = ''] = new Set(locks.map(lock => lock.id))
        expect(new Set(locks.map(lock => lock.id)).size).toBe(1)
        const outcomes = await Promise.all(twice.map(worker => worker.call('processCheckout', lockId, payment)))
        for (const outcome of outcomes) expect(outcome).toEqual(outcomes[0])
        expect(outcomes[0]).toMatchObject({ status: 'completed' })
        expect(await store.facts(lockId)).toEqual(paid(1_500))
        expect(await requests(lockId)).toEqual(both)
      }
    })

    test.each(pointsOfAll)('the second click while the first stands %s: the same answer for both', async point => {
      const [first, second] = workers
      const { lockId } = await store.begin({ [await store.article()]: 1 })
      const there = first.stopAt(point)
      const one = first.call('processCheckout', lockId, payment)
      await there
      const other = second.call('processCheckout', lockId, payment)
      // It has begun once it answers what came behind.
      await second.call('getCheckoutStatus', lockId)
      first.goOn()
      expect(await other).toEqual(await one)
      expect(await store.facts(lockId)).toEqual(paid(1_500))
      expect(await requests(lockId)).toEqual(both)
    })
  },
  ['postgres'],
)
