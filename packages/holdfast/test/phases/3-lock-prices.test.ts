/** Prices are frozen by the price lock: the frozen total is authorized, ordered, and charged, even if prices change. */
import { expect, test } from 'vitest'
import { requireOrder } from '../../src/domain/outcome.ts'
import { upsertCoupon } from '../../src/shop/catalog/coupons.ts'
import { setExchangeRate, setPrice } from '../../src/shop/catalog/prices.ts'
import { upsertShippingMethod } from '../../src/shop/catalog/shipping.ts'
import { upsertTaxRate } from '../../src/shop/catalog/taxes.ts'
import { paid } from '../support/store-facts.ts'
import { address, describeStore, type TestStore } from '../support/test-store.ts'

/** Makes a change between the price lock and the order, while the buyer is on the bank's page. */
async function whileBuyerIsAway(store: TestStore, lockId: string, change: () => Promise<unknown>) {
  const waiting = await store.engine.processCheckout(lockId, { token: 'tok_action_required' })
  expect(waiting.status).toBe('action_required')
  const frozen = await store.engine.getCheckoutStatus(lockId)
  await change()
  await store.gateway.approve(`sbx_${lockId}:authorize:1`)
  const order = requireOrder(await store.engine.resumeCheckout(lockId))
  expect(frozen?.totals).toEqual({ currency: order.currency, totalMinor: order.totalMinor })
  return order
}

