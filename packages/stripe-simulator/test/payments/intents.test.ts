/** Tests of payment intents, charges, and refunds, through the official SDK. */
import { describe, expect, it } from 'vitest'
import { bench, hold, publishableKey, refused, startMs } from '../fixture.ts'

const day = 24 * 60 * 60_000

describe('an authorization', () => {
  it('an authorization has a charge with the intent’s metadata and the end of the capture period', async () => {
    const { stripe, simulator } = bench()
    const intent = await hold(stripe, { expand: ['latest_charge'] })
    expect(intent).toMatchObject({ status: 'requires_capture', amount_capturable: 5_000, amount_received: 0 })
    expect(intent.latest_charge).toMatchObject({
      captured: false,
      paid: true,
      status: 'succeeded',
      metadata: { checkout_id: 'c1' },
      payment_method_details: { card: { last4: '4242', capture_before: startMs / 1_000 + 7 * 86_400 } },
    })
    expect(simulator.books('c1')).toMatchObject({ authorizations: 1, openMinor: 5_000, capturedMinor: 0 })
  })

  it('an authorization is captured once, in full', async () => {
    const { stripe, simulator } = bench()
    const { id } = await hold(stripe)
    expect(await stripe.paymentIntents.capture(id)).toMatchObject({
      status: 'succeeded',
      amount_received: 5_000,
      amount_capturable: 0,
    })
    expect(await refused(stripe.paymentIntents.capture(id))).toMatchObject({
      statusCode: 400,
      code: 'payment_intent_unexpected_state',
      message: 'This PaymentIntent could not be captured because it has already been captured.',
      payment_intent: { id, status: 'succeeded' },
    })
    expect(simulator.books('c1')).toMatchObject({ captures: 1, capturedMinor: 5_000, openMinor: 0 })
  })

  it('a partial capture releases the rest without a refund', async () => {
    const { stripe, simulator } = bench()
    const { id } = await hold(stripe)
    const captured = await stripe.paymentIntents.capture(id, { amount_to_capture: 3_000, expand: ['latest_charge'] })
    expect(captured).toMatchObject({ status: 'succeeded', amount: 5_000, amount_received: 3_000 })
    expect(captured.latest_charge).toMatchObject({ amount_captured: 3_000, amount_refunded: 0, refunded: false })
    expect((await stripe.refunds.list({ payment_intent: id })).data).toEqual([])
    expect(simulator.books('c1')).toMatchObject({ capturedMinor: 3_000, openMinor: 0, refundedMinor: 0 })
  })

  it('a capture of more than the authorized amount is refused', async () => {
    const { stripe } = bench()
    const { id } = await hold(stripe)
    expect(await refused(stripe.paymentIntents.capture(id, { amount_to_capture: 5_001 }))).toMatchObject({
      statusCode: 400,
      code: 'amount_too_large',
      payment_intent: { status: 'requires_capture' },
    })
  })

  it('an authorization expires after seven days and can then not be captured', async () => {
    const { stripe, simulator } = bench()
    const { id } = await hold(stripe)
    simulator.advance(7 * day - 1)
    expect((await stripe.paymentIntents.retrieve(id)).status).toBe('requires_capture')
    simulator.advance(1)
    expect(await stripe.paymentIntents.retrieve(id)).toMatchObject({
      status: 'canceled',
      cancellation_reason: 'expired',
      amount_capturable: 0,
    })
    expect(await refused(stripe.paymentIntents.capture(id))).toMatchObject({ code: 'payment_intent_unexpected_state' })
    expect(simulator.books('c1')).toMatchObject({ authorizations: 1, openMinor: 0, capturedMinor: 0 })
  })

  it('a cancel releases the authorization once, and the intent can never be paid', async () => {
    const { stripe, simulator } = bench()
    const { id } = await hold(stripe)
    expect(await stripe.paymentIntents.cancel(id, { cancellation_reason: 'abandoned' })).toMatchObject({
      status: 'canceled',
      cancellation_reason: 'abandoned',
      canceled_at: startMs / 1_000,
    })
    const tries = [
      stripe.paymentIntents.cancel(id),
      stripe.paymentIntents.capture(id),
      stripe.paymentIntents.confirm(id, { payment_method: 'pm_card_visa' }),
      stripe.paymentIntents.update(id, { amount: 6_000 }),
    ]
    for (const each of tries) {
      expect(await refused(each)).toMatchObject({
        statusCode: 400,
        rawType: 'invalid_request_error',
        code: 'payment_intent_unexpected_state',
        payment_intent: { id, status: 'canceled' },
      })
    }
    expect(await refused(stripe.refunds.create({ payment_intent: id }))).toMatchObject({
      message: `This PaymentIntent (${id}) does not have a successful charge to refund.`,
    })
    expect(simulator.books('c1')).toMatchObject({ openMinor: 0, refundedMinor: 0 })
  })
})

