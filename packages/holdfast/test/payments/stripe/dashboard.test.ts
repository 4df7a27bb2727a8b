/** Changes in Stripe's dashboard, and other applications on the account, while a checkout is under way or undone. */
import Stripe from 'stripe'
import { expect, test } from 'vitest'
import { createStripeSimulator } from '../../../../stripe-simulator/src/create-simulator.ts'
import { describeStripe, keys, undone } from './fixture.ts'

const token = 'pm_card_visa'

describeStripe(
  'A payment of another application on the account',
  shop => {
    test('a payment with a foreign checkout id does not stop reconciliation', async () => {
      await shop.stripe.paymentIntents.create({ amount: 900, currency: 'usd', metadata: { checkout_id: 'order 17' } })
      const { lockId } = await shop.pay({ token })
      await shop.stripe.refunds.create({ payment_intent: await shop.intentOf(lockId), amount: 500 })
      const { differences } = await shop.engine.reconcile({ hours: 1 })
      expect(differences).toMatchObject([{ kind: 'refunded', checkoutId: lockId }])
      await shop.engine.reconcile({ hours: 1, record: true })
    })

    test('a payment in a currency outside ISO 4217 does not stop reconciliation', async () => {
      await shop.stripe.paymentIntents.create({ amount: 900, currency: 'std', metadata: {} })
      await expect(shop.engine.reconcile({ hours: 1 })).resolves.toMatchObject({})
    })
  },
  ['postgres'],
)

describeStripe(
  'A partial refund that never reached Stripe',
  shop => {
    test('a partial refund is declined after a full refund in the dashboard, which is recorded', async () => {
      const { lockId, outcome } = await shop.pay({ token })
      if (outcome.status !== 'completed') throw new Error(outcome.status)
      shop.simulator.planFault({ fault: { kind: 'lose_request' }, on: 'refund', times: 9 })
      expect(await shop.engine.refundOrder(outcome.order.id, { amountMinor: 700 })).toMatchObject({
        status: 'processing',
      })
      shop.simulator.clearFaults()
      await shop.stripe.refunds.create({ payment_intent: await shop.intentOf(lockId) })
      await shop.drain()
      expect(await shop.ending(lockId)).toMatchObject({ order: 'refunded', charged: 0 })
    })

    test('a partial refund of the rest is declined after a refund of the rest in the dashboard, which is recorded', async () => {
      const { lockId, outcome } = await shop.pay({ token })
      if (outcome.status !== 'completed') throw new Error(outcome.status)
      await shop.engine.refundOrder(outcome.order.id, { amountMinor: 700 })
      shop.simulator.planFault({ fault: { kind: 'lose_request' }, on: 'refund', times: 9 })
      await shop.engine.refundOrder(outcome.order.id, { amountMinor: 1_000 })
      shop.simulator.clearFaults()
      await shop.stripe.refunds.create({ payment_intent: await shop.intentOf(lockId) })
      await shop.drain()
      expect(await shop.ending(lockId)).toMatchObject({ order: 'refunded', charged: 0 })
    })

    test('a partial refund stays open while the key of another account does not find the payment', async () => {
      const { lockId, outcome } = await shop.pay({ token })
      if (outcome.status !== 'completed') throw new Error(outcome.status)
      shop.simulator.planFault({ fault: { kind: 'lose_answer' }, on: 'refund' })
      shop.simulator.planFault({ fault: { kind: 'lose_request' }, on: 'retrieve', times: 9 })
      const refund = await shop.engine.refundOrder(outcome.order.id, { amountMinor: 700 })
      expect(refund).toMatchObject({ status: 'processing' })
      shop.simulator.clearFaults()
      const another = createStripeSimulator({ secretKey: keys.secretKey })
      const httpClient = Stripe.createFetchHttpClient((url, init) => another.handle(new Request(url as string, init)))
      const astray = await shop.open({ stripe: { httpClient } })
      await shop.store.wake(lockId)
      await astray.recover()
      const statuses = await shop.store.sql(
        `select status from holdfast.payment_operations where checkout_id = $1 and kind = 'refund'`,
        [lockId],
      )
      expect(statuses).toEqual([{ status: 'intended' }])
      await shop.drain()
      expect(shop.books(lockId)).toMatchObject({ refundedMinor: 700, refunds: 1 })
      expect(await shop.engine.getOrder(outcome.order.id)).toMatchObject({ refundedMinor: 700 })
    })
  },
  ['postgres'],
)

describeStripe(
  'A checkout that is undone after a capture in the dashboard',
  shop => {
    test('a partial capture in the dashboard is refunded', async () => {
      const { lockId } = await shop.pay({})
      await shop.confirmInBrowser(lockId, { payment_method: token })
      shop.webhooks.to = null
      await shop.stripe.paymentIntents.capture(await shop.intentOf(lockId), { amount_to_capture: 2_000 })
      await shop.engine.cancelCheckout(lockId)
      await shop.drain()
      expect(await shop.ending(lockId)).toMatchObject(undone)
      const { differences } = await shop.engine.reconcile({ hours: 72 })
      expect(differences.filter(({ checkoutId }) => checkoutId === lockId)).toEqual([])
      expect(shop.books(lockId)).toMatchObject({ capturedMinor: 2_000, refundedMinor: 2_000, refunds: 1 })
    })

    test('the rest of a partly refunded capture is refunded', async () => {
      const { lockId } = await shop.pay({})
      await shop.confirmInBrowser(lockId, { payment_method: token })
      shop.webhooks.to = null
      const id = await shop.intentOf(lockId)
      await shop.stripe.paymentIntents.capture(id)
      await shop.stripe.refunds.create({ payment_intent: id, amount: 700 })
      await shop.engine.cancelCheckout(lockId)
      await shop.drain()
      expect(await shop.ending(lockId)).toMatchObject(undone)
    })
  },
  ['postgres'],
)

