/** Payments that a browser confirms in the Payment Element, and payments that were made elsewhere and are brought along. */
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

  test('is opened with the publishable key and the secret of this payment, by nobody else’s session', async () => {
    const { lockId, sessionId, intent } = await opened()
    expect(await shop.engine.getConfirmation(lockId, { sessionId })).toEqual({
      redirectUrl: null,
      clientSecret: expect.stringMatching(new RegExp(`^${intent}_secret_`)),
      publishableKey: keys.publishableKey,
    })
    await expect(shop.engine.getConfirmation(lockId, { sessionId: 'another' })).rejects.toThrow(
      'There is no such checkout.',
    )
  })

  test('confirmed completes the order when the buyer comes back', async () => {
    const { lockId } = await opened()
    expect(await shop.confirmInBrowser(lockId, { payment_method: 'pm_card_visa' })).toEqual({
      status: 200,
      intent: 'requires_capture',
    })
    expect(await shop.engine.resumeCheckout(lockId)).toMatchObject({ status: 'completed' })
    expect(await shop.ending(lockId)).toEqual({ ...paid, charged: 2_500, intents: ['succeeded'] })
  })

  test('confirmed completes the order by webhook alone', async () => {
    const { lockId } = await opened()
    await shop.confirmInBrowser(lockId, { payment_method: 'pm_card_visa' })
    await shop.pass(0)
    expect(await shop.ending(lockId)).toMatchObject({ ...paid, charged: 2_500 })
  })

  test('declined lets the buyer try another card, and charges that one alone', async () => {
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

  test('that asks for 3-D Secure completes the order once that is passed', async () => {
    const { lockId, intent } = await opened()
    await shop.confirmInBrowser(lockId, { payment_method: 'pm_card_authenticationRequired', use_stripe_sdk: 'true' })
    await shop.pass(0)
    expect(await shop.ending(lockId)).toMatchObject({ state: 'awaiting_action' })
    shop.simulator.authenticate(intent, 'complete')
    await shop.pass(0)
    expect(await shop.ending(lockId)).toMatchObject({ ...paid, charged: 2_500 })
  })

  test('in which 3-D Secure failed lets the buyer try another card', async () => {
    const { lockId, intent } = await opened()
    await shop.confirmInBrowser(lockId, { payment_method: 'pm_card_authenticationRequired' })
    shop.simulator.authenticate(intent, 'fail')
    await shop.pass(0)
    await shop.confirmInBrowser(lockId, { payment_method: 'pm_card_visa' })
    await shop.pass(0)
    expect(await shop.ending(lockId)).toMatchObject({ ...paid, charged: 2_500 })
  })

  test('abandoned ends with the lock, and takes no card any more', async () => {
    const { lockId, intent, sku } = await opened()
    const told = await shop.engine.getConfirmation(lockId)
    await shop.store.expire(lockId)
    await shop.pass(0)
    expect(await shop.ending(lockId)).toMatchObject({ ...undone, code: 'checkout_expired', intents: ['canceled'] })
    const late = await shop.simulator.handle(
      new Request(`http://stripe.invalid/v1/payment_intents/${intent}/confirm`, {
        method: 'POST',
        headers: { 'content-type': 'application/x-www-form-urlencoded' },
        body: `key=${keys.publishableKey}&client_secret=${told?.clientSecret}&payment_method=pm_card_visa`,
      }),
    )
    expect(late.status).toBe(400)
    expect(await shop.store.stock(sku)).toEqual({ onHand: 100, reserved: 0 })
  })

  test('confirmed in the moment the lock ends is let go, and nothing is charged', async () => {
    const { lockId } = await opened()
    await shop.confirmInBrowser(lockId, { payment_method: 'pm_card_visa' })
    await shop.store.expire(lockId)
    await shop.engine.recover()
    expect(await shop.ending(lockId)).toMatchObject({ ...undone, intents: ['canceled'] })
  })

  test('shows no secret once the checkout is over', async () => {
    const { lockId } = await opened()
    await shop.engine.cancelCheckout(lockId)
    expect(await shop.engine.getConfirmation(lockId)).toBeNull()
  })

  test('shows a sentence of ours where Stripe refuses the question', async () => {
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

  test('is pending first, and completes the order once the bank has paid', async () => {
    const { lockId } = await debited('success')
    expect(await shop.engine.resumeCheckout(lockId)).toMatchObject({ status: 'processing' })
    await shop.pass(5_000)
    expect(await shop.ending(lockId)).toEqual({ ...paid, charged: 2_500, intents: ['succeeded'] })
  })

  test('is pending first, and lets the buyer try again once the bank has refused', async () => {
    const { lockId } = await debited('insufficientFunds')
    expect(await shop.engine.resumeCheckout(lockId)).toMatchObject({ status: 'processing' })
    await shop.pass(5_000)
    expect(await shop.engine.resumeCheckout(lockId)).toMatchObject({ status: 'action_required' })
    await shop.confirmInBrowser(lockId, bankAccount('success'))
    await shop.pass(5_000)
    expect(await shop.ending(lockId)).toMatchObject({ ...paid, charged: 2_500 })
  })

  test('that pays after the lock has ended gets the money back', async () => {
    const { lockId } = await debited('success')
    await shop.store.expire(lockId)
    await shop.engine.recover()
    expect(await shop.ending(lockId)).toMatchObject({ state: 'rolling_back', holds: ['held'] })
    await shop.drain()
    expect(await shop.ending(lockId)).toMatchObject({ ...undone, code: 'checkout_expired', intents: ['succeeded'] })
    expect(shop.books(lockId)).toMatchObject({ capturedMinor: 2_500, refundedMinor: 2_500 })
  })

  test('that fails after the lock has ended leaves nothing open', async () => {
    const { lockId } = await debited('noAccount')
    await shop.store.expire(lockId)
    await shop.engine.recover()
    await shop.drain()
    expect(await shop.ending(lockId)).toMatchObject({ ...undone, intents: ['canceled'] })
  })
})

describeStripe('A payment that was made elsewhere', shop => {
  async function brought(changes: Partial<Stripe.PaymentIntentCreateParams> = {}, confirm = true) {
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

  test('for this checkout and its amount is adopted, and captured', async () => {
    const { lockId, intent, outcome } = await brought()
    expect(outcome).toMatchObject({ status: 'completed' })
    expect(await shop.intentOf(lockId)).toBe(intent.id)
    expect(await shop.ending(lockId)).toEqual({ ...paid, charged: 2_500, intents: ['succeeded'] })
  })

  test('and is still to be confirmed waits for the browser', async () => {
    const { lockId, outcome } = await brought({}, false)
    expect(outcome).toMatchObject({ status: 'action_required', action: { type: 'confirm' } })
    await shop.confirmInBrowser(lockId, { payment_method: 'pm_card_visa' })
    expect(await shop.engine.resumeCheckout(lockId)).toMatchObject({ status: 'completed' })
    expect(await shop.ending(lockId)).toMatchObject({ ...paid, charged: 2_500 })
  })

  test('is adopted also where the answer to that was lost', async () => {
    shop.simulator.planFault({ fault: { kind: 'server_error', effect: false }, on: 'update' })
    const { lockId, outcome } = await brought({}, false)
    expect(outcome).toMatchObject({ status: 'action_required' })
    await shop.confirmInBrowser(lockId, { payment_method: 'pm_card_visa_chargeDeclined' })
    expect(await shop.engine.resumeCheckout(lockId)).toMatchObject({ status: 'action_required' })
    await shop.confirmInBrowser(lockId, { payment_method: 'pm_card_visa' })
    expect(await shop.engine.resumeCheckout(lockId)).toMatchObject({ status: 'completed' })
  })

  test('and waits for 3-D Secure is gone on with', async () => {
    const { lockId, intent, outcome } = await brought({ payment_method: 'pm_card_authenticationRequired' })
    expect(outcome).toMatchObject({ status: 'action_required' })
    shop.simulator.authenticate(intent.id, 'complete')
    await shop.pass(0)
    expect(await shop.ending(lockId)).toMatchObject({ ...paid, charged: 2_500 })
  })

  test('and was adopted is let go where the checkout is given up', async () => {
    const { lockId } = await brought({}, false)
    await shop.engine.cancelCheckout(lockId)
    expect(await shop.ending(lockId)).toMatchObject({ ...undone, intents: ['canceled'] })
  })

  test.each<[title: string, changes: Partial<Stripe.PaymentIntentCreateParams>]>([
    ['of another amount', { amount: 2_499 }],
    ['of another currency', { currency: 'eur' }],
    ['of another checkout', { metadata: { checkout_id: '0199a2b4-0000-7000-8000-000000000001' } }],
    ['of no checkout', { metadata: {} }],
    ['that takes the money at once', { capture_method: 'automatic' }],
  ])('%s is refused, and not touched', async (_, changes) => {
    const { lockId, intent, outcome } = await brought(changes)
    expect(outcome).toMatchObject({
      status: 'failed',
      failure: { code: 'payment_declined', context: { reason: 'wrong_payment' } },
    })
    expect(await shop.ending(lockId)).toMatchObject({ state: 'failed', holds: ['released'] })
    expect(await shop.intentOf(lockId)).toBe('')
    const { status, metadata } = await shop.stripe.paymentIntents.retrieve(intent.id)
    expect({ status, metadata }).toEqual({ status: intent.status, metadata: intent.metadata })
  })

  test('is adopted by one of two checkouts that bring it along', async () => {
    const first = await brought()
    const second = await shop.pay({ token: first.intent.id })
    expect(first.outcome.status).toBe('completed')
    expect(second.outcome).toMatchObject({ status: 'failed', failure: { context: { reason: 'wrong_payment' } } })
  })

  test('and is over is told as that', async () => {
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
