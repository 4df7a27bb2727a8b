/** Closing an engine finishes calls under way, and a slow gateway does not delay other checkouts. */
import { expect, test } from 'vitest'
import type { PaymentGateway } from '../../src/payments/gateway.ts'
import { describeStore, type TestStore } from '../support/test-store.ts'

/** A gateway whose calls of one kind are answered when the test releases them. */
function slow(store: TestStore, kind: 'void' | 'refund' | 'lookup') {
  let release = (): void => {}
  let asked = (): void => {}
  const released = new Promise<void>(resolve => {
    release = resolve
  })
  const wasAsked = new Promise<void>(resolve => {
    asked = resolve
  })
  const hold =
    <Request, Answer>(call: (request: Request) => Promise<Answer>) =>
    async (request: Request) => {
      asked()
      await released
      return call(request)
    }
  const gateway: PaymentGateway = { ...store.gateway, [kind]: hold(store.gateway[kind] as never) }
  return { gateway, release, wasAsked }
}

describeStore('Closing an engine', store => {
  test('waits for a cancellation whose void is unanswered', async () => {
    const { gateway, release, wasAsked } = slow(store, 'void')
    const engine = await store.open({ gateway, apart: true })
    const { lockId } = await store.begin({ [await store.article()]: 1 })
    await engine.processCheckout(lockId, { token: 'tok_action_required' })
    const cancelled = engine.cancelCheckout(lockId)
    await wasAsked
    let isClosed = false
    const closed = engine.close().then(() => {
      isClosed = true
    })
    await store.engine.getCheckoutStatus(lockId)
    expect(isClosed).toBe(false)
    release()
    expect(await cancelled).toMatchObject({ status: 'failed', lock: { state: 'failed' } })
    await closed
  })

  test('waits for a refund that is unanswered', async () => {
    const { gateway, release, wasAsked } = slow(store, 'refund')
    const engine = await store.open({ gateway, apart: true })
    const { lockId } = await store.begin({ [await store.article()]: 1 })
    const outcome = await engine.processCheckout(lockId, { token: 'tok_approve' })
    if (outcome.status !== 'completed') throw new Error(outcome.status)
    const refunded = engine.refundOrder(outcome.order.id)
    await wasAsked
    let isClosed = false
    const closed = engine.close().then(() => {
      isClosed = true
    })
    await store.engine.getCheckoutStatus(lockId)
    expect(isClosed).toBe(false)
    release()
    expect(await refunded).toMatchObject({ status: 'refunded' })
    await closed
  })
})

describeStore(
  'A gateway that does not answer',
  store => {
    test('delays neither webhooks nor the expiry of other checkouts', async () => {
      const { gateway, release, wasAsked } = slow(store, 'lookup')
      store.faults.with = ({ kind }) => (kind === 'authorize' ? 'error_before' : null)
      const stuck = await store.begin({ [await store.article()]: 1 })
      await store.engine.processCheckout(stuck.lockId, { token: 'tok_approve' })
      store.faults.with = null
      const due = await store.begin({ [await store.article()]: 1 })
      const engine = await store.open({ gateway })
      await store.wake(stuck.lockId)
      const first = engine.recover()
      await wasAsked
      await store.expire(due.lockId)
      await store.wake(due.lockId)
      const second = engine.cleanupExpiredLocks()
      await expect.poll(() => store.facts(due.lockId)).toMatchObject({ state: 'failed', code: 'checkout_expired' })
      expect(await store.facts(stuck.lockId)).toMatchObject({ state: 'authorizing' })
      release()
      await Promise.all([first, second])
    })
  },
  ['postgres'],
)
