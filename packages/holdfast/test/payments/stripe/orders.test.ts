/** Orders through Stripe after the authorization: later captures, refunds, other currencies, and several processes. */
import type Stripe from 'stripe'
import { expect, test } from 'vitest'
import { upsertShippingMethod } from '../../../src/shop/catalog/shipping.ts'
import { describeStripe, paid, undone } from './fixture.ts'

const token = 'pm_card_visa'
const dayMs = 24 * 3_600_000

function gate(): { opened: Promise<void>; open(): void } {
  let open = () => {}
  const opened = new Promise<void>(resolve => {
    open = resolve
  })
  return { opened, open }
}

describeStripe('A later capture', shop => {
  test('the shop captures the money when it chooses', async () => {
    const { lockId, outcome } = await shop.pay({ token, captureLater: true })
    expect(outcome.status).toBe('awaiting_capture')
    expect(await shop.ending(lockId)).toMatchObject({ charged: 0, open: 2_500, intents: ['requires_capture'] })
    await shop.pass(3 * dayMs)
    expect(await shop.engine.captureCheckout(lockId)).toMatchObject({ status: 'completed' })
    expect(await shop.ending(lockId)).toEqual({ ...paid, charged: 2_500, intents: ['succeeded'] })
  })

  test('an uncaptured authorization is voided an hour before it expires', async () => {
    const { lockId } = await shop.pay({ token, captureLater: true })
    const [row] = await shop.store.sql<{ minutes: number }>(
      `select round(extract(epoch from authorization_valid_until - wake_at) / 60)::int as minutes,
         authorization_valid_until as until from holdfast.checkouts where id = $1::uuid`,
      [lockId],
    )
    const { latest_charge: charge } = await shop.stripe.paymentIntents.retrieve(await shop.intentOf(lockId), {
      expand: ['latest_charge'],
    })
    const captureBefore = (charge as Stripe.Charge).payment_method_details?.card?.capture_before ?? 0
    expect(row).toEqual({ minutes: 60, until: new Date(captureBefore * 1_000).toISOString() })
    await shop.store.wake(lockId)
    await shop.engine.recover()
    expect(await shop.ending(lockId)).toMatchObject({ ...undone, code: 'authorization_ended', intents: ['canceled'] })
  })

  test('a capture after the authorization expired charges nothing and undoes the order', async () => {
    const { lockId, sku } = await shop.pay({ token, captureLater: true })
    shop.simulator.expireAuthorization(await shop.intentOf(lockId))
    expect(await shop.engine.captureCheckout(lockId)).toMatchObject({
      status: 'failed',
      failure: { code: 'authorization_ended' },
    })
    expect(await shop.ending(lockId)).toMatchObject({ ...undone, order: 'cancelled', intents: ['canceled'] })
    expect(await shop.store.stock(sku)).toEqual({ onHand: 100, reserved: 0 })
  })

  test('a capture of a payment canceled in the dashboard charges nothing and undoes the order', async () => {
    const { lockId } = await shop.pay({ token, captureLater: true })
    await shop.stripe.paymentIntents.cancel(await shop.intentOf(lockId))
    expect(await shop.engine.captureCheckout(lockId)).toMatchObject({
      status: 'failed',
      failure: { code: 'capture_refused', context: { reason: 'already_voided' } },
    })
    expect(await shop.ending(lockId)).toMatchObject({ ...undone, order: 'cancelled' })
  })

  test('a capture of a payment captured in the dashboard completes the order', async () => {
    const { lockId } = await shop.pay({ token, captureLater: true })
    await shop.stripe.paymentIntents.capture(await shop.intentOf(lockId))
    expect(await shop.engine.captureCheckout(lockId)).toMatchObject({ status: 'completed' })
    expect(await shop.ending(lockId)).toMatchObject({ ...paid, charged: 2_500 })
    expect(shop.books(lockId)).toMatchObject({ captures: 1, refunds: 0 })
  })
})

