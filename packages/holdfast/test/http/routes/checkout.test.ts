import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import {
  cancelResponse,
  cartResponse,
  completedResponse,
  errorResponse,
  lockResponse,
  productListResponse,
  productResponse,
  statusResponse,
  waitingResponse,
} from '../../../src/http/schemas/responses.ts'
import { openTestDatabase, type TestDatabase } from '../../support/test-database.ts'
import { address, type Browser, json, openBrowser, openShop, type TestShop, testConfig } from '../open-shop.ts'

let test: TestDatabase
let shop: TestShop
let browser: Browser

beforeAll(async () => {
  test = await openTestDatabase('embedded')
  shop = await openShop(test.database)
})
beforeEach(async () => {
  browser = await openBrowser(shop.handler)
})
afterAll(async () => {
  await shop.stop()
  await test.stop()
})

async function fill(buyer = browser, sku = 'CLEAT', quantity = 1) {
  const response = await buyer.send('POST', '/cart/lines', { sku, quantity })
  expect(response.status).toBe(200)
  return cartResponse.parse(await response.json())
}

const details = { email: 'ada@example.com', shipping_address: address, billing_address: address }
const pay = (buyer: Browser, token: string, more: object = {}) =>
  buyer.send('POST', '/checkout', { ...details, payment_method: 'card', payment_token: token, ...more })

async function start(buyer = browser) {
  const response = await buyer.send('GET', '/checkout', undefined, { 'X-Requested-With': 'XMLHttpRequest' })
  expect(response.status).toBe(200)
  return lockResponse.parse(await response.json())
}

const status = async (buyer = browser, query = '') =>
  statusResponse.parse(await (await buyer.send('GET', `/checkout/status${query}`)).json())

async function refusal(response: Response) {
  return { status: response.status, ...errorResponse.parse(await response.json()) }
}

describe('the catalog and the cart over HTTP', () => {
  it('list and find products with variants, prices, and availability', async () => {
    const { products } = productListResponse.parse(await (await browser.send('GET', '/products?query=marline')).json())
    expect(products).toHaveLength(1)
    const product = productResponse.parse(await (await browser.send('GET', '/products/mooring-line')).json())
    expect(product.variants.map(({ sku, price, in_stock }) => ({ sku, price, in_stock }))).toEqual([
      { sku: 'LINE-10', price: 4990, in_stock: true },
      { sku: 'LINE-20', price: 8990, in_stock: true },
      { sku: 'LINE-50', price: 19_900, in_stock: false },
    ])
    const first = productListResponse.parse(await (await browser.send('GET', '/products?limit=2')).json())
    const second = productListResponse.parse(
      await (await browser.send('GET', `/products?limit=2&after=${first.next}`)).json(),
    )
    expect(second.products[0]?.handle).not.toBe(first.products[0]?.handle)
    expect((await refusal(await browser.send('GET', '/products/none'))).code).toBe('product_not_found')
  })

  it('keep one cart per session, with totals', async () => {
    const empty = cartResponse.parse(await (await browser.send('GET', '/cart')).json())
    expect(empty).toMatchObject({ id: null, lines: [], locked: false })
    const cart = await fill(browser, 'CLEAT', 2)
    expect(cart).toMatchObject({ quantity: 2, totals: { subtotal: 4900, total: 4900 }, problem: null })
    const id = cart.lines[0]?.id
    const changed = cartResponse.parse(await (await browser.send('PATCH', `/cart/lines/${id}`, { quantity: 3 })).json())
    expect(changed.totals.subtotal).toBe(7350)
    const other = await openBrowser(shop.handler)
    await fill(other)
    expect((await other.send('DELETE', `/cart/lines/${id}`)).status).toBe(404)
    const removed = cartResponse.parse(await (await browser.send('DELETE', `/cart/lines/${id}`)).json())
    expect(removed.lines).toEqual([])
  })

  it('price coupon, address, and each shipping method', async () => {
    await fill()
    expect((await refusal(await browser.send('PUT', '/cart/coupon', { code: 'NOPE' }))).status).toBe(422)
    await browser.send('PUT', '/cart/coupon', { code: 'ahoy' })
    const cart = cartResponse.parse(await (await browser.send('PUT', '/cart/addresses', details)).json())
    expect(cart).toMatchObject({ coupon: { code: 'AHOY', discount: 245 }, totals: { shipping: 490, total: 2695 } })
    expect(cart.shipping_methods.map(method => [method.code, method.amount])).toEqual([
      ['standard', 490],
      ['express', 1290],
    ])
    const express = cartResponse.parse(
      await (await browser.send('PUT', '/cart/shipping-method', { code: 'express' })).json(),
    )
    expect(express.totals.shipping).toBe(1290)
    const without = cartResponse.parse(await (await browser.send('DELETE', '/cart/coupon')).json())
    expect(without.coupon).toBeNull()
  })
})

