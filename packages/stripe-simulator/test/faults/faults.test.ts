/** Tests of injected faults, their effects, and the books. */
import { describe, expect, it } from 'vitest'
import { type Bench, bench, hold, refused, startMs } from '../fixture.ts'

const idempotencyKey = 'c1:authorize:1'

const form =
  'amount=5000&currency=usd&payment_method=pm_card_visa&confirm=true&capture_method=manual&metadata[checkout_id]=c1&allowed_payment_method_types[]=card'

/** Retries with the same key, like a client without an answer. Stripe's SDK itself retries only once. */
const authorize = ({ stripe }: Bench) => hold(stripe, {}, { idempotencyKey })

describe('a connection', () => {
  it('a connection that breaks before the request has no effect; a retry with the same key executes it', async () => {
    const on = bench()
    on.simulator.planFault({ on: 'create', times: 2, fault: { kind: 'lose_request' } })
    expect(await refused(authorize(on))).toMatchObject({ type: 'StripeConnectionError' })
    expect(on.simulator.books('c1').authorizations).toBe(0)
    expect((await authorize(on)).status).toBe('requires_capture')
    expect(on.simulator.faultsFired()).toEqual({ 'lose_request create': 2 })
  })

  it('a connection that breaks before the answer has its effect; a retry with the same key returns the answer', async () => {
    const on = bench()
    on.simulator.planFault({ on: 'create', times: 2, fault: { kind: 'lose_answer' } })
    expect(await refused(authorize(on))).toMatchObject({ type: 'StripeConnectionError' })
    expect(on.simulator.books('c1').authorizations).toBe(1)
    expect((await authorize(on)).status).toBe('requires_capture')
    expect(on.simulator.books('c1').authorizations).toBe(1)
  })

  it('a refused connection has no effect', async () => {
    const on = bench()
    on.simulator.planFault({ fault: { kind: 'refuse_connection' } })
    expect(await refused(authorize(on))).toMatchObject({
      type: 'StripeConnectionError',
      detail: { code: 'ECONNREFUSED' },
    })
    expect(on.simulator.books('c1').authorizations).toBe(0)
  })

  it.each(['lose_request', 'lose_answer'] as const)('a connection can stay silent forever: %s', async kind => {
    const on = bench()
    on.simulator.planFault({ fault: { kind, loss: 'silence' } })
    const gone = new AbortController()
    const answer = on.simulator.handle(
      new Request('http://stripe.invalid/v1/payment_intents', {
        method: 'POST',
        headers: { authorization: 'Bearer sk_test_simulated1234', 'content-type': 'application/x-www-form-urlencoded' },
        body: form,
        signal: gone.signal,
      }),
    )
    const waited = await Promise.race([answer, new Promise(resolve => setImmediate(() => resolve('waiting')))])
    expect(waited).toBe('waiting')
    expect(on.simulator.books('c1').authorizations).toBe(kind === 'lose_answer' ? 1 : 0)
    gone.abort()
    await expect(answer).rejects.toMatchObject({ code: 'ECONNRESET' })
  })

  it('a silent connection ends with the simulator', async () => {
    const { simulator, send } = bench()
    simulator.planFault({ fault: { kind: 'lose_request', loss: 'silence' } })
    const answer = send('/v1/balance', { method: 'GET' })
    await new Promise(resolve => setImmediate(resolve))
    simulator.close()
    await expect(answer).rejects.toMatchObject({ code: 'ECONNRESET' })
  })
})

