/** Tests of idempotency keys: one key, one effect, one answer, for one day. */
import type { Stripe } from 'stripe'
import { describe, expect, it } from 'vitest'
import { bench, hold, refused } from '../fixture.ts'

const day = 24 * 60 * 60_000
const idempotencyKey = 'c1:authorize:1'

describe('a used idempotency key', () => {
  it('a repeated key returns the first answer and marks it as replayed', async () => {
    const { stripe, simulator } = bench()
    const first = await hold(stripe, {}, { idempotencyKey })
    await stripe.paymentIntents.capture(first.id)
    const again = await hold(stripe, {}, { idempotencyKey })
    expect(again).toEqual(first)
    expect(again.status).toBe('requires_capture')
    const header = (answer: typeof first, name: string) => (answer.lastResponse.headers as unknown as Headers).get(name)
    expect(header(first, 'idempotent-replayed')).toBeNull()
    expect(header(again, 'idempotent-replayed')).toBe('true')
    expect(header(again, 'original-request')).toBe(header(first, 'request-id'))
    expect(header(again, 'idempotency-key')).toBe(idempotencyKey)
    expect(simulator.books('c1')).toMatchObject({ authorizations: 1, effectsByKey: { [idempotencyKey]: 1 } })
  })

  it('a repeated key returns a decline even if the card would now be approved', async () => {
    const { stripe } = bench()
    const params = { payment_method: 'pm_card_visa_chargeDeclined' }
    const first = await refused(hold(stripe, params, { idempotencyKey }))
    const again = await refused(hold(stripe, params, { idempotencyKey }))
    expect(again.payment_intent?.id).toBe(first.payment_intent?.id)
    expect(again).toMatchObject({ statusCode: 402, code: 'card_declined' })
  })

  it('a repeated key returns a 500, with or without an effect', async () => {
    for (const effect of [true, false]) {
      const { stripe, simulator } = bench()
      simulator.planFault({ on: 'create', fault: { kind: 'server_error', effect } })
      for (let time = 0; time < 3; time += 1) {
        expect(await refused(hold(stripe, {}, { idempotencyKey }))).toMatchObject({
          statusCode: 500,
          rawType: 'api_error',
          headers: { 'stripe-should-retry': 'false' },
        })
      }
      expect(simulator.books('c1').authorizations).toBe(effect ? 1 : 0)
    }
  })

  it('a repeated key returns a refusal because of the state', async () => {
    const { stripe } = bench()
    const { id } = await hold(stripe, { confirm: false })
    const capture = () => refused(stripe.paymentIntents.capture(id, {}, { idempotencyKey }))
    expect(await capture()).toMatchObject({ code: 'payment_intent_unexpected_state' })
    await stripe.paymentIntents.confirm(id)
    expect(await capture()).toMatchObject({ code: 'payment_intent_unexpected_state' })
    expect((await stripe.paymentIntents.capture(id)).status).toBe('succeeded')
  })

  it('a key is refused with different parameters or a different endpoint', async () => {
    const { stripe, simulator } = bench()
    const { id } = await hold(stripe, {}, { idempotencyKey })
    expect(await refused(hold(stripe, { amount: 5_001 }, { idempotencyKey }))).toMatchObject({
      statusCode: 400,
      rawType: 'idempotency_error',
      message: `Keys for idempotent requests can only be used with the same parameters they were first used with. Try using a key other than '${idempotencyKey}' if you meant to execute a different request.`,
    })
    expect(await refused(stripe.paymentIntents.cancel(id, {}, { idempotencyKey }))).toMatchObject({
      statusCode: 400,
      rawType: 'idempotency_error',
    })
    expect(simulator.books('c1')).toMatchObject({ authorizations: 1, openMinor: 5_000 })
  })

  it('a key is refused with different parameters even if those are invalid', async () => {
    const { stripe } = bench()
    await hold(stripe, {}, { idempotencyKey })
    expect(await refused(hold(stripe, { amount: 1 }, { idempotencyKey }))).toMatchObject({
      rawType: 'idempotency_error',
    })
  })

  it('a key accepts the same parameters in a different order', async () => {
    const { send } = bench()
    const headers = { 'idempotency-key': idempotencyKey }
    const first = await send('/v1/payment_intents', { form: 'amount=5000&currency=usd', headers })
    const again = await send('/v1/payment_intents', { form: 'currency=usd&amount=5000', headers })
    expect(again.body.id).toBe(first.body.id)
  })

  it('a key is forgotten after one day and can then make a second payment', async () => {
    const { stripe, simulator } = bench()
    const first = await hold(stripe, {}, { idempotencyKey })
    simulator.advance(day - 1)
    expect((await hold(stripe, {}, { idempotencyKey })).id).toBe(first.id)
    simulator.advance(1)
    expect((await hold(stripe, {}, { idempotencyKey })).id).not.toBe(first.id)
    expect(simulator.books('c1').authorizations).toBe(2)
    simulator.forgetKeys()
    await hold(stripe, {}, { idempotencyKey })
    expect(simulator.books('c1').effectsByKey).toEqual({ [idempotencyKey]: 3 })
  })

  it('a key has no meaning for a GET', async () => {
    const { stripe, send } = bench()
    const { id } = await hold(stripe)
    const get = () => send(`/v1/payment_intents/${id}`, { method: 'GET', headers: { 'idempotency-key': 'k' } })
    expect((await get()).body.status).toBe('requires_capture')
    await stripe.paymentIntents.capture(id)
    expect((await get()).body.status).toBe('succeeded')
  })
})

