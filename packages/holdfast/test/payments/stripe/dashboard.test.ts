/** What people do in Stripe's dashboard, and other applications on the account, while a checkout is under way or undone. */
import Stripe from 'stripe'
import { expect, test } from 'vitest'
import { createStripeSimulator } from '../../../../stripe-simulator/src/simulator.ts'
import { describeStripe, keys, undone } from './fixture.ts'

const token = 'pm_card_visa'

describeStripe(
  'A payment of another application on the account',
  shop => {
    test('whose checkout id is none of ours does not end the comparison', async () => {
      await shop.stripe.paymentIntents.create({ amount: 900, currency: 'usd', metadata: { checkout_id: 'order 17' } })
      const { lockId } = await shop.pay({ token })
      await shop.stripe.refunds.create({ payment_intent: await shop.intentOf(lockId), amount: 500 })
      const { differences } = await shop.engine.reconcile({ hours: 1 })
      expect(differences).toMatchObject([{ kind: 'refunded', checkoutId: lockId }])
      await shop.engine.reconcile({ hours: 1, record: true })
    })

    test('in a currency that only Stripe knows does not end the comparison', async () => {
      await shop.stripe.paymentIntents.create({ amount: 900, currency: 'std', metadata: {} })
      await expect(shop.engine.reconcile({ hours: 1 })).resolves.toMatchObject({})
    })
  },
  ['postgres'],
)

describeStripe(
  'A part of an order whose refund never reached Stripe',
  shop => {
    test('is refused once everything was given back in the dashboard, and that is recorded', async () => {
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

    test('that was the last of it, too', async () => {
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

    test('stays open while Stripe does not know the payment, for the key is another account’s', async () => {
      const { lockId, outcome } = await shop.pay({ token })
      if (outcome.status !== 'completed') throw new Error(outcome.status)
      shop.simulator.planFault({ fault: { kind: 'lose_answer' }, on: 'refund' })
      shop.simulator.planFault({ fault: { kind: 'lose_request' }, on: 'retrieve', times: 9 })
      const asked = await shop.engine.refundOrder(outcome.order.id, { amountMinor: 700 })
      expect(asked).toMatchObject({ status: 'processing' })
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
  'A checkout that is given up after money was taken in the dashboard',
  shop => {
    test('gives back a part that was taken', async () => {
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

    test('gives back what is left of what was taken', async () => {
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
  'A payment that the host names for another checkout, after its first one failed',
  shop => {
    test('is ended beside no checkout that counts on it', async () => {
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
      // By its name the simulator's books are those of two checkouts.
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
    test('is not undone when the money was taken in the dashboard before its authorization ends', async () => {
      const { lockId } = await shop.pay({ token, captureLater: true })
      await shop.stripe.paymentIntents.capture(await shop.intentOf(lockId))
      await shop.pass(1)
      await shop.store.wake(lockId)
      await shop.drain()
      expect(await shop.ending(lockId)).toMatchObject({ state: 'completed', order: 'paid', charged: 2_500 })
    })

    test('is undone when a part was taken there, which goes back', async () => {
      const { lockId } = await shop.pay({ token, captureLater: true })
      await shop.stripe.paymentIntents.capture(await shop.intentOf(lockId), { amount_to_capture: 2_000 })
      await shop.store.wake(lockId)
      await shop.drain()
      expect(await shop.ending(lockId)).toMatchObject({ ...undone, code: 'authorization_ended', order: 'cancelled' })
    })

    test('is not undone while Stripe does not say whether the money was taken', async () => {
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
  'Money that the bank sends back much later',
  shop => {
    test('is called out', async () => {
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
  'A payment that was given back before it is brought along',
  shop => {
    test.each([2_500, 700])('pays for no order: %i of 2500', async amount => {
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
