/** A key that the gateway has forgotten does not prevent a second effect, so such operations are not simply repeated. */
import { describe, expect, test } from 'vitest'
import { requireOrder } from '../../src/domain/outcome.ts'
import type { CaptureRequest, PaymentGateway, RefundRequest } from '../../src/payments/gateway.ts'
import { paid, undone } from '../support/store-facts.ts'
import { describeStore } from '../support/test-store.ts'

describeStore(
  'A gateway that forgets its keys after an hour',
  store => {
    test('an authorization is not repeated after its key is forgotten, but abandoned behind a fencing void', async () => {
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

    test('a capture is repeated after its key is forgotten, because a payment is captured only once', async () => {
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

    describe.each(['capture', 'refund'] as const)('that executed a %s before', kind => {
      test('a repetition that the gateway refuses is looked up until its first execution is found', async () => {
        let isBlind = true
        const gateway: PaymentGateway = {
          ...store.gateway,
          keyMemoryMs: 3_600_000,
          lookup: async request => (isBlind ? { outcome: 'not_found' } : store.gateway.lookup(request)),
        }
        const deaf: PaymentGateway = {
          ...gateway,
          async [kind](request: CaptureRequest & RefundRequest) {
            await store.gateway[kind](request)
            return lost
          },
          lookup: async request => (request.kind === kind ? lost : store.gateway.lookup(request)),
        }
        const { lockId } = await store.begin({ [await store.article()]: 2 })
        const doomed = await store.open({ gateway: deaf })
        const outcome = await doomed.processCheckout(lockId, { token: 'tok_approve' })
        if (kind === 'refund') {
          expect(await doomed.refundOrder(requireOrder(outcome).id)).toMatchObject({ status: 'processing' })
        }
        await forget(lockId, kind)
        const survivor = await store.open({ gateway })
        for (const found of ['unknown', 'unknown', 'succeeded']) {
          isBlind = found === 'unknown'
          await store.wake(lockId)
          await survivor.recover()
          const [operation] = await store.sql(
            `select answer->>'outcome' as outcome from holdfast.payment_operations where checkout_id = $1 and kind = $2`,
            [lockId, kind],
          )
          expect(operation).toEqual({ outcome: found })
        }
        const end = kind === 'capture' ? paid(2_500) : { order: 'refunded', charged: 0, state: 'completed' }
        expect(await store.facts(lockId)).toMatchObject(end)
        const attempts = await store.sql<{ count: number }>(
          'select count(*) as count from holdfast.payment_operations where checkout_id = $1 and kind = $2',
          [lockId, kind],
        )
        expect(attempts).toEqual([{ count: 1 }])
      })
    })

    /** Two hours pass, after which the gateway has forgotten the key. */
    async function forget(lockId: string, kind: string): Promise<void> {
      await store.sql(
        `update holdfast.payment_operations set intended_at = now() - interval '2 hours' where checkout_id = $1`,
        [lockId],
      )
      await store.sql('delete from holdfast_sandbox.requests where checkout_id = $1 and kind = $2', [lockId, kind])
    }
  },
  ['postgres'],
)

const lost = { outcome: 'unknown', message: 'The answer was lost.' } as const
