/** Payments confirmed in the Payment Element, and payments that the host's own server created. */
import type Stripe from 'stripe'
import { expect, test } from 'vitest'
import { describeStripe, keys, paid, undone } from './fixture.ts'

const bankAccount = (name: string) => ({
  payment_method: `pm_usBankAccount_${name}`,
  'mandate_data[customer_acceptance][type]': 'online',
  'mandate_data[customer_acceptance][online][ip_address]': '192.0.2.1',
  'mandate_data[customer_acceptance][online][user_agent]': 'a browser',
})

describeStripe('The Payment Element', shop => {
  async function opened() {
    const begun = await shop.pay({})
    const intent = await shop.intentOf(begun.lockId)
    expect(begun.outcome).toMatchObject({ status: 'action_required', action: { type: 'confirm', payment: intent } })
    return { ...begun, intent }
  }

  test('the form opens with the publishable key and the client secret, only for the buyer’s own session', async () => {
    const { lockId, sessionId, intent } = await opened()
    expect(await shop.engine.getConfirmation(lockId, { sessionId })).toEqual({
      redirectUrl: null,
      clientSecret: expect.stringMatching(new RegExp(`^${intent}_secret_`)),
      publishableKey: keys.publishableKey,
    })
    await expect(shop.engine.getConfirmation(lockId, { sessionId: 'another' })).rejects.toThrow('Checkout not found.')
  })

  test('a confirmed payment completes the order when the buyer returns', async () => {
    const { lockId } = await opened()
    expect(await shop.confirmInBrowser(lockId, { payment_method: 'pm_card_visa' })).toEqual({
      status: 200,
      intent: 'requires_capture',
    })
    expect(await shop.engine.resumeCheckout(lockId)).toMatchObject({ status: 'completed' })
    expect(await shop.ending(lockId)).toEqual({ ...paid, charged: 2_500, intents: ['succeeded'] })
  })

  test('a confirmed payment completes the order by webhook alone', async () => {
    const { lockId } = await opened()
    await shop.confirmInBrowser(lockId, { payment_method: 'pm_card_visa' })
    await shop.pass(0)
    expect(await shop.ending(lockId)).toMatchObject({ ...paid, charged: 2_500 })
  })

  test('a declined card lets the buyer try another, and only that one is charged', async () => {
    const { lockId } = await opened()
    const declined = await shop.confirmInBrowser(lockId, { payment_method: 'pm_card_visa_chargeDeclined' })
    expect(declined).toEqual({ status: 402, intent: 'requires_payment_method' })
    await shop.pass(0)
    expect(await shop.engine.resumeCheckout(lockId)).toMatchObject({ status: 'action_required' })
    await shop.confirmInBrowser(lockId, { payment_method: 'pm_card_mastercard' })
    expect(await shop.engine.resumeCheckout(lockId)).toMatchObject({ status: 'completed' })
    expect(await shop.ending(lockId)).toMatchObject({ ...paid, charged: 2_500, intents: ['succeeded'] })
    expect(shop.books(lockId)).toMatchObject({ authorizations: 1, captures: 1 })
  })

  test('a card with 3-D Secure completes the order once the buyer is authenticated', async () => {
    const { lockId, intent } = await opened()
    await shop.confirmInBrowser(lockId, { payment_method: 'pm_card_authenticationRequired', use_stripe_sdk: 'true' })
    await shop.pass(0)
    expect(await shop.ending(lockId)).toMatchObject({ state: 'awaiting_action' })
    shop.simulator.authenticate(intent, 'complete')
    await shop.pass(0)
    expect(await shop.ending(lockId)).toMatchObject({ ...paid, charged: 2_500 })
  })

  test('a failed 3-D Secure lets the buyer try another card', async () => {
    const { lockId, intent } = await opened()
    await shop.confirmInBrowser(lockId, { payment_method: 'pm_card_authenticationRequired' })
    shop.simulator.authenticate(intent, 'fail')
    await shop.pass(0)
    await shop.confirmInBrowser(lockId, { payment_method: 'pm_card_visa' })
    await shop.pass(0)
    expect(await shop.ending(lockId)).toMatchObject({ ...paid, charged: 2_500 })
  })

  test('an abandoned form ends with the lock and accepts no card afterwards', async () => {
    const { lockId, intent, sku } = await opened()
    const confirmation = await shop.engine.getConfirmation(lockId)
    await shop.store.expire(lockId)
    await shop.pass(0)
    expect(await shop.ending(lockId)).toMatchObject({ ...undone, code: 'checkout_expired', intents: ['canceled'] })
    const late = await shop.simulator.handle(
      new Request(`http://stripe.invalid/v1/payment_intents/${intent}/confirm`, {
        method: 'POST',
        headers: { 'content-type': 'application/x-www-form-urlencoded' },
        body: `key=${keys.publishableKey}&client_secret=${confirmation?.clientSecret}&payment_method=pm_card_visa`,
      }),
    )
    expect(late.status).toBe(400)
    expect(await shop.store.stock(sku)).toEqual({ onHand: 100, reserved: 0 })
  })

  test('a payment confirmed as the lock expires is voided, and nothing is charged', async () => {
    const { lockId } = await opened()
    await shop.confirmInBrowser(lockId, { payment_method: 'pm_card_visa' })
    await shop.store.expire(lockId)
    await shop.engine.recover()
    expect(await shop.ending(lockId)).toMatchObject({ ...undone, intents: ['canceled'] })
  })

  test('an ended checkout returns no client secret', async () => {
    const { lockId } = await opened()
    await shop.engine.cancelCheckout(lockId)
    expect(await shop.engine.getConfirmation(lockId)).toBeNull()
  })

  test('an error of Stripe is replaced by a message without Stripe’s text', async () => {
    const { lockId } = await opened()
    shop.simulator.planFault({ fault: { kind: 'server_error', effect: false }, on: 'retrieve' })
    const error = await shop.engine.getConfirmation(lockId).catch((thrown: unknown) => thrown)
    expect(error).toBeInstanceOf(Error)
    expect(Object.keys(error as Error)).toEqual([])
    expect((error as Error).message).toMatch(/^Stripe answered 500/)
  })
})

