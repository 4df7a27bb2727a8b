/** One user in two sessions: the second is refused while the cart is locked, or takes over if `preventConcurrent` is off. */
import { expect, test } from 'vitest'
import { describeStore } from '../../support/test-store.ts'

describeStore('Two sessions of one user', store => {
  const shared = async () => {
    const { cartId, sessionId } = await store.cart({ [await store.article()]: 1 }, { userId: 'ada' })
    return { cartId, phone: { sessionId, userId: 'ada' }, laptop: { sessionId: `${sessionId}-laptop`, userId: 'ada' } }
  }

  test('a second session of the same user is refused while the cart is locked', async () => {
    const { cartId, phone, laptop } = await shared()
    await store.engine.startCheckout(cartId, phone)
    await expect(store.engine.startCheckout(cartId, laptop)).rejects.toMatchObject({ code: 'cart_locked' })
  })

  test('a second session takes over a pending lock if preventConcurrent is off, and the first checkout is cancelled', async () => {
    const engine = await store.open({ config: { preventConcurrent: false } })
    const { cartId, phone, laptop } = await shared()
    const first = await engine.startCheckout(cartId, phone)
    expect((await engine.startCheckout(cartId, phone)).id).toBe(first.id)
    const second = await engine.startCheckout(cartId, laptop)
    expect(second.id).not.toBe(first.id)
    const outcome = await engine.processCheckout(first.id, { token: 'tok_approve' })
    expect(outcome).toMatchObject({ status: 'failed', failure: { code: 'checkout_cancelled' } })
    expect((await engine.processCheckout(second.id, { token: 'tok_approve' })).status).toBe('completed')
  })

  test('a lock whose payment has begun is not taken over', async () => {
    const engine = await store.open({ config: { preventConcurrent: false } })
    const { cartId, phone, laptop } = await shared()
    const first = await engine.startCheckout(cartId, phone)
    expect((await engine.processCheckout(first.id, { token: 'tok_action_required' })).status).toBe('action_required')
    await expect(engine.startCheckout(cartId, laptop)).rejects.toMatchObject({ code: 'cart_locked' })
    await engine.cancelCheckout(first.id)
  })

  test('another user gets cart_not_found', async () => {
    const { cartId } = await shared()
    const stranger = { sessionId: 'elsewhere', userId: 'eve' }
    await expect(store.engine.startCheckout(cartId, stranger)).rejects.toMatchObject({ code: 'cart_not_found' })
  })

  test('a paid order keeps the details of its authorization and capture', async () => {
    const { cartId, phone } = await shared()
    const lock = await store.engine.startCheckout(cartId, phone)
    const outcome = await store.engine.processCheckout(lock.id, { token: 'tok_approve' })
    if (outcome.status !== 'completed') throw new Error(outcome.status)
    const { order } = outcome
    const payment = { status: 'captured', amount: order.totalMinor, currency: 'USD', capture_id: expect.any(String) }
    expect(order.metadata.payment).toMatchObject(payment)
    expect((await store.engine.getOrder(order.id))?.metadata).toEqual(order.metadata)
    const authorized = { status: 'authorized', amount: order.totalMinor, authorization_id: expect.any(String) }
    expect(outcome.lock.metadata.payment_authorization).toMatchObject(authorized)
  })
})
