/** Tests of Stripe's test cards and accounts: each behaves as Stripe documents. */
import { describe, expect, it } from 'vitest'
import { bench, hold, refused, startMs } from '../fixture.ts'

const declining: [name: string, number: string | null, code: string, declineCode: string | null, message: string][] = [
  ['pm_card_visa_chargeDeclined', '4000000000000002', 'card_declined', 'generic_decline', 'Your card was declined.'],
  ['pm_card_chargeDeclined', null, 'card_declined', 'generic_decline', 'Your card was declined.'],
  [
    'pm_card_visa_chargeDeclinedInsufficientFunds',
    '4000000000009995',
    'card_declined',
    'insufficient_funds',
    'Your card has insufficient funds.',
  ],
  ['pm_card_visa_chargeDeclinedLostCard', '4000000000009987', 'card_declined', 'lost_card', 'Your card was declined.'],
  [
    'pm_card_visa_chargeDeclinedStolenCard',
    '4000000000009979',
    'card_declined',
    'stolen_card',
    'Your card was declined.',
  ],
  ['pm_card_chargeDeclinedExpiredCard', '4000000000000069', 'expired_card', null, 'Your card has expired.'],
  [
    'pm_card_chargeDeclinedIncorrectCvc',
    '4000000000000127',
    'incorrect_cvc',
    null,
    "Your card's security code is incorrect.",
  ],
  [
    'pm_card_chargeDeclinedProcessingError',
    '4000000000000119',
    'processing_error',
    null,
    'An error occurred while processing your card. Try again in a little bit.',
  ],
  [
    'pm_card_visa_chargeDeclinedVelocityLimitExceeded',
    '4000000000006975',
    'card_declined',
    'card_velocity_exceeded',
    'Your card was declined for making repeated attempts too frequently or exceeding its amount limit.',
  ],
  ['pm_card_radarBlock', '4100000000000019', 'card_declined', 'fraudulent', 'Your card was declined.'],
]

describe('a card that is declined', () => {
  it.each(declining)(
    '%s: the intent waits for another, and says why',
    async (name, number, code, declineCode, message) => {
      const { stripe, simulator } = bench()
      const method =
        number === null
          ? name
          : (
              await stripe.paymentMethods.create({
                type: 'card',
                card: { number, exp_month: 1, exp_year: 2030, cvc: '111' },
              })
            ).id
      for (const payment_method of [name, method]) {
        const error = await refused(hold(stripe, { payment_method }))
        expect(error).toMatchObject({ statusCode: 402, rawType: 'card_error', code, message })
        expect(error.decline_code || null).toBe(declineCode)
        const { id = '' } = error.payment_intent ?? {}
        const intent = await stripe.paymentIntents.retrieve(id, { expand: ['latest_charge'] })
        expect(error.payment_intent).toMatchObject({ id, status: 'requires_payment_method', payment_method: null })
        expect(intent).toMatchObject({
          status: 'requires_payment_method',
          payment_method: null,
          last_payment_error: { type: 'card_error', code, message, payment_method_type: 'card' },
          latest_charge: { status: 'failed', paid: false, failure_code: code, metadata: { checkout_id: 'c1' } },
        })
        expect(intent.last_payment_error?.payment_method?.card?.last4).toMatch(/^\d{4}$/)
      }
      expect(simulator.books('c1')).toMatchObject({ authorizations: 0, openMinor: 0, effects: [] })
    },
  )

  it('a declined card can be followed by an approved one on the same intent', async () => {
    const { stripe } = bench()
    const { payment_intent: failed } = await refused(hold(stripe, { payment_method: 'pm_card_chargeDeclined' }))
    const intent = await stripe.paymentIntents.confirm(failed?.id ?? '', { payment_method: 'pm_card_visa' })
    expect(intent).toMatchObject({ status: 'requires_capture', last_payment_error: null })
    expect((await stripe.charges.list({ payment_intent: intent.id })).data.map(({ status }) => status)).toEqual([
      'succeeded',
      'failed',
    ])
  })
})

