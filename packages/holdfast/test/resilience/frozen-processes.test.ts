/** A process that is frozen past its lease and woken: another has finished meanwhile, and it changes nothing. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { paid } from '../support/store-facts.ts'
import { describeStore, type TestStore } from '../support/test-store.ts'
import type { Point } from './points.ts'
import { startWorker, type Worker } from './worker-process.ts'

const places: [string, Point][] = [
  ['in the transaction that prepares', 'before_commit:authorizing'],
  ['before it asks for the authorization', 'before_call:authorize'],
  ['after the authorization took effect', 'after_call:authorize'],
  ['in the transaction that places the order', 'before_commit:capturing'],
  ['before it asks for the capture', 'before_call:capture'],
  ['after the capture took effect', 'after_call:capture'],
  ['in the transaction that settles', 'before_commit:completed'],
]
const placesOfUndoing: [string, Point][] = [
  ['in the transaction that turns back', 'before_commit:rolling_back'],
  ['before it asks for the void', 'before_call:void'],
  ['after the void took effect', 'after_call:void'],
  ['in the transaction that lets go', 'before_commit:failed'],
]

/** All that is written of a checkout, here and at the gateway. */
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

    /** Freezes the worker at `point`, lets `meanwhile` happen without it, wakes it, and gives what it says then. */
    async function frozenAt(point: Point, lockId: string, token: string, meanwhile: () => Promise<unknown>) {
      const there = worker.stopAt(point)
      const told = worker.call('processCheckout', lockId, { token })
      await there
      await worker.freeze()
      await meanwhile()
      const before = await everything(store, lockId)
      worker.goOn()
      worker.thaw()
      const outcome = await told
      expect(await everything(store, lockId)).toEqual(before)
      return outcome
    }

    /** Its lease runs out (a transaction of its own is ended by the database first), and another takes over. */
    async function takeOver(lockId: string, token: string): Promise<void> {
      await store.sql(
        `update holdfast.checkouts set wake_at = now() - interval '1 second' where id = $1 and lease_owner is not null`,
        [lockId],
      )
      await store.engine.recover()
      await store.engine.processCheckout(lockId, { token })
    }

    test.each(places)('%s: another completes, and it changes nothing', async (_, point) => {
      const token = 'tok_approve'
      const sku = await store.article()
      const { lockId } = await store.begin({ [sku]: 2 })
      const outcome = await frozenAt(point, lockId, token, () => takeOver(lockId, token))
      expect(outcome).toMatchObject({ status: 'completed' })
      expect(await store.facts(lockId)).toEqual(paid(2_500))
      expect(await store.stock(sku)).toEqual({ onHand: 98, reserved: 0 })
    })

    test.each(placesOfUndoing)('%s: another undoes it, and it changes nothing', async (_, point) => {
      const token = 'tok_capture_decline'
      const sku = await store.article()
      const { lockId } = await store.begin({ [sku]: 2 })
      const outcome = await frozenAt(point, lockId, token, () => takeOver(lockId, token))
      expect(outcome).toMatchObject({ status: 'failed', failure: { code: 'capture_refused' } })
      expect(await store.facts(lockId)).toMatchObject({ state: 'failed', order: 'cancelled', payment: 'voided' })
      expect(await store.stock(sku)).toEqual({ onHand: 100, reserved: 0 })
    })

    test('before its authorization, given up meanwhile: the gateway refuses it when it comes at last', async () => {
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