describeStripe(
  'A payment that the host presents to a second checkout after the first one failed',
  shop => {
    test('a payment that a checkout uses is not voided as an orphan of another', async () => {
      const first = await shop.pay({ token: 'pm_card_visa_chargeDeclined' })
      const { id } = await shop.stripe.paymentIntents.create({
        amount: 2_500,
        currency: 'usd',
        capture_method: 'manual',
        payment_method: token,
        confirm: true,
        return_url: 'http://shop.test/',
        metadata: { checkout_id: first.lockId },
      })
      const { differences } = await shop.engine.reconcile({ hours: 1 })
      expect(differences).toMatchObject([{ kind: 'orphan_open', checkoutId: first.lockId, reference: id }])
      const second = await shop.begin()
      // The intent changes its checkout, so the simulator's books no longer agree with the shop's.
      shop.excused.add(first.lockId).add(second.lockId)
      await shop.stripe.paymentIntents.update(id, { metadata: { checkout_id: second.lockId } })
      const waiting = await shop.engine.processCheckout(second.lockId, { token: id, captureLater: true })
      expect(waiting).toMatchObject({ status: 'awaiting_capture' })
      // Two hours later.
      const httpClient = Stripe.createFetchHttpClient(async (url, init) => {
        const response = await shop.simulator.handle(new Request(url as string, init))
        const text = (await response.text()).replaceAll(/"created":\s*(\d+)/g, (_, at) => `"created":${at - 7_200}`)
        return new Response(text, { status: response.status, headers: response.headers })
      })
      const later = await shop.open({ stripe: { httpClient } })
      expect(await later.reconcile({ hours: 72, voidOrphans: true })).toMatchObject({ differences: [] })
      expect(await shop.engine.captureCheckout(second.lockId)).toMatchObject({ status: 'completed' })
      expect(await shop.ending(second.lockId)).toMatchObject({ state: 'completed', order: 'paid', charged: 2_500 })
    })
  },
  ['postgres'],
)

describeStripe(
  'An order that waits for its capture',
  shop => {
    test('an order captured in the dashboard is not undone when its authorization ends', async () => {
      const { lockId } = await shop.pay({ token, captureLater: true })
      await shop.stripe.paymentIntents.capture(await shop.intentOf(lockId))
      await shop.pass(1)
      await shop.store.wake(lockId)
      await shop.drain()
      expect(await shop.ending(lockId)).toMatchObject({ state: 'completed', order: 'paid', charged: 2_500 })
    })

    test('an order partly captured in the dashboard is undone, and the part is refunded', async () => {
      const { lockId } = await shop.pay({ token, captureLater: true })
      await shop.stripe.paymentIntents.capture(await shop.intentOf(lockId), { amount_to_capture: 2_000 })
      await shop.store.wake(lockId)
      await shop.drain()
      expect(await shop.ending(lockId)).toMatchObject({ ...undone, code: 'authorization_ended', order: 'cancelled' })
    })

    test('an order is not undone while Stripe does not say whether it was captured', async () => {
      const { lockId } = await shop.pay({ token, captureLater: true })
      shop.simulator.planFault({ fault: { kind: 'lose_request' }, on: 'retrieve' })
      await shop.store.wake(lockId)
      await shop.engine.recover()
      expect(await shop.ending(lockId)).toMatchObject({ state: 'awaiting_capture', order: 'pending', open: 2_500 })
      await shop.store.wake(lockId)
      await shop.drain()
      expect(await shop.ending(lockId)).toMatchObject({ ...undone, code: 'authorization_ended', order: 'cancelled' })
    })
  },
  ['postgres'],
)

describeStripe(
  'A refund that the bank returns much later',
  shop => {
    test('a returned refund raises an alert', async () => {
      const errors: string[] = []
      const quiet = () => {}
      const engine = await shop.open({ log: { info: quiet, warn: quiet, error: message => void errors.push(message) } })
      shop.webhooks.to = engine
      const { lockId, outcome } = await shop.pay({ token })
      if (outcome.status !== 'completed') throw new Error(outcome.status)
      shop.excused.add(lockId)
      await engine.refundOrder(outcome.order.id)
      const [made] = (await shop.stripe.refunds.list({ payment_intent: await shop.intentOf(lockId) })).data
      shop.simulator.failRefund(made?.id ?? '')
      await shop.drain(engine)
      expect([...new Set(errors)]).toEqual(['[Checkout] gateway shows a smaller refund than recorded'])
    })
  },
  ['postgres'],
)

describeStripe(
  'A payment that was refunded before it is presented',
  shop => {
    test.each([2_500, 700])('a payment of which %i of 2500 was refunded pays for no order', async amount => {
      const { lockId } = await shop.begin()
      shop.excused.add(lockId)
      const { id } = await shop.stripe.paymentIntents.create({
        amount: 2_500,
        currency: 'usd',
        capture_method: 'manual',
        payment_method: token,
        confirm: true,
        return_url: 'http://shop.test/',
        metadata: { checkout_id: lockId },
      })
      await shop.stripe.paymentIntents.capture(id)
      await shop.stripe.refunds.create({ payment_intent: id, amount })
      const outcome = await shop.engine.processCheckout(lockId, { token: id })
      expect(outcome).toMatchObject({ status: 'failed', failure: { context: { reason: 'wrong_payment' } } })
      expect(await shop.ending(lockId)).toMatchObject({ state: 'failed', order: null, holds: ['released'] })
    })
  },
  ['postgres'],
)
