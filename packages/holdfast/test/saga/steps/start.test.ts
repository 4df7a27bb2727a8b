/** The lock: whose it is, how long it lives, and that nobody slips past it. */
import { expect, test, vi } from 'vitest'
import { defaultConfig } from '../../../src/config/config.ts'
import { paid, undone } from '../../support/store-facts.ts'
import { address, describeStore } from '../../support/test-store.ts'

const nobody = '01920000-0000-7000-8000-000000000000'
const minutes = (from: string, to: string) => (Date.parse(to) - Date.parse(from)) / 60_000

describeStore('The lock', store => {
  test('the same session that starts again gets its lock back', async () => {
    const { cartId, sessionId, lock } = await store.begin(
      { [await store.article()]: 1 },
      { start: { metadata: { a: 1 } } },
    )
    expect(await store.engine.startCheckout(cartId, { sessionId, metadata: { a: 2 } })).toEqual(lock)
    expect(lock).toMatchObject({ cartId, sessionId, userId: null, state: 'pending', phase: null, metadata: { a: 1 } })
    expect(await store.engine.getActiveLock(cartId)).toEqual(lock)
    expect(await store.engine.isCartLocked(cartId)).toBe(true)
  })

  test('ten starts at once make one lock', async () => {
    const { cartId, sessionId } = await store.cart({ [await store.article()]: 1 })
    const locks = await Promise.all(Array.from({ length: 10 }, () => store.engine.startCheckout(cartId, { sessionId })))
    expect(new Set(locks.map(lock => lock.id)).size).toBe(1)
    expect(await store.sql('select 1 from holdfast.checkouts where cart_id = $1', [cartId])).toHaveLength(1)
  })

  test('another session gets "locked" while the cart is being checked out', async () => {
    const { cartId, lock } = await store.begin({ [await store.article()]: 1 })
    await expect(store.engine.startCheckout(cartId, { sessionId: 'somebody else' })).rejects.toMatchObject({
      code: 'cart_locked',
      retryable: true,
      context: { expires_at: lock.expiresAt },
    })
  })

  test('the cart of another session looks as if it did not exist', async () => {
    const { cartId } = await store.cart({ [await store.article()]: 1 })
    await expect(store.engine.startCheckout(cartId, { sessionId: 'somebody else' })).rejects.toMatchObject({
      code: 'cart_not_found',
    })
    await expect(store.engine.startCheckout(nobody, { sessionId: 'somebody else' })).rejects.toMatchObject({
      code: 'cart_not_found',
    })
  })

  test("another session's lock looks as if it did not exist, whatever is asked of it", async () => {
    const { lockId } = await store.begin({ [await store.article()]: 1 })
    const other = { sessionId: 'somebody else' }
    const absent = { code: 'checkout_not_found' }
    await expect(store.engine.processCheckout(lockId, { token: 'tok_approve' }, other)).rejects.toMatchObject(absent)
    await expect(store.engine.resumeCheckout(lockId, other)).rejects.toMatchObject(absent)
    await expect(store.engine.cancelCheckout(lockId, other)).rejects.toMatchObject(absent)
    expect(await store.engine.getCheckoutStatus(lockId, other)).toBeNull()
    await expect(store.engine.processCheckout(nobody, { token: 'tok_approve' })).rejects.toMatchObject(absent)
    expect((await store.facts(lockId)).state).toBe('pending')
  })

  test('a stranger who processes at the same moment does not get in the way of the buyer', async () => {
    const { lockId, sessionId } = await store.begin({ [await store.article()]: 1 })
    const token = 'tok_approve'
    const [stranger, malformed, buyer] = await Promise.allSettled([
      store.engine.processCheckout(lockId, { token }, { sessionId: 'somebody else' }),
      store.engine.processCheckout(lockId, {}, { sessionId }),
      store.engine.processCheckout(lockId, { token }, { sessionId }),
    ])
    expect(stranger).toMatchObject({ status: 'rejected', reason: { code: 'checkout_not_found' } })
    expect(malformed).toMatchObject({ status: 'rejected', reason: { code: 'invalid_argument' } })
    expect(buyer).toMatchObject({ status: 'fulfilled', value: { status: 'completed' } })
  })

  test('a lock lives 15 minutes by default, as long as asked for, and 60 at most', async () => {
    const sku = await store.article()
    const usual = (await store.begin({ [sku]: 1 })).lock
    expect(minutes(usual.lockedAt, usual.expiresAt)).toBe(15)
    const longest = (await store.begin({ [sku]: 1 }, { start: { ttlMinutes: 60 } })).lock
    expect(minutes(longest.lockedAt, longest.expiresAt)).toBe(60)
    for (const ttlMinutes of [60.01, 0, -1, Number.NaN, Number.POSITIVE_INFINITY]) {
      await expect(store.begin({ [sku]: 1 }, { start: { ttlMinutes } })).rejects.toMatchObject({
        code: 'invalid_argument',
      })
    }
    expect(defaultConfig).toMatchObject({ ttlMinutes: 15, maxTtlMinutes: 60 })
  })

  test('a lock says of itself what it is', async () => {
    const { lockId } = await store.begin({ [await store.article()]: 2 })
    expect(await store.engine.getCheckoutStatus(lockId)).toMatchObject({
      stateName: 'Started',
      isExpired: false,
      canResume: true,
      totals: null,
      order: null,
    })
    await store.expire(lockId)
    expect(await store.engine.getCheckoutStatus(lockId)).toMatchObject({ isExpired: true, canResume: false })
    expect(await store.engine.getCheckoutStatus(nobody)).toBeNull()

    const done = await store.begin({ [await store.article()]: 2 })
    await store.engine.processCheckout(done.lockId, { token: 'tok_approve' })
    const status = await store.engine.getCheckoutStatus(done.lockId, { sessionId: done.sessionId })
    expect(status).toMatchObject({
      stateName: 'Completed',
      canResume: false,
      totals: { currency: 'USD', totalMinor: 2_500 },
      order: { status: 'paid', totalMinor: 2_500 },
    })
    expect(await store.engine.isCartLocked(done.cartId)).toBe(false)
    expect(await store.engine.getActiveLock(done.cartId)).toBeNull()
  })

  test('a locked cart cannot be changed, and can again once the checkout has failed', async () => {
    const sku = await store.article()
    const { lockId, sessionId } = await store.begin({ [sku]: 1 })
    await expect(store.carts.addLine(sessionId, { sku, quantity: 1 })).rejects.toMatchObject({ code: 'cart_locked' })
    await expect(store.carts.setCoupon(sessionId, 'TEN')).rejects.toMatchObject({ code: 'cart_locked' })
    await store.engine.cancelCheckout(lockId)
    expect((await store.carts.addLine(sessionId, { sku, quantity: 1 })).lines).toMatchObject([{ sku, quantity: 2 }])
  })

  test('a cart that was bought stays as it was, and cannot be bought again', async () => {
    const sku = await store.article()
    const { cartId, lockId, sessionId } = await store.begin({ [sku]: 1 })
    await store.engine.processCheckout(lockId, { token: 'tok_approve' })
    await expect(store.engine.startCheckout(cartId, { sessionId })).rejects.toMatchObject({ code: 'cart_ordered' })
    await expect(store.carts.clear(sessionId)).rejects.toMatchObject({ code: 'cart_ordered' })
  })

  test('an expired lock blocks nobody before it is cleaned up', async () => {
    const sku = await store.article()
    const first = await store.begin({ [sku]: 1 })
    await store.expire(first.lockId)
    expect(await store.engine.isCartLocked(first.cartId)).toBe(false)
    expect((await store.carts.addLine(first.sessionId, { sku, quantity: 1 })).lines).toMatchObject([{ quantity: 2 }])
    const second = await store.engine.startCheckout(first.cartId, { sessionId: first.sessionId })
    expect(second.id).not.toBe(first.lockId)
    expect(await store.engine.processCheckout(second.id, { token: 'tok_approve' })).toMatchObject({
      status: 'completed',
    })
    const events = ['CheckoutStarted', 'CheckoutFailed', 'CheckoutExpired']
    expect(await store.facts(first.lockId)).toEqual(
      undone('checkout_expired', null, { holds: [], payment: null, events }),
    )
  })

  test('an expired lock that waits for its buyer makes way at once, and its payment is voided', async () => {
    const sku = await store.article()
    const first = await store.begin({ [sku]: 1 })
    await store.engine.processCheckout(first.lockId, { token: 'tok_action_required' })
    await store.expire(first.lockId)
    const second = await store.engine.startCheckout(first.cartId, { sessionId: first.sessionId })
    expect(await store.violations()).toEqual([])
    expect(await store.engine.processCheckout(second.id, { token: 'tok_approve' })).toMatchObject({
      status: 'completed',
    })
    await store.drain()
    expect(await store.facts(first.lockId)).toMatchObject({
      state: 'failed',
      code: 'checkout_expired',
      payment: 'voided',
    })
    expect(await store.facts(second.id)).toEqual(paid(1_500))
  })

  test('cleanup ends locks whose time is over, and only those', async () => {
    const sku = await store.article()
    const [old, young] = [await store.begin({ [sku]: 1 }), await store.begin({ [sku]: 1 })]
    await store.expire(old.lockId)
    expect(await store.engine.cleanupExpiredLocks()).toBe(1)
    expect(await store.facts(old.lockId)).toMatchObject({ state: 'failed', code: 'checkout_expired' })
    expect(await store.facts(young.lockId)).toMatchObject({ state: 'pending' })
    expect(await store.engine.processCheckout(old.lockId, { token: 'tok_approve' })).toMatchObject({
      status: 'failed',
      failure: { code: 'checkout_expired', phase: null },
    })
  })

  test('cleanup leaves other due checkouts to recovery, which does not count them as expired', async () => {
    const { lockId } = await store.begin({ [await store.article()]: 1 })
    store.faults.with = ({ kind }) => (kind === 'authorize' ? 'error_before' : null)
    await store.engine.processCheckout(lockId, { token: 'tok_approve' })
    store.faults.with = null
    await store.wake(lockId)
    expect(await store.engine.cleanupExpiredLocks()).toBe(0)
    expect(await store.facts(lockId)).toMatchObject({ state: 'authorizing' })
    expect(await store.engine.recover()).toBe(1)
    expect(await store.facts(lockId)).toMatchObject({ state: 'completed' })
    expect(await store.engine.recover()).toBe(0)
  })

  test('cleanup counts a lock once its payment is voided, not while the gateway fails to answer', async () => {
    const { lockId } = await store.begin({ [await store.article()]: 1 })
    await store.engine.processCheckout(lockId, { token: 'tok_action_required' })
    await store.expire(lockId)
    store.faults.with = ({ kind }) => (kind === 'void' ? 'error_before' : null)
    expect(await store.engine.cleanupExpiredLocks()).toBe(0)
    expect(await store.facts(lockId)).toMatchObject({ state: 'rolling_back', code: 'checkout_expired' })
    store.faults.with = null
    await store.wake(lockId)
    expect(await store.engine.cleanupExpiredLocks()).toBe(1)
    expect(await store.facts(lockId)).toMatchObject({ state: 'failed', code: 'checkout_expired', payment: 'voided' })
    expect(await store.engine.cleanupExpiredLocks()).toBe(0)
  })

  test('cleanup does not count a roll-back that ends for another reason', async () => {
    const { lockId } = await store.begin({ [await store.article()]: 1 })
    await store.engine.processCheckout(lockId, { token: 'tok_action_required' })
    store.faults.with = ({ kind }) => (kind === 'void' ? 'error_before' : null)
    await store.engine.cancelCheckout(lockId)
    store.faults.with = null
    await store.expire(lockId)
    await store.wake(lockId)
    expect(await store.engine.cleanupExpiredLocks()).toBe(0)
    expect(await store.facts(lockId)).toMatchObject({ state: 'failed', code: 'checkout_cancelled' })
  })

  test('processing an expired lock fails cleanly and holds nothing', async () => {
    const sku = await store.article()
    const { lockId } = await store.begin({ [sku]: 1 })
    await store.expire(lockId)
    expect(await store.engine.processCheckout(lockId, { token: 'tok_approve' })).toMatchObject({
      status: 'failed',
      failure: { code: 'checkout_expired', retryable: true },
    })
    expect(await store.stock(sku)).toEqual({ onHand: 100, reserved: 0 })
  })

  test('there is nothing to resume before the payment was sent', async () => {
    const { lockId } = await store.begin({ [await store.article()]: 1 })
    await expect(store.engine.resumeCheckout(lockId)).rejects.toMatchObject({ code: 'checkout_not_active' })
  })

  test('an empty cart is not locked', async () => {
    const { cartId, sessionId } = await store.cart({})
    await expect(store.engine.startCheckout(cartId, { sessionId })).rejects.toMatchObject({ code: 'cart_empty' })
    expect(await store.engine.isCartLocked(cartId)).toBe(false)
  })

  test('misuse is refused with what would be right', async () => {
    const { lockId, cartId } = await store.begin({ [await store.article()]: 1 })
    const wrong = { code: 'invalid_argument' }
    await expect(store.engine.startCheckout('', { sessionId: 's' })).rejects.toMatchObject(wrong)
    await expect(store.engine.startCheckout(cartId, { sessionId: '' })).rejects.toMatchObject(wrong)
    for (const payment of [
      {},
      { token: '' },
      { token: 't'.repeat(501) },
      { token: 't', method: 'cash' as 'card' },
      { token: 't', expectedTotalMinor: 1.5 },
      { token: 't', returnUrl: 'javascript:alert(1)' },
      { token: 't', returnUrl: '//evil.example' },
    ]) {
      await expect(store.engine.processCheckout(lockId, payment)).rejects.toMatchObject(wrong)
    }
    expect(await store.facts(lockId)).toMatchObject({ state: 'pending' })
  })

  test('text that no database takes is refused at the door', async () => {
    const { lockId, cartId, sessionId } = await store.begin({ [await store.article()]: 1 })
    const wrong = { code: 'invalid_argument' }
    for (const text of ['a\0b', 'half a \ud83d']) {
      await expect(store.engine.processCheckout(lockId, { token: 't', notes: text })).rejects.toMatchObject(wrong)
      await expect(
        store.engine.processCheckout(lockId, { token: 't', shippingAddress: { ...address, city: text } }),
      ).rejects.toMatchObject(wrong)
      await expect(store.engine.startCheckout(cartId, { sessionId, metadata: { text } })).rejects.toMatchObject(wrong)
      await expect(store.engine.startCheckout(cartId, { sessionId: text })).rejects.toMatchObject(wrong)
    }
  })

  test('a closed engine refuses, and close can be called again', async () => {
    const engine = await store.open()
    await Promise.all([engine.close(), engine.close()])
    await expect(engine.recover()).rejects.toMatchObject({ code: 'closed' })
  })
})