describe('a payment', () => {
  it.each(['automatic', 'automatic_async'] as const)(
    'a payment is captured immediately with capture_method %s',
    async method => {
      const { stripe, simulator } = bench()
      const intent = await hold(stripe, { capture_method: method, expand: ['latest_charge'] })
      expect(intent).toMatchObject({ status: 'succeeded', amount_received: 5_000 })
      expect(intent.latest_charge).toMatchObject({ captured: true, amount_captured: 5_000 })
      expect(simulator.books('c1')).toMatchObject({ authorizations: 1, capturedMinor: 5_000, openMinor: 0 })
      expect(await refused(stripe.paymentIntents.cancel(intent.id))).toMatchObject({
        code: 'payment_intent_unexpected_state',
        message:
          'You cannot cancel this PaymentIntent because it has a status of succeeded. Only a PaymentIntent with one of the following statuses may be canceled: requires_payment_method, requires_capture, requires_confirmation, requires_action.',
      })
    },
  )

  it('a payment can be created, updated with a method, and confirmed in separate calls', async () => {
    const { stripe } = bench()
    const intent = await stripe.paymentIntents.create({
      amount: 5_000,
      currency: 'usd',
      allowed_payment_method_types: ['card'],
    })
    expect(intent).toMatchObject({ status: 'requires_payment_method', capture_method: 'automatic_async' })
    expect(await refused(stripe.paymentIntents.confirm(intent.id))).toMatchObject({
      code: 'payment_intent_unexpected_state',
      payment_intent: { status: 'requires_payment_method' },
    })
    const updated = await stripe.paymentIntents.update(intent.id, {
      amount: 6_000,
      payment_method: 'pm_card_mastercard',
      metadata: { order: '7' },
    })
    expect(updated).toMatchObject({ status: 'requires_confirmation', amount: 6_000, metadata: { order: '7' } })
    expect(await stripe.paymentIntents.confirm(intent.id)).toMatchObject({
      status: 'succeeded',
      amount_received: 6_000,
    })
    expect(await refused(stripe.paymentIntents.confirm(intent.id))).toMatchObject({
      message:
        'You cannot confirm this PaymentIntent because it has already succeeded after being previously confirmed.',
    })
    expect(await refused(stripe.paymentIntents.update(intent.id, { amount: 1_000 }))).toMatchObject({
      code: 'payment_intent_unexpected_state',
      param: 'amount',
    })
    const described = await stripe.paymentIntents.update(intent.id, { metadata: { order: '', note: 'late' } })
    expect(described.metadata).toEqual({ note: 'late' })
  })

  it('a payment requires a return URL if its methods may redirect the buyer', async () => {
    const { stripe } = bench()
    const params = { amount: 5_000, currency: 'usd', payment_method: 'pm_card_visa', confirm: true } as const
    const error = await refused(stripe.paymentIntents.create(params))
    expect(error).toMatchObject({ statusCode: 400, payment_intent: { status: 'requires_confirmation' } })
    expect(error.message).toContain('you must provide a `return_url`')
    expect(await stripe.paymentIntents.create({ ...params, return_url: 'https://shop.test/back' })).toMatchObject({
      status: 'succeeded',
    })
    expect(
      await stripe.paymentIntents.create({
        ...params,
        automatic_payment_methods: { enabled: true, allow_redirects: 'never' },
      }),
    ).toMatchObject({ status: 'succeeded' })
  })

  it('a confirmation token confirms a payment once', async () => {
    const { stripe } = bench()
    const token = await stripe.testHelpers.confirmationTokens.create({
      payment_method: 'pm_card_visa',
      return_url: 'https://shop.test/back',
    })
    const intent = await stripe.paymentIntents.create({
      amount: 5_000,
      currency: 'usd',
      confirm: true,
      confirmation_token: token.id,
    })
    expect(intent.status).toBe('succeeded')
    expect((await stripe.confirmationTokens.retrieve(token.id)).payment_intent).toBe(intent.id)
    const again = stripe.paymentIntents.create({
      amount: 5_000,
      currency: 'usd',
      confirm: true,
      confirmation_token: token.id,
    })
    expect(await refused(again)).toMatchObject({ code: 'token_already_used' })
  })
})