describe('a request', () => {
  it('a request can be executed long after its caller’s timeout; its key is in use until then', async () => {
    const on = bench()
    on.simulator.planFault({ on: 'create', fault: { kind: 'apply_late', ms: 60_000 } })
    const { send, simulator } = on
    const headers = { 'idempotency-key': idempotencyKey }
    const lost = send('/v1/payment_intents', { form, headers }).catch(() => 'lost')
    await new Promise(resolve => setImmediate(resolve))
    expect((await send('/v1/payment_intents', { form, headers })).status).toBe(409)
    simulator.advance(59_999)
    expect(simulator.books('c1').authorizations).toBe(0)
    simulator.advance(1)
    expect(simulator.books('c1').authorizations).toBe(1)
    const { status, body, headers: given } = await send('/v1/payment_intents', { form, headers })
    expect([status, body.status, given.get('idempotent-replayed')]).toEqual([200, 'requires_capture', 'true'])
    simulator.close()
    expect(await lost).toBe('lost')
  })

  it('a late request is refused because of later changes', async () => {
    const { stripe, simulator, send } = bench()
    const { id } = await hold(stripe, { confirm: false })
    simulator.planFault({ on: 'confirm', fault: { kind: 'apply_late', ms: 60_000 } })
    const lost = send(`/v1/payment_intents/${id}/confirm`, { headers: { 'idempotency-key': 'k' } }).catch(() => null)
    await new Promise(resolve => setImmediate(resolve))
    await stripe.paymentIntents.cancel(id)
    simulator.advance(60_000)
    expect(simulator.books('c1').authorizations).toBe(0)
    const again = await send(`/v1/payment_intents/${id}/confirm`, { headers: { 'idempotency-key': 'k' } })
    expect(again.error.code).toBe('payment_intent_unexpected_state')
    simulator.close()
    await lost
  })

  it('a request can be slow with an immediate effect', async () => {
    const waits: number[] = []
    const on = bench({
      sleep: async ms => {
        waits.push(ms)
        expect(on.simulator.books('c1').authorizations).toBe(1)
      },
    })
    on.simulator.planFault({ fault: { kind: 'delay', ms: 700 } })
    expect((await authorize(on)).status).toBe('requires_capture')
    expect(waits).toEqual([700])
  })

  it('a request can be executed with a different amount or currency', async () => {
    const { stripe, simulator } = bench()
    simulator.planFault({ on: 'create', fault: { kind: 'other_amount' } })
    const one = await hold(stripe)
    expect(one.amount).toBe(5_001)
    simulator.planFault({ on: 'capture', fault: { kind: 'other_amount' } })
    expect((await stripe.paymentIntents.capture(one.id)).amount_received).toBe(5_000)
    simulator.planFault({ on: 'refund', fault: { kind: 'other_amount', byMinor: -100 } })
    expect((await stripe.refunds.create({ payment_intent: one.id })).amount).toBe(4_900)
    simulator.planFault({ on: 'create', fault: { kind: 'other_currency', currency: 'eur' } })
    expect((await hold(stripe)).currency).toBe('eur')
    expect(simulator.books('c1')).toMatchObject({ authorizations: 2, currencies: ['usd', 'eur'] })
  })

  it('a request can be definitely refused, like an expired authorization or a decline', async () => {
    const { stripe, simulator } = bench()
    const { id } = await hold(stripe)
    simulator.planFault({ on: 'capture', fault: { kind: 'refuse' } })
    simulator.planFault({
      on: 'capture',
      fault: { kind: 'refuse', type: 'card_error', code: 'card_declined', declineCode: 'generic_decline' },
    })
    expect(await refused(stripe.paymentIntents.capture(id))).toMatchObject({
      statusCode: 400,
      code: 'capture_charge_authorization_expired',
    })
    expect(await refused(stripe.paymentIntents.capture(id))).toMatchObject({
      statusCode: 402,
      rawType: 'card_error',
      decline_code: 'generic_decline',
    })
    expect(simulator.books('c1')).toMatchObject({ openMinor: 5_000, capturedMinor: 0 })
  })

  it('a lookup can miss an existing object', async () => {
    const { stripe, simulator } = bench()
    const { id } = await hold(stripe)
    simulator.advance(60_000)
    for (const on of ['retrieve', 'list', 'search']) simulator.planFault({ on, fault: { kind: 'not_found' } })
    const query = "metadata['checkout_id']:'c1'"
    expect(await refused(stripe.paymentIntents.retrieve(id))).toMatchObject({
      statusCode: 404,
      code: 'resource_missing',
    })
    expect((await stripe.paymentIntents.list()).data).toEqual([])
    expect((await stripe.paymentIntents.search({ query })).data).toEqual([])
    expect((await stripe.paymentIntents.retrieve(id)).id).toBe(id)
    expect((await stripe.paymentIntents.list()).data).toHaveLength(1)
    expect((await stripe.paymentIntents.search({ query })).data).toHaveLength(1)
  })

  it.each([500, 502, 503, 504] as const)('a request can be answered with %i', async status => {
    const on = bench()
    on.simulator.planFault({ fault: { kind: 'server_error', effect: true, status } })
    expect(await refused(authorize(on))).toMatchObject({ statusCode: status, rawType: 'api_error' })
    expect(on.simulator.books('c1').authorizations).toBe(1)
  })
})