describeStore('Frozen prices', store => {
  test('a price that changes after the lock changes nothing and is reported as drift', async () => {
    const sku = await store.article({ priceMinor: 1_000 })
    const { lockId } = await store.begin({ [sku]: 2 })
    const order = await whileBuyerIsAway(store, lockId, () =>
      setPrice(store.database, { sku, currency: 'USD', amountMinor: 1_200 }),
    )
    expect(order).toMatchObject({ totalMinor: 2_500, lines: [{ unitMinor: 1_000 }] })
    const published = await store.sql<{ payload: unknown }>(
      `select payload from holdfast.events where checkout_id = $1 and type = 'PriceDriftDetected'`,
      [lockId],
    )
    expect(published).toMatchObject([{ payload: { drifts: [{ sku, frozenMinor: 1_000, currentMinor: 1_200 }] } }])
    const history = (await store.engine.diagnose(lockId))?.timeline
    expect(history?.find(entry => entry.to === 'creating_order')?.details).toMatchObject({ priceDrift: [{ sku }] })
  })

  test('a price change within the tolerance is not reported', async () => {
    const sku = await store.article({ priceMinor: 1_000 })
    const { lockId } = await store.begin({ [sku]: 1 })
    await whileBuyerIsAway(store, lockId, () => setPrice(store.database, { sku, currency: 'USD', amountMinor: 1_001 }))
    expect((await store.facts(lockId)).events).not.toContain('PriceDriftDetected')
  })

  test('a coupon that expires after the lock still applies', async () => {
    const code = 'ENDING'
    const discount = { ratePpm: 250_000 }
    await upsertCoupon(store.database, { code, discount })
    const { lockId } = await store.begin({ [await store.article()]: 4 }, { cart: { couponCode: code } })
    const order = await whileBuyerIsAway(store, lockId, () =>
      upsertCoupon(store.database, { code, discount, endsAt: '2020-01-01T00:00:00Z' }),
    )
    expect(order).toMatchObject({ discountMinor: 1_000, totalMinor: 3_500, couponCode: code })
    expect(await store.facts(lockId)).toMatchObject({ claim: 'redeemed' })
  })

  test('an expired coupon and an unknown coupon are refused', async () => {
    await upsertCoupon(store.database, { code: 'OVER', discount: { ratePpm: 250_000 }, endsAt: '2020-01-01T00:00:00Z' })
    for (const couponCode of ['OVER', 'NEVER']) {
      const { lockId } = await store.begin({ [await store.article()]: 1 }, { cart: { couponCode } })
      expect(await store.engine.processCheckout(lockId, { token: 'tok_approve' })).toMatchObject({
        status: 'failed',
        failure: { code: 'coupon_invalid', phase: 'price_lock', context: { code: couponCode } },
      })
    }
  })

  test('a tax rate or shipping rate that changes after the lock changes nothing', async () => {
    const rate = { country: 'NO', name: 'MVA', included: false }
    const method = (amountMinor: number) =>
      upsertShippingMethod(store.database, {
        code: 'north',
        name: 'North',
        taxClass: 'exempt',
        rates: [{ country: 'NO', currency: 'USD', amountMinor }],
      })
    await upsertTaxRate(store.database, { ...rate, ratePpm: 250_000 })
    await method(300)
    const shippingAddress = { ...address, country: 'NO', postcode: '0150' }
    const { lockId } = await store.begin({ [await store.article()]: 1 }, { cart: { shippingAddress } })
    const order = await whileBuyerIsAway(store, lockId, async () => {
      await upsertTaxRate(store.database, { ...rate, ratePpm: 500_000 })
      await method(900)
    })
    expect(order).toMatchObject({ subtotalMinor: 1_000, taxMinor: 250, shippingMinor: 300, totalMinor: 1_550 })
  })

  test('a cart in a different currency is charged in it, at the frozen exchange rate', async () => {
    await setExchangeRate(store.database, { base: 'USD', quote: 'EUR', rate: 0.9 })
    const { lockId } = await store.begin({ [await store.article()]: 2 }, { cart: { currency: 'EUR' } })
    const order = await whileBuyerIsAway(store, lockId, () =>
      setExchangeRate(store.database, { base: 'USD', quote: 'EUR', rate: 0.5 }),
    )
    expect(order).toMatchObject({ currency: 'EUR', subtotalMinor: 1_800, shippingMinor: 450, totalMinor: 2_250 })
    const [snapshot] = await store.sql<{ rate: number }>(
      `select (details->>'exchangeRate')::numeric as rate from holdfast.price_snapshots where checkout_id = $1 and line_no = 0`,
      [lockId],
    )
    expect(snapshot?.rate).toBe(0.9)
    expect(await store.facts(lockId)).toMatchObject({ charged: 2_250 })
  })

  test('a cart in a currency without an exchange rate is refused', async () => {
    const { lockId } = await store.begin({ [await store.article()]: 2 }, { cart: { currency: 'CHF' } })
    expect(await store.engine.processCheckout(lockId, { token: 'tok_approve' })).toMatchObject({
      status: 'failed',
      failure: { code: 'price_missing' },
    })
  })

  test('included tax does not change the total, added tax does', async () => {
    const sku = await store.article({ priceMinor: 1_190 })
    const german = await store.begin(
      { [sku]: 1 },
      { cart: { shippingAddress: { ...address, country: 'DE', postcode: '10115' } } },
    )
    const american = await store.begin(
      { [sku]: 1 },
      { cart: { shippingAddress: { ...address, country: 'US', postcode: '10115' } } },
    )
    const pay = async (lockId: string) =>
      requireOrder(await store.engine.processCheckout(lockId, { token: 'tok_approve' }))
    expect(await pay(german.lockId)).toMatchObject({ taxMinor: 190, totalMinor: 1_690 })
    expect(await pay(american.lockId)).toMatchObject({ taxMinor: 83, totalMinor: 1_773 })
  })

  test('a line is served from two locations if one has too few units', async () => {
    const sku = await store.article({ stock: [3, 4] })
    const { lockId } = await store.begin({ [sku]: 6 })
    await store.engine.processCheckout(lockId, { token: 'tok_approve' })
    const parts = await store.sql<{ code: string; quantity: number }>(
      `select l.code, r.quantity from holdfast.stock_reservations r join holdfast.locations l on l.id = r.location_id
       where r.checkout_id = $1 order by r.part_no`,
      [lockId],
    )
    expect(parts).toEqual([
      { code: 'main', quantity: 3 },
      { code: 'annex', quantity: 3 },
    ])
    expect(await store.stock(sku)).toEqual({ onHand: 1, reserved: 0 })
  })

  test('a variant that may be back-ordered is sold beyond its stock', async () => {
    const sku = await store.article({ stock: [2], policy: 'continue' })
    const { lockId } = await store.begin({ [sku]: 5 })
    await store.engine.processCheckout(lockId, { token: 'tok_approve' })
    expect(await store.facts(lockId)).toEqual(paid(5_500))
    expect(await store.stock(sku)).toEqual({ onHand: 0, reserved: 0 })
    const backOrdered = await store.sql<{ quantity: number }>(
      'select quantity from holdfast.stock_reservations where checkout_id = $1 and location_id is null',
      [lockId],
    )
    expect(backOrdered).toEqual([{ quantity: 3 }])
    const undoing = await store.begin({ [sku]: 5 })
    await store.engine.processCheckout(undoing.lockId, { token: 'tok_capture_decline' })
    expect(await store.facts(undoing.lockId)).toMatchObject({ state: 'failed', holds: ['released'] })
  })
})