describe('the way of capture', () => {
  it('the capture method can be set for cards only, and at confirmation', async () => {
    const { stripe } = bench()
    const byOption = await hold(stripe, {
      capture_method: 'automatic',
      payment_method_options: { card: { capture_method: 'manual' } },
    })
    expect(byOption).toMatchObject({ status: 'requires_capture', capture_method: 'automatic' })
    const { id } = await hold(stripe, { capture_method: 'automatic', confirm: false })
    const changed = await stripe.paymentIntents.confirm(id, {
      capture_method: 'manual',
      off_session: { type: 'x' } as never,
    })
    expect(changed).toMatchObject({ status: 'requires_capture', capture_method: 'manual' })
  })

  it('a change of the capture method changes the offered methods', async () => {
    const { stripe } = bench()
    const intent = await stripe.paymentIntents.create({ amount: 5_000, currency: 'usd' })
    expect(intent.payment_method_types).toEqual(['card', 'paypal', 'us_bank_account'])
    const updated = await stripe.paymentIntents.update(intent.id, { capture_method: 'manual' })
    expect(updated.payment_method_types).toEqual(['card', 'paypal'])
    const refusal = stripe.paymentIntents.confirm(intent.id, {
      payment_method: 'pm_card_visa',
      excluded_payment_method_types: ['card'],
      return_url: 'https://shop.test/back',
    })
    expect(await refused(refusal)).toMatchObject({ code: 'payment_intent_incompatible_payment_method' })
  })
})

describe('a publishable key', () => {
  it('a publishable key confirms and reads an intent with its secret, and sees only Stripe’s public fields', async () => {
    const { stripe, send } = bench()
    const intent = await stripe.paymentIntents.create({
      amount: 5_000,
      currency: 'usd',
      allowed_payment_method_types: ['card'],
      metadata: { checkout_id: 'c1' },
    })
    const path = `/v1/payment_intents/${intent.id}`
    const form = `payment_method_data[type]=card&payment_method_data[card][token]=tok_visa&client_secret=${intent.client_secret}`
    const confirmed = await send(`${path}/confirm`, { key: publishableKey, form })
    expect(confirmed.body).toMatchObject({ id: intent.id, status: 'succeeded' })
    for (const hidden of ['metadata', 'customer', 'latest_charge', 'amount_received']) {
      expect(confirmed.body).not.toHaveProperty(hidden)
    }
    const seen = await send(`${path}?client_secret=${intent.client_secret}`, { method: 'GET', key: publishableKey })
    expect(seen.body).toMatchObject({ id: intent.id })
  })

  it('a publishable key can do nothing else', async () => {
    const { stripe, send } = bench()
    const intent = await stripe.paymentIntents.create({
      amount: 5_000,
      currency: 'usd',
      allowed_payment_method_types: ['card'],
    })
    const path = `/v1/payment_intents/${intent.id}`
    const ask = (to: string, form = '', method = 'POST') => send(to, { key: publishableKey, form, method })
    expect(await ask(`${path}/confirm`, 'payment_method=pm_card_visa')).toMatchObject({
      status: 400,
      error: { code: 'parameter_missing', param: 'client_secret' },
    })
    expect(await ask(`${path}/confirm`, 'payment_method=pm_card_visa&client_secret=other')).toMatchObject({
      status: 400,
      error: { param: 'client_secret' },
    })
    for (const to of [`${path}/capture`, `${path}/cancel`, path, '/v1/refunds', '/v1/payment_intents']) {
      expect(await ask(to, 'amount=5000&currency=usd')).toMatchObject({
        status: 401,
        error: { code: 'secret_key_required' },
      })
    }
    expect(await ask('/v1/payment_intents', '', 'GET')).toMatchObject({ status: 401 })
  })
})

