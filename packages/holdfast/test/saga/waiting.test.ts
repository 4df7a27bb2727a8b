/** Payments that wait for the buyer, for a confirmation, or for the shop's capture. If they expire, everything is undone. */
import { expect, test } from 'vitest'
import { requireOrder } from '../../src/domain/outcome.ts'
import { paid, undone } from '../support/store-facts.ts'
import { describeStore, type TestStore } from '../support/test-store.ts'

const reference = (lockId: string) => `sbx_${lockId}:authorize:1`
const waitedEvents = ['CheckoutStarted', 'PaymentActionRequired', 'CheckoutCompleted']

async function processed(store: TestStore, token: string, more = {}) {
  const sku = await store.article()
  const begun = await store.begin({ [sku]: 2 })
  const outcome = await store.engine.processCheckout(begun.lockId, { token, ...more })
  return { ...begun, sku, outcome }
}

describeStore('A payment that requires an action of the buyer', store => {
  test('a buyer who approves at the bank returns to a paid order', async () => {
    const { outcome, lockId } = await processed(store, 'tok_action_required', {
      returnUrl: 'https://shop.example/back',
    })
    expect(outcome).toMatchObject({
      status: 'action_required',
      action: { type: 'redirect', url: expect.stringContaining(encodeURIComponent(reference(lockId))) },
      lock: { state: 'awaiting_action' },
    })
    expect((await store.gateway.payment(reference(lockId)))?.returnUrl).toBe('https://shop.example/back')
    await store.gateway.approve(reference(lockId))
    expect(await store.engine.resumeCheckout(lockId)).toMatchObject({ status: 'completed' })
    expect(await store.facts(lockId)).toEqual(paid(2_500, { events: waitedEvents }))
  })

  test('a buyer who returns without a decision gets the same action, and its event is published once', async () => {
    const { lockId } = await processed(store, 'tok_action_required')
    for (let visit = 0; visit < 3; visit += 1) {
      expect(await store.engine.resumeCheckout(lockId)).toMatchObject({ status: 'action_required' })
    }
    expect(await store.engine.processCheckout(lockId, { token: 'tok_approve' })).toMatchObject({
      status: 'action_required',
    })
    await store.gateway.approve(reference(lockId))
    await store.engine.resumeCheckout(lockId)
    expect(await store.facts(lockId)).toEqual(paid(2_500, { events: waitedEvents }))
  })

  test('a webhook completes the checkout if the buyer does not return', async () => {
    store.webhooks.to = store.engine
    const { lockId } = await processed(store, 'tok_action_required')
    await store.gateway.approve(reference(lockId))
    await store.pass(1)
    await store.engine.recover()
    expect(await store.facts(lockId)).toEqual(paid(2_500, { events: waitedEvents }))
  })

  test('a payment that the buyer refuses is undone completely', async () => {
    const { lockId, sku } = await processed(store, 'tok_action_required')
    await store.gateway.refuse(reference(lockId))
    expect(await store.engine.resumeCheckout(lockId)).toMatchObject({
      status: 'failed',
      failure: { code: 'payment_declined', context: { reason: 'authentication_failed' } },
    })
    expect(await store.stock(sku)).toEqual({ onHand: 100, reserved: 0 })
  })

  test('a payment without a decision expires, and a late approval charges nothing', async () => {
    const { lockId, sku } = await processed(store, 'tok_action_required')
    await store.expire(lockId)
    await store.engine.recover()
    const events = ['CheckoutStarted', 'PaymentActionRequired', 'CheckoutFailed', 'CheckoutExpired']
    expect(await store.facts(lockId)).toEqual(undone('checkout_expired', 'payment_authorization', { events }))
    expect(await store.stock(sku)).toEqual({ onHand: 100, reserved: 0 })
    await store.gateway.approve(reference(lockId))
    expect(await store.engine.resumeCheckout(lockId)).toMatchObject({ failure: { code: 'checkout_expired' } })
    expect(await store.facts(lockId)).toMatchObject({ payment: 'voided', charged: 0 })
  })

  test('an approval that arrives as the lock expires is voided', async () => {
    const { lockId } = await processed(store, 'tok_action_required')
    await store.gateway.approve(reference(lockId))
    await store.expire(lockId)
    expect(await store.engine.resumeCheckout(lockId)).toMatchObject({ failure: { code: 'checkout_expired' } })
    expect(await store.facts(lockId)).toMatchObject({ payment: 'voided', charged: 0 })
  })

  test('the time that a buyer spends at the bank does not count towards the authorization timeout', async () => {
    const { lockId } = await processed(store, 'tok_action_required')
    await store.sql(
      `update holdfast.payment_operations set intended_at = now() - interval '10 minutes' where checkout_id = $1`,
      [lockId],
    )
    const engine = await store.open({ gateway: { ...store.gateway, lookup: () => Promise.reject(new Error('reset')) } })
    expect(await engine.resumeCheckout(lockId)).toMatchObject({ status: 'processing' })
    await store.gateway.approve(reference(lockId))
    expect(await store.engine.resumeCheckout(lockId)).toMatchObject({ status: 'completed' })
  })
})

