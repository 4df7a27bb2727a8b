/**
 * The checkout page of a shop with Stripe: its content security policy, its scripts, and the secrecy of the client
 * secret.
 */
import Stripe from 'stripe'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { CheckoutConfig } from '../../../holdfast/src/config/checkout-config.ts'
import { createHttpHandler } from '../../../holdfast/src/http/app.ts'
import { waitingResponse } from '../../../holdfast/src/http/schemas/responses.ts'
import { createStripeGateway } from '../../../holdfast/src/payments/stripe/stripe.ts'
import {
  address,
  type Browser,
  httpTestConfig,
  json,
  openBrowser,
  openShop,
  type TestShop,
  testConfig,
} from '../../../holdfast/test/http/open-shop.ts'
import { openTestDatabase, type TestDatabase } from '../../../holdfast/test/support/test-database.ts'
import { createStripeSimulator } from '../../../stripe-simulator/src/create-simulator.ts'
import type { StripeSimulator } from '../../../stripe-simulator/src/stripe-simulator.ts'

const keys = {
  secretKey: 'sk_test_onThePage1',
  publishableKey: 'pk_test_onThePage1',
  webhookSecret: 'whsec_onThePage1',
}
const apiUrl = 'http://stripe.test:12111'

let opened: TestDatabase
let simulator: StripeSimulator
let shop: TestShop
const logged: unknown[] = []

beforeAll(async () => {
  opened = await openTestDatabase('embedded')
  simulator = createStripeSimulator({ url: apiUrl })
  const httpClient = Stripe.createFetchHttpClient((url, init) => simulator.handle(new Request(url as string, init)))
  const gateway = createStripeGateway({ ...keys, apiUrl, httpClient })
  shop = await openShop(opened.database, {
    gateway,
    config: configWith({ apiUrl }),
    log: (...line) => logged.push(line),
  })
})
afterAll(async () => {
  await shop.stop()
  simulator.close()
  await opened.stop()
})

function configWith(stripe: { publishableKey?: string | null; apiUrl?: string }): Partial<CheckoutConfig> {
  const { publishableKey = keys.publishableKey, apiUrl = null } = stripe
  return { ...testConfig, stripePublishableKey: publishableKey, stripeApiUrl: apiUrl }
}

/** A shop on the same database with a different configuration of Stripe. */
const shopWith = (config: Partial<CheckoutConfig>) =>
  openShop(opened.database, { config, gateway: createStripeGateway(keys) })

async function pageOf(browser: Browser, path = '/checkout') {
  const response = await browser.open(path)
  const text = await response.text()
  const policy = Object.fromEntries(
    (response.headers.get('content-security-policy') ?? '').split('; ').map(line => {
      const [name = '', ...sources] = line.split(' ')
      return [name, sources]
    }),
  )
  return { response, text, policy }
}

async function filled(browser: Browser): Promise<Browser> {
  expect((await browser.send('POST', '/cart/lines', { sku: 'CLEAT', quantity: 1 })).status).toBe(200)
  return browser
}

/** Starts a checkout whose payment waits for Stripe's form. */
async function opening() {
  const browser = await filled(await openBrowser(shop.handler))
  const details = { email: 'ada@example.com', shipping_address: address, billing_address: address }
  const response = await browser.send('POST', '/checkout', { ...details, payment_method: 'card' })
  expect(response.status).toBe(202)
  const answer = waitingResponse.parse(await response.json())
  if (answer.status !== 'action_required' || answer.action.type !== 'confirm') throw new Error('nothing to confirm')
  return { browser, lockId: answer.lock_id, ...answer.action }
}

/** Confirms a payment as Stripe's script does, with the publishable key. */
async function confirm(payment: string, clientSecret: string, method: string) {
  const body = new URLSearchParams({
    key: keys.publishableKey,
    client_secret: clientSecret,
    payment_method: method,
    return_url: 'http://shop.test/checkout?returned=1',
  })
  return simulator.handle(new Request(`${apiUrl}/v1/payment_intents/${payment}/confirm`, { method: 'POST', body }))
}

const plain = {
  'default-src': ["'none'"],
  'script-src': ["'self'"],
  'style-src': ["'self'"],
  'img-src': ["'self'", 'data:', 'https:'],
  'connect-src': ["'self'"],
  'font-src': ["'self'"],
  'form-action': ["'self'"],
  'base-uri': ["'none'"],
  'frame-ancestors': ["'none'"],
}

