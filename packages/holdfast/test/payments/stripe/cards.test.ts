/** Cards at Stripe: approved, declined for each reason, and authenticated with 3-D Secure. */
import { expect, test } from 'vitest'
import { upsertCoupon } from '../../../src/shop/catalog/coupons.ts'
import { describeStripe, paid, undone } from './fixture.ts'

/** Stripe's test cards and their decline codes. */
const declines: [token: string, reason: string][] = [
  ['pm_card_visa_chargeDeclined', 'generic_decline'],
  ['pm_card_visa_chargeDeclinedInsufficientFunds', 'insufficient_funds'],
  ['pm_card_visa_chargeDeclinedLostCard', 'lost_card'],
  ['pm_card_visa_chargeDeclinedStolenCard', 'stolen_card'],
  ['pm_card_chargeDeclinedExpiredCard', 'expired_card'],
  ['pm_card_chargeDeclinedIncorrectCvc', 'incorrect_cvc'],
  ['pm_card_chargeDeclinedProcessingError', 'processing_error'],
  ['pm_card_visa_chargeDeclinedVelocityLimitExceeded', 'card_velocity_exceeded'],
  ['pm_card_radarBlock', 'fraudulent'],
  ['tok_chargeDeclinedInsufficientFunds', 'insufficient_funds'],
]
const returnUrl = 'http://shop.test/checkout?returned=1'

describeStripe(
  'A card at Stripe',
  shop => {
    test.each(['pm_card_visa', 'pm_card_mastercard', 'tok_visa'])('%s pays for the order', async token => {
      const { lockId, sku, outcome } = await shop.pay({ token, expectedTotalMinor: 2_500 })
      expect(outcome).toMatchObject({ status: 'completed', order: { status: 'paid', totalMinor: 2_500 } })
      expect(await shop.ending(lockId)).toEqual({ ...paid, charged: 2_500, intents: ['succeeded'] })
      expect(await shop.store.stock(sku)).toEqual({ onHand: 98, reserved: 0 })
    })

    test('a confirmation token pays for the order', async () => {
      const { id } = await shop.stripe.testHelpers.confirmationTokens.create({ payment_method: 'pm_card_visa' })
      const { lockId, outcome } = await shop.pay({ token: id, returnUrl })
      expect(outcome.status).toBe('completed')
      expect(await shop.ending(lockId)).toMatchObject({ ...paid, charged: 2_500 })
    })

    test.each(declines)('%s is declined as %s, and its payment is canceled', async (token, reason) => {
      const { lockId, sku, outcome } = await shop.pay({ token })
      expect(outcome).toMatchObject({
        status: 'failed',
        failure: { code: 'payment_declined', phase: 'payment_authorization', context: { reason } },
      })
      expect(await shop.ending(lockId)).toMatchObject({
        ...undone,
        code: 'payment_declined',
        reason,
        intents: ['canceled'],
      })
      expect(await shop.store.stock(sku)).toEqual({ onHand: 100, reserved: 0 })
    })

    test.each([
      ['pm_card_nobody', 'invalid_token'],
      ['ctoken_nobody', 'invalid_token'],
      ['tok_nobody', 'invalid_token'],
      ['4242424242424242', 'invalid_token'],
      ['pi_nobody', 'invalid_token'],
      ['pi_1_secret_2', 'invalid_token'],
    ])('%s is declined as %s', async (token, reason) => {
      const { lockId, outcome } = await shop.pay({ token })
      expect(outcome).toMatchObject({ status: 'failed', failure: { code: 'payment_declined', context: { reason } } })
      expect(await shop.ending(lockId)).toMatchObject(undone)
    })

    test('a declined card leaves the cart unlocked for another attempt', async () => {
      const { cartId, sessionId } = await shop.pay({ token: 'pm_card_visa_chargeDeclined' })
      const lock = await shop.engine.startCheckout(cartId, { sessionId })
      expect(await shop.engine.processCheckout(lock.id, { token: 'pm_card_visa' })).toMatchObject({
        status: 'completed',
      })
      expect(await shop.ending(lock.id)).toMatchObject({ ...paid, charged: 2_500 })
    })

    test('a payment that is sent several times is charged once', async () => {
      const { lockId } = await shop.begin()
      const again = () => shop.engine.processCheckout(lockId, { token: 'pm_card_visa' })
      const outcomes = await Promise.all(Array.from({ length: 5 }, again))
      expect(new Set([...outcomes, await again()].map(({ status }) => status))).toEqual(new Set(['completed']))
      expect(shop.books(lockId)).toMatchObject({ authorizations: 1, captures: 1, capturedMinor: 2_500 })
    })

    test('an order that costs nothing needs no card', async () => {
      await upsertCoupon(shop.store.database, { code: 'FREE', discount: { ratePpm: 1_000_000 }, usageLimit: 9 })
      const sku = await shop.store.article({ requiresShipping: false })
      const { lockId } = await shop.store.begin({ [sku]: 2 }, { engine: shop.engine, cart: { couponCode: 'FREE' } })
      const outcome = await shop.engine.processCheckout(lockId, { expectedTotalMinor: 0 })
      expect(outcome).toMatchObject({ status: 'completed', order: { status: 'paid', totalMinor: 0 } })
      expect(await shop.ending(lockId)).toEqual({ ...paid, charged: 0, intents: [] })
    })

    test('an order below Stripe’s minimum amount is declined', async () => {
      const sku = await shop.store.article({ requiresShipping: false, priceMinor: 20 })
      const { lockId } = await shop.store.begin({ [sku]: 2 }, { engine: shop.engine })
      const outcome = await shop.engine.processCheckout(lockId, { token: 'pm_card_visa' })
      expect(outcome).toMatchObject({ status: 'failed', failure: { context: { reason: 'amount_too_small' } } })
      expect(await shop.ending(lockId)).toMatchObject({ ...undone, intents: [] })
    })
  },
  ['postgres', 'embedded'],
)