describe('a card number', () => {
  const create = (card: object) => {
    const { stripe } = bench()
    return stripe.paymentMethods.create({ type: 'card', card: { exp_month: 12, exp_year: 2030, cvc: '123', ...card } })
  }

  it.each([
    ['4242424242424242', 'visa', 'credit', '4242'],
    ['4242 4242 4242 4242', 'visa', 'credit', '4242'],
    ['5555555555554444', 'mastercard', 'credit', '4444'],
    ['5200828282828210', 'mastercard', 'debit', '8210'],
    ['378282246310005', 'amex', 'credit', '0005'],
  ])('%s becomes a payment method with its last four digits', async (number, brand, funding, last4) => {
    expect(await create({ number })).toMatchObject({ type: 'card', card: { brand, funding, last4, exp_year: 2030 } })
  })

  it.each([
    [{ number: '4242424242424241' }, 'incorrect_number', null],
    [{ number: '4111111111111111' }, 'card_declined', 'test_mode_live_card'],
    [{ number: '4242424242424242', exp_month: 13 }, 'invalid_expiry_month', null],
    [{ number: '4242424242424242', exp_year: 2025 }, 'invalid_expiry_year', null],
    [{ number: '4242424242424242', exp_year: 2026, exp_month: 10 }, 'invalid_expiry_month', null],
  ])('%o is refused', async (card, code, declineCode) => {
    const error = await refused(create(card))
    expect(error).toMatchObject({ statusCode: 402, rawType: 'card_error', code })
    expect(error.decline_code || null).toBe(declineCode)
  })

  it('a card can be given as one of Stripe’s tokens', async () => {
    const { stripe } = bench()
    const method = await stripe.paymentMethods.create({ type: 'card', card: { token: 'tok_mastercard' } })
    expect(method.card?.brand).toBe('mastercard')
    expect(await refused(stripe.paymentMethods.create({ type: 'card', card: { token: 'tok_unicorn' } }))).toMatchObject(
      { code: 'resource_missing' },
    )
  })
})

const authenticated = [
  'pm_card_authenticationRequired',
  'pm_card_threeDSecureRequired',
  'pm_card_threeDSecure2Required',
  'pm_card_authenticationRequiredOnSetup',
]

describe('an authentication', () => {
  it.each(authenticated)(
    '%s: an authentication is required, and the payment continues after it',
    async payment_method => {
      const { stripe, simulator } = bench({ url: 'http://simulator.test' })
      const intent = await hold(stripe, { payment_method, return_url: 'https://shop.test/back?a=b' })
      expect(intent).toMatchObject({
        status: 'requires_action',
        latest_charge: null,
        next_action: {
          type: 'redirect_to_url',
          redirect_to_url: { url: `http://simulator.test/3ds/${intent.id}`, return_url: 'https://shop.test/back?a=b' },
        },
      })
      expect(simulator.books('c1').authorizations).toBe(0)
      simulator.authenticate(intent.id, 'complete')
      const after = await stripe.paymentIntents.retrieve(intent.id, { expand: ['latest_charge'] })
      expect(after).toMatchObject({
        status: 'requires_capture',
        next_action: null,
        latest_charge: { payment_method_details: { card: { three_d_secure: { result: 'authenticated' } } } },
      })
      expect(() => simulator.authenticate(intent.id, 'complete')).toThrow()
      expect(simulator.books('c1').authorizations).toBe(1)
    },
  )

  it('after a failed authentication the intent waits for another payment method', async () => {
    const { stripe, simulator } = bench()
    const intent = await hold(stripe, { payment_method: 'pm_card_authenticationRequired' })
    expect(intent.next_action).toMatchObject({ type: 'use_stripe_sdk' })
    simulator.authenticate(intent.id, 'fail')
    expect(await stripe.paymentIntents.retrieve(intent.id)).toMatchObject({
      status: 'requires_payment_method',
      payment_method: null,
      next_action: null,
      last_payment_error: { code: 'payment_intent_authentication_failure', type: 'invalid_request_error' },
    })
  })

  it('an authentication can be followed by a decline', async () => {
    const { stripe, simulator } = bench()
    const payment_method = 'pm_card_authenticationRequiredChargeDeclinedInsufficientFunds'
    const intent = await hold(stripe, { payment_method })
    simulator.authenticate(intent.id, 'complete')
    expect(await stripe.paymentIntents.retrieve(intent.id)).toMatchObject({
      status: 'requires_payment_method',
      last_payment_error: { code: 'card_declined', decline_code: 'insufficient_funds' },
    })
  })

  it('an authentication is impossible off session', async () => {
    const { stripe } = bench()
    const payment_method = 'pm_card_authenticationRequired'
    expect(await refused(hold(stripe, { payment_method, off_session: true }))).toMatchObject({
      statusCode: 402,
      code: 'authentication_required',
      decline_code: 'authentication_required',
      payment_intent: { status: 'requires_payment_method' },
    })
    expect(await refused(hold(stripe, { payment_method, error_on_requires_action: true }))).toMatchObject({
      statusCode: 402,
      code: 'authentication_required',
      decline_code: 'authentication_not_handled',
    })
    const setUp = { payment_method: 'pm_card_authenticationRequiredSetupForOffSession', off_session: true }
    expect((await hold(stripe, setUp)).status).toBe('requires_capture')
  })

  it('a card that only supports authentication is approved without it', async () => {
    const { stripe } = bench()
    const payment_method = 'pm_card_threeDSecureOptional'
    expect((await hold(stripe, { payment_method })).status).toBe('requires_capture')
    const asked = await hold(stripe, {
      payment_method,
      payment_method_options: { card: { request_three_d_secure: 'any' } },
    })
    expect(asked.status).toBe('requires_action')
  })

  it('with manual confirmation the server confirms after the authentication', async () => {
    const { stripe, simulator } = bench()
    const intent = await hold(stripe, {
      payment_method: 'pm_card_authenticationRequired',
      confirmation_method: 'manual',
    })
    simulator.authenticate(intent.id, 'complete')
    expect((await stripe.paymentIntents.retrieve(intent.id)).status).toBe('requires_confirmation')
    expect((await stripe.paymentIntents.confirm(intent.id)).status).toBe('requires_capture')
  })

  it('a cancelled intent cannot be authenticated', async () => {
    const { stripe, simulator } = bench()
    const intent = await hold(stripe, { payment_method: 'pm_card_authenticationRequired' })
    await stripe.paymentIntents.cancel(intent.id)
    expect(() => simulator.authenticate(intent.id, 'complete')).toThrow()
    expect(simulator.books('c1').authorizations).toBe(0)
  })
})

