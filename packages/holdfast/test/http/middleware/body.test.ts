/** Request bodies at their limits: empty with a JSON content type, long webhooks, and bodies that are too large. */
import { createHmac } from 'node:crypto'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { createStripeGateway } from '../../../src/payments/stripe/stripe.ts'
import { openTestDatabase, type TestDatabase } from '../../support/test-database.ts'
import { openBrowser, openShop, type TestShop } from '../open-shop.ts'

const webhookSecret = 'whsec_of_the_test'
let test: TestDatabase
let shop: TestShop

beforeAll(async () => {
  test = await openTestDatabase('postgres')
  shop = await openShop(test.database, { gateway: createStripeGateway({ secretKey: 'sk_test_1', webhookSecret }) })
})
afterAll(async () => {
  await shop.stop()
  await test.stop()
})

it.each(['/checkout/cancel', '/checkout/resume'])(
  'POST %s accepts an empty body with a JSON content type',
  async path => {
    const browser = await openBrowser(shop.handler)
    await browser.send('POST', '/cart/lines', { sku: 'CLEAT', quantity: 1 })
    const { lock_id: lockId } = (await (await browser.send('GET', '/checkout')).json()) as { lock_id: string }
    const empty = await browser.send('POST', path, undefined, { 'Content-Type': 'application/json' })
    expect(empty.status).toBe(path === '/checkout/cancel' ? 200 : 409)
    const { state } = (await (await browser.send('GET', `/checkout/status?lock_id=${lockId}`)).json()) as {
      state: string
    }
    expect(state).toBe(path === '/checkout/cancel' ? 'failed' : 'pending')
  },
)

it('POST /checkout rejects an empty body', async () => {
  const browser = await openBrowser(shop.handler)
  await browser.send('POST', '/cart/lines', { sku: 'CLEAT', quantity: 1 })
  const answer = await browser.send('POST', '/checkout', undefined, { 'Content-Type': 'application/json' })
  expect(answer.status).toBe(400)
})

function signed(body: string): RequestInit {
  const at = Math.floor(Date.now() / 1000)
  const signature = createHmac('sha256', webhookSecret).update(`${at}.${body}`).digest('hex')
  return { method: 'POST', body, headers: { 'Stripe-Signature': `t=${at},v1=${signature}` } }
}

it('a webhook with the most evidence that Stripe accepts is stored, and one over 1 MiB gets 413', async () => {
  // docs.stripe.com/api/disputes/update: 150,000 characters of evidence together.
  const object = {
    object: 'dispute',
    id: 'dp_1',
    payment_intent: 'pi_1',
    evidence: { uncategorized_text: 'é'.repeat(150_000) },
  }
  const event = { id: 'evt_long', object: 'event', type: 'charge.dispute.updated', created: 1, data: { object } }
  const stored = await shop.handler(new Request('http://shop.test/webhooks/stripe', signed(JSON.stringify(event))))
  expect(stored.status).toBe(200)
  const tooLarge = await shop.handler(new Request('http://shop.test/webhooks/stripe', signed('x'.repeat(2 << 20))))
  expect(tooLarge.status).toBe(413)
})

it('a body that is too large gets 413 with Connection: close', async () => {
  const { send } = await openBrowser(shop.handler)
  const refused = await send('POST', '/cart/lines', { sku: 'x'.repeat(100_000), quantity: 1 })
  expect(refused.status).toBe(413)
  expect(refused.headers.get('connection')).toBe('close')
})
