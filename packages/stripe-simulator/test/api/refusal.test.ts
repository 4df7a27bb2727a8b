/** Tests of requests that the simulator refuses before their execution, with Stripe's messages. */
import { describe, expect, it } from 'vitest'
import { bench, hold, publishableKey, refused } from '../fixture.ts'

const form = (fields: Record<string, string>) => new URLSearchParams(fields).toString()
const create = { amount: '5000', currency: 'usd' }

describe('a key', () => {
  it.each([
    ['a missing key', null, 'You did not provide an API key.'],
    ['an unknown key', 'sk_test_another_key_9876', 'Invalid API Key provided: sk_test_************9876'],
    ['a live key', 'sk_live_simulated1234', 'Invalid API Key provided: sk_live_*********1234'],
    ['a short key', 'nonsense', 'Invalid API Key provided: ********'],
  ])('%s is refused, and its error hides the key', async (_, key, words) => {
    const { send } = bench()
    const { status, error } = await send('/v1/payment_intents', { key, form: form(create) })
    expect(status).toBe(401)
    expect(error.type).toBe('invalid_request_error')
    expect(error.message).toContain(words)
  })

  it('a key is also accepted as the user of basic authentication', async () => {
    const { send } = bench()
    const authorization = `Basic ${Buffer.from('sk_test_simulated1234:').toString('base64')}`
    expect(await send('/v1/balance', { method: 'GET', key: null, headers: { authorization } })).toMatchObject({
      status: 200,
    })
  })

  it('any test key is accepted unless one is configured', async () => {
    const { send } = bench({ secretKey: undefined, publishableKey: undefined } as object)
    expect((await send('/v1/balance', { method: 'GET', key: 'sk_test_whatever' })).status).toBe(200)
    expect((await send('/v1/balance', { method: 'GET', key: 'sk_live_whatever' })).status).toBe(401)
    expect((await send('/v1/balance', { method: 'GET', key: 'pk_test_whatever' })).error.code).toBe(
      'secret_key_required',
    )
  })
})

describe('an amount', () => {
  it.each([
    ['49', 'usd', 'amount_too_small', 'Amount must be at least $0.50 usd'],
    ['50', 'usd', null, ''],
    ['29', 'gbp', 'amount_too_small', 'Amount must be at least £0.30 gbp'],
    ['30', 'gbp', null, ''],
    ['49', 'jpy', 'amount_too_small', 'Amount must be at least ¥50 jpy'],
    ['50', 'jpy', null, ''],
    ['399', 'hkd', 'amount_too_small', 'Amount must be at least 4.00 hkd'],
    ['99999999', 'usd', null, ''],
    ['100000000', 'usd', 'amount_too_large', 'Amount must be no more than $999,999.99'],
    ['5001', 'kwd', 'invalid_charge_amount', 'Invalid amount: 5001 is not evenly divisible by 10'],
    ['5000', 'kwd', null, ''],
    ['150', 'isk', 'invalid_charge_amount', 'Invalid amount: 150 is not evenly divisible by 100'],
    ['0', 'usd', 'parameter_invalid_integer', 'This value must be greater than or equal to 1.'],
    ['-5', 'usd', 'parameter_invalid_integer', 'This value must be greater than or equal to 1.'],
    ['12.50', 'usd', 'parameter_invalid_integer', 'Invalid integer: 12.50'],
    ['many', 'usd', 'parameter_invalid_integer', 'Invalid integer: many'],
  ])('an amount of %s %s is answered with %s', async (amount, currency, code, words) => {
    const { send } = bench()
    const { status, error } = await send('/v1/payment_intents', { form: form({ amount, currency }) })
    expect([status, error.code ?? null]).toEqual([code === null ? 200 : 400, code])
    if (code !== null) {
      expect(error).toMatchObject({ type: 'invalid_request_error', param: 'amount' })
      expect(error.message).toContain(words)
      expect(error.doc_url).toBe(`https://stripe.com/docs/error-codes/${code.replaceAll('_', '-')}`)
    }
  })

  it('an unknown currency is refused', async () => {
    const { send } = bench()
    const { status, error } = await send('/v1/payment_intents', { form: form({ amount: '5000', currency: 'xyz' }) })
    expect(status).toBe(400)
    expect(error).toMatchObject({ type: 'invalid_request_error', param: 'currency' })
    expect(error.message).toMatch(/^Invalid currency: xyz\. Stripe currently supports these currencies: usd, /)
  })
})

