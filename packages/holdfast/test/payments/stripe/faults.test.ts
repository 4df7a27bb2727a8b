/**
 * Every fault of a gateway, at every request that moves money through Stripe: one paid order or everything undone,
 * nothing charged twice, nothing left open.
 */
import Stripe from 'stripe'
import { beforeAll, describe, expect, test } from 'vitest'
import type { StripeFault, WebhookFault } from '../../../../stripe-simulator/src/faults/faults.ts'
import type { CheckoutEngine } from '../../../src/engine/checkout-engine.ts'
import { describeStripe, type Ending, type Paying, paid, type StripeShop, undone } from './fixture.ts'

const token = 'pm_card_visa'
const returnUrl = 'http://shop.test/checkout?returned=1'

/** Faults that pass, as they are planned for one request. */
const passing: Readonly<Record<string, { fault: StripeFault; times?: number }>> = {
  'a refused connection': { fault: { kind: 'refuse_connection' }, times: 3 },
  'lost on the way there': { fault: { kind: 'lose_request' }, times: 3 },
  'lost on the way there, in silence': { fault: { kind: 'lose_request', loss: 'silence' } },
  'lost on the way back': { fault: { kind: 'lose_answer' }, times: 3 },
  'lost on the way back, in silence': { fault: { kind: 'lose_answer', loss: 'silence' } },
  'applied a minute later': { fault: { kind: 'apply_late', ms: 60_000 } },
  'applied an hour later': { fault: { kind: 'apply_late', ms: 3_600_000 } },
  '500 without effect': { fault: { kind: 'server_error', effect: false } },
  '500 after its effect': { fault: { kind: 'server_error', effect: true } },
  '503 without effect, twice': { fault: { kind: 'server_error', effect: false, status: 503 }, times: 2 },
  '409 in flight': { fault: { kind: 'key_in_use' }, times: 3 },
  '429 too many': { fault: { kind: 'rate_limit' }, times: 3 },
  '429 too many, with a pause': { fault: { kind: 'rate_limit', retryAfterSeconds: 30 } },
  '429 changed by another': { fault: { kind: 'lock_timeout' }, times: 3 },
  'lost 50 times': { fault: { kind: 'lose_request' }, times: 50 },
  'failing 50 times': { fault: { kind: 'server_error', effect: false }, times: 50 },
}