describe('a checkout over HTTP', () => {
  it('starts once per cart, and a second start returns the same lock', async () => {
    await fill()
    const lock = await start()
    expect(lock).toMatchObject({ state: 'pending', state_name: 'Started', totals: { currency: 'EUR', total: 2450 } })
    expect((await start()).lock_id).toBe(lock.lock_id)
    expect(await status()).toMatchObject({ locked: true, can_checkout: true, lock_id: lock.lock_id, can_resume: true })
    expect((await refusal(await fillLocked())).status).toBe(423)
  })
  const fillLocked = () => browser.send('POST', '/cart/lines', { sku: 'CLEAT', quantity: 1 })

  it('responds with 201 and the order, which only its session can read', async () => {
    await fill(browser, 'CLEAT', 2)
    const response = await pay(browser, 'tok_approve')
    expect(response.status).toBe(201)
    const { order } = completedResponse.parse(await response.json())
    expect(order).toMatchObject({ status: 'paid', total: 5390, email: 'ada@example.com', shipping_address: address })
    const seen = await browser.send('GET', `/checkout/confirmation/${order.id}`)
    expect(completedResponse.parse(await seen.json()).order.number).toBe(order.number)
    const other = await openBrowser(shop.handler)
    expect((await refusal(await other.send('GET', `/checkout/confirmation/${order.id}`))).status).toBe(404)
    expect(await status()).toEqual({ locked: false, can_checkout: false })
    expect(await status(browser, `?lock_id=${order.lock_id}`)).toMatchObject({ state: 'completed', order_id: order.id })
  })

  it('returns the same order to a retry after a lost response', async () => {
    await fill()
    const lock = await start()
    const body = { lock_id: lock.lock_id }
    const answers = [
      await pay(browser, 'tok_approve', body),
      await pay(browser, 'tok_approve', body),
      await pay(browser, 'tok_approve'),
    ]
    const orders = await Promise.all(answers.map(async answer => completedResponse.parse(await answer.json()).order.id))
    expect(answers.map(answer => answer.status)).toEqual([201, 201, 201])
    expect(new Set(orders).size).toBe(1)
  })

  it('returns one order to two parallel payments', async () => {
    await fill()
    const answers = await Promise.all([pay(browser, 'tok_approve'), pay(browser, 'tok_approve')])
    const orders = await Promise.all(answers.map(async answer => completedResponse.parse(await answer.json()).order.id))
    expect(orders[0]).toBe(orders[1])
  })

  it('cannot be used by another session', async () => {
    await fill()
    const lock = await start()
    const other = await openBrowser(shop.handler)
    await fill(other)
    for (const path of ['/checkout', '/checkout/resume', '/checkout/cancel']) {
      const refused = await refusal(await other.send('POST', path, { lock_id: lock.lock_id }))
      expect(refused).toMatchObject({ status: 404, code: 'checkout_not_found' })
    }
    expect((await other.send('GET', `/checkout/status?lock_id=${lock.lock_id}`)).status).toBe(404)
    expect((await other.send('GET', `/checkout/events?lock_id=${lock.lock_id}`)).status).toBe(404)
    expect(await status()).toMatchObject({ state: 'pending' })
  })

  it('responds to a declined payment with 402 and leaves the cart unchanged', async () => {
    await fill()
    const lock = await start()
    const refused = await refusal(await pay(browser, 'tok_decline_insufficient_funds'))
    expect(refused).toMatchObject({
      status: 402,
      code: 'payment_declined',
      phase: 'payment_authorization',
      lock_id: lock.lock_id,
    })
    const after = cartResponse.parse(await (await browser.send('GET', '/cart')).json())
    expect(after).toMatchObject({ locked: false, quantity: 1 })
    expect((await pay(browser, 'tok_approve')).status).toBe(201)
  })

  it('responds to missing stock with 409 and the requested and available units', async () => {
    await fill(browser, 'LANTERN', 3)
    expect(await refusal(await pay(browser, 'tok_approve'))).toMatchObject({
      status: 409,
      code: 'insufficient_stock',
      context: { sku: 'LANTERN', requested: 3, available: 2 },
    })
  })

  it('charges nothing if the buyer was shown a different total', async () => {
    await fill()
    const refused = await refusal(await pay(browser, 'tok_approve', { expected_total: 1 }))
    expect(refused).toMatchObject({ status: 409, code: 'cart_changed' })
    expect((await pay(browser, 'tok_approve', { expected_total: 2940 })).status).toBe(201)
  })

  it('responds with 422 if cart, address, or email is missing', async () => {
    expect(await refusal(await browser.send('GET', '/checkout'))).toMatchObject({ status: 422, code: 'cart_empty' })
    expect(await refusal(await pay(browser, 'tok_approve'))).toMatchObject({ status: 422, code: 'cart_empty' })
    await fill()
    const bare = await refusal(await browser.send('POST', '/checkout', { payment_token: 'tok_approve' }))
    expect(bare.status).toBe(422)
    expect(['address_missing', 'email_missing']).toContain(bare.code)
  })

  it('with a confirmation responds with 202, and with the order after the buyer returns', async () => {
    await fill()
    const response = await pay(browser, 'tok_action_required')
    expect(response.status).toBe(202)
    const waiting = waitingResponse.parse(await response.json())
    if (waiting.status !== 'action_required' || waiting.action.type !== 'redirect')
      throw new Error(`expected a redirect, got ${JSON.stringify(waiting)}`)
    const again = waitingResponse.parse(await (await browser.send('POST', '/checkout/resume')).json())
    expect(again).toEqual(waiting)
    const page = await browser.open(waiting.action.url)
    expect(await page.text()).toContain('Approve payment')
    const decided = await browser.send('POST', waiting.action.url, 'decision=approve', {
      'Content-Type': 'application/x-www-form-urlencoded',
    })
    expect(decided.status).toBe(303)
    expect(decided.headers.get('location')).toContain('http://shop.test/checkout?returned=1&checkout_id=')
    const resumed = await browser.send('POST', '/checkout/resume', { lock_id: waiting.lock_id })
    expect(resumed.status).toBe(201)
    const { order } = completedResponse.parse(await resumed.json())
    const back = await browser.open(`/checkout?returned=1&checkout_id=${waiting.lock_id}`)
    expect(back.status).toBe(303)
    expect(back.headers.get('location')).toBe(`/checkout/confirmation/${order.id}`)
    expect((await browser.send('POST', '/checkout/resume')).status).toBe(201)
  })

  it('rejects a sandbox decision from another site', async () => {
    await fill()
    const waiting = waitingResponse.parse(await (await pay(browser, 'tok_action_required')).json())
    if (waiting.status !== 'action_required' || waiting.action.type !== 'redirect')
      throw new Error(`expected a redirect, got ${JSON.stringify(waiting)}`)
    const forged = await browser.send('POST', waiting.action.url, 'decision=approve', {
      'Content-Type': 'application/x-www-form-urlencoded',
      'Sec-Fetch-Site': 'cross-site',
    })
    expect((await refusal(forged)).code).toBe('cross_site')
  })

  it('accepts only a return URL of this shop', async () => {
    await fill()
    for (const url of [
      'https://evil.example/',
      '//evil.example',
      'javascript:alert(1)',
      'http://shop.test.evil.example/',
    ]) {
      expect((await pay(browser, 'tok_action_required', { return_url: url })).status).toBe(422)
    }
    expect((await pay(browser, 'tok_action_required', { return_url: 'http://shop.test/thanks' })).status).toBe(202)
  })

  it('responds with 202 and Retry-After while the payment is pending', async () => {
    await fill()
    const response = await pay(browser, 'tok_pending')
    expect(response.status).toBe(202)
    expect(Number(response.headers.get('retry-after'))).toBeGreaterThan(0)
    expect(waitingResponse.parse(await response.json())).toMatchObject({ status: 'processing' })
    expect(await status()).toMatchObject({ locked: true, state: 'authorizing' })
  })

  it('can be cancelled repeatedly, and the cart can be edited again', async () => {
    await fill()
    const { lock_id } = await start()
    for (const body of [{ lock_id }, { lock_id }, {}, undefined]) {
      const response = await browser.send('POST', '/checkout/cancel', body)
      expect(response.status).toBe(200)
      expect(cancelResponse.parse(await response.json())).toEqual({
        success: true,
        message:
          body?.lock_id === undefined
            ? 'There is no checkout to cancel.'
            : 'You have not been charged. This checkout was cancelled. Your cart is unchanged.',
      })
    }
    expect(await status()).toEqual({ locked: false, can_checkout: true })
    expect((await fill()).quantity).toBe(2)
  })

  it('cannot be cancelled once it is completed', async () => {
    await fill()
    const { order } = completedResponse.parse(await (await pay(browser, 'tok_approve')).json())
    const refused = await refusal(await browser.send('POST', '/checkout/cancel', { lock_id: order.lock_id }))
    expect(refused).toMatchObject({ status: 409, code: 'checkout_not_active' })
  })

  it('is rate limited by address, for parallel and sequential requests', async () => {
    const { handler, stop } = await openShop(test.database, { config: { ...testConfig, rateLimitPerMinute: 5 } })
    const eager = await openBrowser(handler, '198.51.100.1')
    const answers = await Promise.all(Array.from({ length: 12 }, () => pay(eager, 'tok_approve')))
    const statuses = answers.map(answer => answer.status)
    expect(statuses.filter(code => code === 422)).toHaveLength(5)
    expect(statuses.filter(code => code === 429)).toHaveLength(7)
    const refused = answers.find(answer => answer.status === 429)
    expect(refused?.headers.get('x-ratelimit-limit')).toBe('5')
    expect(refused?.headers.get('x-ratelimit-remaining')).toBe('0')
    expect(Number(refused?.headers.get('retry-after'))).toBeGreaterThan(0)
    const same = await openBrowser(handler, '198.51.100.1')
    expect((await pay(same, 'tok_approve')).status).toBe(429)
    const other = await openBrowser(handler, '198.51.100.2')
    expect((await pay(other, 'tok_approve')).headers.get('x-ratelimit-remaining')).toBe('4')
    await stop()
  })

  it('is rate limited by user if signed in, from any address', async () => {
    const { handler, stop } = await openShop(test.database, {
      config: { ...testConfig, rateLimitPerMinute: 1 },
      identify: () => 'ada',
    })
    expect((await pay(await openBrowser(handler, '198.51.100.3'), 'tok_approve')).status).toBe(422)
    expect((await pay(await openBrowser(handler, '198.51.100.4'), 'tok_approve')).status).toBe(429)
    await stop()
  })

  it('works with the browser code of the guide', async () => {
    await fill()
    const page = await (await browser.open('/checkout')).text()
    const content = /<meta name="csrf-token" content="([^"]+)"/.exec(page)?.[1]
    const guide = `
async function startCheckout() {
    const response = await fetch('/checkout', {
        method: 'GET',
        headers: {
            'X-Requested-With': 'XMLHttpRequest',
        },
    });

    const data = await response.json();
    return data.lock_id;
}
async function processCheckout(lockId, paymentData) {
    const response = await fetch('/checkout', {
        method: 'POST',
        headers: {
            'Content-Type': 'application/json',
            'X-CSRF-TOKEN': document.querySelector('meta[name="csrf-token"]').content,
        },
        body: JSON.stringify({
            ...paymentData,
            shipping_address: getShippingAddress(),
            billing_address: getBillingAddress(),
        }),
    });

    if (!response.ok) {
        const error = await response.json();
        throw new Error(error.message);
    }

    return await response.json();
}
async function getCheckoutStatus() {
    const response = await fetch('/checkout/status');
    return await response.json();
}
return { startCheckout, processCheckout, getCheckoutStatus }`
    const fetchAsBrowser = (
      path: string,
      init: { method?: string; headers?: Record<string, string>; body?: string } = {},
    ) => browser.send(init.method ?? 'GET', path, init.body, { Accept: '*/*', ...init.headers })
    const run = new Function('fetch', 'document', 'getShippingAddress', 'getBillingAddress', guide)
    const code = run(
      fetchAsBrowser,
      { querySelector: () => ({ content }) },
      () => address,
      () => address,
    ) as {
      startCheckout(): Promise<string>
      processCheckout(lockId: string, payment: object): Promise<{ order: { status: string; lock_id: string } }>
      getCheckoutStatus(): Promise<{ locked: boolean; lock_id: string }>
    }
    const lockId = await code.startCheckout()
    expect(await code.getCheckoutStatus()).toMatchObject({ locked: true, lock_id: lockId })
    await expect(code.processCheckout(lockId, { email: 'x' })).rejects.toThrow('email must be an email address.')
    const { order } = await code.processCheckout(lockId, {
      email: 'ada@example.com',
      method: 'card',
      token: 'test_token',
    })
    expect(order).toMatchObject({ status: 'paid', lock_id: lockId })
  })
})

