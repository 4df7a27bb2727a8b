/** A webhook is accepted if one of the shop's secrets signed exactly this body within five minutes. No secret is kept. */
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
const verify = (signature: string | null, text = body, by = gateway) =>
  by.verifyWebhook?.(new Headers(signature === null ? {} : { 'stripe-signature': signature }), text)

describe('A webhook is accepted', () => {
  it('a webhook signed with either of the shop’s secrets is accepted', async () => {
    expect(await verify(signed(first))).toMatchObject({ id: 'evt_1' })
    expect(await verify(signed(second))).toMatchObject({ id: 'evt_1' })
  })

  it('a webhook signed with two secrets is accepted by a shop that has one of them', async () => {
    const both = `t=${seconds},v1=${digest(first, body, seconds)},v1=${digest(second, body, seconds)}`
    expect(await verify(both, body, gatewayWith(first))).toMatchObject({ id: 'evt_1' })
    expect(await verify(both, body, gatewayWith(second))).toMatchObject({ id: 'evt_1' })
    expect(await verify(`${signed('whsec_gone')},v1=${digest(second, body, seconds)},v0=x`)).toMatchObject({
      id: 'evt_1',
    })
  })

  it('a webhook up to five minutes old or ahead is accepted', async () => {
    expect(await verify(signed(first, { at: seconds - 300 }))).not.toBeNull()
    expect(await verify(signed(first, { at: seconds + 300 }))).not.toBeNull()
  })
})

describe('A webhook is refused', () => {
  it.each<[title: string, signature: string | null, text?: string]>([
    ['without a signature', null],
    ['with an empty signature', ''],
    ['with a malformed signature', 'v1=abc'],
    ['with a time that is not a number', `t=soon,v1=${digest(first, body, seconds)}`],
    ['signed with another secret', signed('whsec_thirdsecret')],
    ['older than five minutes', signed(first, { at: seconds - 301 })],
    ['from more than five minutes ahead', signed(first, { at: seconds + 301 })],
    ['from far ahead, with a second time of now', `t=${seconds},${signed(first, { at: seconds + 3_600 })}`],
    ['with another body', signed(first), body.replace('2500', '1')],
    ['with a body that has one space more', signed(first), `${body} `],
    ['with the signature of another time', signed(first).replace(`t=${seconds}`, `t=${seconds - 1}`)],
    ['signed in an older scheme only', signed(first).replace('v1=', 'v0=')],
    ['signed, but not an event', signed(first, { text: '{"object":"event"}' }), '{"object":"event"}'],
    ['signed, but not JSON', signed(first, { text: 'event' }), 'event'],
  ])('a webhook %s is refused', async (_, signature, text) => {
    expect(await verify(signature, text)).toBeNull()
  })

  it('a webhook is refused after its secret was removed', async () => {
    expect(await verify(signed(first), body, gatewayWith([second]))).toBeNull()
  })

  it('a shop without a secret refuses every webhook, even one signed with an empty secret', async () => {
    expect(await verify(signed(''), body, gatewayWith([]))).toBeNull()
    expect(await verify(signed(''), body, gatewayWith(''))).toBeNull()
  })
})

describe('A webhook’s content', () => {
  const eventWith = async (object: object, type?: string) => {
    const text = bodyOf(object, type)
    return verify(signed(first, { text }), text)
  }

  it('the checkout and the payment are read, and no secret is kept', async () => {
    const event = await eventWith(intent)
    expect(event).toMatchObject({
      id: 'evt_1',
      type: 'payment_intent.amount_capturable_updated',
      checkoutId: intent.metadata.checkout_id,
      reference: 'pi_1',
      payload: { object: 'payment_intent', id: 'pi_1', status: 'requires_capture', amount: 2_500, currency: 'usd' },
    })
    expect(JSON.stringify(event)).not.toMatch(/canary|secret/)
  })

  it('the payment of a charge or a refund is read', async () => {
    const refund = { object: 'refund', id: 're_1', payment_intent: 'pi_1', amount: 5, currency: 'usd', metadata: {} }
    expect(await eventWith(refund, 'refund.created')).toMatchObject({ checkoutId: null, reference: 'pi_1' })
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
    expect(await eventWith(intent, type)).toMatchObject({ about })
  })

  it('an event without a payment matches no checkout', async () => {
    expect(await eventWith({ object: 'customer', id: 'cus_1', metadata: null }, 'customer.created')).toMatchObject({
      checkoutId: null,
      reference: null,
    })
  })
})