describeStripe('A bank account in the Payment Element', shop => {
  async function debited(name: string) {
    const begun = await shop.pay({ method: 'bank_transfer' })
    expect(begun.outcome).toMatchObject({ status: 'action_required' })
    const confirmed = await shop.confirmInBrowser(begun.lockId, bankAccount(name))
    expect(confirmed).toEqual({ status: 200, intent: 'processing' })
    return begun
  }

  test('a bank transfer is pending and completes the order once the bank has paid', async () => {
    const { lockId } = await debited('success')
    expect(await shop.engine.resumeCheckout(lockId)).toMatchObject({ status: 'processing' })
    await shop.pass(5_000)
    expect(await shop.ending(lockId)).toEqual({ ...paid, charged: 2_500, intents: ['succeeded'] })
  })

  test('a bank transfer that the bank refused lets the buyer try again', async () => {
    const { lockId } = await debited('insufficientFunds')
    expect(await shop.engine.resumeCheckout(lockId)).toMatchObject({ status: 'processing' })
    await shop.pass(5_000)
    expect(await shop.engine.resumeCheckout(lockId)).toMatchObject({ status: 'action_required' })
    await shop.confirmInBrowser(lockId, bankAccount('success'))
    await shop.pass(5_000)
    expect(await shop.ending(lockId)).toMatchObject({ ...paid, charged: 2_500 })
  })

  test('a bank transfer that arrives after the lock expired is refunded', async () => {
    const { lockId } = await debited('success')
    await shop.store.expire(lockId)
    await shop.engine.recover()
    expect(await shop.ending(lockId)).toMatchObject({ state: 'rolling_back', holds: ['held'] })
    await shop.drain()
    expect(await shop.ending(lockId)).toMatchObject({ ...undone, code: 'checkout_expired', intents: ['succeeded'] })
    expect(shop.books(lockId)).toMatchObject({ capturedMinor: 2_500, refundedMinor: 2_500 })
  })

  test('a bank transfer that fails after the lock expired leaves nothing open', async () => {
    const { lockId } = await debited('noAccount')
    await shop.store.expire(lockId)
    await shop.engine.recover()
    await shop.drain()
    expect(await shop.ending(lockId)).toMatchObject({ ...undone, intents: ['canceled'] })
  })
})