describeStripe('A refund', shop => {
  async function bought(by = token) {
    const begun = await shop.pay({ token: by })
    if (begun.outcome.status !== 'completed') throw new Error(begun.outcome.status)
    return { ...begun, orderId: begun.outcome.order.id }
  }

  test('a full refund refunds everything once', async () => {
    const { lockId, orderId, sku } = await bought()
    const again = () => shop.engine.refundOrder(orderId, { key: 'parcel', restock: true })
    expect(await again()).toMatchObject({ status: 'refunded', refundedMinor: 2_500 })
    expect(await again()).toMatchObject({ status: 'refunded', refundedMinor: 2_500 })
    expect(await shop.ending(lockId)).toMatchObject({ ...paid, order: 'refunded', charged: 0 })
    expect(shop.books(lockId)).toMatchObject({ refunds: 1, refundedMinor: 2_500 })
    expect(await shop.store.stock(sku)).toEqual({ onHand: 100, reserved: 0 })
  })

  test('partial refunds never exceed the amount paid', async () => {
    const { lockId, orderId } = await bought()
    await shop.engine.refundOrder(orderId, { amountMinor: 700 })
    await shop.engine.refundOrder(orderId, { amountMinor: 800 })
    expect(await shop.ending(lockId)).toMatchObject({ order: 'partially_refunded', charged: 1_000 })
    await expect(shop.engine.refundOrder(orderId, { amountMinor: 1_001 })).rejects.toThrow()
    await shop.engine.refundOrder(orderId)
    expect(await shop.ending(lockId)).toMatchObject({ order: 'refunded', charged: 0 })
    expect(shop.books(lockId)).toMatchObject({ refunds: 3, refundedMinor: 2_500 })
  })

  test('a pending refund is checked until it is done', async () => {
    const { lockId, orderId } = await bought('pm_card_pendingRefund')
    expect(await shop.engine.refundOrder(orderId)).toMatchObject({ status: 'processing' })
    await shop.drain()
    expect(await shop.ending(lockId)).toMatchObject({ order: 'refunded', charged: 0 })
  })

  test('a failed refund changes nothing and can be repeated', async () => {
    const { lockId, orderId } = await bought('pm_card_pendingRefund')
    await shop.engine.refundOrder(orderId, { key: 'first' })
    const [refund] = (await shop.stripe.refunds.list({ payment_intent: await shop.intentOf(lockId) })).data
    shop.simulator.failRefund(refund?.id ?? '')
    await shop.drain()
    expect(await shop.ending(lockId)).toMatchObject({ order: 'paid', charged: 2_500 })
    await shop.engine.refundOrder(orderId, { key: 'second' })
    await shop.drain()
    expect(await shop.ending(lockId)).toMatchObject({ order: 'refunded', charged: 0 })
  })

  test('a refund already made in the dashboard is refused, and nothing is refunded twice', async () => {
    const { lockId, orderId } = await bought()
    shop.webhooks.to = null
    await shop.stripe.refunds.create({ payment_intent: await shop.intentOf(lockId), amount: 2_500 })
    expect(await shop.engine.refundOrder(orderId)).toMatchObject({ status: 'failed' })
    expect(shop.books(lockId)).toMatchObject({ refunds: 1, refundedMinor: 2_500 })
    await shop.engine.reconcile({ hours: 1, record: true })
    expect(await shop.ending(lockId)).toMatchObject({ order: 'refunded', charged: 0 })
  })

  test('a refund that the bank returns much later is reported by reconciliation', async () => {
    const { lockId, orderId } = await bought()
    expect(await shop.engine.refundOrder(orderId)).toMatchObject({ status: 'refunded' })
    const [made] = (await shop.stripe.refunds.list({ payment_intent: await shop.intentOf(lockId) })).data
    shop.simulator.failRefund(made?.id ?? '')
    await shop.pass(0)
    const { differences } = await shop.engine.reconcile({ hours: 1 })
    expect(differences).toMatchObject([{ kind: 'refunded', checkoutId: lockId }])
    // An operator repeats the refund at Stripe.
    await shop.stripe.refunds.create({ payment_intent: await shop.intentOf(lockId) })
    const [refund] = (await shop.stripe.refunds.list({ payment_intent: await shop.intentOf(lockId) })).data
    expect(refund).toMatchObject({ status: 'succeeded' })
  })
})

