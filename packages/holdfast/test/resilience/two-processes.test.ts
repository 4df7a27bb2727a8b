/** Two operating system processes work on one checkout: a double click on two servers makes one order. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { paid } from '../support/store-facts.ts'
import { describeStore } from '../support/test-store.ts'
import { pointsOfAll } from './stop-points.ts'
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

    test('that start and pay it at once, twice each, get one lock, one order, and one answer', async () => {
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

    test.each(pointsOfAll)('get the same answer if the second call comes while the first is at %s', async point => {
      const [first, second] = workers
      const { lockId } = await store.begin({ [await store.article()]: 1 })
      const there = first.stopAt(point)
      const one = first.call('processCheckout', lockId, payment)
      await there
      const other = second.call('processCheckout', lockId, payment)
      // The call has begun once the process answers the next one.
      await second.call('getCheckoutStatus', lockId)
      first.proceed()
      expect(await other).toEqual(await one)
      expect(await store.facts(lockId)).toEqual(paid(1_500))
      expect(await requests(lockId)).toEqual(both)
    })
  },
  ['postgres'],
)