interface Journey {
  /** The request that something happens to. */
  on: 'create' | 'confirm' | 'capture' | 'cancel' | 'refund'
  /** Up to the request. */
  arrange(shop: StripeShop, engine: CheckoutEngine): Promise<Paying>
  /** Makes it. */
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
  'A fault at Stripe that passes',
  shop => {
    let engine: CheckoutEngine
    beforeAll(async () => {
      engine = await shop.open({ stripe: { timeoutMs: 400 }, numbers: { gatewayTimeoutMs: 1_500 } })
    })

    async function settled(begun: Paying, { moved }: Journey) {
      const { authorizations, captures, refunds } = shop.books(begun.lockId)
      const { intents, ...ending } = await shop.ending(begun.lockId)
      // Beside the one that counts there may be empty ones, which nobody can confirm.
      const counted = intents.filter(status => status !== 'requires_payment_method')
      return { ...ending, intents: counted, moved: moved && { authorizations, captures, refunds } }
    }

    test.each(Object.keys(journeys))('at %s changes nothing of its end', async name => {
      const journey = journeys[name] as Journey
      const titles = Object.keys(passing)
      const begun = await Promise.all(titles.map(() => journey.arrange(shop, engine)))
      titles.forEach((title, index) => {
        shop.simulator.planFault({
          ...(passing[title] as { fault: StripeFault }),
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
      expect(fired.length).toBe(new Set(Object.values(passing).map(({ fault }) => fault.kind)).size)
    })

    test.each(Object.keys(journeys))('at %s, whose key is forgotten then, changes nothing of its end', async name => {
      const journey = journeys[name] as Journey
      const begun = await journey.arrange(shop, engine)
      shop.simulator.planFault({ fault: { kind: 'lose_answer' }, on: journey.on, times: 2 })
      await journey.act(engine, begun)
      shop.simulator.forgetKeys()
      await shop.drain()
      expect(await settled(begun, journey)).toMatchObject({ ...journey.end, moved: journey.moved })
    })

    test.each(Object.keys(journeys))('at %s, which no look-up finds, changes nothing of its end', async name => {
      const journey = journeys[name] as Journey
      const begun = await journey.arrange(shop, engine)
      shop.simulator.planFault({ fault: { kind: 'lose_answer' }, on: journey.on })
      const act = journey.act(engine, begun)
      shop.simulator.planFault({ fault: { kind: 'not_found' }, on: 'list', times: 3 })
      if (journey.on !== 'create') shop.simulator.planFault({ fault: { kind: 'not_found' }, on: 'retrieve', times: 3 })
      await act
      await shop.drain()
      expect(await settled(begun, journey)).toMatchObject({ ...journey.end, moved: journey.moved })
    })

    test.each(Object.keys(journeys))('at %s, of which webhooks tell before the answer, changes nothing', async name => {
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
    })
  },
  ['postgres'],
)

describeStripe(
  'What Stripe refuses for good',
  shop => {
    async function refused(on: Journey['on'], fault: StripeFault) {
      const begun = await shop.begin()
      shop.simulator.planFault({ fault, on, checkoutId: begun.lockId })
      await shop.engine.processCheckout(begun.lockId, { token })
      await shop.drain()
      expect(await shop.store.stock(begun.sku)).toEqual({ onHand: 100, reserved: 0 })
      return shop.ending(begun.lockId)
    }

    test('at the creation of a payment undoes the checkout', async () => {
      expect(await refused('create', { kind: 'refuse', code: 'parameter_invalid_integer' })).toMatchObject({
        ...undone,
        code: 'payment_declined',
        reason: 'parameter_invalid_integer',
        intents: [],
      })
    })

    test('at its confirmation undoes the checkout and ends the payment', async () => {
      const fault = { kind: 'refuse', type: 'card_error', code: 'card_declined', declineCode: 'do_not_honor' } as const
      expect(await refused('confirm', fault)).toMatchObject({
        ...undone,
        reason: 'do_not_honor',
        intents: ['canceled'],
      })
    })

    test('at its capture, for the authorization has ended, undoes the order', async () => {
      expect(await refused('capture', { kind: 'refuse' })).toMatchObject({
        ...undone,
        code: 'authorization_ended',
        order: 'cancelled',
        intents: ['canceled'],
      })
    })

    test('at its capture, for the bank says no, undoes the order', async () => {
      const fault = { kind: 'refuse', type: 'card_error', code: 'card_declined' } as const
      expect(await refused('capture', fault)).toMatchObject({ ...undone, code: 'capture_refused', order: 'cancelled' })
    })

    test.each<[string, StripeFault]>([
      ['another amount', { kind: 'other_amount' }],
      ['another currency', { kind: 'other_currency', currency: 'eur' }],
    ])('is no reason to confirm a payment of %s than asked', async (_, fault) => {
      const ending = await refused('create', fault)
      expect(ending).toMatchObject({ ...undone, code: 'payment_declined', reason: 'wrong_payment' })
      expect(ending.intents).toEqual(['requires_payment_method'])
    })

    test('is asked for anew where it was the refund of a checkout that is undone', async () => {
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
  'Another amount than asked',
  shop => {
    /** Stripe puts it right: from now on its answers say what was asked for. */
    async function putRight(lockId: string) {
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

    test('that was captured keeps the order waiting, its stock firm, until it is put right', async () => {
      const { lockId } = await shop.begin()
      shop.simulator.planFault({ fault: { kind: 'other_amount' }, on: 'capture' })
      expect(await shop.engine.processCheckout(lockId, { token })).toMatchObject({ status: 'processing' })
      await shop.pass(60_000)
      expect(await shop.ending(lockId)).toMatchObject({ state: 'capturing', order: 'pending', holds: ['firm'] })
      await putRight(lockId)
      expect(await shop.ending(lockId)).toMatchObject(paid)
    })

    test('that was refunded keeps the refund open, until it is put right', async () => {
      const { lockId, outcome } = await shop.pay({ token })
      if (outcome.status !== 'completed') throw new Error(outcome.status)
      shop.webhooks.to = null
      shop.simulator.planFault({ fault: { kind: 'other_amount' }, on: 'refund' })
      expect(await shop.engine.refundOrder(outcome.order.id)).toMatchObject({ status: 'processing' })
      expect(await shop.ending(lockId)).toMatchObject({ order: 'paid', charged: 1 })
      await putRight(lockId)
      expect(await shop.ending(lockId)).toMatchObject({ order: 'refunded' })
    })
  },
  ['postgres'],
)

describeStripe(
  'What was done meanwhile at Stripe',
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

    test('a capture by hand is the capture', async () => {
      const { lockId, ending } = await interrupted('capture', 'its capture', id =>
        shop.stripe.paymentIntents.capture(id),
      )
      expect(ending).toMatchObject({ ...paid, charged: 2_500 })
      expect(shop.books(lockId)).toMatchObject({ captures: 1, refunds: 0 })
    })

    test('the end of an authorization undoes the order', async () => {
      const { ending } = await interrupted('capture', 'its capture', id => shop.simulator.expireAuthorization(id))
      expect(ending).toMatchObject({ ...undone, code: 'authorization_ended', order: 'cancelled' })
    })

    test('a cancellation by hand before the capture undoes the order', async () => {
      const { ending } = await interrupted('capture', 'its capture', id => shop.stripe.paymentIntents.cancel(id))
      expect(ending).toMatchObject({ ...undone, code: 'capture_refused', order: 'cancelled' })
    })

    test('a cancellation by hand is the cancellation', async () => {
      const name = 'the cancellation of an authorization'
      const { ending } = await interrupted('cancel', name, id => shop.stripe.paymentIntents.cancel(id))
      expect(ending).toMatchObject({ ...undone, intents: ['canceled'] })
    })

    test('a capture by hand of what is being canceled is given back', async () => {
      const name = 'the cancellation of an authorization'
      const { lockId, ending } = await interrupted('cancel', name, id => shop.stripe.paymentIntents.capture(id))
      expect(ending).toMatchObject({ ...undone, order: 'cancelled', intents: ['succeeded'] })
      expect(shop.books(lockId)).toMatchObject({ capturedMinor: 2_500, refundedMinor: 2_500 })
    })

    test('a refund by hand of everything is the refund of everything', async () => {
      shop.webhooks.to = null
      const { lockId, ending } = await interrupted('refund', 'the refund of an order', id =>
        shop.stripe.refunds.create({ payment_intent: id }),
      )
      expect(ending).toMatchObject({ order: 'refunded', charged: 0 })
      expect(shop.books(lockId)).toMatchObject({ refunds: 1 })
    })

    test('another use of a key keeps a capture waiting, until Stripe forgets it', async () => {
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
  'An authorization that is never settled',
  shop => {
    let impatient: CheckoutEngine
    beforeAll(async () => {
      const numbers = { gatewayTimeoutMs: 1_000, authorizationTimeoutMs: 1 }
      impatient = await shop.open({ stripe: { timeoutMs: 200 }, numbers })
    })

    test.each<[string, Journey['on'], StripeFault]>([
      ['whose creation is lost', 'create', { kind: 'lose_request' }],
      ['whose creation fails', 'create', { kind: 'server_error', effect: false }],
      ['whose creation is applied late', 'create', { kind: 'apply_late', ms: 120_000 }],
      ['whose confirmation is lost', 'confirm', { kind: 'lose_request' }],
      ['whose confirmation fails', 'confirm', { kind: 'server_error', effect: false }],
      ['whose confirmation is applied late', 'confirm', { kind: 'apply_late', ms: 120_000 }],
    ])('%s is given up behind a cancellation, and nothing is ever charged', async (_, on, fault) => {
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
      'whose key %s was used for something else is given up, and nothing is charged',
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

    describe.each(faults.map(fault => [fault.kind, fault] as const))('that go wrong: %s', (_, fault) => {
      test('do not change how checkouts end', async () => {
        shop.simulator.planWebhookFault({ fault, rate: 1 })
        const waiting = await shop.pay({ token: 'pm_card_authenticationRequired', returnUrl })
        const failing = await shop.pay({ token: 'pm_card_authenticationRequired', returnUrl })
        const buying = await shop.pay({ token })
        const declined = await shop.pay({ token: 'pm_card_visa_chargeDeclined' })
        shop.simulator.authenticate(await shop.intentOf(waiting.lockId), 'complete')
        shop.simulator.authenticate(await shop.intentOf(failing.lockId), 'fail')
        await shop.pass(0)
        // The buyers come back, whatever Stripe told the shop.
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

    test('that nobody signed are stored by no engine', async () => {
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