describeStripe('A payment that the host’s server created', shop => {
  async function presented(changes: Partial<Stripe.PaymentIntentCreateParams> = {}, confirm = true) {
    const begun = await shop.begin()
    const intent = await shop.stripe.paymentIntents.create({
      amount: 2_500,
      currency: 'usd',
      capture_method: 'manual',
      allowed_payment_method_types: ['card'],
      metadata: { checkout_id: begun.lockId },
      ...(confirm ? { payment_method: 'pm_card_visa', confirm: true } : {}),
      ...changes,
    })
    return { ...begun, intent, outcome: await shop.engine.processCheckout(begun.lockId, { token: intent.id }) }
  }

  test('a payment for this checkout and amount is adopted and captured', async () => {
    const { lockId, intent, outcome } = await presented()
    expect(outcome).toMatchObject({ status: 'completed' })
    expect(await shop.intentOf(lockId)).toBe(intent.id)
    expect(await shop.ending(lockId)).toEqual({ ...paid, charged: 2_500, intents: ['succeeded'] })
  })

  test('an unconfirmed payment waits for the browser', async () => {
    const { lockId, outcome } = await presented({}, false)
    expect(outcome).toMatchObject({ status: 'action_required', action: { type: 'confirm' } })
    await shop.confirmInBrowser(lockId, { payment_method: 'pm_card_visa' })
    expect(await shop.engine.resumeCheckout(lockId)).toMatchObject({ status: 'completed' })
    expect(await shop.ending(lockId)).toMatchObject({ ...paid, charged: 2_500 })
  })

  test('a payment is adopted although the answer to the adoption was lost', async () => {
    shop.simulator.planFault({ fault: { kind: 'server_error', effect: false }, on: 'update' })
    const { lockId, outcome } = await presented({}, false)
    expect(outcome).toMatchObject({ status: 'action_required' })
    await shop.confirmInBrowser(lockId, { payment_method: 'pm_card_visa_chargeDeclined' })
    expect(await shop.engine.resumeCheckout(lockId)).toMatchObject({ status: 'action_required' })
    await shop.confirmInBrowser(lockId, { payment_method: 'pm_card_visa' })
    expect(await shop.engine.resumeCheckout(lockId)).toMatchObject({ status: 'completed' })
  })

  test('a payment that waits for 3-D Secure is continued', async () => {
    const { lockId, intent, outcome } = await presented({ payment_method: 'pm_card_authenticationRequired' })
    expect(outcome).toMatchObject({ status: 'action_required' })
    shop.simulator.authenticate(intent.id, 'complete')
    await shop.pass(0)
    expect(await shop.ending(lockId)).toMatchObject({ ...paid, charged: 2_500 })
  })

  test('an adopted payment is voided when the checkout is cancelled', async () => {
    const { lockId } = await presented({}, false)
    await shop.engine.cancelCheckout(lockId)
    expect(await shop.ending(lockId)).toMatchObject({ ...undone, intents: ['canceled'] })
  })

  test.each<[title: string, changes: Partial<Stripe.PaymentIntentCreateParams>]>([
    ['a payment of another amount', { amount: 2_499 }],
    ['a payment in another currency', { currency: 'eur' }],
    ['a payment of another checkout', { metadata: { checkout_id: '0199a2b4-0000-7000-8000-000000000001' } }],
    ['a payment of no checkout', { metadata: {} }],
    ['a payment with automatic capture', { capture_method: 'automatic' }],
  ])('%s is refused and not changed', async (_, changes) => {
    const { lockId, intent, outcome } = await presented(changes)
    expect(outcome).toMatchObject({
      status: 'failed',
      failure: { code: 'payment_declined', context: { reason: 'wrong_payment' } },
    })
    expect(await shop.ending(lockId)).toMatchObject({ state: 'failed', holds: ['released'] })
    expect(await shop.intentOf(lockId)).toBe('')
    const { status, metadata } = await shop.stripe.paymentIntents.retrieve(intent.id)
    expect({ status, metadata }).toEqual({ status: intent.status, metadata: intent.metadata })
  })

  test('a payment that two checkouts present is adopted by one of them', async () => {
    const first = await presented()
    const second = await shop.pay({ token: first.intent.id })
    expect(first.outcome.status).toBe('completed')
    expect(second.outcome).toMatchObject({ status: 'failed', failure: { context: { reason: 'wrong_payment' } } })
  })

  test('a canceled payment is declined as voided', async () => {
    const begun = await shop.begin()
    const { id } = await shop.stripe.paymentIntents.create({
      amount: 2_500,
      currency: 'usd',
      capture_method: 'manual',
      metadata: { checkout_id: begun.lockId },
    })
    await shop.stripe.paymentIntents.cancel(id)
    const outcome = await shop.engine.processCheckout(begun.lockId, { token: id })
    expect(outcome).toMatchObject({ status: 'failed', failure: { context: { reason: 'voided' } } })
    expect(await shop.ending(begun.lockId)).toMatchObject(undone)
  })
})
