/** A gateway can return anything. No answer blocks a checkout, or takes money without an order. */
import { expect, test } from 'vitest'
import type { GatewayAnswer, PaymentGateway } from '../../src/payments/gateway.ts'
import { describeStore, type TestStore } from '../support/test-store.ts'

/** The sandbox with some of its calls replaced. */
function gatewayWith(store: TestStore, change: Partial<PaymentGateway>): PaymentGateway {
  return { ...store.gateway, ...change }
}

async function processed(store: TestStore, gateway: PaymentGateway, token = 'tok_approve') {
  const sku = await store.article()
  const engine = await store.open({ gateway })
  const begun = await store.begin({ [sku]: 1 })
  const outcome = await engine.processCheckout(begun.lockId, { token }).catch((error: unknown) => error)
  if (!['completed', 'failed'].includes((await store.facts(begun.lockId)).state)) {
    await store.wake(begun.lockId)
    await engine.recover()
  }
  return { ...begun, sku, engine, outcome }
}

describeStore(
  'A malformed gateway answer',
  store => {
    test.each([
      ['a null character', 'taken\0'],
      ['half a character', 'taken \ud83d'],
    ])('%s in the details of a capture does not prevent the order', async (_, note) => {
      const details = { note, [note]: [note] }
      const { lockId } = await processed(
        store,
        gatewayWith(store, {
          capture: async request => ({ ...(await store.gateway.capture(request)), details }) as GatewayAnswer,
          lookup: async request => ({ ...(await store.gateway.lookup(request)), details }) as GatewayAnswer,
        }),
      )
      expect(await store.facts(lockId)).toMatchObject({ state: 'completed', order: 'paid', charged: 1_500 })
    })

    test('a decline with an unpaired surrogate in its text is a decline', async () => {
      const { lockId } = await processed(
        store,
        gatewayWith(store, {
          authorize: async () => ({ outcome: 'declined', code: 'no\ud83d', message: 'No \0 money \ud83d' }),
        }),
      )
      expect(await store.facts(lockId)).toMatchObject({ state: 'failed', code: 'payment_declined' })
    })

    test('a decline without a code and message is a decline', async () => {
      const { lockId } = await processed(
        store,
        gatewayWith(store, { authorize: async () => ({ outcome: 'declined' }) as GatewayAnswer }),
      )
      expect(await store.facts(lockId)).toMatchObject({ state: 'failed', code: 'payment_declined' })
    })

    test('details of a capture that JSON cannot express are dropped', async () => {
      const details = { id: 1n } as unknown as Record<string, unknown>
      const { outcome, lockId } = await processed(
        store,
        gatewayWith(store, {
          capture: async request => ({ ...(await store.gateway.capture(request)), details }) as GatewayAnswer,
        }),
      )
      expect(outcome).toMatchObject({ status: 'completed' })
      expect(await store.facts(lockId)).toMatchObject({ state: 'completed', charged: 1_500 })
    })

    const circular: Record<string, unknown> = {}
    circular.self = circular
    test.each([
      ['nothing', undefined],
      ['null', null],
      ['a text', 'OK'],
      ['an unknown outcome name', { outcome: 'approved' }],
      ['a success without an amount', { outcome: 'succeeded', reference: 'x' }],
      ['a success without a reference', { outcome: 'succeeded', amountMinor: 1_500, currency: 'USD' }],
      ['an action without a URL', { outcome: 'action_required', reference: 'x' }],
      ['a circular object', { outcome: 'unknown', message: 'x', details: circular }],
      ['a bigint', { outcome: 'unknown', message: 'x', details: { id: 1n } }],
    ])('%s as an answer is an unknown outcome: the call is repeated, and the buyer pays once', async (_, answer) => {
      let left = 2
      const { lockId } = await processed(
        store,
        gatewayWith(store, {
          authorize: async request =>
            left-- > 0 ? (answer as unknown as GatewayAnswer) : store.gateway.authorize(request),
        }),
      )
      await store.drain()
      expect(await store.facts(lockId)).toMatchObject({ state: 'completed', charged: 1_500 })
    })

    test('a call that throws synchronously is an unknown outcome', async () => {
      let left = 3
      const { lockId } = await processed(
        store,
        gatewayWith(store, {
          capture(request) {
            if (left-- > 0) throw new TypeError('not a function')
            return store.gateway.capture(request)
          },
        }),
      )
      await store.drain()
      expect(await store.facts(lockId)).toMatchObject({ state: 'completed', charged: 1_500 })
    })

    test.each([1_500.5, Number.NaN, Number.POSITIVE_INFINITY, -5, 1e18, undefined])(
      'a pause of %s ms is replaced by one between 100 ms and an hour',
      async pauseMs => {
        const { lockId, outcome } = await processed(
          store,
          gatewayWith(store, {
            capture: async () => ({ outcome: 'not_executed', message: 'busy', retryAfterMs: pauseMs as number }),
          }),
        )
        expect(outcome).toMatchObject({ status: 'processing' })
        const [row] = await store.sql<{ pauses: boolean }>(
          `select wake_at between now() and now() + interval '1 day' as pauses from holdfast.checkouts where id = $1`,
          [lockId],
        )
        expect(row).toEqual({ pauses: true })
        await store.drain()
        expect(await store.facts(lockId)).toMatchObject({ state: 'completed', charged: 1_500 })
      },
    )

    test('an invalid end of an authorization is ignored', async () => {
      const { lockId, outcome } = await processed(
        store,
        gatewayWith(store, {
          authorize: async request =>
            ({ ...(await store.gateway.authorize(request)), validUntil: 'next week' }) as GatewayAnswer,
        }),
      )
      expect(outcome).toMatchObject({ status: 'completed' })
      expect(await store.facts(lockId)).toMatchObject({ state: 'completed', charged: 1_500 })
    })

    test.each(['a\0b', 'half \ud83d'])('a webhook that contains %j is stored and processed', async text => {
      const { lockId } = await store.begin({ [await store.article()]: 1 })
      await store.engine.processCheckout(lockId, { token: 'tok_action_required' })
      await store.gateway.approve(`sbx_${lockId}:authorize:1`)
      const payload = { note: text, [text]: [text] }
      const engine = await store.open({
        gateway: gatewayWith(store, {
          verifyWebhook: async () => ({
            id: text.length.toString(),
            type: 't',
            checkoutId: lockId,
            reference: null,
            payload,
          }),
        }),
      })
      expect(await engine.receiveWebhook('sandbox', new Headers(), '')).toBe(true)
      await engine.recover()
      expect(await store.facts(lockId)).toMatchObject({ state: 'completed', charged: 1_500 })
    })
  },
  ['postgres'],
)