describe('a parameter', () => {
  it.each([
    ['unknown', { ...create, colour: 'red' }, 'parameter_unknown', 'colour', 'Received unknown parameter: colour'],
    [
      'unknown inside another',
      { ...create, 'automatic_payment_methods[enabled]': 'true', 'automatic_payment_methods[colour]': 'red' },
      'parameter_unknown',
      'automatic_payment_methods[colour]',
      'Received unknown parameter: automatic_payment_methods[colour]',
    ],
    ['missing', { amount: '5000' }, 'parameter_missing', 'currency', 'Missing required param: currency.'],
    [
      'missing inside another',
      { ...create, 'automatic_payment_methods[allow_redirects]': 'never' },
      'parameter_missing',
      'automatic_payment_methods[enabled]',
      'Missing required param: automatic_payment_methods[enabled].',
    ],
    [
      'empty',
      { ...create, description: '' },
      'parameter_invalid_empty',
      'description',
      "You passed an empty string for 'description'.",
    ],
    ['of another kind', { ...create, confirm: 'perhaps' }, null, 'confirm', 'Invalid boolean: perhaps'],
    [
      'of another word',
      { ...create, capture_method: 'later' },
      null,
      'capture_method',
      'Invalid capture_method: must be one of automatic, automatic_async, or manual',
    ],
    [
      'that is gone',
      { ...create, 'payment_method_types[]': 'card' },
      'payment_method_types_no_longer_supported',
      'payment_method_types',
      'no longer supported',
    ],
    [
      'not simulated',
      { ...create, application_fee_amount: '100' },
      null,
      'application_fee_amount',
      'This simulator does not support application_fee_amount',
    ],
    [
      'only for confirmation',
      { ...create, off_session: 'true' },
      null,
      'off_session',
      'cannot be passed when creating a PaymentIntent unless `confirm` is set to true',
    ],
    [
      'exclusive with another',
      { ...create, 'allowed_payment_method_types[]': 'card', 'automatic_payment_methods[enabled]': 'true' },
      'parameters_exclusive',
      'allowed_payment_method_types',
      'You may only specify one of these parameters: allowed_payment_method_types, automatic_payment_methods.',
    ],
  ])('a parameter that is %s is refused', async (_, fields, code, param, words) => {
    const { send } = bench()
    const { status, error } = await send('/v1/payment_intents', { form: form(fields as Record<string, string>) })
    expect(status).toBe(400)
    expect(error).toMatchObject({ type: 'invalid_request_error', param })
    expect(error.code ?? null).toBe(code)
    expect(error.message).toContain(words)
  })

  it.each([
    ['a key of 41 characters', { [`metadata[${'k'.repeat(41)}]`]: 'x' }, 'Metadata keys can have up to 40 characters'],
    ['a value of 501 characters', { 'metadata[k]': 'x'.repeat(501) }, 'Metadata values can have up to 500 characters'],
    [
      '51 keys',
      Object.fromEntries(Array.from({ length: 51 }, (_, index) => [`metadata[k${index}]`, 'x'])),
      "Metadata can have up to 50 keys, but you've set 51.",
    ],
  ])('metadata with %s is refused', async (_, fields, words) => {
    const { send } = bench()
    const { status, error } = await send('/v1/payment_intents', { form: form({ ...create, ...fields }) })
    expect(status).toBe(400)
    expect(error.message).toContain(words)
  })

  it('methods that do not support the payment are left out without an error', async () => {
    const { stripe } = bench()
    const offered = async (allowed: string[], currency: string, capture: 'manual' | 'automatic') =>
      (
        await stripe.paymentIntents.create({
          amount: 5_000,
          currency,
          capture_method: capture,
          allowed_payment_method_types: allowed,
        })
      ).payment_method_types
    const all = ['card', 'paypal', 'us_bank_account', 'sepa_debit', 'link']
    expect(await offered(all, 'usd', 'automatic')).toEqual(['card', 'paypal', 'us_bank_account'])
    expect(await offered(all, 'eur', 'automatic')).toEqual(['card', 'paypal', 'sepa_debit'])
    expect(await offered(all, 'usd', 'manual')).toEqual(['card', 'paypal'])
    expect(await offered(all, 'jpy', 'automatic')).toEqual(['card'])
    expect(await refused(offered(['us_bank_account'], 'usd', 'manual'))).toMatchObject({
      statusCode: 400,
      code: 'payment_intent_invalid_parameter',
    })
    const some = await stripe.paymentIntents.create({
      amount: 5_000,
      currency: 'usd',
      excluded_payment_method_types: ['us_bank_account'],
    })
    expect(some.payment_method_types).toEqual(['card', 'paypal'])
  })
})

