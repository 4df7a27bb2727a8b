/** The seven phases: what each refuses, what the guide's own examples promise, and what the history tells. */
import { expect, test } from 'vitest'
import { CheckoutError } from '../../src/domain/failure.ts'
import { requireOrder } from '../../src/domain/outcome.ts'
import { paid, undone } from '../support/store-facts.ts'
import { address, describeStore } from '../support/test-store.ts'

const token = 'tok_approve'
const refusedEarly = { holds: [], payment: null }

describeStore('The phases', store => {
  test('a checkout completes: one paid order, the stock sold, the event told', async () => {
    const sku = await store.article({ stock: [3, 4] })
    const { cartId, lockId, sessionId, lock } = await store.begin({ [sku]: 4 })
    const outcome = await store.engine.processCheckout(lock.id, { method: 'card', token: 'test_token' })
    const order = requireOrder(outcome)
    expect(lock.cartId).toBe(cartId)
    expect(order).toMatchObject({
      checkoutId: lockId,
      sessionId,
      email: `${sessionId}@example.com`,
      status: 'paid',
      currency: 'USD',
      subtotalMinor: 4_000,
      shippingMinor: 500,
      totalMinor: 4_500,
      shippingAddress: address,
      billingAddress: address,
      lines: [{ lineNo: 1, sku, quantity: 4, unitMinor: 1_000, totalMinor: 4_000 }],
    })
    expect(outcome.lock).toMatchObject({ state: 'completed', phase: null, failure: null })
    expect(await store.facts(lockId)).toEqual(paid(4_500))
    expect(await store.stock(sku)).toEqual({ onHand: 3, reserved: 0 })
    expect(await store.engine.getOrder(order.id, { sessionId })).toEqual(order)
    expect(await store.engine.getOrder(order.id, { sessionId: 'somebody else' })).toBeNull()
    expect(await store.engine.lastOrderOf(sessionId)).toEqual(order)
  })

  test('a checkout without enough stock fails and rolls back, and says which, how many, and where', async () => {
    const [scarce, plenty] = [await store.article({ stock: [1, 1] }), await store.article()]
    const { lockId, cartId } = await store.begin({ [plenty]: 1, [scarce]: 3 })
    const outcome = await store.engine.processCheckout(lockId, { token })
    expect(outcome.lock).toMatchObject({ state: 'failed', phase: 'inventory_reservation' })
    expect(() => requireOrder(outcome)).toThrow(CheckoutError)
    expect(() => requireOrder(outcome)).toThrow(
      expect.objectContaining({
        code: 'insufficient_stock',
        phase: 'inventory_reservation',
        context: expect.objectContaining({ sku: scarce, requested: 3, available: 2 }),
      }),
    )
    expect(await store.facts(lockId)).toEqual(undone('insufficient_stock', 'inventory_reservation', refusedEarly))
    expect(await store.stock(plenty)).toEqual({ onHand: 100, reserved: 0 })
    expect(await store.engine.isCartLocked(cartId)).toBe(false)
  })

  test('an outcome that is not decided yet has no order to require', async () => {
    const { lockId } = await store.begin({ [await store.article()]: 1 })
    const outcome = await store.engine.processCheckout(lockId, { token: 'tok_action_required' })
    expect(() => requireOrder(outcome)).toThrow(
      expect.objectContaining({ code: 'checkout_in_progress', retryable: true }),
    )
  })

  test('the same cart can be checked out again after a failure', async () => {
    const sku = await store.article()
    const { cartId, sessionId, lockId } = await store.begin({ [sku]: 1 })
    await store.engine.processCheckout(lockId, { token: 'tok_decline' })
    const again = await store.engine.startCheckout(cartId, { sessionId })
    expect(await store.engine.processCheckout(again.id, { token })).toMatchObject({ status: 'completed' })
    expect(await store.stock(sku)).toEqual({ onHand: 99, reserved: 0 })
  })

  test.each([
    ['a shipping address is missing', { shippingAddress: null }, {}, 'address_missing'],
    ['a shipping address is wrong', {}, { shippingAddress: { ...address, postcode: '' } }, 'address_invalid'],
    ['a billing address is wrong', {}, { billingAddress: { ...address, country: 'XX' } }, 'address_invalid'],
  ])('validation refuses when %s', async (_, cart, payment, code) => {
    const { lockId } = await store.begin({ [await store.article()]: 1 }, { cart })
    expect(await store.engine.processCheckout(lockId, { token, ...payment })).toMatchObject({ status: 'failed' })
    expect(await store.facts(lockId)).toEqual(undone(code, 'cart_validation', refusedEarly))
  })

  test('validation refuses what was withdrawn after the lock', async () => {
    const sku = await store.article()
    const { lockId } = await store.begin({ [sku]: 1 })
    await store.sql('update holdfast.variants set purchasable = false where sku = $1', [sku])
    expect(await store.engine.processCheckout(lockId, { token })).toMatchObject({
      failure: { code: 'variant_unavailable', context: { sku } },
    })
  })

  test('what was emptied behind the lock is refused', async () => {
    const { lockId, cartId } = await store.begin({ [await store.article()]: 1 })
    await store.sql(
      `with off as (select set_config('holdfast.cart_protection', 'off', true))
      delete from holdfast.cart_lines using off where cart_id = $1`,
      [cartId],
    )
    expect(await store.engine.processCheckout(lockId, { token })).toMatchObject({ failure: { code: 'cart_empty' } })
  })

  test('what needs no parcel needs only a billing address, and ships for nothing', async () => {
    const sku = await store.article({ requiresShipping: false })
    const { lockId } = await store.begin({ [sku]: 1 }, { cart: { shippingAddress: null } })
    const outcome = await store.engine.processCheckout(lockId, { token, billingAddress: address })
    expect(requireOrder(outcome)).toMatchObject({ totalMinor: 1_000, shippingMinor: 0, shippingAddress: null })
  })

  test('what the payment form says goes before what the cart says', async () => {
    const { lockId } = await store.begin({ [await store.article()]: 1 })
    const shippingAddress = { ...address, firstName: 'Grace', lineTwo: 'c/o Hopper' }
    const details = { email: 'grace@example.com', notes: 'Ring twice', shippingMethod: 'std', shippingAddress }
    const order = requireOrder(await store.engine.processCheckout(lockId, { token, ...details }))
    expect(order).toMatchObject({ ...details, billingAddress: address.postcode === '' ? null : expect.anything() })
  })

  test('another total than the buyer was shown charges nothing', async () => {
    const sku = await store.article()
    const { lockId } = await store.begin({ [sku]: 2 })
    const outcome = await store.engine.processCheckout(lockId, { token, expectedTotalMinor: 2_499 })
    expect(outcome).toMatchObject({
      status: 'failed',
      failure: { code: 'cart_changed', phase: 'price_lock', context: { expected_total: 2_499, total: 2_500 } },
    })
    expect(await store.facts(lockId)).toEqual(undone('cart_changed', 'price_lock', refusedEarly))
    expect(await store.stock(sku)).toEqual({ onHand: 100, reserved: 0 })
  })

  test('the total the buyer was shown goes through', async () => {
    const { lockId, cartId } = await store.begin({ [await store.article()]: 2 }, { cart: { couponCode: 'TEN' } })
    const expectedTotalMinor = (await store.engine.quoteCart(cartId))?.quote?.totalMinor
    expect(expectedTotalMinor).toBe(2_300)
    expect(await store.engine.processCheckout(lockId, { token, expectedTotalMinor: 2_300 })).toMatchObject({
      status: 'completed',
    })
    expect(await store.facts(lockId)).toEqual(paid(2_300, { claim: 'redeemed' }))
  })

  test('an order for nothing is still an order', async () => {
    const sku = await store.article({ priceMinor: 0, requiresShipping: false })
    const { lockId } = await store.begin({ [sku]: 1 })
    expect(requireOrder(await store.engine.processCheckout(lockId, { token }))).toMatchObject({ totalMinor: 0 })
    expect(await store.facts(lockId)).toEqual(paid(0))
  })

  test('the history names every state that was passed, in order', async () => {
    const { lockId } = await store.begin({ [await store.article()]: 1 })
    await store.engine.processCheckout(lockId, { token })
    const diagnosis = await store.engine.diagnose(lockId)
    expect(diagnosis?.timeline.map(entry => entry.to)).toEqual([
      ...['pending', 'validating', 'reserving', 'locking_prices', 'authorizing'],
      ...['creating_order', 'capturing', 'committing', 'completed'],
    ])
    expect(diagnosis?.operations).toHaveLength(2)
    expect(diagnosis?.snapshots).toHaveLength(2)
  })

  test('whoever listens hears of every phase, and of every step that is undone, in order', async () => {
    const heard: string[] = []
    const hears = (run: (event: { phase: string }) => void) => [{ name: 'history', run, concurrency: 1 }]
    const engine = await store.open({
      listeners: {
        PhaseCompleted: hears(event => heard.push(event.phase)),
        RollbackStepCompleted: hears(event => heard.push(`undo ${event.phase}`)),
      },
    })
    const { lockId } = await store.begin({ [await store.article()]: 1 })
    await engine.processCheckout(lockId, { token })
    await hearAll()
    expect(heard).toEqual([
      ...['cart_validation', 'inventory_reservation', 'price_lock', 'payment_authorization'],
      ...['order_creation', 'payment_capture', 'stock_commit'],
    ])
    heard.length = 0
    const refused = await store.begin({ [await store.article()]: 1 })
    await engine.processCheckout(refused.lockId, { token: 'tok_capture_decline' })
    await hearAll()
    expect(heard.slice(-4)).toEqual([
      ...['undo order_creation', 'undo payment_authorization', 'undo price_lock', 'undo inventory_reservation'],
    ])

    async function hearAll(): Promise<void> {
      while ((await engine.deliverer.runOnce()).delivered > 0);
    }
  })

  test('the lock tells of its authorization, never of the token', async () => {
    const { lockId } = await store.begin({ [await store.article()]: 1 }, { start: { metadata: { campaign: 'x' } } })
    const { lock } = await store.engine.processCheckout(lockId, { token })
    expect(lock.metadata).toMatchObject({
      campaign: 'x',
      payment_authorization: {
        authorization_id: expect.any(String),
        status: 'authorized',
        amount: 1_500,
        currency: 'USD',
      },
    })
    expect(JSON.stringify(lock)).not.toContain(token)
    expect((await store.engine.getCheckoutStatus(lockId))?.lock.metadata).toEqual(lock.metadata)
  })
})
