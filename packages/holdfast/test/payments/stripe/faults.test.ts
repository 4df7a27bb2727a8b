/**
 * Every kind of fault at every request that moves money through Stripe ends with one paid order or with everything
 * undone. Nothing is charged twice or left open.
 */
import Stripe from 'stripe'
import { beforeAll, describe, expect, test } from 'vitest'
import type { StripeFault, WebhookFault } from '../../../../stripe-simulator/src/faults/faults.ts'
import type { CheckoutEngine } from '../../../src/engine/checkout-engine.ts'
import { describeStripe, type Ending, type Paying, paid, type StripeShop, undone } from './fixture.ts'

const token = 'pm_card_visa'
const returnUrl = 'http://shop.test/checkout?returned=1'

/** Temporary faults, planned for one request each. */
const temporaryFaults: Readonly<Record<string, { fault: StripeFault; times?: number }>> = {
  'a refused connection': { fault: { kind: 'refuse_connection' }, times: 3 },
  'request lost': { fault: { kind: 'lose_request' }, times: 3 },
  'request lost, without an error': { fault: { kind: 'lose_request', loss: 'silence' } },
  'answer lost': { fault: { kind: 'lose_answer' }, times: 3 },
  'answer lost, without an error': { fault: { kind: 'lose_answer', loss: 'silence' } },
  'applied a minute later': { fault: { kind: 'apply_late', ms: 60_000 } },
  'applied an hour later': { fault: { kind: 'apply_late', ms: 3_600_000 } },
  '500 without effect': { fault: { kind: 'server_error', effect: false } },
  '500 after its effect': { fault: { kind: 'server_error', effect: true } },
  '503 without effect, twice': { fault: { kind: 'server_error', effect: false, status: 503 }, times: 2 },
  '409 key in use': { fault: { kind: 'key_in_use' }, times: 3 },
  '429 rate limit': { fault: { kind: 'rate_limit' }, times: 3 },
  '429 rate limit with Retry-After': { fault: { kind: 'rate_limit', retryAfterSeconds: 30 } },
  '429 lock timeout': { fault: { kind: 'lock_timeout' }, times: 3 },
  'lost 50 times': { fault: { kind: 'lose_request' }, times: 50 },
  'failing 50 times': { fault: { kind: 'server_error', effect: false }, times: 50 },
}

interface Journey {
  /** The request that fails. */
  on: 'create' | 'confirm' | 'capture' | 'cancel' | 'refund'
  /** Everything before the request. */
  arrange(shop: StripeShop, engine: CheckoutEngine): Promise<Paying>
  /** Sends the request. */
  act(engine: CheckoutEngine, begun: Paying): Promise<unknown>
  end: Partial<Ending>
  moved: { authorizations: number; captures: number; refunds: number }
}

const pays = (engine: CheckoutEngine, { lockId }: Paying) => engine.processCheckout(lockId, { token })
const bought = { authorizations: 1, captures: 1, refunds: 0 }

async function orderId(engine: CheckoutEngine, { lockId }: Paying): Promise<string> {
  return (await engine.getCheckoutStatus(lockId))?.order?.id ?? ''
}