describe('a refund', () => {
  it('refunds return the captured amount in parts, and never more', async () => {
    const { stripe, simulator } = bench()
    const { id } = await hold(stripe)
    expect(await refused(stripe.refunds.create({ payment_intent: id }))).toMatchObject({ statusCode: 400 })
    await stripe.paymentIntents.capture(id, { amount_to_capture: 4_000 })
    const first = await stripe.refunds.create({ payment_intent: id, amount: 1_500, reason: 'requested_by_customer' })
    expect(first).toMatchObject({ status: 'succeeded', amount: 1_500, payment_intent: id })
    expect(await refused(stripe.refunds.create({ payment_intent: id, amount: 2_501 }))).toMatchObject({
      statusCode: 400,
      param: 'amount',
      message: 'Refund amount ($25.01) is greater than unrefunded amount on charge ($25.00)',
    })
    const rest = await stripe.refunds.create({ charge: String(first.charge) })
    expect(rest.amount).toBe(2_500)
    expect(await refused(stripe.refunds.create({ payment_intent: id }))).toMatchObject({
      code: 'charge_already_refunded',
      message: `Charge ${String(first.charge)} has already been refunded.`,
    })
    expect(await stripe.charges.retrieve(String(first.charge))).toMatchObject({
      amount_refunded: 4_000,
      refunded: true,
    })
    expect((await stripe.refunds.list({ payment_intent: id })).data.map(one => one.id)).toEqual([rest.id, first.id])
    expect(simulator.books('c1')).toMatchObject({ refunds: 2, refundedMinor: 4_000, capturedMinor: 4_000 })
  })

  it('a refund stays pending or fails later with the test cards for that', async () => {
    const { stripe, simulator } = bench()
    const pay = (payment_method: string) => hold(stripe, { payment_method, capture_method: 'automatic' })
    const slow = await stripe.refunds.create({ payment_intent: (await pay('pm_card_pendingRefund')).id })
    const bad = await stripe.refunds.create({ payment_intent: (await pay('pm_card_refundFail')).id })
    expect([slow.status, bad.status]).toEqual(['pending', 'succeeded'])
    simulator.advance(5_000)
    expect((await stripe.refunds.retrieve(slow.id)).status).toBe('succeeded')
    expect(await stripe.refunds.retrieve(bad.id)).toMatchObject({
      status: 'failed',
      failure_reason: 'expired_or_canceled_card',
    })
    expect(await stripe.charges.retrieve(String(bad.charge))).toMatchObject({ amount_refunded: 0, refunded: false })
    expect(simulator.books('c1')).toMatchObject({ refunds: 1, refundedMinor: 5_000 })
  })
})