describe('PayPal', () => {
  it('PayPal is approved or refused on its page', async () => {
    const { stripe, simulator } = bench()
    const pay = (params: object) =>
      hold(stripe, {
        payment_method: undefined as never,
        payment_method_data: { type: 'paypal' },
        allowed_payment_method_types: ['paypal'],
        ...params,
      })
    expect(await refused(pay({}))).toMatchObject({ statusCode: 400, param: 'return_url' })
    const intent = await pay({ return_url: 'https://shop.test/back' })
    expect(intent).toMatchObject({ status: 'requires_action', next_action: { type: 'redirect_to_url' } })
    simulator.authenticate(intent.id, 'complete')
    expect(await stripe.paymentIntents.capture(intent.id)).toMatchObject({ status: 'succeeded' })
  })
})

describe('a bank debit', () => {
  const mandate = { customer_acceptance: { type: 'offline' } } as const
  const debit = (params: object, stripe = bench().stripe) =>
    stripe.paymentIntents.create({
      amount: 5_000,
      currency: 'usd',
      allowed_payment_method_types: ['us_bank_account'],
      payment_method: 'pm_usBankAccount_success',
      mandate_data: mandate,
      confirm: true,
      metadata: { checkout_id: 'c1' },
      ...params,
    })

  it('a bank debit is pending for a while, cannot be cancelled, and then succeeds', async () => {
    const { stripe, simulator } = bench()
    const intent = await debit({}, stripe)
    expect(intent).toMatchObject({ status: 'processing', amount_received: 0 })
    expect(await refused(stripe.paymentIntents.cancel(intent.id))).toMatchObject({
      code: 'payment_intent_unexpected_state',
      payment_intent: { status: 'processing' },
    })
    expect(await refused(stripe.refunds.create({ payment_intent: intent.id }))).toMatchObject({ statusCode: 400 })
    expect(simulator.books('c1')).toMatchObject({ authorizations: 0, capturedMinor: 0 })
    simulator.advance(5_000)
    expect(await stripe.paymentIntents.retrieve(intent.id)).toMatchObject({
      status: 'succeeded',
      amount_received: 5_000,
    })
    expect(simulator.books('c1')).toMatchObject({ authorizations: 1, capturedMinor: 5_000, openMinor: 0 })
    expect(await stripe.refunds.create({ payment_intent: intent.id })).toMatchObject({ status: 'pending' })
  })

  it.each(['accountClosed', 'noAccount', 'insufficientFunds', 'debitNotAuthorized'])(
    'fails after a while: %s',
    async name => {
      const { stripe, simulator } = bench()
      const intent = await debit({ payment_method: `pm_usBankAccount_${name}` }, stripe)
      simulator.advance(5_000)
      expect(await stripe.paymentIntents.retrieve(intent.id, { expand: ['latest_charge'] })).toMatchObject({
        status: 'requires_payment_method',
        last_payment_error: {
          code: 'payment_intent_payment_attempt_failed',
          payment_method_type: 'us_bank_account',
        },
        latest_charge: { status: 'failed', paid: false },
      })
      expect(simulator.books('c1')).toMatchObject({ authorizations: 0, capturedMinor: 0 })
    },
  )

  it('a debit of a European account can take minutes', async () => {
    const { stripe, simulator } = bench()
    const intent = await debit(
      {
        currency: 'eur',
        allowed_payment_method_types: ['sepa_debit'],
        payment_method: undefined,
        payment_method_data: { type: 'sepa_debit', sepa_debit: { iban: 'AT321904300235473204' } },
      },
      stripe,
    )
    simulator.advance(60_000)
    expect((await stripe.paymentIntents.retrieve(intent.id)).status).toBe('processing')
    simulator.advance(120_000)
    expect((await stripe.paymentIntents.retrieve(intent.id)).status).toBe('succeeded')
  })

  it('a bank debit requires a mandate, its currency, and automatic capture', async () => {
    expect(await refused(debit({ mandate_data: undefined }))).toMatchObject({
      statusCode: 400,
      message: expect.stringContaining('requires a mandate') as string,
      payment_intent: { status: 'requires_confirmation' },
    })
    expect(await refused(debit({ capture_method: 'manual' }))).toMatchObject({
      code: 'payment_intent_invalid_parameter',
    })
    expect(await refused(debit({ currency: 'eur' }))).toMatchObject({ code: 'payment_intent_invalid_parameter' })
    const { stripe } = bench()
    const { id } = await hold(stripe, { confirm: false })
    expect(
      await refused(stripe.paymentIntents.confirm(id, { payment_method: 'pm_usBankAccount_success' })),
    ).toMatchObject({ code: 'payment_intent_incompatible_payment_method', payment_intent: { id } })
  })
})