const journeys: Readonly<Record<string, Journey>> = {
  'the creation of a payment': {
    on: 'create',
    arrange: (shop, engine) => shop.begin({ engine }),
    act: pays,
    end: { ...paid, charged: 2_500 },
    moved: bought,
  },
  'its confirmation': {
    on: 'confirm',
    arrange: (shop, engine) => shop.begin({ engine }),
    act: pays,
    end: { ...paid, charged: 2_500, intents: ['succeeded'] },
    moved: bought,
  },
  'its capture': {
    on: 'capture',
    arrange: (shop, engine) => shop.begin({ engine }),
    act: pays,
    end: { ...paid, charged: 2_500, intents: ['succeeded'] },
    moved: bought,
  },
  'the cancellation of a payment that is declined': {
    on: 'cancel',
    arrange: (shop, engine) => shop.begin({ engine }),
    act: (engine, { lockId }) => engine.processCheckout(lockId, { token: 'pm_card_visa_chargeDeclined' }),
    end: { ...undone, code: 'payment_declined', reason: 'generic_decline', intents: ['canceled'] },
    moved: { authorizations: 0, captures: 0, refunds: 0 },
  },
  'the cancellation of a payment that waits for its buyer': {
    on: 'cancel',
    arrange: (shop, engine) => shop.pay({ token: 'pm_card_authenticationRequired', returnUrl }, { engine }),
    act: (engine, { lockId }) => engine.cancelCheckout(lockId),
    end: { ...undone, code: 'checkout_cancelled', intents: ['canceled'] },
    moved: { authorizations: 0, captures: 0, refunds: 0 },
  },
  'the cancellation of an authorization': {
    on: 'cancel',
    arrange: (shop, engine) => shop.pay({ token, captureLater: true }, { engine }),
    act: (engine, { lockId }) => engine.cancelCheckout(lockId),
    end: { ...undone, code: 'checkout_cancelled', order: 'cancelled', intents: ['canceled'] },
    moved: { authorizations: 1, captures: 0, refunds: 0 },
  },
  'the refund of an order': {
    on: 'refund',
    arrange: (shop, engine) => shop.pay({ token }, { engine }),
    act: async (engine, begun) => engine.refundOrder(await orderId(engine, begun)),
    end: { ...paid, order: 'refunded', charged: 0, intents: ['succeeded'] },
    moved: { ...bought, refunds: 1 },
  },
  'the refund of a part of an order': {
    on: 'refund',
    arrange: (shop, engine) => shop.pay({ token }, { engine }),
    act: async (engine, begun) => engine.refundOrder(await orderId(engine, begun), { amountMinor: 900 }),
    end: { ...paid, order: 'partially_refunded', charged: 1_600, intents: ['succeeded'] },
    moved: { ...bought, refunds: 1 },
  },
}

describeStripe(
  'A temporary fault at Stripe',
  shop => {
    let engine: CheckoutEngine
    beforeAll(async () => {
      engine = await shop.open({ stripe: { timeoutMs: 400 }, numbers: { gatewayTimeoutMs: 1_500 } })
    })

    async function settled(begun: Paying, { moved }: Journey) {
      const { authorizations, captures, refunds } = shop.books(begun.lockId)
      const { intents, ...ending } = await shop.ending(begun.lockId)
      // There may be additional empty intents, which nobody can confirm.
      const counted = intents.filter(status => status !== 'requires_payment_method')
      return { ...ending, intents: counted, moved: moved && { authorizations, captures, refunds } }
    }

    test.each(Object.keys(journeys))('a fault at %s does not change the result', async name => {
      const journey = journeys[name] as Journey
      const titles = Object.keys(temporaryFaults)
      const begun = await Promise.all(titles.map(() => journey.arrange(shop, engine)))
      titles.forEach((title, index) => {
        shop.simulator.planFault({
          ...(temporaryFaults[title] as { fault: StripeFault }),
          on: journey.on,
          checkoutId: begun[index]?.lockId ?? '',
        })
      })
      await Promise.all(begun.map(each => journey.act(engine, each)))
      await shop.drain()
      const found = await Promise.all(begun.map(each => settled(each, journey)))
      for (const [index, title] of titles.entries()) {
        expect(found[index], title).toMatchObject({ ...journey.end, moved: journey.moved })
      }
      const fired = Object.keys(shop.simulator.faultsFired()).filter(fault => fault.endsWith(` ${journey.on}`))
      expect(fired.length).toBe(new Set(Object.values(temporaryFaults).map(({ fault }) => fault.kind)).size)
    })

    test.each(Object.keys(journeys))(
      'a lost answer at %s whose key Stripe forgets does not change the result',
      async name => {
        const journey = journeys[name] as Journey
        const begun = await journey.arrange(shop, engine)
        shop.simulator.planFault({ fault: { kind: 'lose_answer' }, on: journey.on, times: 2 })
        await journey.act(engine, begun)
        shop.simulator.forgetKeys()
        await shop.drain()
        expect(await settled(begun, journey)).toMatchObject({ ...journey.end, moved: journey.moved })
      },
    )

    test.each(Object.keys(journeys))(
      'a lost answer at %s that no lookup finds does not change the result',
      async name => {
        const journey = journeys[name] as Journey
        const begun = await journey.arrange(shop, engine)
        shop.simulator.planFault({ fault: { kind: 'lose_answer' }, on: journey.on })
        const act = journey.act(engine, begun)
        shop.simulator.planFault({ fault: { kind: 'not_found' }, on: 'list', times: 3 })
        if (journey.on !== 'create')
          shop.simulator.planFault({ fault: { kind: 'not_found' }, on: 'retrieve', times: 3 })
        await act
        await shop.drain()
        expect(await settled(begun, journey)).toMatchObject({ ...journey.end, moved: journey.moved })
      },
    )

    test.each(Object.keys(journeys))(
      'a webhook that arrives before the answer at %s does not change the result',
      async name => {
        const journey = journeys[name] as Journey
        const early = await shop.open({
          stripe: {
            httpClient: Object.assign(Object.create(shop.httpClient), {
              async makeRequest(...call: Parameters<typeof shop.httpClient.makeRequest>) {
                const response = await shop.httpClient.makeRequest(...call)
                await shop.simulator.runDueJobs()
                return response
              },
            }) as typeof shop.httpClient,
          },
        })
        const begun = await journey.arrange(shop, early)
        await journey.act(early, begun)
        await shop.drain()
        expect(await settled(begun, journey)).toMatchObject({ ...journey.end, moved: journey.moved })
      },
    )
  },
  ['postgres'],
)