describe('lists', () => {
  it('a list is sorted newest first and can be paged', async () => {
    const { stripe } = bench()
    const ids: string[] = []
    for (let count = 0; count < 5; count += 1) ids.unshift((await hold(stripe)).id)
    const first = await stripe.paymentIntents.list({ limit: 2 })
    expect(first).toMatchObject({ has_more: true, url: '/v1/payment_intents' })
    expect(first.data.map(({ id }) => id)).toEqual(ids.slice(0, 2))
    const second = await stripe.paymentIntents.list({ limit: 3, starting_after: ids[1] ?? '' })
    expect(second.has_more).toBe(false)
    expect(second.data.map(({ id }) => id)).toEqual(ids.slice(2))
    const back = await stripe.paymentIntents.list({ limit: 2, ending_before: ids[4] ?? '' })
    expect(back.data.map(({ id }) => id)).toEqual(ids.slice(2, 4))
    expect(back.has_more).toBe(true)
    const all: string[] = []
    for await (const { id } of stripe.paymentIntents.list({ limit: 2 })) all.push(id)
    expect(all).toEqual(ids)
    expect(await refused(stripe.paymentIntents.list({ starting_after: 'pi_none' }))).toMatchObject({
      statusCode: 400,
      code: 'resource_missing',
      param: 'starting_after',
    })
  })

  it('a page can start after an object that the filter excludes', async () => {
    const { stripe } = bench()
    const mine = await hold(stripe, { customer: 'cus_1' })
    const other = await hold(stripe, { customer: 'cus_2' })
    await hold(stripe, { customer: 'cus_1' })
    const { data } = await stripe.paymentIntents.list({ customer: 'cus_1', starting_after: other.id })
    expect(data.map(({ id }) => id)).toEqual([mine.id])
    expect(await refused(stripe.paymentIntents.list({ limit: 101 }))).toMatchObject({
      message: "This value must be less than or equal to 100 (it currently is '101').",
    })
  })

  it('a list can be filtered by time, customer, and intent', async () => {
    const { stripe, simulator } = bench()
    const early = await hold(stripe, { customer: 'cus_1' })
    simulator.advance(60_000)
    const late = await hold(stripe)
    const at = startMs / 1_000
    const ids = async (params: object) => (await stripe.paymentIntents.list(params)).data.map(({ id }) => id)
    expect(await ids({ created: { gte: at + 60 } })).toEqual([late.id])
    expect(await ids({ created: { lte: at } })).toEqual([early.id])
    expect(await ids({ customer: 'cus_1' })).toEqual([early.id])
    const charges = await stripe.charges.list({ payment_intent: late.id })
    expect(charges.data.map(({ id }) => id)).toEqual([late.latest_charge])
  })

  it('a search by metadata is one minute late', async () => {
    const { stripe, simulator } = bench()
    const { id } = await hold(stripe)
    const found = async () =>
      (await stripe.paymentIntents.search({ query: "metadata['checkout_id']:'c1'" })).data.map(one => [
        one.id,
        one.status,
      ])
    expect(await found()).toEqual([])
    simulator.advance(59_999)
    expect(await found()).toEqual([])
    simulator.advance(1)
    expect(await found()).toEqual([[id, 'requires_capture']])
    await stripe.paymentIntents.capture(id)
    expect(await found()).toEqual([[id, 'requires_capture']])
    simulator.advance(60_000)
    expect(await found()).toEqual([[id, 'succeeded']])
    const both = await stripe.paymentIntents.search({ query: 'status:"succeeded" AND metadata["checkout_id"]:"c2"' })
    expect(both.data).toEqual([])
    expect(await refused(stripe.paymentIntents.search({ query: 'invalid' }))).toMatchObject({ statusCode: 400 })
  })
})

describe('a probe', () => {
  it('reading the account distinguishes a valid key from an invalid one', async () => {
    const { stripe, send } = bench()
    await hold(stripe, { capture_method: 'automatic' })
    expect(await stripe.balance.retrieve()).toMatchObject({ available: [{ currency: 'usd', amount: 5_000 }] })
    expect(await stripe.accounts.retrieveCurrent()).toMatchObject({ object: 'account', charges_enabled: true })
    expect(await send('/v1/balance', { method: 'GET', key: 'sk_test_another_key_1234' })).toMatchObject({
      status: 401,
      error: { type: 'invalid_request_error', message: 'Invalid API Key provided: sk_test_************1234' },
    })
    expect(await send('/v1/balance', { method: 'GET', key: null })).toMatchObject({ status: 401 })
  })
})