describeStripe('3-D Secure', shop => {
  async function challenged(token = 'pm_card_authenticationRequired') {
    const begun = await shop.pay({ token, returnUrl })
    expect(begun.outcome).toMatchObject({ status: 'action_required', action: { type: 'confirm' } })
    return { ...begun, intent: await shop.intentOf(begun.lockId) }
  }

  test('a passed authentication completes the order when the buyer returns', async () => {
    const { lockId, intent } = await challenged()
    const confirmation = await shop.engine.getConfirmation(lockId)
    expect(confirmation?.redirectUrl).toBe(`http://stripe.invalid/3ds/${intent}`)
    shop.simulator.authenticate(intent, 'complete')
    expect(await shop.engine.resumeCheckout(lockId)).toMatchObject({ status: 'completed' })
    expect(await shop.ending(lockId)).toEqual({ ...paid, charged: 2_500, intents: ['succeeded'] })
  })

  test('a passed authentication completes the order by webhook alone', async () => {
    const { lockId, intent } = await challenged()
    shop.simulator.authenticate(intent, 'complete')
    await shop.pass(0)
    expect(await shop.ending(lockId)).toEqual({ ...paid, charged: 2_500, intents: ['succeeded'] })
  })

  test.each([
    ['an authentication that failed at the bank', 'pm_card_authenticationRequired', 'fail', 'authentication_failed'],
    [
      'a card declined after its authentication',
      'pm_card_threeDSecureRequiredChargeDeclined',
      'complete',
      'generic_decline',
    ],
    [
      'a card without funds after its authentication',
      'pm_card_authenticationRequiredChargeDeclinedInsufficientFunds',
      'complete',
      'insufficient_funds',
    ],
  ] as const)('%s is declined, and its payment is canceled', async (_, token, word, reason) => {
    const { lockId, intent } = await challenged(token)
    shop.simulator.authenticate(intent, word)
    expect(await shop.engine.resumeCheckout(lockId)).toMatchObject({
      status: 'failed',
      failure: { code: 'payment_declined', context: { reason } },
    })
    expect(await shop.ending(lockId)).toMatchObject({ ...undone, intents: ['canceled'] })
  })

  test('an abandoned authentication ends with the lock and cannot be passed later', async () => {
    const { lockId, intent, sku } = await challenged()
    await shop.store.expire(lockId)
    await shop.pass(0)
    expect(await shop.ending(lockId)).toMatchObject({ ...undone, code: 'checkout_expired', intents: ['canceled'] })
    expect(() => shop.simulator.authenticate(intent, 'complete')).toThrow()
    expect(await shop.store.stock(sku)).toEqual({ onHand: 100, reserved: 0 })
  })

  test('a checkout that the buyer cancels is also canceled at Stripe', async () => {
    const { lockId, intent } = await challenged()
    expect(await shop.engine.cancelCheckout(lockId)).toMatchObject({ status: 'failed' })
    expect(await shop.ending(lockId)).toMatchObject({ ...undone, intents: ['canceled'] })
    expect(() => shop.simulator.authenticate(intent, 'complete')).toThrow()
  })

  test('an authentication passed as the lock expires releases the money', async () => {
    const { lockId, intent } = await challenged()
    await shop.store.expire(lockId)
    shop.simulator.authenticate(intent, 'complete')
    await shop.engine.recover()
    expect(await shop.ending(lockId)).toMatchObject({ ...undone, intents: ['canceled'] })
  })

  test('a payment canceled in the dashboard is reported as voided', async () => {
    const { lockId, intent } = await challenged()
    await shop.stripe.paymentIntents.cancel(intent)
    await shop.pass(0)
    expect(await shop.ending(lockId)).toMatchObject({ ...undone, code: 'payment_declined', reason: 'voided' })
  })
})