describeStripe(
  'A final refusal of Stripe',
  shop => {
    async function refused(on: Journey['on'], fault: StripeFault) {
      const begun = await shop.begin()
      shop.simulator.planFault({ fault, on, checkoutId: begun.lockId })
      await shop.engine.processCheckout(begun.lockId, { token })
      await shop.drain()
      expect(await shop.store.stock(begun.sku)).toEqual({ onHand: 100, reserved: 0 })
      return shop.ending(begun.lockId)
    }

    test('a refused creation undoes the checkout', async () => {
      expect(await refused('create', { kind: 'refuse', code: 'parameter_invalid_integer' })).toMatchObject({
        ...undone,
        code: 'payment_declined',
        reason: 'parameter_invalid_integer',
        intents: [],
      })
    })

    test('a refused confirmation undoes the checkout and cancels the payment', async () => {
      const fault = { kind: 'refuse', type: 'card_error', code: 'card_declined', declineCode: 'do_not_honor' } as const
      expect(await refused('confirm', fault)).toMatchObject({
        ...undone,
        reason: 'do_not_honor',
        intents: ['canceled'],
      })
    })

    test('a capture of an expired authorization undoes the order', async () => {
      expect(await refused('capture', { kind: 'refuse' })).toMatchObject({
        ...undone,
        code: 'authorization_ended',
        order: 'cancelled',
        intents: ['canceled'],
      })
    })

    test('a capture that the bank refuses undoes the order', async () => {
      const fault = { kind: 'refuse', type: 'card_error', code: 'card_declined' } as const
      expect(await refused('capture', fault)).toMatchObject({ ...undone, code: 'capture_refused', order: 'cancelled' })
    })

    test.each<[string, StripeFault]>([
      ['another amount', { kind: 'other_amount' }],
      ['another currency', { kind: 'other_currency', currency: 'eur' }],
    ])('a payment created with %s is not confirmed', async (_, fault) => {
      const ending = await refused('create', fault)
      expect(ending).toMatchObject({ ...undone, code: 'payment_declined', reason: 'wrong_payment' })
      expect(ending.intents).toEqual(['requires_payment_method'])
    })

    test('a refused refund of an undone checkout is sent again under a new key', async () => {
      const { lockId } = await shop.pay({ method: 'bank_transfer' })
      await shop.confirmInBrowser(lockId, {
        payment_method: 'pm_usBankAccount_success',
        'mandate_data[customer_acceptance][type]': 'offline',
      })
      shop.simulator.planFault({ fault: { kind: 'refuse', code: 'balance_insufficient' }, on: 'refund', times: 3 })
      await shop.store.expire(lockId)
      await shop.engine.recover()
      await shop.drain()
      expect(await shop.ending(lockId)).toMatchObject({ ...undone, code: 'checkout_expired', intents: ['succeeded'] })
      expect(shop.books(lockId)).toMatchObject({ capturedMinor: 2_500, refunds: 1, refundedMinor: 2_500 })
    })
  },
  ['postgres'],
)

