/** A webhook counts when one of the shop's secrets signed exactly this body, a moment ago; and it tells no secret on. */
import { createHmac } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { createStripeGateway } from '../../../src/payments/stripe/stripe.ts'

const nowMs = Date.UTC(2026, 10, 23, 12)
const first = 'whsec_firstsecret'
const second = 'whsec_secondsecret'

const gatewayWith = (webhookSecret: string | readonly string[]) =>
  createStripeGateway({ secretKey: 'sk_test_simulated1234', webhookSecret, now: () => nowMs })
const gateway = gatewayWith([first, second])

const intent = {
  object: 'payment_intent',
  id: 'pi_1',
  status: 'requires_capture',
  amount: 2_500,
  currency: 'usd',
  client_secret: 'pi_1_secret_canary',
  payment_method: 'pm_canary',
  metadata: { checkout_id: '0199a2b4-0000-7000-8000-000000000001' },
}
const bodyOf = (object: object, type = 'payment_intent.amount_capturable_updated') =>
  JSON.stringify({ id: 'evt_1', object: 'event', type, created: 1_700_000_000, livemode: false, data: { object } })
const body = bodyOf(intent)

const seconds = Math.floor(nowMs / 1_000)
const digest = (secret: string, text: string, at: number) =>
  createHmac('sha256', secret).update(`${at}.${text}`).digest('hex')
const signed = (secret: string, { text = body, at = seconds } = {}) => `t=${at},v1=${digest(secret, text, at)}`
const heard = (signature: string | null, text = body, by = gateway) =>
  by.verifyWebhook?.(new Headers(signature === null ? {} : { 'stripe-signature': signature }), text)

describe('a webhook is genuine', () => {
  it('signed with either of the shop’s secrets', async () => {
    expect(await heard(signed(first))).toMatchObject({ id: 'evt_1' })
    expect(await heard(signed(second))).toMatchObject({ id: 'evt_1' })
  })

  it('while Stripe signs with both, and the shop knows one of them', async () => {
    const both = `t=${seconds},v1=${digest(first, body, seconds)},v1=${digest(second, body, seconds)}`
    expect(await heard(both, body, gatewayWith(first))).toMatchObject({ id: 'evt_1' })
    expect(await heard(both, body, gatewayWith(second))).toMatchObject({ id: 'evt_1' })
    expect(await heard(`${signed('whsec_gone')},v1=${digest(second, body, seconds)},v0=x`)).toMatchObject({
      id: 'evt_1',
    })
  })

  it('up to five minutes old, or ahead by as much', async () => {
    expect(await heard(signed(first, { at: seconds - 300 }))).not.toBeNull()
    expect(await heard(signed(first, { at: seconds + 300 }))).not.toBeNull()
  })
})

describe('a webhook is not genuine', () => {
  it.each<[title: string, signature: string | null, text?: string]>([
    ['without a signature', null],
    ['with an empty signature', ''],
    ['with a signature that is none', 'v1=abc'],
    ['with a time that is no number', `t=soon,v1=${digest(first, body, seconds)}`],
    ['signed with another secret', signed('whsec_thirdsecret')],
    ['older than five minutes', signed(first, { at: seconds - 301 })],
    ['from more than five minutes ahead', signed(first, { at: seconds + 301 })],
    ['from far ahead, beside a time of now', `t=${seconds},${signed(first, { at: seconds + 3_600 })}`],
    ['with another body', signed(first), body.replace('2500', '1')],
    ['with a body that has one space more', signed(first), `${body} `],
    ['with the signature of another time', signed(first).replace(`t=${seconds}`, `t=${seconds - 1}`)],
    ['signed in an older scheme only', signed(first).replace('v1=', 'v0=')],
    ['signed, but no event', signed(first, { text: '{"object":"event"}' }), '{"object":"event"}'],
    ['signed, but no JSON', signed(first, { text: 'event' }), 'event'],
  ])('%s', async (_, signature, text) => {
    expect(await heard(signature, text)).toBeNull()
  })

  it('after its secret was taken away', async () => {
    expect(await heard(signed(first), body, gatewayWith([second]))).toBeNull()
  })

  it('where the shop has no secret, also when it is signed with an empty one', async () => {
    expect(await heard(signed(''), body, gatewayWith([]))).toBeNull()
    expect(await heard(signed(''), body, gatewayWith(''))).toBeNull()
  })
})

describe('what a webhook tells', () => {
  const told = async (object: object, type?: string) => {
    const text = bodyOf(object, type)
    return heard(signed(first, { text }), text)
  }

  it('is its checkout and its payment, and no secret of them', async () => {
    const event = await told(intent)
    expect(event).toMatchObject({
      id: 'evt_1',
      type: 'payment_intent.amount_capturable_updated',
      checkoutId: intent.metadata.checkout_id,
      reference: 'pi_1',
      payload: { object: 'payment_intent', id: 'pi_1', status: 'requires_capture', amount: 2_500, currency: 'usd' },
    })
    expect(JSON.stringify(event)).not.toMatch(/canary|secret/)
  })

  it('is the payment that a charge or a refund belongs to', async () => {
    const refund = { object: 'refund', id: 're_1', payment_intent: 'pi_1', amount: 5, currency: 'usd', metadata: {} }
    expect(await told(refund, 'refund.created')).toMatchObject({ checkoutId: null, reference: 'pi_1' })
  })

  it.each([
    ['payment_intent.succeeded', 'payment'],
    ['charge.captured', 'payment'],
    ['charge.refunded', 'money_back'],
    ['charge.refund.updated', 'money_back'],
    ['refund.created', 'money_back'],
    ['refund.failed', 'money_back'],
    ['charge.dispute.created', 'dispute'],
    ['charge.dispute.closed', 'dispute'],
  ])('%s is about a %s', async (type, about) => {
    expect(await told(intent, type)).toMatchObject({ about })
  })

  it('is nothing of ours where it names no payment', async () => {
    expect(await told({ object: 'customer', id: 'cus_1', metadata: null }, 'customer.created')).toMatchObject({
      checkoutId: null,
      reference: null,
    })
  })
})
