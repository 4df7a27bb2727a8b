/** The cart's lock: its owner, its lifetime, and its exclusion of other sessions and changes. */
import { expect, test, vi } from 'vitest'
import { defaultConfig } from '../../../src/config/config.ts'
import { paid, undone } from '../../support/store-facts.ts'
import { address, describeStore } from '../../support/test-store.ts'

const unknownId = '01920000-0000-7000-8000-000000000000'
const minutes = (from: string, to: string) => (Date.parse(to) - Date.parse(from)) / 60_000

describeStore('The lock', store => {
  test('a session that starts again gets the same lock', async () => {
    const { cartId, sessionId, lock } = await store.begin(
      { [await store.article()]: 1 },
      { start: { metadata: { a: 1 } } },
    )
    expect(await store.engine.startCheckout(cartId, { sessionId, metadata: { a: 2 } })).toEqual(lock)
    expect(lock).toMatchObject({ cartId, sessionId, userId: null, state: 'pending', phase: null, metadata: { a: 1 } })
    expect(await store.engine.getActiveLock(cartId)).toEqual(lock)
    expect(await store.engine.isCartLocked(cartId)).toBe(true)
  })

  test('ten concurrent starts create one lock', async () => {
    const { cartId, sessionId } = await store.cart({ [await store.article()]: 1 })
    const locks = await Promise.all(Array.from({ length: 10 }, () => store.engine.startCheckout(cartId, { sessionId })))
    expect(new Set(locks.map(lock => lock.id)).size).toBe(1)
    expect(await store.sql('select 1 from holdfast.checkouts where cart_id = $1', [cartId])).toHaveLength(1)
  })

  test('another session gets cart_locked while the cart is being checked out', async () => {
    const { cartId, lock } = await store.begin({ [await store.article()]: 1 })
    await expect(store.engine.startCheckout(cartId, { sessionId: 'another session' })).rejects.toMatchObject({
      code: 'cart_locked',
      retryable: true,
      context: { expires_at: lock.expiresAt },
    })
  })

  test('a cart of another session looks as if it did not exist', async () => {
    const { cartId } = await store.cart({ [await store.article()]: 1 })
    await expect(store.engine.startCheckout(cartId, { sessionId: 'another session' })).rejects.toMatchObject({
      code: 'cart_not_found',
    })
    await expect(store.engine.startCheckout(unknownId, { sessionId: 'another session' })).rejects.toMatchObject({
      code: 'cart_not_found',
    })
  })

  test('a lock of another session looks as if it did not exist, for every call', async () => {
    const { lockId } = await store.begin({ [await store.article()]: 1 })
    const other = { sessionId: 'another session' }
    const absent = { code: 'checkout_not_found' }
    await expect(store.engine.processCheckout(lockId, { token: 'tok_approve' }, other)).rejects.toMatchObject(absent)
    await expect(store.engine.resumeCheckout(lockId, other)).rejects.toMatchObject(absent)
    await expect(store.engine.cancelCheckout(lockId, other)).rejects.toMatchObject(absent)
    expect(await store.engine.getCheckoutStatus(lockId, other)).toBeNull()
    await expect(store.engine.processCheckout(unknownId, { token: 'tok_approve' })).rejects.toMatchObject(absent)
    expect((await store.facts(lockId)).state).toBe('pending')
  })

  test('a concurrent request of another session does not affect the buyer', async () => {
    const { lockId, sessionId } = await store.begin({ [await store.article()]: 1 })
    const token = 'tok_approve'
    const [stranger, malformed, buyer] = await Promise.allSettled([
      store.engine.processCheckout(lockId, { token }, { sessionId: 'another session' }),
      store.engine.processCheckout(lockId, {}, { sessionId }),
      store.engine.processCheckout(lockId, { token }, { sessionId }),
    ])
    expect(stranger).toMatchObject({ status: 'rejected', reason: { code: 'checkout_not_found' } })
    expect(malformed).toMatchObject({ status: 'rejected', reason: { code: 'invalid_argument' } })
    expect(buyer).toMatchObject({ status: 'fulfilled', value: { status: 'completed' } })
  })

  test('a lock lives 15 minutes by default, or as requested up to 60 minutes', async () => {
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

  test('the status of a lock has its phase, state, and expiry', async () => {
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
    expect(await store.engine.getCheckoutStatus(unknownId)).toBeNull()

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

  test('a locked cart cannot be changed until its checkout has failed', async () => {
    const sku = await store.article()
    const { lockId, sessionId } = await store.begin({ [sku]: 1 })
    await expect(store.carts.addLine(sessionId, { sku, quantity: 1 })).rejects.toMatchObject({ code: 'cart_locked' })
    await expect(store.carts.setCoupon(sessionId, 'TEN')).rejects.toMatchObject({ code: 'cart_locked' })
    await store.engine.cancelCheckout(lockId)
    expect((await store.carts.addLine(sessionId, { sku, quantity: 1 })).lines).toMatchObject([{ sku, quantity: 2 }])
  })

  test('a bought cart cannot be changed or bought again', async () => {
    const sku = await store.article()
    const { cartId, lockId, sessionId } = await store.begin({ [sku]: 1 })
    await store.engine.processCheckout(lockId, { token: 'tok_approve' })
    await expect(store.engine.startCheckout(cartId, { sessionId })).rejects.toMatchObject({ code: 'cart_ordered' })
    await expect(store.carts.clear(sessionId)).rejects.toMatchObject({ code: 'cart_ordered' })
  })

  test('an expired lock does not block other sessions before its cleanup', async () => {
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

  test('an expired lock that awaits its buyer is replaced at once, and its payment is voided', async () => {
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

  test('cleanup ends expired locks only', async () => {
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

  test('cleanup does not count a rollback that ends for a different reason', async () => {
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

  test('processing an expired lock fails and holds no stock', async () => {
    const sku = await store.article()
    const { lockId } = await store.begin({ [sku]: 1 })
    await store.expire(lockId)
    expect(await store.engine.processCheckout(lockId, { token: 'tok_approve' })).toMatchObject({
      status: 'failed',
      failure: { code: 'checkout_expired', retryable: true },
    })
    expect(await store.stock(sku)).toEqual({ onHand: 100, reserved: 0 })
  })

  test('a checkout cannot be resumed before its payment was sent', async () => {
    const { lockId } = await store.begin({ [await store.article()]: 1 })
    await expect(store.engine.resumeCheckout(lockId)).rejects.toMatchObject({ code: 'checkout_not_active' })
  })

  test('an empty cart is not locked', async () => {
    const { cartId, sessionId } = await store.cart({})
    await expect(store.engine.startCheckout(cartId, { sessionId })).rejects.toMatchObject({ code: 'cart_empty' })
    expect(await store.engine.isCartLocked(cartId)).toBe(false)
  })

  test('invalid arguments are refused and change nothing', async () => {
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

  test('text that the database cannot store is refused before anything is read', async () => {
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

  test('a closed engine refuses calls, and close can be called twice', async () => {
    const engine = await store.open()
    await Promise.all([engine.close(), engine.close()])
    await expect(engine.recover()).rejects.toMatchObject({ code: 'closed' })
  })
})

describeStore('Stock that is held at the start', store => {
  test('stock is held at the start and sold with the payment', async () => {
    const engine = await store.open({ config: { holdOn: 'start' } })
    const sku = await store.article({ stock: [3, 4] })
    const { lockId } = await store.begin({ [sku]: 5 }, { engine })
    expect(await store.stock(sku)).toEqual({ onHand: 7, reserved: 5 })
    expect(await engine.processCheckout(lockId, { token: 'tok_approve' })).toMatchObject({ status: 'completed' })
    expect(await store.stock(sku)).toEqual({ onHand: 2, reserved: 0 })
    expect(await store.facts(lockId)).toEqual(paid(5_500))
  })

  test('a buyer who finds no stock is refused at the start, and the cart stays unlocked', async () => {
    const listener = vi.fn()
    const engine = await store.open({
      config: { holdOn: 'start' },
      listeners: { CheckoutFailed: [{ name: 'failures', run: listener }] },
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

  test('stock held at the start is released if the lock expires, is cancelled, or is refused later', async () => {
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

  test('an expired hold is released for a new checkout of the same cart, which holds stock again', async () => {
    const engine = await store.open({ config: { holdOn: 'start' } })
    const sku = await store.article({ stock: [1] })
    const first = await store.begin({ [sku]: 1 }, { engine })
    await store.expire(first.lockId)
    const second = await engine.startCheckout(first.cartId, { sessionId: first.sessionId })
    expect(await engine.processCheckout(second.id, { token: 'tok_approve' })).toMatchObject({ status: 'completed' })
  })
})
