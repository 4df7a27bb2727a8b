/** Every request has an ID in its response and in the log lines of its checkout; no line repeats the request's content. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { CheckoutEngine } from '../../../src/engine/checkout-engine.ts'
import { createCheckout } from '../../../src/engine/create-checkout.ts'
import { createLog } from '../../../src/observe/log/log.ts'
import { createSandboxGateway, type SandboxGateway } from '../../../src/payments/sandbox/sandbox.ts'
import { address, openBrowser, openShop, type TestShop } from '../../http/open-shop.ts'
import { openTestDatabase, type TestDatabase } from '../../support/test-database.ts'

interface Line {
  msg: string
  requestId?: string
  [field: string]: unknown
}

describe('a request', () => {
  let test: TestDatabase
  let sandbox: SandboxGateway
  let engine: CheckoutEngine
  let shop: TestShop
  const written: string[] = []
  const lines = () => written.map(line => JSON.parse(line) as Line)

  beforeAll(async () => {
    test = await openTestDatabase('postgres')
    const log = createLog({ level: 'debug', write: line => written.push(line) })
    sandbox = createSandboxGateway({ database: test.database })
    engine = await createCheckout({
      database: test.database,
      gateways: { card: sandbox },
      config: { currency: 'EUR' },
      workers: false,
      migrate: false,
      log,
    })
    shop = await openShop(test.database, {
      engine,
      sandbox,
      logsRequests: true,
      log: (level, message, details) => log[level](`[HTTP] ${message}`, details),
    })
  })
  afterAll(async () => {
    await shop.stop()
    await engine.close()
    await sandbox.close()
    await test.stop()
  })
  beforeEach(() => written.splice(0))

  it('keeps a valid X-Request-Id and replaces an invalid one', async () => {
    const idOf = async (given?: string) => {
      const headers = given === undefined ? {} : { 'X-Request-Id': given }
      const response = await shop.handler(new Request('http://shop.test/products', { headers }))
      return response.headers.get('X-Request-Id')
    }
    expect(await idOf('from-the-proxy_1.2:3')).toBe('from-the-proxy_1.2:3')
    const uuid = /^[0-9a-f-]{36}$/
    for (const given of [undefined, '', 'two words', 'x'.repeat(129), '<script>']) {
      expect(await idOf(given)).toMatch(uuid)
    }
    const missing = await shop.handler(new Request('http://shop.test/nowhere', { headers: { 'X-Request-Id': 'lost' } }))
    expect(missing.status).toBe(404)
    expect(missing.headers.get('X-Request-Id')).toBe('lost')
  })

  it('is logged in one line with the pattern of its path, without its content', async () => {
    const browser = await openBrowser(shop.handler)
    written.splice(0)
    await browser.send('POST', '/cart/lines?token=canary', { sku: 'CLEAT', quantity: 1 }, { 'X-Request-Id': 'r-1' })
    await browser.send('GET', '/products/brass-cleat')
    await browser.send('GET', '/canary/4242')
    const logged = lines().filter(({ msg }) => msg === '[HTTP] request')
    expect(logged).toMatchObject([
      { level: 20, method: 'POST', path: '/cart/lines', status: 200, requestId: 'r-1', durationMs: expect.any(Number) },
      { method: 'GET', path: '/products/:handle', status: 200 },
      { method: 'GET', status: 404 },
    ])
    expect(written.join('')).not.toMatch(/canary|4242|CLEAT/)
  })

  it('is named by every log line of its own checkout, and by no other', async () => {
    const pay = async (token: string, requestId: string) => {
      const browser = await openBrowser(shop.handler)
      await browser.send('POST', '/cart/lines', { sku: 'MARLINE', quantity: 1 })
      const body = {
        email: 'ada@example.com',
        shipping_address: address,
        payment_method: 'card',
        payment_token: token,
      }
      return browser.send('POST', '/checkout', body, { 'X-Request-Id': requestId })
    }
    const answers = await Promise.all([
      pay('tok_approve', 'good'),
      pay('tok_decline', 'bad'),
      pay('tok_approve', 'good-too'),
    ])
    expect(answers.map(({ status }) => status)).toEqual([201, 402, 201])
    const logged = lines().filter(({ msg }) => msg.startsWith('[Checkout]'))
    const requestsOf = new Map<unknown, Set<unknown>>()
    for (const { lockId, requestId } of logged) {
      requestsOf.set(lockId, (requestsOf.get(lockId) ?? new Set()).add(requestId))
    }
    expect([...requestsOf.values()].map(ids => [...ids].join()).sort()).toEqual(['bad', 'good', 'good-too'])
    const failed = logged.find(({ msg }) => msg === '[Checkout] failed')
    expect(failed).toMatchObject({ requestId: 'bad', code: 'payment_declined' })
    expect(written.join('')).not.toMatch(/ada@example|Hafenstra|tok_/)
  })

  it('with a forged webhook is logged as refused', async () => {
    const response = await shop.handler(
      new Request('http://shop.test/webhooks/sandbox', {
        method: 'POST',
        headers: { 'X-Request-Id': 'forged-1' },
        body: '{"canary":1}',
      }),
    )
    expect(response.status).toBe(400)
    const refused = lines().find(({ msg }) => msg.startsWith('[Checkout] webhook refused'))
    expect(refused).toMatchObject({ level: 40, gateway: 'sandbox', requestId: 'forged-1' })
    expect(written.join('')).not.toContain('canary')
  })

  it.each([
    [
      'throws',
      () => {
        throw new Error('the disk is full')
      },
    ],
    ['rejects', () => Promise.reject(new Error('the disk is full'))],
  ])('gets the same response if the log %s', async (_, log: () => unknown) => {
    const health = () => Promise.reject(new Error('internal'))
    const other = await openShop(test.database, { engine: { ...engine, health }, sandbox, logsRequests: true, log })
    const ask = (path: string) => other.handler(new Request(`http://shop.test${path}`))
    expect((await ask('/products')).status).toBe(200)
    const failed = await ask('/health/checkout')
    expect(failed.status).toBe(500)
    expect(await failed.json()).toMatchObject({ code: 'internal_error' })
    await other.stop()
  })
})