describeStore('A payment that is confirmed later', store => {
  test.each([
    ['a card that is confirmed later', { token: 'tok_pending' }],
    ['a bank transfer', { method: 'bank_transfer' as const }],
  ])('%s: the checkout is processing until the webhook arrives, then it is paid', async (_, payment) => {
    store.webhooks.to = store.engine
    const sku = await store.article()
    const { lockId } = await store.begin({ [sku]: 2 })
    expect(await store.engine.processCheckout(lockId, payment)).toMatchObject({ status: 'processing' })
    expect(await store.facts(lockId)).toMatchObject({ state: 'authorizing', holds: ['held'], order: null })
    await store.pass(5_001)
    await store.engine.recover()
    expect(await store.facts(lockId)).toEqual(paid(2_500))
  })

  test('a lost webhook only delays the checkout', async () => {
    const { lockId } = await processed(store, 'tok_pending')
    await store.pass(5_001)
    await store.wake(lockId)
    await store.engine.recover()
    expect(await store.facts(lockId)).toEqual(paid(2_500))
  })

  test('a confirmation after the lock has expired charges nothing', async () => {
    store.webhooks.to = store.engine
    const { lockId } = await processed(store, 'tok_pending')
    await store.expire(lockId)
    await store.wake(lockId)
    await store.engine.recover()
    await store.pass(5_001)
    await store.engine.recover()
    expect(await store.facts(lockId)).toMatchObject({
      state: 'failed',
      code: 'checkout_expired',
      payment: 'voided',
      charged: 0,
    })
  })

  test('webhooks about other objects do not delay those about payments', async () => {
    store.webhooks.to = store.engine
    await store.sql(
      `insert into holdfast.webhooks (gateway, event_id, type, payload, received_at)
       select 'sandbox', 'other-' || n, 'payout.paid', '{}', now() - interval '1 hour' from generate_series(1, 300) n`,
    )
    const { lockId } = await processed(store, 'tok_action_required')
    await store.gateway.approve(reference(lockId))
    await store.pass(1)
    await store.engine.recover()
    expect(await store.facts(lockId)).toMatchObject({ state: 'completed' })
  })

  test('a repeated, early, or forged webhook changes nothing', async () => {
    const sent: { headers: Headers; body: string }[] = []
    const engine = store.engine
    store.webhooks.to = { ...engine, receiveWebhook: async (_, headers, body) => sent.push({ headers, body }) > 0 }
    const { lockId } = await processed(store, 'tok_pending')
    await store.pass(5_001)
    const [{ headers, body } = { headers: new Headers(), body: '' }] = sent
    expect(await engine.receiveWebhook('sandbox', headers, `${body} `)).toBe(false)
    expect(await engine.receiveWebhook('other', headers, body)).toBe(false)
    expect(await Promise.all([1, 2, 3].map(() => engine.receiveWebhook('sandbox', headers, body)))).toEqual([
      true,
      true,
      true,
    ])
    await engine.recover()
    expect(await store.facts(lockId)).toEqual(paid(2_500))
    expect(await store.sql('select 1 from holdfast.webhooks where checkout_id = $1', [lockId])).toHaveLength(1)
  })
})