describe('a request that was not executed', () => {
  it.each<[string, Stripe.PaymentIntentCreateParams]>([
    ['a missing parameter', { amount: 5_000 } as Stripe.PaymentIntentCreateParams],
    ['an amount too small', { amount: 1, currency: 'usd' }],
    ['an unknown parameter', { amount: 5_000, currency: 'usd', colour: 'red' } as Stripe.PaymentIntentCreateParams],
  ])('an invalid request does not use its key: %s', async (_, wrong) => {
    const { stripe } = bench()
    expect(await refused(stripe.paymentIntents.create(wrong, { idempotencyKey }))).toMatchObject({ statusCode: 400 })
    expect(await hold(stripe, {}, { idempotencyKey })).toMatchObject({ status: 'requires_capture' })
  })

  it('no answer is stored for an invalid API key, a rate limit, a lock, or a request in progress', async () => {
    const { stripe, simulator, send } = bench()
    const unauthorized = await send('/v1/payment_intents', {
      key: 'sk_test_wrong_key_1234',
      form: 'amount=1&currency=usd',
      headers: { 'idempotency-key': idempotencyKey },
    })
    expect(unauthorized.status).toBe(401)
    simulator.planFault({ fault: { kind: 'rate_limit', retryAfterSeconds: 2 } })
    simulator.planFault({ fault: { kind: 'lock_timeout' } })
    simulator.planFault({ fault: { kind: 'key_in_use' } })
    const answers = [
      await refused(hold(stripe, {}, { idempotencyKey })),
      await refused(hold(stripe, {}, { idempotencyKey })),
      await refused(hold(stripe, {}, { idempotencyKey })),
    ]
    expect(answers).toMatchObject([
      { statusCode: 429, code: 'rate_limit', headers: { 'retry-after': '2' } },
      { statusCode: 429, code: 'lock_timeout', headers: { 'stripe-should-retry': 'true' } },
      { statusCode: 409, code: 'idempotency_key_in_use', rawType: 'idempotency_error' },
    ])
    expect(simulator.books('c1').authorizations).toBe(0)
    expect(await hold(stripe, {}, { idempotencyKey })).toMatchObject({ status: 'requires_capture' })
  })

  it('a key of more than 255 characters is refused', async () => {
    const { stripe } = bench()
    expect(await refused(hold(stripe, {}, { idempotencyKey: 'k'.repeat(256) }))).toMatchObject({ statusCode: 400 })
  })
})

describe('a key in use', () => {
  it('a key is answered with 409 until its first request has ended', async () => {
    let release = () => {}
    const held = new Promise<void>(resolve => {
      release = resolve
    })
    const { stripe, simulator } = bench({ sleep: () => held })
    simulator.planFault({ fault: { kind: 'delay', ms: 5_000, when: 'before' } })
    const first = hold(stripe, {}, { idempotencyKey })
    await new Promise(resolve => setImmediate(resolve))
    expect(await refused(hold(stripe, {}, { idempotencyKey }))).toMatchObject({
      statusCode: 409,
      rawType: 'idempotency_error',
      code: 'idempotency_key_in_use',
    })
    release()
    const { id } = await first
    expect((await hold(stripe, {}, { idempotencyKey })).id).toBe(id)
  })
})
