/** Payments that wait: for the buyer, for a confirmation, for the shop's capture. Time may end each; nothing is kept. */
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

describeStore("The buyer's action", store => {
  test('the buyer is sent to the bank, approves, and comes back to a paid order', async () => {
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

  test('who comes back without a decision is asked again, and listeners are told once', async () => {
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

  test('the webhook alone completes it when the buyer never comes back', async () => {
    store.webhooks.to = store.engine
    const { lockId } = await processed(store, 'tok_action_required')
    await store.gateway.approve(reference(lockId))
    await store.pass(1)
    await store.engine.recover()
    expect(await store.facts(lockId)).toEqual(paid(2_500, { events: waitedEvents }))
  })

  test('the buyer refuses, and everything is undone', async () => {
    const { lockId, sku } = await processed(store, 'tok_action_required')
    await store.gateway.refuse(reference(lockId))
    expect(await store.engine.resumeCheckout(lockId)).toMatchObject({
      status: 'failed',
      failure: { code: 'payment_declined', context: { reason: 'authentication_failed' } },
    })
    expect(await store.stock(sku)).toEqual({ onHand: 100, reserved: 0 })
  })

  test('the buyer never decides: time ends it, and a late approval charges nothing', async () => {
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

  test('an approval that comes as the lock expires is given back', async () => {
    const { lockId } = await processed(store, 'tok_action_required')
    await store.gateway.approve(reference(lockId))
    await store.expire(lockId)
    expect(await store.engine.resumeCheckout(lockId)).toMatchObject({ failure: { code: 'checkout_expired' } })
    expect(await store.facts(lockId)).toMatchObject({ payment: 'voided', charged: 0 })
  })

  test('a long look at the page of the bank does not count as an answer that is overdue', async () => {
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

describeStore('A later confirmation', store => {
  test.each([
    ['a card that is confirmed later', { token: 'tok_pending' }],
    ['a bank transfer', { method: 'bank_transfer' as const }],
  ])('%s: processing until the webhook, then paid', async (_, payment) => {
    store.webhooks.to = store.engine
    const sku = await store.article()
    const { lockId } = await store.begin({ [sku]: 2 })
    expect(await store.engine.processCheckout(lockId, payment)).toMatchObject({ status: 'processing' })
    expect(await store.facts(lockId)).toMatchObject({ state: 'authorizing', holds: ['held'], order: null })
    await store.pass(5_001)
    await store.engine.recover()
    expect(await store.facts(lockId)).toEqual(paid(2_500))
  })

  test('a lost webhook only delays it', async () => {
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

  test('webhooks of other things never get in the way of those that matter', async () => {
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

  test('a webhook that comes twice, too early, or forged does no harm', async () => {
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

describeStore('A later capture', store => {
  test('the shop captures when it ships, once', async () => {
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

  test('it does not expire with the lock', async () => {
    const { lockId } = await processed(store, 'tok_approve', { captureLater: true })
    await store.expire(lockId)
    await store.engine.recover()
    expect(await store.engine.processCheckout(lockId, { token: 'tok_approve' })).toMatchObject({
      status: 'awaiting_capture',
    })
    expect(await store.engine.captureCheckout(lockId)).toMatchObject({ status: 'completed' })
  })

  test('it ends with the authorization, which is voided before the gateway lets it go', async () => {
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

  test('a capture after the authorization has ended is refused, and everything is undone', async () => {
    const { lockId } = await processed(store, 'tok_approve', { captureLater: true })
    await store.pass(8 * 24 * 3_600_000)
    expect(await store.engine.captureCheckout(lockId)).toMatchObject({
      status: 'failed',
      failure: { code: 'authorization_ended' },
    })
    expect(await store.facts(lockId)).toMatchObject({ state: 'failed', order: 'cancelled', charged: 0 })
  })

  test('it can be cancelled instead, and then nothing can be captured', async () => {
    const { lockId } = await processed(store, 'tok_approve', { captureLater: true })
    expect(await store.engine.cancelCheckout(lockId)).toMatchObject({ failure: { code: 'checkout_cancelled' } })
    await expect(store.engine.captureCheckout(lockId)).rejects.toMatchObject({ code: 'not_capturable' })
    expect(await store.facts(lockId)).toMatchObject({ order: 'cancelled', payment: 'voided' })
  })

  test('only what waits for it can be captured', async () => {
    const { lockId } = await store.begin({ [await store.article()]: 1 })
    await expect(store.engine.captureCheckout(lockId)).rejects.toMatchObject({ code: 'not_capturable' })
  })
})
