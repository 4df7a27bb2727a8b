/** A process that is frozen past its lease changes nothing when it wakes up: another has finished its checkout. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { paid } from '../support/store-facts.ts'
import { describeStore, type TestStore } from '../support/test-store.ts'
import type { Point } from './stop-points.ts'
import { startWorker, type Worker } from './worker-process.ts'

const places: [string, Point][] = [
  ['in the transaction that prepares', 'before_commit:authorizing'],
  ['before it requests the authorization', 'before_call:authorize'],
  ['after the authorization took effect', 'after_call:authorize'],
  ['in the transaction that places the order', 'before_commit:capturing'],
  ['before it requests the capture', 'before_call:capture'],
  ['after the capture took effect', 'after_call:capture'],
  ['in the transaction that settles', 'before_commit:completed'],
]
const placesOfUndoing: [string, Point][] = [
  ['in the transaction that begins the rollback', 'before_commit:rolling_back'],
  ['before it requests the void', 'before_call:void'],
  ['after the void took effect', 'after_call:void'],
  ['in the transaction that ends the rollback', 'before_commit:failed'],
]

/** Every row about a checkout, in our tables and in the sandbox's. */
async function everything(store: TestStore, lockId: string): Promise<unknown> {
  const tables = ['transitions', 'payment_operations', 'orders', 'stock_reservations', 'events', 'price_snapshots']
  const texts = [
    `select to_jsonb(c) as row from holdfast.checkouts c where id = $1`,
    ...tables.map(name => `select to_jsonb(t) as row from holdfast.${name} t where checkout_id = $1 order by t::text`),
    `select to_jsonb(p) as row from holdfast_sandbox.payments p where checkout_id = $1`,
  ]
  return Promise.all(texts.map(text => store.sql(text, [lockId])))
}

describeStore(
  'A process frozen',
  store => {
    let worker: Worker
    beforeAll(async () => {
      worker = await startWorker(store, { idleTransactionMs: 200 })
    })
    afterAll(() => worker.kill())

    /** Freezes the worker at `point`, runs `meanwhile`, wakes the worker, and returns its answer. */
    async function frozenAt(point: Point, lockId: string, token: string, meanwhile: () => Promise<unknown>) {
      const there = worker.stopAt(point)
      const answer = worker.call('processCheckout', lockId, { token })
      await there
      await worker.freeze()
      await meanwhile()
      const before = await everything(store, lockId)
      worker.proceed()
      worker.thaw()
      const outcome = await answer
      expect(await everything(store, lockId)).toEqual(before)
      return outcome
    }

    /** Expires the worker's lease and takes its checkout over. The database ends an open transaction first. */
    async function takeOver(lockId: string, token: string): Promise<void> {
      await store.sql(
        `update holdfast.checkouts set wake_at = now() - interval '1 second' where id = $1 and lease_owner is not null`,
        [lockId],
      )
      await store.engine.recover()
      await store.engine.processCheckout(lockId, { token })
    }

    test.each(places)('%s changes nothing after another has completed its checkout', async (_, point) => {
      const token = 'tok_approve'
      const sku = await store.article()
      const { lockId } = await store.begin({ [sku]: 2 })
      const outcome = await frozenAt(point, lockId, token, () => takeOver(lockId, token))
      expect(outcome).toMatchObject({ status: 'completed' })
      expect(await store.facts(lockId)).toEqual(paid(2_500))
      expect(await store.stock(sku)).toEqual({ onHand: 98, reserved: 0 })
    })

    test.each(placesOfUndoing)('%s changes nothing after another has rolled its checkout back', async (_, point) => {
      const token = 'tok_capture_decline'
      const sku = await store.article()
      const { lockId } = await store.begin({ [sku]: 2 })
      const outcome = await frozenAt(point, lockId, token, () => takeOver(lockId, token))
      expect(outcome).toMatchObject({ status: 'failed', failure: { code: 'capture_refused' } })
      expect(await store.facts(lockId)).toMatchObject({ state: 'failed', order: 'cancelled', payment: 'voided' })
      expect(await store.stock(sku)).toEqual({ onHand: 100, reserved: 0 })
    })

    test('before its authorization: the gateway refuses the late request after a cancel', async () => {
      const { lockId } = await store.begin({ [await store.article()]: 1 })
      const outcome = await frozenAt('before_call:authorize', lockId, 'tok_approve', async () => {
        await store.engine.cancelCheckout(lockId)
      })
      expect(outcome).toMatchObject({ failure: { code: 'checkout_cancelled' } })
      expect(await store.facts(lockId)).toMatchObject({ state: 'failed', payment: 'voided', charged: 0 })
    })
  },
  ['postgres'],
)