describeStore('Stock that is held from the start', store => {
  test('the hold is there before the payment and is sold with it', async () => {
    const engine = await store.open({ config: { holdOn: 'start' } })
    const sku = await store.article({ stock: [3, 4] })
    const { lockId } = await store.begin({ [sku]: 5 }, { engine })
    expect(await store.stock(sku)).toEqual({ onHand: 7, reserved: 5 })
    expect(await engine.processCheckout(lockId, { token: 'tok_approve' })).toMatchObject({ status: 'completed' })
    expect(await store.stock(sku)).toEqual({ onHand: 2, reserved: 0 })
    expect(await store.facts(lockId)).toEqual(paid(5_500))
  })

  test('who comes too late is refused at the start, and the cart stays free', async () => {
    const listener = vi.fn()
    const engine = await store.open({
      config: { holdOn: 'start' },
      listeners: { CheckoutFailed: [{ name: 'told', run: listener }] },
    })
    const sku = await store.article({ stock: [1] })
    await store.begin({ [sku]: 1 }, { engine })
    const late = await store.cart({ [sku]: 1 })
    await expect(engine.startCheckout(late.cartId, { sessionId: late.sessionId })).rejects.toMatchObject({
      code: 'insufficient_stock',
      phase: 'inventory_reservation',
      context: { sku, requested: 1, available: 0 },
    })
    expect(await engine.isCartLocked(late.cartId)).toBe(false)
    expect(await store.violations()).toEqual([])
    await engine.deliverer.runOnce()
    expect(listener).toHaveBeenCalledOnce()
  })

  test('the hold goes back when the lock expires, is cancelled or is refused later', async () => {
    const engine = await store.open({ config: { holdOn: 'start' } })
    const sku = await store.article({ stock: [6] })
    const begun = [1, 2, 3].map(quantity => store.begin({ [sku]: quantity }, { engine }))
    const [expiring, cancelled, refused] = await Promise.all(begun)
    expect(await store.stock(sku)).toEqual({ onHand: 6, reserved: 6 })
    await store.expire(expiring?.lockId ?? '')
    await engine.recover()
    await engine.cancelCheckout(cancelled?.lockId ?? '')
    const outcome = await engine.processCheckout(refused?.lockId ?? '', { token: 'tok_approve', expectedTotalMinor: 1 })
    expect(outcome).toMatchObject({ status: 'failed', failure: { code: 'cart_changed' } })
    expect(await store.stock(sku)).toEqual({ onHand: 6, reserved: 0 })
  })

  test('an expired hold makes way for the same cart, which holds anew', async () => {
    const engine = await store.open({ config: { holdOn: 'start' } })
    const sku = await store.article({ stock: [1] })
    const first = await store.begin({ [sku]: 1 }, { engine })
    await store.expire(first.lockId)
    const second = await engine.startCheckout(first.cartId, { sessionId: first.sessionId })
    expect(await engine.processCheckout(second.id, { token: 'tok_approve' })).toMatchObject({ status: 'completed' })
  })
})