describe('a call', () => {
  it('a call for a missing object is refused with its name', async () => {
    const { stripe } = bench()
    const asked: [Promise<unknown>, number, string, string][] = [
      [stripe.paymentIntents.retrieve('pi_none'), 404, "No such payment_intent: 'pi_none'", 'intent'],
      [stripe.charges.retrieve('ch_none'), 404, "No such charge: 'ch_none'", 'charge'],
      [stripe.refunds.create({ charge: 'ch_none' }), 400, "No such charge: 'ch_none'", 'charge'],
      [hold(stripe, { payment_method: 'pm_none' }), 400, "No such PaymentMethod: 'pm_none'", 'payment_method'],
      [stripe.disputes.retrieve('du_none'), 404, "No such dispute: 'du_none'", 'dispute'],
    ]
    for (const [answer, statusCode, message, param] of asked) {
      expect(await refused(answer)).toMatchObject({
        statusCode,
        rawType: 'invalid_request_error',
        code: 'resource_missing',
        message,
        param,
      })
    }
  })

  it('a call to an unknown path is refused', async () => {
    const { send } = bench()
    const { status, error } = await send('/v1/unicorns', { method: 'GET' })
    expect(status).toBe(404)
    expect(error.message).toMatch(/^Unrecognized request URL \(GET: \/v1\/unicorns\)\./)
  })

  it('a call for another account is refused', async () => {
    const { send } = bench()
    expect(await send('/v1/balance', { method: 'GET', headers: { 'stripe-account': 'acct_2' } })).toMatchObject({
      status: 403,
      error: { code: 'account_invalid' },
    })
  })

  it('a body that is not a form, or has contradictory names, is refused', async () => {
    const { send } = bench()
    const json = await send('/v1/payment_intents', { form: '{}', headers: { 'content-type': 'application/json' } })
    expect(json.error.message).toContain('application/x-www-form-urlencoded')
    for (const odd of ['amount=1&amount[b]=2', 'a'.repeat(10) + '[x'.repeat(3), `m${'[a]'.repeat(20)}=1`]) {
      expect((await send('/v1/payment_intents', { form: odd })).status).toBe(400)
    }
    const many = Array.from({ length: 1_001 }, (_, index) => `k${index}=1`).join('&')
    expect((await send('/v1/payment_intents', { form: many })).status).toBe(400)
  })

  it('an answer contains the request ID, the version, and the key', async () => {
    const { send } = bench()
    const { headers } = await send('/v1/payment_intents', {
      form: form(create),
      headers: { 'stripe-version': '2025-03-31.basil', 'idempotency-key': 'k1' },
    })
    expect(headers.get('request-id')).toMatch(/^req_/)
    expect(headers.get('stripe-version')).toBe('2025-03-31.basil')
    expect(headers.get('idempotency-key')).toBe('k1')
    const plain = await send('/v1/balance', { method: 'GET' })
    expect(plain.headers.get('stripe-version')).toBe('2026-10-28.endive')
    const odd = await send('/v1/balance', { method: 'GET', headers: { 'stripe-version': 'newest' } })
    expect([odd.status, odd.error.message]).toEqual([400, 'Invalid Stripe API version: newest'])
  })

  it('expandable fields are expanded, others are refused', async () => {
    const { stripe } = bench()
    const { id } = await hold(stripe, { capture_method: 'automatic' })
    const refund = await stripe.refunds.create({
      payment_intent: id,
      expand: ['charge.payment_intent', 'payment_intent'],
    })
    expect(refund.charge).toMatchObject({ object: 'charge', payment_intent: { id } })
    const list = await stripe.paymentIntents.list({ expand: ['data.latest_charge.refunds', 'data.payment_method'] })
    expect(list.data[0]).toMatchObject({
      latest_charge: { refunds: { data: [{ id: refund.id }] } },
      payment_method: { card: { last4: '4242' } },
    })
    expect(await refused(stripe.paymentIntents.retrieve(id, { expand: ['colour'] }))).toMatchObject({
      message: 'This property cannot be expanded (colour).',
    })
    expect(await refused(stripe.paymentIntents.retrieve(id, { expand: ['a.b.c.d.e'] }))).toMatchObject({
      statusCode: 400,
    })
  })

  it('no answer, event, or book contains a card number', async () => {
    const { stripe, simulator, send, delivered } = bench()
    const number = '4242424242424242'
    const method = await stripe.paymentMethods.create({
      type: 'card',
      card: { number, exp_month: 12, exp_year: 2030, cvc: '123' },
    })
    const declined = await stripe.paymentMethods.create({
      type: 'card',
      card: { number: '4000000000000002', exp_month: 12, exp_year: 2030, cvc: '987' },
    })
    const paid = await hold(stripe, { payment_method: method.id, expand: ['latest_charge', 'payment_method'] })
    const error = await refused(hold(stripe, { payment_method: declined.id }))
    const bad = await send('/v1/payment_methods', {
      form: form({
        type: 'card',
        'card[number]': '4000000000000003',
        'card[exp_month]': '12',
        'card[exp_year]': '2030',
      }),
      key: publishableKey,
    })
    await simulator.runDueJobs()
    const everything = JSON.stringify([method, paid, error, bad, simulator.events(), delivered, simulator.books('c1')])
    expect(everything).not.toMatch(/4242424242424242|4000000000000002|4000000000000003|"cvc":/)
  })
})
