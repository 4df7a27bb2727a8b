/** Tests of events and webhooks: their order, signatures, and retries. */
import type { Stripe } from 'stripe'
import { describe, expect, it } from 'vitest'
import { type Bench, bench, hold, refused, startMs } from '../fixture.ts'

const typesOf = ({ delivered }: Bench) => delivered.map(({ body }) => (JSON.parse(body) as { type: string }).type)

/** Runs `story` and returns the types of the events it caused. */
async function eventTypes(story: (on: Bench) => Promise<unknown>): Promise<string[]> {
  const on = bench()
  await story(on)
  await on.simulator.runDueJobs()
  return typesOf(on).filter(type => type !== 'payment_intent.created')
}

describe('events', () => {
  it.each<[string, (on: Bench) => Promise<unknown>, string[]]>([
    [
      'an authorization',
      ({ stripe }) => hold(stripe),
      ['charge.succeeded', 'payment_intent.amount_capturable_updated'],
    ],
    [
      'a capture',
      async ({ stripe }) => stripe.paymentIntents.capture((await hold(stripe)).id),
      ['charge.succeeded', 'payment_intent.amount_capturable_updated', 'charge.captured', 'payment_intent.succeeded'],
    ],
    [
      'a payment',
      ({ stripe }) => hold(stripe, { capture_method: 'automatic' }),
      ['charge.succeeded', 'payment_intent.succeeded'],
    ],
    [
      'a decline',
      ({ stripe }) => refused(hold(stripe, { payment_method: 'pm_card_chargeDeclined' })),
      ['charge.failed', 'payment_intent.payment_failed'],
    ],
    [
      'an authentication',
      async ({ stripe, simulator }) => {
        const { id } = await hold(stripe, { payment_method: 'pm_card_authenticationRequired' })
        simulator.authenticate(id, 'fail')
      },
      ['payment_intent.requires_action', 'payment_intent.payment_failed'],
    ],
    [
      'a void',
      async ({ stripe }) => stripe.paymentIntents.cancel((await hold(stripe)).id),
      ['charge.succeeded', 'payment_intent.amount_capturable_updated', 'payment_intent.canceled'],
    ],
    [
      'an expiry',
      async ({ stripe, simulator }) => {
        const { id } = await hold(stripe)
        expect([simulator.expireAuthorization(id), simulator.expireAuthorization(id)]).toEqual([true, false])
      },
      ['charge.succeeded', 'payment_intent.amount_capturable_updated', 'charge.expired', 'payment_intent.canceled'],
    ],
    [
      'a debit',
      async ({ stripe, simulator }) => {
        await hold(stripe, {
          capture_method: 'automatic',
          allowed_payment_method_types: ['us_bank_account'],
          payment_method: 'pm_usBankAccount_success',
          mandate_data: { customer_acceptance: { type: 'offline' } },
        })
        simulator.advance(5_000)
      },
      ['charge.pending', 'payment_intent.processing', 'charge.succeeded', 'payment_intent.succeeded'],
    ],
    [
      'a refund that fails',
      async ({ stripe, simulator }) => {
        const { id } = await hold(stripe, { capture_method: 'automatic' })
        simulator.failRefund((await stripe.refunds.create({ payment_intent: id })).id)
      },
      [
        'charge.succeeded',
        'payment_intent.succeeded',
        'refund.created',
        'charge.refunded',
        'refund.updated',
        'charge.refund.updated',
        'refund.failed',
      ],
    ],
    [
      'a dispute',
      async ({ stripe, simulator }) => {
        const { latest_charge } = await hold(stripe, { capture_method: 'automatic' })
        await stripe.disputes.close(simulator.dispute(String(latest_charge)))
      },
      [
        'charge.succeeded',
        'payment_intent.succeeded',
        'charge.dispute.created',
        'charge.dispute.funds_withdrawn',
        'charge.dispute.closed',
      ],
    ],
  ])('events report %s', async (_, story, types) => {
    expect(await eventTypes(story)).toEqual(types)
  })

  it('an event names its request and key, and has the object as it was then', async () => {
    const { stripe, simulator, delivered } = bench()
    const intent = await hold(stripe, {}, { idempotencyKey: 'c1:authorize:1' })
    await stripe.paymentIntents.capture(intent.id)
    await simulator.runDueJobs()
    const events = delivered.map(({ body }) => JSON.parse(body) as Stripe.Event)
    const held = events.find(({ type }) => type === 'payment_intent.amount_capturable_updated')
    const requestId = (intent.lastResponse.headers as unknown as Headers).get('request-id')
    expect(held).toMatchObject({
      object: 'event',
      api_version: '2026-10-28.endive',
      created: startMs / 1_000,
      livemode: false,
      request: { id: requestId, idempotency_key: 'c1:authorize:1' },
      data: { object: { id: intent.id, status: 'requires_capture' } },
    })
    expect(new Set(events.map(({ id }) => id)).size).toBe(events.length)
  })

  it('an event caused by time names no request', async () => {
    const { stripe, simulator } = bench()
    await hold(stripe, {}, { idempotencyKey: 'c1:authorize:1' })
    simulator.advance(7 * 24 * 60 * 60_000)
    const list = await stripe.events.list({ type: 'payment_intent.canceled' })
    expect(list.data).toMatchObject([{ request: { id: null, idempotency_key: null }, pending_webhooks: 1 }])
    await simulator.runDueJobs()
    expect((await stripe.events.list({ delivery_success: false })).data).toEqual([])
    expect((await stripe.events.retrieve(list.data[0]?.id ?? '')).pending_webhooks).toBe(0)
    const some = await stripe.events.list({ types: ['charge.*'], limit: 1 })
    expect(some).toMatchObject({ has_more: true, data: [{ type: 'charge.expired' }] })
  })
})

