/** Cancellation and expiry in every resting state: the checkout is undone, or after the pivot it is left as it is. */
import { expect, test } from 'vitest'
import { undone } from '../support/store-facts.ts'
import { type Begun, describeStore, type TestStore } from '../support/test-store.ts'

type Ready = Begun & { sku: string }

/** Brings a checkout to rest in each state that is not final. */
const resting: Record<string, (store: TestStore) => Promise<Ready>> = {
  pending: store => begun(store),
  authorizing: store => at(store, 'tok_pending'),
  'authorizing (unknown)': async store => {
    store.faults.with = ({ kind }) => (kind === 'authorize' ? 'error_after' : null)
    const engine = await store.open({ gateway: { ...store.gateway, lookup: async () => ({ outcome: 'not_found' }) } })
    return at(store, 'tok_approve', engine)
  },
  awaiting_action: store => at(store, 'tok_action_required'),
  awaiting_capture: store => at(store, 'tok_approve', store.engine, true),
  capturing: async store => {
    store.faults.with = ({ kind }) => (kind === 'capture' ? 'error_before' : null)
    return at(store, 'tok_approve')
  },
  rolling_back: store => at(store, 'tok_void_fails'),
}

async function begun(store: TestStore): Promise<Ready> {
  const sku = await store.article()
  return { ...(await store.begin({ [sku]: 2 }, { cart: { couponCode: 'TEN' } })), sku }
}

async function at(store: TestStore, token: string, engine = store.engine, captureLater = false): Promise<Ready> {
  const ready = await begun(store)
  await engine.processCheckout(ready.lockId, { token, captureLater })
  return ready
}

/** By state: the state right after the cancellation, and the failure's code at the end. */
const cancelled: [string, string, string][] = [
  ['pending', 'failed', 'checkout_cancelled'],
  ['authorizing', 'failed', 'checkout_cancelled'],
  ['authorizing (unknown)', 'failed', 'checkout_cancelled'],
  ['awaiting_action', 'failed', 'checkout_cancelled'],
  ['awaiting_capture', 'failed', 'checkout_cancelled'],
  ['rolling_back', 'rolling_back', 'capture_refused'],
]

describeStore('Cancellation', store => {
  test.each(cancelled)('a cancellation in %s undoes everything', async (state, atOnce, code) => {
    const { lockId, sku, cartId } = await (resting[state] ?? begun)(store)
    expect((await store.facts(lockId)).state).toBe(state.split(' ')[0])
    const outcome = await store.engine.cancelCheckout(lockId, { reason: 'changed my mind' })
    expect(outcome).toMatchObject({ status: 'failed', failure: { code }, lock: { state: atOnce } })
    await store.drain()
    const facts = await store.facts(lockId)
    expect(facts).toMatchObject({ state: 'failed', code, charged: 0, holdsCart: false })
    expect(['voided', null]).toContain(facts.payment)
    expect([null, 'released']).toContain(facts.claim)
    expect(await store.stock(sku)).toEqual({ onHand: 100, reserved: 0 })
    expect(await store.engine.isCartLocked(cartId)).toBe(false)
    expect(await store.engine.cancelCheckout(lockId)).toMatchObject({ status: 'failed', failure: { code } })
    if (code === 'checkout_cancelled') expect(facts.events).toContain('CheckoutCancelled')
  })

  test('a cancellation after the decision to capture changes nothing and returns the current state', async () => {
    const { lockId } = await (resting.capturing ?? begun)(store)
    expect(await store.engine.cancelCheckout(lockId)).toMatchObject({
      status: 'processing',
      lock: { state: 'capturing' },
    })
    await store.engine.releaseCheckout(lockId, { actor: 'ada' })
    store.faults.with = null
    await store.drain()
    expect(await store.engine.cancelCheckout(lockId)).toMatchObject({ status: 'completed' })
  })

  test('five concurrent cancellations return the same result', async () => {
    const { lockId } = await at(store, 'tok_action_required')
    const outcomes = await Promise.all(Array.from({ length: 5 }, () => store.engine.cancelCheckout(lockId)))
    for (const outcome of outcomes) expect(outcome).toMatchObject({ failure: { code: 'checkout_cancelled' } })
  })

  test('an operator can release a checkout of any session, and is recorded by name', async () => {
    const { lockId } = await at(store, 'tok_action_required')
    const outcome = await store.engine.releaseCheckout(lockId, { actor: 'ada', reason: 'stuck' })
    expect(outcome).toMatchObject({ status: 'failed', failure: { code: 'checkout_released' } })
    const events = ['CheckoutStarted', 'PaymentActionRequired', 'CheckoutFailed', 'CheckoutCancelled']
    expect(await store.facts(lockId)).toEqual(
      undone('checkout_released', 'payment_authorization', { events, claim: 'released' }),
    )
    expect(
      await store.sql('select action, actor, details from holdfast.admin_actions where checkout_id = $1', [lockId]),
    ).toEqual([{ action: 'release', actor: 'ada', details: { reason: 'stuck' } }])
  })
})

/** By state: the final state after the expiry, and the failure's code. */
const expired: [string, string, string][] = [
  ['pending', 'failed', 'checkout_expired'],
  ['authorizing', 'failed', 'checkout_expired'],
  ['authorizing (unknown)', 'failed', 'checkout_expired'],
  ['awaiting_action', 'failed', 'checkout_expired'],
  ['capturing', 'completed', ''],
  ['rolling_back', 'failed', 'capture_refused'],
]

describeStore('Expiry', store => {
  test.each(expired)('an expiry in %s ends in %s', async (state, end, code) => {
    const { lockId, sku, cartId, sessionId } = await (resting[state] ?? begun)(store)
    await store.expire(lockId)
    await store.wake(lockId)
    await store.engine.recover()
    store.faults.with = null
    await store.drain()
    const facts = await store.facts(lockId)
    const paid = end === 'completed'
    expect(facts).toMatchObject({ state: end, code: code || null, charged: paid ? 2_300 : 0 })
    expect(await store.stock(sku)).toEqual({ onHand: paid ? 98 : 100, reserved: 0 })
    if (code === 'checkout_expired') {
      expect(facts.events.slice(-2)).toEqual(['CheckoutFailed', 'CheckoutExpired'])
      const again = await store.engine.startCheckout(cartId, { sessionId })
      expect(await store.engine.processCheckout(again.id, { token: 'tok_approve' })).toMatchObject({
        status: 'completed',
      })
    }
  })

  test('a buyer can start again after the lock expires, even while the rollback is not confirmed', async () => {
    const { lockId, cartId, sessionId, sku } = await at(store, 'tok_void_fails')
    const waiting = await store.engine.startCheckout(cartId, { sessionId })
    expect(waiting).toMatchObject({ id: lockId, state: 'rolling_back' })
    await store.expire(lockId)
    expect(await store.engine.isCartLocked(cartId)).toBe(false)
    const second = await store.engine.startCheckout(cartId, { sessionId })
    expect(await store.engine.processCheckout(second.id, { token: 'tok_approve' })).toMatchObject({
      status: 'completed',
    })
    expect(await store.violations()).toEqual([])
    await store.drain()
    expect(await store.stock(sku)).toEqual({ onHand: 98, reserved: 0 })
  })
})
