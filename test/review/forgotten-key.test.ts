/** A key that the gateway no longer remembers protects from nothing: what was asked with it is not asked again. */
import { expect, test } from 'vitest'
import type { PaymentGateway } from '../../src/payments/gateway.ts'
import { paid, undone } from '../../src/testing/store-facts.ts'
import { describeStore } from '../../src/testing/test-store.ts'

describeStore(
  'A gateway that forgets its keys after an hour',
  store => {
    test('is not asked for a payment again after two: it is given up behind a fencing void', async () => {
      let asked = 0
      const gateway: PaymentGateway = {
        ...store.gateway,
        keyMemoryMs: 3_600_000,
        lookup: async () => ({ outcome: 'not_found' }),
        async authorize(request) {
          asked += 1
          const idempotencyKey = asked === 1 ? request.idempotencyKey : `${request.idempotencyKey}:${asked}`
          return asked === 1
            ? { outcome: 'unknown', message: String((await store.gateway.authorize(request)).outcome) }
            : store.gateway.authorize({ ...request, idempotencyKey })
        },
      }
      const engine = await store.open({ gateway: { ...gateway, lookup: async () => lost } })
      const { lockId } = await store.begin({ [await store.article()]: 2 })
      expect(await engine.processCheckout(lockId, { token: 'tok_approve' })).toMatchObject({ status: 'processing' })
      await store.sql(
        `update holdfast.payment_operations set intended_at = now() - interval '2 hours' where checkout_id = $1`,
        [lockId],
      )
      await store.wake(lockId)
      await (await store.open({ gateway })).recover()
      expect(await store.violations()).toEqual([])
      expect(asked).toBe(1)
      expect(await store.facts(lockId)).toEqual(undone('payment_unsettled', 'payment_authorization'))
    })

    test('is asked for a capture again after two, for it captures a payment once whatever the key', async () => {
      const gateway: PaymentGateway = { ...store.gateway, keyMemoryMs: 3_600_000 }
      const deaf = await store.open({ gateway: { ...gateway, capture: async () => lost } })
      const { lockId } = await store.begin({ [await store.article()]: 2 })
      expect(await deaf.processCheckout(lockId, { token: 'tok_approve' })).toMatchObject({ status: 'processing' })
      await store.sql(
        `update holdfast.payment_operations set intended_at = now() - interval '2 hours' where checkout_id = $1`,
        [lockId],
      )
      await store.wake(lockId)
      await (await store.open({ gateway })).recover()
      expect(await store.facts(lockId)).toEqual(paid(2_500))
    })

    test('that says a capture was made already, and does not find it, is asked until it does', async () => {
      let isBlind = true
      const gateway: PaymentGateway = {
        ...store.gateway,
        keyMemoryMs: 3_600_000,
        lookup: async request => (isBlind ? { outcome: 'not_found' } : store.gateway.lookup(request)),
      }
      const deaf = await store.open({
        gateway: {
          ...gateway,
          async capture(request) {
            await store.gateway.capture(request)
            return lost
          },
          lookup: async () => lost,
        },
      })
      const { lockId } = await store.begin({ [await store.article()]: 2 })
      expect(await deaf.processCheckout(lockId, { token: 'tok_approve' })).toMatchObject({ status: 'processing' })
      await store.sql(
        `update holdfast.payment_operations set intended_at = now() - interval '2 hours' where checkout_id = $1`,
        [lockId],
      )
      // Its key is forgotten: to this gateway the repetition is a new request.
      const forgetful = await store.open({
        gateway: { ...gateway, capture: call => store.gateway.capture({ ...call, idempotencyKey: `${lockId}:new:1` }) },
      })
      await store.wake(lockId)
      await forgetful.recover()
      expect(await store.facts(lockId)).toMatchObject({ state: 'capturing', payment: 'captured' })
      isBlind = false
      await store.wake(lockId)
      await forgetful.recover()
      expect(await store.facts(lockId)).toEqual(paid(2_500))
      // What our forgetful stand-in asked the sandbox with is no key of ours.
      await store.sql('delete from holdfast_sandbox.requests where checkout_id = $1 and idempotency_key like $2', [
        lockId,
        '%:new:1',
      ])
    })
  },
  ['postgres'],
)

const lost = { outcome: 'unknown', message: 'The answer was lost.' } as const