describe('a planned fault', () => {
  it('a planned fault fires for its operation, key, or checkout, as often as planned', async () => {
    const { stripe, simulator } = bench()
    simulator.planFault({ checkoutId: 'c2', times: 2, fault: { kind: 'rate_limit' } })
    simulator.planFault({ idempotencyKey: 'special', fault: { kind: 'lock_timeout' } })
    const { id } = await hold(stripe)
    const other = { metadata: { checkout_id: 'c2' } }
    expect(await refused(hold(stripe, other))).toMatchObject({ code: 'rate_limit' })
    expect(await refused(hold(stripe, other))).toMatchObject({ code: 'rate_limit' })
    const second = await hold(stripe, other)
    expect(await refused(stripe.paymentIntents.capture(id, {}, { idempotencyKey: 'special' }))).toMatchObject({
      code: 'lock_timeout',
    })
    simulator.planFault({ checkoutId: 'c2', fault: { kind: 'rate_limit' } })
    expect((await stripe.paymentIntents.capture(id)).status).toBe('succeeded')
    expect(await refused(stripe.paymentIntents.capture(second.id))).toMatchObject({ code: 'rate_limit' })
    expect(simulator.faultsFired()).toEqual({
      'lock_timeout capture': 1,
      'rate_limit capture': 1,
      'rate_limit create': 2,
    })
  })

  it('a planned fault can fire for a share of calls, until faults are cleared', async () => {
    const { stripe, simulator } = bench()
    simulator.planFault({ rate: 0.5, fault: { kind: 'rate_limit' } })
    const answers = await Promise.allSettled(Array.from({ length: 100 }, () => stripe.balance.retrieve()))
    const failed = answers.filter(({ status }) => status === 'rejected').length
    expect(failed).toBeGreaterThan(30)
    expect(failed).toBeLessThan(70)
    expect(simulator.faultsFired()).toEqual({ 'rate_limit probe': failed })
    simulator.clearFaults()
    await Promise.all(Array.from({ length: 20 }, () => stripe.balance.retrieve()))
  })

  it('the fault function sees each call and takes precedence over planned faults', async () => {
    const seen: unknown[] = []
    const { stripe, simulator } = bench({
      faults: request => {
        seen.push(request)
        return request.operation === 'capture' ? { kind: 'rate_limit' } : null
      },
    })
    const { id } = await hold(stripe, {}, { idempotencyKey })
    expect(await refused(stripe.paymentIntents.capture(id))).toMatchObject({ statusCode: 429 })
    expect(seen).toMatchObject([
      {
        method: 'POST',
        path: '/v1/payment_intents',
        operation: 'create',
        idempotencyKey,
        checkoutId: 'c1',
        body: { amount: '5000', metadata: { checkout_id: 'c1' } },
      },
      { operation: 'capture', path: `/v1/payment_intents/${id}/capture`, checkoutId: 'c1' },
    ])
    expect(simulator.faultsFired()).toEqual({ 'rate_limit capture': 1 })
  })
})

describe('the books', () => {
  it('the books contain every movement of money, by checkout and by key', async () => {
    const { stripe, simulator } = bench()
    const one = await hold(stripe, {}, { idempotencyKey: 'a1' })
    const two = await hold(stripe, {}, { idempotencyKey: 'a2' })
    await hold(stripe, { metadata: { checkout_id: 'other' } })
    await hold(stripe, { metadata: {} })
    await stripe.paymentIntents.capture(one.id, { amount_to_capture: 4_000 }, { idempotencyKey: 'c1' })
    await stripe.paymentIntents.cancel(two.id, {}, { idempotencyKey: 'v2' })
    await stripe.refunds.create({ payment_intent: one.id, amount: 500 }, { idempotencyKey: 'r1' })
    expect(simulator.books('c1')).toMatchObject({
      checkoutId: 'c1',
      authorizations: 2,
      authorizedMinor: 10_000,
      openMinor: 0,
      captures: 1,
      capturedMinor: 4_000,
      refunds: 1,
      refundedMinor: 500,
      currencies: ['usd'],
      effectsByKey: { a1: 1, a2: 1, c1: 2, v2: 1, r1: 1 },
      intents: [
        { id: one.id, status: 'succeeded', amountMinor: 5_000, currency: 'usd' },
        { id: two.id, status: 'canceled' },
      ],
    })
    expect(simulator.books('c1').effects.map(({ kind, amountMinor }) => `${kind} ${amountMinor}`)).toEqual([
      'authorize 5000',
      'authorize 5000',
      'capture 4000',
      'release 1000',
      'release 5000',
      'refund 500',
    ])
    expect(simulator.effects()).toHaveLength(8)
    expect(simulator.effects()[0]).toMatchObject({
      at: new Date(startMs).toISOString(),
      kind: 'authorize',
      intentId: one.id,
      chargeId: one.latest_charge,
      idempotencyKey: 'a1',
    })
    expect(simulator.books('unknown')).toMatchObject({ authorizations: 0, openMinor: 0, effects: [] })
  })

  it('the books are the same for the same calls, clock, and random numbers', async () => {
    const story = async () => {
      const on = bench()
      const { id } = await authorize(on)
      await on.stripe.paymentIntents.capture(id, {}, { idempotencyKey: 'c1:capture:1' })
      return JSON.stringify([on.simulator.books('c1'), on.simulator.events()])
    }
    expect(await story()).toBe(await story())
  })
})