describeStripe(
  'A different amount than requested',
  shop => {
    /** Corrects the amount in Stripe's answers. */
    async function correct(lockId: string) {
      shop.excused.add(lockId)
      const engine = await shop.open({
        stripe: {
          httpClient: Stripe.createFetchHttpClient(async (url, init) => {
            const response = await shop.simulator.handle(new Request(url as string, init))
            const text = (await response.text()).replaceAll(/":2499\b/g, '":2500')
            return new Response(text, { status: response.status, headers: response.headers })
          }),
        },
      })
      await shop.drain(engine)
    }

    test('a different captured amount keeps the order waiting with firm stock until it is corrected', async () => {
      const { lockId } = await shop.begin()
      shop.simulator.planFault({ fault: { kind: 'other_amount' }, on: 'capture' })
      expect(await shop.engine.processCheckout(lockId, { token })).toMatchObject({ status: 'processing' })
      await shop.pass(60_000)
      expect(await shop.ending(lockId)).toMatchObject({ state: 'capturing', order: 'pending', holds: ['firm'] })
      await correct(lockId)
      expect(await shop.ending(lockId)).toMatchObject(paid)
    })

    test('a different refunded amount keeps the refund open until it is corrected', async () => {
      const { lockId, outcome } = await shop.pay({ token })
      if (outcome.status !== 'completed') throw new Error(outcome.status)
      shop.webhooks.to = null
      shop.simulator.planFault({ fault: { kind: 'other_amount' }, on: 'refund' })
      expect(await shop.engine.refundOrder(outcome.order.id)).toMatchObject({ status: 'processing' })
      expect(await shop.ending(lockId)).toMatchObject({ order: 'paid', charged: 1 })
      await correct(lockId)
      expect(await shop.ending(lockId)).toMatchObject({ order: 'refunded' })
    })
  },
  ['postgres'],
)

describeStripe(
  'A change in Stripe’s dashboard',
  shop => {
    async function interrupted(on: Journey['on'], name: string, meanwhile: (intent: string) => unknown) {
      const journey = journeys[name] as Journey
      const begun = await journey.arrange(shop, shop.engine)
      shop.simulator.planFault({ fault: { kind: 'lose_request' }, on, times: 99 })
      await journey.act(shop.engine, begun)
      shop.simulator.clearFaults()
      await meanwhile(await shop.intentOf(begun.lockId))
      await shop.drain()
      return { ...begun, ending: await shop.ending(begun.lockId) }
    }

    test('a capture in the dashboard counts as the capture', async () => {
      const { lockId, ending } = await interrupted('capture', 'its capture', id =>
        shop.stripe.paymentIntents.capture(id),
      )
      expect(ending).toMatchObject({ ...paid, charged: 2_500 })
      expect(shop.books(lockId)).toMatchObject({ captures: 1, refunds: 0 })
    })

    test('an authorization that expires before its capture undoes the order', async () => {
      const { ending } = await interrupted('capture', 'its capture', id => shop.simulator.expireAuthorization(id))
      expect(ending).toMatchObject({ ...undone, code: 'authorization_ended', order: 'cancelled' })
    })

    test('a cancellation in the dashboard before the capture undoes the order', async () => {
      const { ending } = await interrupted('capture', 'its capture', id => shop.stripe.paymentIntents.cancel(id))
      expect(ending).toMatchObject({ ...undone, code: 'capture_refused', order: 'cancelled' })
    })

    test('a cancellation in the dashboard counts as the void', async () => {
      const name = 'the cancellation of an authorization'
      const { ending } = await interrupted('cancel', name, id => shop.stripe.paymentIntents.cancel(id))
      expect(ending).toMatchObject({ ...undone, intents: ['canceled'] })
    })

    test('a capture in the dashboard of a payment being voided is refunded', async () => {
      const name = 'the cancellation of an authorization'
      const { lockId, ending } = await interrupted('cancel', name, id => shop.stripe.paymentIntents.capture(id))
      expect(ending).toMatchObject({ ...undone, order: 'cancelled', intents: ['succeeded'] })
      expect(shop.books(lockId)).toMatchObject({ capturedMinor: 2_500, refundedMinor: 2_500 })
    })

    test('a full refund in the dashboard counts as the full refund', async () => {
      shop.webhooks.to = null
      const { lockId, ending } = await interrupted('refund', 'the refund of an order', id =>
        shop.stripe.refunds.create({ payment_intent: id }),
      )
      expect(ending).toMatchObject({ order: 'refunded', charged: 0 })
      expect(shop.books(lockId)).toMatchObject({ refunds: 1 })
    })

    test('a key that was used for something else delays a capture until Stripe forgets it', async () => {
      const { lockId } = await shop.begin()
      const other = await shop.stripe.paymentIntents.create({
        amount: 700,
        currency: 'usd',
        confirm: true,
        allowed_payment_method_types: ['card'],
        payment_method: token,
      })
      await shop.stripe.refunds.create({ payment_intent: other.id }, { idempotencyKey: `${lockId}:capture:1` })
      expect(await shop.engine.processCheckout(lockId, { token })).toMatchObject({ status: 'processing' })
      await shop.pass(60_000)
      expect(await shop.ending(lockId)).toMatchObject({ state: 'capturing', holds: ['firm'], open: 2_500 })
      await shop.pass(25 * 3_600_000)
      await shop.drain()
      expect(await shop.ending(lockId)).toMatchObject({ ...paid, charged: 2_500 })
    })
  },
  ['postgres'],
)

describeStripe(
  'An authorization that never gets a final answer',
  shop => {
    let impatient: CheckoutEngine
    beforeAll(async () => {
      const numbers = { gatewayTimeoutMs: 1_000, authorizationTimeoutMs: 1 }
      impatient = await shop.open({ stripe: { timeoutMs: 200 }, numbers })
    })

    test.each<[string, Journey['on'], StripeFault]>([
      ['an authorization whose creation is lost', 'create', { kind: 'lose_request' }],
      ['an authorization whose creation fails', 'create', { kind: 'server_error', effect: false }],
      ['an authorization whose creation is applied late', 'create', { kind: 'apply_late', ms: 120_000 }],
      ['an authorization whose confirmation is lost', 'confirm', { kind: 'lose_request' }],
      ['an authorization whose confirmation fails', 'confirm', { kind: 'server_error', effect: false }],
      ['an authorization whose confirmation is applied late', 'confirm', { kind: 'apply_late', ms: 120_000 }],
    ])('%s is given up after a cancel, and nothing is ever charged', async (_, on, fault) => {
      const begun = await shop.begin({ engine: impatient })
      shop.simulator.planFault({ fault, on, checkoutId: begun.lockId, times: 99 })
      expect(await impatient.processCheckout(begun.lockId, { token })).toMatchObject({ status: 'processing' })
      await shop.store.wake(begun.lockId)
      await impatient.recover()
      expect(await shop.ending(begun.lockId)).toMatchObject({ state: 'failed', code: 'payment_unsettled' })
      shop.simulator.clearFaults()
      await shop.pass(180_000)
      expect(await shop.ending(begun.lockId)).toMatchObject({ ...undone, code: 'payment_unsettled' })
      expect(shop.books(begun.lockId)).toMatchObject({ authorizations: 0 })
      expect(await shop.store.stock(begun.sku)).toEqual({ onHand: 100, reserved: 0 })
    })

    test.each(['authorize:1', 'authorize:1:confirm'])(
      'an authorization whose key %s was used for something else is given up, and nothing is charged',
      async key => {
        const { lockId } = await shop.begin({ engine: impatient })
        const parameters = { amount: 700, currency: 'usd' }
        await shop.stripe.paymentIntents.create(parameters, { idempotencyKey: `${lockId}:${key}` })
        expect(await impatient.processCheckout(lockId, { token })).toMatchObject({ status: 'processing' })
        await shop.store.wake(lockId)
        await impatient.recover()
        expect(await shop.ending(lockId)).toMatchObject({ ...undone, code: 'payment_unsettled' })
        expect(shop.books(lockId)).toMatchObject({ authorizations: 0, openMinor: 0 })
      },
    )
  },
  ['postgres'],
)

describeStripe(
  'Webhooks',
  shop => {
    const faults: readonly WebhookFault[] = [
      { kind: 'twice' },
      { kind: 'late', ms: 90_000 },
      { kind: 'out_of_order' },
      { kind: 'lose' },
      { kind: 'forge' },
    ]

    describe.each(faults.map(fault => [fault.kind, fault] as const))('delivered with the fault: %s', (_, fault) => {
      test('faulty webhooks do not change the result of checkouts', async () => {
        shop.simulator.planWebhookFault({ fault, rate: 1 })
        const waiting = await shop.pay({ token: 'pm_card_authenticationRequired', returnUrl })
        const failing = await shop.pay({ token: 'pm_card_authenticationRequired', returnUrl })
        const buying = await shop.pay({ token })
        const declined = await shop.pay({ token: 'pm_card_visa_chargeDeclined' })
        shop.simulator.authenticate(await shop.intentOf(waiting.lockId), 'complete')
        shop.simulator.authenticate(await shop.intentOf(failing.lockId), 'fail')
        await shop.pass(0)
        // The buyers return, whether or not a webhook arrived.
        await Promise.all([waiting, failing].map(({ lockId }) => shop.engine.resumeCheckout(lockId)))
        shop.simulator.clearFaults()
        await shop.pass(120_000)
        expect(await shop.ending(waiting.lockId)).toMatchObject({ ...paid, charged: 2_500 })
        expect(await shop.ending(failing.lockId)).toMatchObject({ ...undone, reason: 'authentication_failed' })
        expect(await shop.ending(buying.lockId)).toMatchObject({ ...paid, charged: 2_500 })
        expect(await shop.ending(declined.lockId)).toMatchObject({ ...undone, reason: 'generic_decline' })
        await shop.drain()
        const open = await shop.store.sql(`select event_id from holdfast.webhooks where handled_at is null`)
        expect(open).toEqual([])
      })
    })

    test('a webhook with a forged signature is not stored', async () => {
      shop.webhooks.to = null
      const { lockId } = await shop.pay({ token: 'pm_card_authenticationRequired', returnUrl })
      const event = {
        id: 'evt_forged',
        type: 'payment_intent.succeeded',
        data: { object: { metadata: { checkout_id: lockId } } },
      }
      const headers = new Headers({ 'stripe-signature': `t=${Math.floor(Date.now() / 1_000)},v1=${'0'.repeat(64)}` })
      expect(await shop.engine.receiveWebhook('stripe', headers, JSON.stringify(event))).toBe(false)
      expect(await shop.ending(lockId)).toMatchObject({ state: 'awaiting_action' })
      expect(await shop.store.sql(`select 1 from holdfast.webhooks where event_id = 'evt_forged'`)).toEqual([])
      await shop.engine.cancelCheckout(lockId)
    })
  },
  ['postgres'],
)