describe('a webhook', () => {
  it('a webhook is signed for Stripe’s SDK with the secret of its endpoint', async () => {
    const urls: string[] = []
    const events: Stripe.Event[] = []
    const on = bench({
      clock: Date.now,
      webhooks: [
        { url: 'http://one.invalid/', secret: 'whsec_one' },
        { url: 'http://two.invalid/', secret: 'whsec_two' },
      ],
      deliverWebhook: async (headers, body, url) => {
        const secret = url.includes('one') ? 'whsec_one' : 'whsec_two'
        const signature = headers.get('stripe-signature') ?? ''
        expect(() => on.stripe.webhooks.constructEvent(body, signature, 'whsec_other')).toThrow()
        events.push(on.stripe.webhooks.constructEvent(body, signature, secret))
        urls.push(url)
      },
    })
    await hold(on.stripe, { confirm: false })
    expect(await on.simulator.runDueJobs()).toBe(2)
    expect(urls).toEqual(['http://one.invalid/', 'http://two.invalid/'])
    expect(events[0]?.type).toBe('payment_intent.created')
  })

  it('a rejected webhook is retried with growing delays until it is accepted', async () => {
    const attempts: number[] = []
    let nowMs = startMs
    const { stripe, simulator } = bench({
      clock: () => nowMs,
      deliverWebhook: async () => {
        attempts.push(nowMs - startMs)
        if (attempts.length < 5) throw new Error('not now')
      },
    })
    await hold(stripe, { confirm: false })
    await simulator.runDueJobs()
    for (let wait = simulator.dueInMs(); wait !== null; wait = simulator.dueInMs()) {
      nowMs += wait
      await simulator.runDueJobs()
    }
    expect(attempts).toEqual([0, 1_000, 3_000, 7_000, 15_000])
  })

  it('a webhook can be lost, repeated, late, or out of order', async () => {
    const story = async (fault: Parameters<Bench['simulator']['planWebhookFault']>[0]['fault']) => {
      const on = bench()
      on.simulator.planWebhookFault({ on: 'charge.succeeded', fault })
      await hold(on.stripe)
      await on.simulator.runDueJobs()
      const first = typesOf(on).slice(1)
      on.delivered.length = 0
      on.simulator.advance(10_000)
      await on.simulator.runDueJobs()
      expect(on.simulator.faultsFired()).toEqual({ [`${fault.kind} charge.succeeded`]: 1 })
      return [first, typesOf(on)]
    }
    const [charge, intent] = ['charge.succeeded', 'payment_intent.amount_capturable_updated']
    expect(await story({ kind: 'lose' })).toEqual([[intent], []])
    expect(await story({ kind: 'twice' })).toEqual([[charge, charge, intent], []])
    expect(await story({ kind: 'late', ms: 10_000 })).toEqual([[intent], [charge]])
    expect(await story({ kind: 'out_of_order' })).toEqual([[intent, charge], []])
  })

  it('a webhook can be preceded by a forged one', async () => {
    const verdicts: boolean[] = []
    const on = bench({
      clock: Date.now,
      deliverWebhook: async (headers, body) => {
        try {
          on.stripe.webhooks.constructEvent(body, headers.get('stripe-signature') ?? '', 'whsec_first')
          verdicts.push(true)
        } catch {
          verdicts.push(false)
          expect(body).toContain('"amount":1,')
          throw new Error('forged')
        }
      },
      webhookFaults: ({ type }) => (type === 'payment_intent.succeeded' ? { kind: 'forge' } : null),
    })
    await hold(on.stripe, { capture_method: 'automatic' })
    await on.simulator.runDueJobs()
    expect(verdicts).toEqual([true, true, false, true])
    expect(on.simulator.dueInMs()).toBeNull()
    expect(on.simulator.faultsFired()).toEqual({ 'forge payment_intent.succeeded': 1 })
  })
})
