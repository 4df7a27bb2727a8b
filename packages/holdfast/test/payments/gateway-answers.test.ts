/** A gateway of an adopter's own may answer anything: nothing it says gets a checkout stuck, or kept without its order. */
import { expect, test } from 'vitest'
import type { GatewayAnswer, PaymentGateway } from '../../src/payments/gateway.ts'
import { describeStore, type TestStore } from '../support/test-store.ts'

/** The sandbox, with what it says of one kind of call put in other words. */
function saying(store: TestStore, change: Partial<PaymentGateway>): PaymentGateway {
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
  'A gateway that speaks strangely',
  store => {
    test.each([
      ['a null character', 'taken\0'],
      ['half a character', 'taken \ud83d'],
    ])('%s in the details of a capture does not keep the order from its buyer', async (_, note) => {
      const details = { note, [note]: [note] }
      const { lockId } = await processed(
        store,
        saying(store, {
          capture: async request => ({ ...(await store.gateway.capture(request)), details }) as GatewayAnswer,
          lookup: async request => ({ ...(await store.gateway.lookup(request)), details }) as GatewayAnswer,
        }),
      )
      expect(await store.facts(lockId)).toMatchObject({ state: 'completed', order: 'paid', charged: 1_500 })
    })

    test('a refusal in half a character is a refusal', async () => {
      const { lockId } = await processed(
        store,
        saying(store, {
          authorize: async () => ({ outcome: 'declined', code: 'no\ud83d', message: 'No \0 money \ud83d' }),
        }),
      )
      expect(await store.facts(lockId)).toMatchObject({ state: 'failed', code: 'payment_declined' })
    })

    test('a refusal without a reason is a refusal', async () => {
      const { lockId } = await processed(
        store,
        saying(store, { authorize: async () => ({ outcome: 'declined' }) as GatewayAnswer }),
      )
      expect(await store.facts(lockId)).toMatchObject({ state: 'failed', code: 'payment_declined' })
    })

    test('what cannot be written down beside a capture is left out', async () => {
      const details = { id: 1n } as unknown as Record<string, unknown>
      const { outcome, lockId } = await processed(
        store,
        saying(store, {
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
      ['another outcome', { outcome: 'approved' }],
      ['a success without an amount', { outcome: 'succeeded', reference: 'x' }],
      ['a success without a reference', { outcome: 'succeeded', amountMinor: 1_500, currency: 'USD' }],
      ['an action without an address', { outcome: 'action_required', reference: 'x' }],
      ['what cannot be written down', { outcome: 'unknown', message: 'x', details: circular }],
      ['a number beyond JSON', { outcome: 'unknown', message: 'x', details: { id: 1n } }],
    ])('%s for an answer is an unknown outcome: asked again, and paid once', async (_, answer) => {
      let left = 2
      const { lockId } = await processed(
        store,
        saying(store, {
          authorize: async request =>
            left-- > 0 ? (answer as unknown as GatewayAnswer) : store.gateway.authorize(request),
        }),
      )
      await store.drain()
      expect(await store.facts(lockId)).toMatchObject({ state: 'completed', charged: 1_500 })
    })

    test('a call that throws before it is one is an unknown outcome', async () => {
      let left = 3
      const { lockId } = await processed(
        store,
        saying(store, {
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
      'a pause of %s ms is taken as one that makes sense',
      async pauseMs => {
        const { lockId, outcome } = await processed(
          store,
          saying(store, {
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

    test('an end of the authorization that is no time is no end', async () => {
      const { lockId, outcome } = await processed(
        store,
        saying(store, {
          authorize: async request =>
            ({ ...(await store.gateway.authorize(request)), validUntil: 'next week' }) as GatewayAnswer,
        }),
      )
      expect(outcome).toMatchObject({ status: 'completed' })
      expect(await store.facts(lockId)).toMatchObject({ state: 'completed', charged: 1_500 })
    })

    test.each(['a\0b', 'half \ud83d'])('a webhook with %j in it is stored and heeded', async text => {
      const { lockId } = await store.begin({ [await store.article()]: 1 })
      await store.engine.processCheckout(lockId, { token: 'tok_action_required' })
      await store.gateway.approve(`sbx_${lockId}:authorize:1`)
      const payload = { note: text, [text]: [text] }
      const engine = await store.open({
        gateway: saying(store, {
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