describe('health and webhook routes', () => {
  it('respond with 503 if the checkout is unhealthy', async () => {
    const { handler, stop } = await openShop(test.database, {
      engine: {
        ...shop.engine,
        health: () => Promise.resolve({ status: 'unhealthy', checks: {}, timestamp: new Date(0).toISOString() }),
      },
    })
    expect((await (await openBrowser(handler)).send('GET', '/health/checkout')).status).toBe(503)
    await stop()
  })

  it('reject an unsigned webhook, without requiring a session', async () => {
    expect(await refusal(await browser.send('POST', '/webhooks/sandbox', { id: 'x' }))).toMatchObject({
      status: 400,
      code: 'webhook_refused',
    })
    expect((await refusal(await browser.send('POST', '/webhooks/other', '{}'))).code).toBe('webhook_refused')
    expect((await refusal(await browser.send('POST', '/webhooks/NOT%20A%20NAME', '{}'))).status).toBe(404)
  })
})

describe('pages', () => {
  it('show product, cart, checkout, and order to a browser', async () => {
    const product = await (await browser.open('/p/mooring-line')).text()
    expect(product).toContain('LINE-20')
    expect(product).not.toContain('alert(1)')
    await fill()
    expect(await (await browser.open('/cart')).text()).toContain('Brass cleat')
    expect(await (await browser.open('/checkout')).text()).toContain('tok_decline_insufficient_funds')
    const { order } = completedResponse.parse(await (await pay(browser, 'tok_approve')).json())
    const page = await browser.open(`/checkout/confirmation/${order.id}`)
    expect(page.headers.get('content-type')).toContain('text/html')
    expect(await page.text()).toContain(order.number)
  })

  it('escape queries and addresses', async () => {
    const page = await (await browser.open(`/?query=${encodeURIComponent('"><script>x</script>')}`)).text()
    expect(page).not.toContain('<script>x')
    await fill()
    await browser.send('PUT', '/cart/addresses', { shipping_address: { ...address, first_name: '</script><b>' } })
    expect(await (await browser.open('/checkout')).text()).not.toContain('</script><b>')
  })

  it('lock no cart when the checkout is opened', async () => {
    await fill()
    await browser.open('/checkout')
    expect(await status()).toEqual({ locked: false, can_checkout: true })
  })

  it('respond to HEAD as to GET, without a body', async () => {
    const response = await browser.send('HEAD', '/products')
    expect(response.status).toBe(200)
    expect(await response.text()).toBe('')
    expect(await json(await browser.send('GET', '/products'))).toHaveProperty('next')
  })
})
