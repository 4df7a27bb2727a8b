/** Checkouts in progress at the old gateway after a shop changed its gateway: only the old gateway is called for them. */
import { expect, test } from 'vitest'
import type { PaymentGateway } from '../../src/payments/gateway.ts'
import { createSandboxGateway } from '../../src/payments/sandbox/sandbox.ts'
import { openTestDatabase } from '../support/test-database.ts'
import { describeStore } from '../support/test-store.ts'

describeStore(
  'A shop that changed its gateway',
  store => {
    test('a capture at the old gateway is never undone because of an answer from the new one', async () => {
      const elsewhere = await openTestDatabase('postgres')
      const sandbox = createSandboxGateway({ database: elsewhere.database })
      const next: PaymentGateway = { ...sandbox, name: 'next' }
      try {
        store.faults.with = ({ kind }) => (kind === 'capture' ? 'error_after' : null)
        const old = await store.open({
          gateway: { ...store.gateway, lookup: async () => ({ outcome: 'unknown', message: '' }) },
        })
        const { lockId } = await store.begin({ [await store.article()]: 1 })
        await old.processCheckout(lockId, { token: 'tok_approve' })
        expect(await store.facts(lockId)).toMatchObject({ state: 'capturing', charged: 1_500 })
        const engine = await store.open({ gateway: next })
        for (let pass = 0; pass < 4; pass += 1) {
          await store.wake(lockId)
          await engine.recover()
        }
        expect(await store.facts(lockId)).toMatchObject({ state: 'capturing', order: 'pending', charged: 1_500 })
        expect(await store.violations()).toEqual([])
        store.faults.with = null
        await store.drain()
        expect(await store.facts(lockId)).toMatchObject({ state: 'completed', order: 'paid', charged: 1_500 })
      } finally {
        await sandbox.close()
        await elsewhere.stop()
      }
    })

    test('an order paid at the old gateway is not refunded at the new one', async () => {
      const engine = await store.open({ gateway: { ...store.gateway, name: 'next' } })
      const { lockId } = await store.begin({ [await store.article()]: 1 })
      const outcome = await store.engine.processCheckout(lockId, { token: 'tok_approve' })
      if (outcome.status !== 'completed') throw new Error(outcome.status)
      await expect(engine.refundOrder(outcome.order.id)).rejects.toMatchObject({ code: 'not_refundable' })
      expect(await store.facts(lockId)).toMatchObject({ charged: 1_500, order: 'paid' })
    })
  },
  ['postgres'],
)