describeStripe('A currency with special decimals', shop => {
  test.each([
    ['JPY', 1_250, 500, 1],
    ['ISK', 900, 500, 100],
    ['KWD', 12_340, 500, 1],
  ])(
    '%s is authorized, captured, and refunded in Stripe’s units',
    async (currency, priceMinor, shippingMinor, unit) => {
      const { store, engine } = shop
      const sku = await store.article()
      await store.sql(
        `insert into holdfast.prices (variant_id, currency, amount_minor)
       select id, $2, $3::bigint from holdfast.variants where sku = $1`,
        [sku, currency, priceMinor],
      )
      await upsertShippingMethod(store.database, {
        code: `std-${currency}`,
        name: 'Standard',
        taxClass: 'exempt',
        rates: [{ country: '*', currency, amountMinor: shippingMinor }],
      })
      const { lockId } = await store.begin(
        { [sku]: 2 },
        { engine, cart: { currency, shippingMethod: `std-${currency}` } },
      )
      const outcome = await engine.processCheckout(lockId, { token })
      const totalMinor = 2 * priceMinor + shippingMinor
      expect(outcome).toMatchObject({ status: 'completed', order: { totalMinor, currency } })
      expect(shop.books(lockId)).toMatchObject({
        capturedMinor: totalMinor * unit,
        currencies: [currency.toLowerCase()],
      })
      if (outcome.status !== 'completed') return
      await engine.refundOrder(outcome.order.id, { amountMinor: 500 })
      expect(shop.books(lockId)).toMatchObject({ refundedMinor: 500 * unit })
    },
  )

  test('an amount that Stripe cannot represent is declined before any request', async () => {
    const { store, engine } = shop
    const sku = await store.article({ requiresShipping: false })
    await store.sql(
      `insert into holdfast.prices (variant_id, currency, amount_minor)
       select id, 'KWD', 1234 from holdfast.variants where sku = $1`,
      [sku],
    )
    const { lockId } = await store.begin({ [sku]: 1 }, { engine, cart: { currency: 'KWD' } })
    expect(await engine.processCheckout(lockId, { token })).toMatchObject({
      status: 'failed',
      failure: { context: { reason: 'amount_not_possible' } },
    })
    expect(await shop.ending(lockId)).toMatchObject({ ...undone, intents: [] })
  })
})

describeStripe('Two processes at once', shop => {
  test('two processes that pay one checkout charge it once', async () => {
    const other = await shop.open({ apart: true })
    const { lockId } = await shop.begin()
    const outcomes = await Promise.all(
      [shop.engine, other, shop.engine, other].map(engine => engine.processCheckout(lockId, { token })),
    )
    expect(outcomes.map(({ status }) => status)).toEqual(Array(4).fill('completed'))
    expect(shop.books(lockId)).toMatchObject({ authorizations: 1, captures: 1, capturedMinor: 2_500 })
    expect((await shop.ending(lockId)).intents).toEqual(['succeeded'])
  })

  test('two processes that make one refund refund it once', async () => {
    const other = await shop.open({ apart: true })
    const { lockId, outcome } = await shop.pay({ token })
    if (outcome.status !== 'completed') throw new Error(outcome.status)
    const { id } = outcome.order
    await Promise.all([shop.engine, other].map(engine => engine.refundOrder(id, { amountMinor: 900, key: 'one' })))
    expect(shop.books(lockId)).toMatchObject({ refunds: 1, refundedMinor: 900 })
  })

  test('a cancellation that races a payment ends either paid or undone, at Stripe too', async () => {
    const other = await shop.open({ apart: true })
    for (let round = 0; round < 6; round += 1) {
      const { lockId } = await shop.begin()
      await Promise.allSettled([shop.engine.processCheckout(lockId, { token }), other.cancelCheckout(lockId)])
      await shop.drain()
      const { state, charged, open } = await shop.ending(lockId)
      expect({ state, charged, open }).toEqual(
        state === 'completed' ? { state, charged: 2_500, open: 0 } : { state: 'failed', charged: 0, open: 0 },
      )
    }
  })

  test('a process that froze before confirming and its successor leave one payment', async () => {
    const { lockId } = await shop.begin()
    const arrived = gate()
    const wakes = gate()
    const frozen = await shop.open({
      apart: true,
      stripe: {
        httpClient: Object.assign(Object.create(shop.httpClient), {
          async makeRequest(...call: Parameters<typeof shop.httpClient.makeRequest>) {
            if (String(call[2]).endsWith('/confirm')) {
              arrived.open()
              await wakes.opened
            }
            return shop.httpClient.makeRequest(...call)
          },
        }) as typeof shop.httpClient,
      },
      numbers: { gatewayTimeoutMs: 60_000 },
    })
    const working = frozen.processCheckout(lockId, { token })
    await arrived.opened
    await shop.store.wake(lockId)
    await shop.engine.cancelCheckout(lockId)
    expect(await shop.ending(lockId)).toMatchObject({ ...undone, intents: ['canceled'] })
    wakes.open()
    expect(await working).toMatchObject({ status: 'failed' })
    expect(await shop.ending(lockId)).toMatchObject({ ...undone, intents: ['canceled'] })
  })
})