describeStore('A capture later', store => {
  test('a checkout that awaits capture is captured once, on request', async () => {
    const { outcome, lockId, sku } = await processed(store, 'tok_approve', { captureLater: true })
    expect(outcome).toMatchObject({ status: 'awaiting_capture', order: { status: 'pending' } })
    expect(requireOrder(outcome).totalMinor).toBe(2_500)
    expect(await store.stock(sku)).toEqual({ onHand: 100, reserved: 2 })
    expect(await store.facts(lockId)).toMatchObject({ holds: ['firm'], payment: 'authorized', charged: 0 })
    const captures = await Promise.all([1, 2, 3].map(() => store.engine.captureCheckout(lockId)))
    for (const capture of captures) expect(capture).toMatchObject({ status: 'completed', order: { status: 'paid' } })
    expect(await store.engine.captureCheckout(lockId)).toMatchObject({ status: 'completed' })
    expect(await store.facts(lockId)).toEqual(
      paid(2_500, { events: ['CheckoutStarted', 'OrderAwaitingCapture', 'CheckoutCompleted'] }),
    )
  })

  test('a checkout that awaits capture does not expire with its lock', async () => {
    const { lockId } = await processed(store, 'tok_approve', { captureLater: true })
    await store.expire(lockId)
    await store.engine.recover()
    expect(await store.engine.processCheckout(lockId, { token: 'tok_approve' })).toMatchObject({
      status: 'awaiting_capture',
    })
    expect(await store.engine.captureCheckout(lockId)).toMatchObject({ status: 'completed' })
  })

  test('a checkout that awaits capture ends with its authorization, which is voided before it expires', async () => {
    const { lockId, sku } = await processed(store, 'tok_approve', { captureLater: true })
    await store.wake(lockId)
    await store.engine.recover()
    const events = ['CheckoutStarted', 'OrderAwaitingCapture', 'CheckoutFailed']
    expect(await store.facts(lockId)).toEqual(
      undone('authorization_ended', 'payment_capture', { order: 'cancelled', events }),
    )
    expect(await store.stock(sku)).toEqual({ onHand: 100, reserved: 0 })
    await expect(store.engine.captureCheckout(lockId)).rejects.toMatchObject({ code: 'not_capturable' })
  })

  test('a capture after the end of the authorization is refused, and the checkout is undone', async () => {
    const { lockId } = await processed(store, 'tok_approve', { captureLater: true })
    await store.pass(8 * 24 * 3_600_000)
    expect(await store.engine.captureCheckout(lockId)).toMatchObject({
      status: 'failed',
      failure: { code: 'authorization_ended' },
    })
    expect(await store.facts(lockId)).toMatchObject({ state: 'failed', order: 'cancelled', charged: 0 })
  })

  test('a checkout that awaits capture can be cancelled, and then cannot be captured', async () => {
    const { lockId } = await processed(store, 'tok_approve', { captureLater: true })
    expect(await store.engine.cancelCheckout(lockId)).toMatchObject({ failure: { code: 'checkout_cancelled' } })
    await expect(store.engine.captureCheckout(lockId)).rejects.toMatchObject({ code: 'not_capturable' })
    expect(await store.facts(lockId)).toMatchObject({ order: 'cancelled', payment: 'voided' })
  })

  test('only a checkout that awaits capture can be captured', async () => {
    const { lockId } = await store.begin({ [await store.article()]: 1 })
    await expect(store.engine.captureCheckout(lockId)).rejects.toMatchObject({ code: 'not_capturable' })
  })
})
