import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { errorResponse } from '../../../src/http/schemas/responses.ts'
import { openTestDatabase, type TestDatabase } from '../../support/test-database.ts'
import { type Browser, json, openBrowser, openShop, origin, type TestShop, testConfig } from '../open-shop.ts'

let test: TestDatabase
let shop: TestShop
let browser: Browser
const logged: unknown[] = []

beforeAll(async () => {
  test = await openTestDatabase('embedded')
  shop = await openShop(test.database, { log: (...line) => logged.push(line) })
  browser = await openBrowser(shop.handler)
})
afterAll(async () => {
  await shop.stop()
  await test.stop()
})

const line = { sku: 'CLEAT', quantity: 1 }

async function expectRefusal(response: Response, status: number, code: string) {
  expect(response.status).toBe(status)
  const body = errorResponse.parse(await response.json())
  expect(body).toMatchObject({ code, message: expect.stringMatching(/\.$/) })
  return body
}

describe('every request to the shop', () => {
  it('gets 404 as JSON for an unknown path and 405 for an unsupported method, before any guard', async () => {
    await expectRefusal(await shop.handler(new Request(`${origin}/nope`)), 404, 'not_found')
    await expectRefusal(await shop.handler(new Request(`${origin}/nope`, { method: 'POST' })), 404, 'not_found')
    const refused = await shop.handler(new Request(`${origin}/checkout`, { method: 'DELETE' }))
    expect(refused.headers.get('allow')).toBe('GET, HEAD, POST')
    await expectRefusal(refused, 405, 'method_not_allowed')
  })

  it('gets an error as a page if it prefers HTML', async () => {
    const response = await browser.open('/nope')
    expect(response.status).toBe(404)
    expect(response.headers.get('content-type')).toContain('text/html')
  })

  it('gets security headers that forbid inline scripts', async () => {
    for (const path of ['/', '/cart', '/products', '/nope', '/health/checkout']) {
      const { headers } = await browser.open(path)
      expect(headers.get('content-security-policy')).toContain("script-src 'self'")
      expect(headers.get('content-security-policy')).not.toContain('unsafe')
      expect(headers.get('x-content-type-options')).toBe('nosniff')
      expect(headers.get('x-frame-options')).toBe('DENY')
    }
  })

  it('gets a signed, HttpOnly, SameSite session cookie only once a session is needed', async () => {
    const before = await shop.handler(new Request(`${origin}/products`))
    expect(before.headers.getSetCookie()).toEqual([])
    const response = await shop.handler(new Request(`${origin}/csrf-token`))
    const [session, csrf] = response.headers.getSetCookie()
    expect(session).toMatch(/^holdfast_session=[\w-]{32}\..+; Path=\/; HttpOnly; SameSite=Lax$/)
    expect(csrf).toMatch(/^holdfast_csrf=/)
    expect(csrf).not.toContain('HttpOnly')
    expect(decodeURIComponent(csrf ?? '')).toContain((await json<{ csrf_token: string }>(response)).csrf_token)
  })

  it('gets Secure cookies and Strict-Transport-Security in production', async () => {
    const { handler, stop } = await openShop(test.database, { config: { ...testConfig, environment: 'production' } })
    const { headers } = await handler(new Request(`${origin}/csrf-token`))
    for (const cookie of headers.getSetCookie()) expect(cookie).toContain('; Secure')
    expect(headers.get('strict-transport-security')).toContain('max-age=31536000')
    await stop()
  })

  it('is rejected if its session cookie has a wrong signature', async () => {
    const [name, value = ''] = ['holdfast_session', browser.cookies.get('holdfast_session')]
    for (const forged of ['a'.repeat(32), `${'a'.repeat(32)}.${value.split('.')[1]}`, `${value}x`]) {
      const headers = {
        Cookie: `${name}=${forged}`,
        'X-CSRF-TOKEN': browser.csrfToken,
        'Content-Type': 'application/json',
      }
      const request = new Request(`${origin}/cart/lines`, { method: 'POST', headers, body: JSON.stringify(line) })
      await expectRefusal(await shop.handler(request), 403, 'csrf_token_invalid')
    }
  })

  it.each([
    ['POST', '/cart/lines'],
    ['PATCH', '/cart/lines/01a2064e-58b4-7207-8f53-1eeaafc9a992'],
    ['DELETE', '/cart/lines'],
    ['PUT', '/cart/coupon'],
    ['PUT', '/cart/addresses'],
    ['PUT', '/cart/shipping-method'],
    ['POST', '/checkout'],
    ['POST', '/checkout/cancel'],
    ['POST', '/checkout/resume'],
  ])(
    'is rejected as %s %s without a CSRF token, with that of another session, and from another site',
    async (method, path) => {
      const other = await openBrowser(shop.handler)
      const refused = (headers: Record<string, string>) => browser.send(method, path, {}, headers)
      await expectRefusal(await refused({ 'X-CSRF-TOKEN': '' }), 403, 'csrf_token_invalid')
      await expectRefusal(await refused({ 'X-CSRF-TOKEN': other.csrfToken }), 403, 'csrf_token_invalid')
      await expectRefusal(await refused({ 'Sec-Fetch-Site': 'cross-site' }), 403, 'cross_site')
      await expectRefusal(await refused({ Origin: 'https://evil.example' }), 403, 'cross_site')
    },
  )

  it('cannot start a checkout by GET from another site', async () => {
    const refused = await browser.send('GET', '/checkout', undefined, { 'Sec-Fetch-Site': 'cross-site' })
    await expectRefusal(refused, 403, 'cross_site')
    const plain = await browser.send('GET', '/checkout', undefined, { Accept: '*/*' })
    await expectRefusal(plain, 406, 'not_acceptable')
  })

  it('is rejected with a body that is not JSON, malformed, or too large', async () => {
    await expectRefusal(await browser.send('POST', '/cart/lines', '{"sku":'), 400, 'malformed_json')
    await expectRefusal(
      await browser.send('POST', '/cart/lines', 'sku=CLEAT', { 'Content-Type': 'application/x-www-form-urlencoded' }),
      415,
      'unsupported_media_type',
    )
    await expectRefusal(
      await browser.send('POST', '/cart/lines', JSON.stringify(line), { 'Content-Type': 'text/plain' }),
      415,
      'unsupported_media_type',
    )
    await expectRefusal(await browser.send('POST', '/cart/lines', { sku: 'x'.repeat(70_000) }), 413, 'body_too_large')
  })

  it('gets the names of invalid and unknown fields', async () => {
    const refusal = await expectRefusal(
      await browser.send('POST', '/cart/lines', { sku: '', quantity: 1.5, price: 1 }),
      422,
      'invalid_request',
    )
    expect(refusal.context).toEqual({
      issues: [
        { path: 'sku', message: 'must not be empty' },
        { path: 'quantity', message: 'must be a whole number' },
        { path: 'price', message: 'is not a known field' },
      ],
    })
    await expectRefusal(await browser.send('POST', '/cart/lines', []), 422, 'invalid_request')
    await expectRefusal(await browser.send('POST', '/cart/lines', '"text"'), 422, 'invalid_request')
    await expectRefusal(await browser.send('POST', '/cart/lines'), 422, 'invalid_request')
  })

  it('is rejected with card data in any field, which is neither returned nor logged', async () => {
    const bodies = [
      { payment_method: 'card', payment_token: '4242424242424242' },
      { payment_method: 'card', payment_token: 'tok', cvc: '987' },
      { notes: 'my card: 4242 4242 4242 4242' },
      { card: { number: 4_242_424_242_424_242 } },
    ]
    for (const body of bodies) {
      const refused = await expectRefusal(await browser.send('POST', '/checkout', body), 422, 'card_data_refused')
      expect(JSON.stringify(refused)).not.toMatch(/4242|987/)
    }
    expect(JSON.stringify(logged)).not.toContain('4242')
  })

  it('gets 404 or 422 for malformed paths and queries', async () => {
    for (const path of [
      '/products/%00',
      '/products/%ff',
      '/p/%00',
      '/checkout/confirmation/1',
      '/cart/lines/1',
      '/assets/x',
    ]) {
      const response = await browser.send(path.startsWith('/cart') ? 'DELETE' : 'GET', path)
      expect([404, 422], path).toContain(response.status)
    }
    for (const query of ['limit=0', 'limit=1e9', 'limit=x', 'query=%00', `query=${'x'.repeat(500)}`, 'after=%00']) {
      await expectRefusal(await browser.send('GET', `/products?${query}`), 422, 'invalid_request')
    }
    await expectRefusal(await browser.send('GET', '/products?after=nowhere'), 422, 'invalid_argument')
  })

  it('gets only the request ID of an unexpected error, whose details go to the log', async () => {
    const broken = {
      listProducts: () => Promise.reject(new Error('select secret')),
      getProduct: () => Promise.resolve(null),
    }
    const lines: unknown[][] = []
    const { handler, stop } = await openShop(test.database, { catalog: broken, log: (...entry) => lines.push(entry) })
    const refused = await handler(new Request(`${origin}/products`))
    const body = await expectRefusal(refused, 500, 'internal_error')
    expect(JSON.stringify(body)).not.toContain('secret')
    expect(lines).toHaveLength(1)
    expect(lines[0]?.[2]).toMatchObject({ requestId: body.request_id, path: '/products' })
    await stop()
  })

  it('is described by OpenAPI 3.1', async () => {
    const document = await json<{ openapi: string; paths: Record<string, unknown> }>(
      await browser.send('GET', '/openapi.json'),
    )
    expect(document.openapi).toBe('3.1.0')
    expect(Object.keys(document.paths)).toEqual(
      expect.arrayContaining(['/products', '/cart/lines/{id}', '/checkout', '/checkout/events', '/webhooks/{gateway}']),
    )
  })

  it('gets style sheets and scripts as immutable files', async () => {
    const page = await (await browser.open('/')).text()
    const urls = [...page.matchAll(/"(\/assets\/[^"]+)"/g)].map(match => match[1] ?? '')
    expect(urls.length).toBeGreaterThanOrEqual(3)
    for (const url of urls) {
      const response = await browser.open(url)
      expect(response.status).toBe(200)
      expect(response.headers.get('cache-control')).toContain('immutable')
    }
  })
})