describe('the checkout page with Stripe', () => {
  it('allows exactly the hosts that Stripe documents for its script', async () => {
    const { handler, stop } = await shopWith(configWith({}))
    const browser = await filled(await openBrowser(handler))
    const { text, policy } = await pageOf(browser)
    expect(policy).toEqual({
      ...plain,
      'script-src': ["'self'", 'https://js.stripe.com', 'https://*.js.stripe.com'],
      'frame-src': ['https://js.stripe.com', 'https://*.js.stripe.com', 'https://hooks.stripe.com'],
      'connect-src': ["'self'", 'https://api.stripe.com'],
    })
    expect(text).toContain('"stripe_script":"https://js.stripe.com/endive/stripe.js"')
    await stop()
  })

  it('allows only the simulator if one is configured', async () => {
    const { text, policy } = await pageOf(await filled(await openBrowser(shop.handler)))
    expect(policy).toEqual({ ...plain, 'script-src': ["'self'", apiUrl], 'connect-src': ["'self'", apiUrl] })
    expect(text).toContain(`"stripe_script":"${apiUrl}/endive/stripe.js"`)
  })

  it('is the only page with a wider content security policy', async () => {
    const browser = await openBrowser(shop.handler)
    for (const path of ['/', '/cart', '/p/brass-cleat', '/nope', '/checkout/status']) {
      expect((await pageOf(browser, path)).policy).toEqual(plain)
    }
  })

  it('loads only the shop’s own scripts until the buyer pays', async () => {
    const { text } = await pageOf(await filled(await openBrowser(shop.handler)))
    expect(text).toContain('id="card-form"')
    expect(text).not.toContain('payment_token')
    const scripts = [...text.matchAll(/<script type="module" src="\/assets\/([a-z-]+)\./g)].map(([, name]) => name)
    expect(scripts).toEqual(['store', 'stripe-form', 'stripe-step', 'checkout'])
    const data = [...text.matchAll(/<script type="application\/json" id="([a-z]+)">/g)].map(([, id]) => id)
    expect(data).toEqual(['copy', 'state'])
    expect(text.match(/<script/g)).toHaveLength(scripts.length + data.length)
  })

  it('asks for a token without a publishable key, and names the variable', async () => {
    const { handler, stop } = await shopWith(configWith({ publishableKey: null }))
    const { text, policy } = await pageOf(await filled(await openBrowser(handler)))
    expect(policy).toEqual(plain)
    expect(text).toContain('STRIPE_PUBLISHABLE_KEY')
    expect(text).toContain('name="payment_token"')
    expect(text).not.toContain('stripe_script')
    await stop()
  })

  it('does not mention Stripe if the sandbox takes the payments', async () => {
    const sandbox = await openShop(opened.database)
    const { text, policy } = await pageOf(await filled(await openBrowser(sandbox.handler)))
    expect(policy).toEqual(plain)
    expect(text).toContain('This is the sandbox')
    expect(text).not.toMatch(/stripe/i)
    await sandbox.stop()
  })

  it('cannot use a simulator in production', () => {
    const config = { ...httpTestConfig, production: true, stripe: { publishableKey: keys.publishableKey, apiUrl } }
    const none = {} as never
    expect(() => createHttpHandler({ engine: none, catalog: none, carts: none, config })).toThrow(
      'stripe.apiUrl must not be set in production',
    )
  })
})

describe('the client secret of a payment', () => {
  it('is in every response to its buyer, and in no page and no log', async () => {
    const { browser, lockId, payment, client_secret: secret } = await opening()
    expect(secret).toMatch(new RegExp(`^${payment}_secret_`))
    const again = await browser.send('POST', '/checkout/resume', { lock_id: lockId })
    expect(waitingResponse.parse(await again.json())).toMatchObject({ action: { payment, client_secret: secret } })
    for (const path of ['/checkout', `/checkout?returned=1&checkout_id=${lockId}`, '/cart', '/']) {
      const { text } = await pageOf(browser, path)
      expect(text, path).not.toContain('_secret_')
      expect(text, path).not.toContain(payment)
    }
    const status = await (await browser.send('GET', `/checkout/status?lock_id=${lockId}`)).text()
    expect(status).not.toContain('_secret_')
    expect(JSON.stringify(logged)).not.toContain('_secret_')
  })

  it('is removed from the URL that Stripe sends the buyer back to', async () => {
    const { browser, lockId, payment, client_secret: secret } = await opening()
    const back = `/checkout?returned=1&checkout_id=${lockId}&payment_intent=${payment}`
    const response = await browser.open(`${back}&payment_intent_client_secret=${secret}&redirect_status=failed`)
    expect(response.status).toBe(303)
    expect(response.headers.get('location')).toBe(`${back}&redirect_status=failed`)
    expect(response.headers.get('cache-control')).toBe('no-store')
  })
})

describe('a buyer who returns', () => {
  it('is redirected to the order that a webhook completed meanwhile', async () => {
    const { browser, lockId, payment, client_secret: secret } = await opening()
    expect((await confirm(payment, secret, 'pm_card_visa')).status).toBe(200)
    const { order } = await json<{ order: { id: string } }>(await browser.send('POST', '/checkout/resume', {}))
    for (const path of [`/checkout?returned=1&checkout_id=${lockId}`, '/checkout?returned=1']) {
      const response = await browser.open(path)
      expect([response.status, response.headers.get('location')]).toEqual([303, `/checkout/confirmation/${order.id}`])
    }
    expect((await pageOf(browser)).text).toContain('Your cart is empty.')
  })

  it('may pay with another card for the same payment after a decline', async () => {
    const { browser, payment, client_secret: secret } = await opening()
    expect((await confirm(payment, secret, 'pm_card_visa_chargeDeclined')).status).toBe(402)
    const again = waitingResponse.parse(await (await browser.send('POST', '/checkout/resume', {})).json())
    expect(again).toMatchObject({ status: 'action_required', action: { payment, client_secret: secret } })
    expect((await confirm(payment, secret, 'pm_card_mastercard')).status).toBe(200)
    expect((await browser.send('POST', '/checkout/resume', {})).status).toBe(201)
  })
})