describe('a dispute', () => {
  it('the test cards for disputes are disputed after the capture, which prevents refunds', async () => {
    const { stripe, simulator } = bench()
    const { id, latest_charge } = await hold(stripe, { payment_method: 'pm_card_createDispute' })
    simulator.advance(60_000)
    expect((await stripe.disputes.list({ payment_intent: id })).data).toEqual([])
    await stripe.paymentIntents.capture(id)
    simulator.advance(1_000)
    const [dispute] = (await stripe.disputes.list({ payment_intent: id })).data
    expect(dispute).toMatchObject({ amount: 5_000, reason: 'fraudulent', status: 'needs_response' })
    expect((await stripe.charges.retrieve(String(latest_charge))).disputed).toBe(true)
    expect(await refused(stripe.refunds.create({ payment_intent: id }))).toMatchObject({ code: 'charge_disputed' })
    expect(simulator.books('c1')).toMatchObject({ capturedMinor: 5_000, disputedMinor: 5_000 })
  })

  it.each([
    ['winning_evidence', 'won', 0],
    ['losing_evidence', 'lost', 5_000],
  ])('the evidence text %s decides a dispute: %s', async (uncategorized_text, status, disputedMinor) => {
    const { stripe, simulator } = bench()
    const { latest_charge } = await hold(stripe, { capture_method: 'automatic' })
    const id = simulator.dispute(String(latest_charge), 'product_not_received')
    expect(await stripe.disputes.update(id, { evidence: { uncategorized_text } })).toMatchObject({ status })
    expect(simulator.books('c1').disputedMinor).toBe(disputedMinor)
    expect(await refused(stripe.disputes.close(id))).toMatchObject({ statusCode: 400 })
  })

  it('closing a dispute accepts it; an inquiry moves no money', async () => {
    const { stripe, simulator } = bench()
    const { latest_charge } = await hold(stripe, { capture_method: 'automatic' })
    const inquiry = simulator.dispute(String(latest_charge), 'inquiry')
    expect(await stripe.disputes.retrieve(inquiry)).toMatchObject({
      status: 'warning_needs_response',
      is_charge_refundable: true,
      evidence_details: { due_by: startMs / 1_000 + 9 * 86_400 },
    })
    expect(await stripe.disputes.close(inquiry)).toMatchObject({ status: 'warning_closed' })
    expect(simulator.books('c1').disputedMinor).toBe(0)
    const real = simulator.dispute(String(latest_charge))
    expect(await stripe.disputes.close(real)).toMatchObject({ status: 'lost' })
    expect(simulator.books('c1').disputedMinor).toBe(5_000)
  })
})
