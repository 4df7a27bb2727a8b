/** The seven phases: what each refuses, what the guide's examples promise, and what the history records. */
import { expect, test } from 'vitest'
import { CheckoutError } from '../../src/domain/failure.ts'
import { requireOrder } from '../../src/domain/outcome.ts'
import { paid, undone } from '../support/store-facts.ts'
import { address, describeStore } from '../support/test-store.ts'

const token = 'tok_approve'
const refusedEarly = { holds: [], payment: null }

describeStore('The phases', store => {
  test('a checkout completes with one paid order, sold stock, and a published event', async () => {
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
    expect(await store.engine.getOrder(order.id, { sessionId: 'another session' })).toBeNull()
    expect(await store.engine.lastOrderOf(sessionId)).toEqual(order)
  })

  test('a checkout without enough stock fails, rolls back, and names the article and the available units', async () => {
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

  test('requireOrder throws while the outcome is undecided', async () => {
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
    ['a missing shipping address', { shippingAddress: null }, {}, 'address_missing'],
    ['an invalid shipping address', {}, { shippingAddress: { ...address, postcode: '' } }, 'address_invalid'],
    ['an invalid billing address', {}, { billingAddress: { ...address, country: 'XX' } }, 'address_invalid'],
  ])('validation refuses %s', async (_, cart, payment, code) => {
    const { lockId } = await store.begin({ [await store.article()]: 1 }, { cart })
    expect(await store.engine.processCheckout(lockId, { token, ...payment })).toMatchObject({ status: 'failed' })
    expect(await store.facts(lockId)).toEqual(undone(code, 'cart_validation', refusedEarly))
  })

  test('validation refuses a variant that was withdrawn after the start', async () => {
    const sku = await store.article()
    const { lockId } = await store.begin({ [sku]: 1 })
    await store.sql('update holdfast.variants set purchasable = false where sku = $1', [sku])
    expect(await store.engine.processCheckout(lockId, { token })).toMatchObject({
      failure: { code: 'variant_unavailable', context: { sku } },
    })
  })

  test('a cart that was emptied in spite of its lock is refused', async () => {
    const { lockId, cartId } = await store.begin({ [await store.article()]: 1 })
    await store.sql(
      `with off as (select set_config('holdfast.cart_protection', 'off', true))
      delete from holdfast.cart_lines using off where cart_id = $1`,
      [cartId],
    )
    expect(await store.engine.processCheckout(lockId, { token })).toMatchObject({ failure: { code: 'cart_empty' } })
  })

  test('goods that are not shipped need only a billing address and cost no shipping', async () => {
    const sku = await store.article({ requiresShipping: false })
    const { lockId } = await store.begin({ [sku]: 1 }, { cart: { shippingAddress: null } })
    const outcome = await store.engine.processCheckout(lockId, { token, billingAddress: address })
    expect(requireOrder(outcome)).toMatchObject({ totalMinor: 1_000, shippingMinor: 0, shippingAddress: null })
  })

  test('details sent with the payment replace those of the cart', async () => {
    const { lockId } = await store.begin({ [await store.article()]: 1 })
    const shippingAddress = { ...address, firstName: 'Grace', lineTwo: 'c/o Hopper' }
    const details = { email: 'grace@example.com', notes: 'Ring twice', shippingMethod: 'std', shippingAddress }
    const order = requireOrder(await store.engine.processCheckout(lockId, { token, ...details }))
    expect(order).toMatchObject({ ...details, billingAddress: address.postcode === '' ? null : expect.anything() })
  })

  test('a total that differs from the one the buyer saw charges nothing', async () => {
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

  test('the total that the buyer saw is charged', async () => {
    const { lockId, cartId } = await store.begin({ [await store.article()]: 2 }, { cart: { couponCode: 'TEN' } })
    const expectedTotalMinor = (await store.engine.quoteCart(cartId))?.quote?.totalMinor
    expect(expectedTotalMinor).toBe(2_300)
    expect(await store.engine.processCheckout(lockId, { token, expectedTotalMinor: 2_300 })).toMatchObject({
      status: 'completed',
    })
    expect(await store.facts(lockId)).toEqual(paid(2_300, { claim: 'redeemed' }))
  })

  test('a free order completes', async () => {
    const sku = await store.article({ priceMinor: 0, requiresShipping: false })
    const { lockId } = await store.begin({ [sku]: 1 })
    expect(requireOrder(await store.engine.processCheckout(lockId, { token }))).toMatchObject({ totalMinor: 0 })
    expect(await store.facts(lockId)).toEqual(paid(0))
  })

  test('the history records every state that was passed, in order', async () => {
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

  test('listeners receive every completed phase and every rollback step, in order', async () => {
    const phases: string[] = []
    const listener = (run: (event: { phase: string }) => void) => [{ name: 'history', run, concurrency: 1 }]
    const engine = await store.open({
      listeners: {
        PhaseCompleted: listener(event => phases.push(event.phase)),
        RollbackStepCompleted: listener(event => phases.push(`undo ${event.phase}`)),
      },
    })
    const { lockId } = await store.begin({ [await store.article()]: 1 })
    await engine.processCheckout(lockId, { token })
    await deliverAll()
    expect(phases).toEqual([
      ...['cart_validation', 'inventory_reservation', 'price_lock', 'payment_authorization'],
      ...['order_creation', 'payment_capture', 'stock_commit'],
    ])
    phases.length = 0
    const refused = await store.begin({ [await store.article()]: 1 })
    await engine.processCheckout(refused.lockId, { token: 'tok_capture_decline' })
    await deliverAll()
    expect(phases.slice(-4)).toEqual([
      ...['undo order_creation', 'undo payment_authorization', 'undo price_lock', 'undo inventory_reservation'],
    ])

    async function deliverAll(): Promise<void> {
      while ((await engine.deliverer.runOnce()).delivered > 0);
    }
  })

  test('the lock shows the authorization, never the payment token', async () => {
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
