/** `createShop` wires every part once: settings reach the parts, and each part reaches the HTTP handler. */
import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { CheckoutConfig } from '../../src/config/checkout-config.ts'
import { statement } from '../../src/database/database.ts'
import { cartResponse, completedResponse, productListResponse } from '../../src/http/schemas/responses.ts'
import { silentLog } from '../../src/observe/log/log.ts'
import { createSandboxGateway } from '../../src/payments/sandbox/sandbox.ts'
import { createShop, type ShopOptions } from '../../src/shop/create-shop.ts'
import { address, openBrowser, openShop, testConfig } from '../http/open-shop.ts'
import { startMailServer } from '../notify/mail/mail-server.ts'
import { openTestDatabase, type TestDatabase } from '../support/test-database.ts'

const details = { email: 'ada@example.com', shipping_address: address, billing_address: address }
const one = statement('create_shop_test_one', 'select 1 as one')

async function buyOverHttp(shop: Awaited<ReturnType<typeof openShop>>) {
  const browser = await openBrowser(shop.handler)
  await browser.send('POST', '/cart/lines', { sku: 'CLEAT', quantity: 1 })
  const paid = await browser.send('POST', '/checkout', {
    ...details,
    payment_method: 'card',
    payment_token: 'tok_approve',
  })
  expect(paid.status).toBe(201)
  return completedResponse.parse(await paid.json()).order
}

describe('a shop opened by createShop', () => {
  let store: TestDatabase
  let shop: Awaited<ReturnType<typeof openShop>>

  beforeAll(async () => {
    store = await openTestDatabase('embedded')
    shop = await openShop(store.database)
  })
  afterAll(async () => {
    await shop.stop()
    await store.stop()
  })

  test('the cart offers every active shipping method, and the chosen one is sold', async () => {
    const browser = await openBrowser(shop.handler)
    await browser.send('POST', '/cart/lines', { sku: 'CLEAT', quantity: 1 })
    await browser.send('PUT', '/cart/addresses', details)
    const cart = cartResponse.parse(await (await browser.send('GET', '/cart')).json())
    expect(cart.shipping_methods.map(({ code, amount }) => [code, amount])).toEqual([
      ['standard', 490],
      ['express', 1290],
    ])
    expect((await browser.send('PUT', '/cart/shipping-method', { code: 'express' })).status).toBe(200)
    const paid = await browser.send('POST', '/checkout', { payment_method: 'card', payment_token: 'tok_approve' })
    expect(paid.status).toBe(201)
    const { order } = completedResponse.parse(await paid.json())
    expect(order).toMatchObject({ status: 'paid', shipping_method: 'express', shipping: 1290, total: 2450 + 1290 })
  })
})

describe('the options of createShop', () => {
  let store: TestDatabase

  beforeAll(async () => {
    store = await openTestDatabase('postgres', { poolMax: 4 })
  })
  afterAll(() => store.stop())

  /** Listeners that a completed order is delivered to, with this configuration. */
  async function listenersWith(config: Partial<CheckoutConfig>): Promise<string[]> {
    const shop = await openShop(store.database, { config: { ...testConfig, ...config } })
    try {
      const order = await buyOverHttp(shop)
      const diagnosis = await shop.engine.diagnose(order.lock_id)
      return [...new Set(diagnosis?.deliveries.map(({ listener }) => String(listener)))].sort()
    } finally {
      await shop.stop()
    }
  }

  test('an address given as `database` replaces the configured one for every part, also for the sandbox', async () => {
    const shop = await createShop({
      database: String(store.url),
      config: { ...testConfig, databaseUrl: 'postgres://127.0.0.1:1/nowhere' },
      log: silentLog,
      workers: false,
      mailDirectory: null,
    })
    expect((await shop.engine.readiness()).status).toBe('ready')
    await shop.close()
  })

  test('without pages a request for HTML gets 406, and JSON works', async () => {
    const shop = await openShop(store.database, { pages: null })
    const browser = await openBrowser(shop.handler)
    expect((await browser.open('/')).status).toBe(406)
    expect((await browser.open('/cart')).status).toBe(406)
    const products = await browser.send('GET', '/products')
    expect(productListResponse.parse(await products.json()).products.length).toBeGreaterThan(0)
    expect((await buyOverHttp(shop)).status).toBe('paid')
    await shop.stop()
  })

  test('two different gateways are refused before anything is opened', async () => {
    const gateways = {
      card: createSandboxGateway({ database: store.database }),
      paypal: createSandboxGateway({ database: store.database }),
    }
    // An address at which no server answers: an attempt to connect would fail with a different error.
    const shop = createShop({ database: 'postgres://127.0.0.1:1/none', gateways, log: silentLog })
    await expect(shop).rejects.toMatchObject({ code: 'invalid_argument' })
    await expect(shop).rejects.toThrow('all methods must use the same gateway')
    await Promise.all([gateways.card.close(), gateways.paypal.close()])
  })

  test('one gateway can serve several methods, and an unknown option is refused by name', async () => {
    const gateway = createSandboxGateway({ database: store.database })
    const options = {
      database: store.database,
      config: testConfig,
      log: silentLog,
      workers: false,
      mailDirectory: null,
    }
    const shop = await createShop({ ...options, gateways: { card: gateway, paypal: gateway } })
    expect(shop.sandbox).toBe(gateway)
    await shop.close()
    await gateway.close()
    const misspelled = { ...options, gateway } as Parameters<typeof createShop>[0]
    await expect(createShop(misspelled)).rejects.toThrow('unknown option "gateway" of createShop')
  })

  test('a gateway of the application keeps no mails in files, unless a folder is named', async () => {
    const sandbox = createSandboxGateway({ database: store.database })
    const own = { ...sandbox, name: 'acme-pay' }
    const folder = mkdtempSync(join(tmpdir(), 'holdfast-mail-'))
    const keeps = async (options: Pick<ShopOptions, 'gateways' | 'mailDirectory'>) => {
      const shop = await createShop({
        database: store.database,
        config: testConfig,
        log: silentLog,
        workers: false,
        ...options,
      })
      await shop.close()
      return shop.keptMails !== null
    }
    expect(await keeps({ gateways: { card: own } })).toBe(false)
    expect(await keeps({ gateways: { card: own }, mailDirectory: folder })).toBe(true)
    expect(await keeps({ gateways: { card: sandbox }, mailDirectory: folder })).toBe(true)
    await sandbox.close()
    rmSync(folder, { recursive: true, force: true })
  })

  test('a database of the caller stays open after close, and one opened by address is closed', async () => {
    const options = { config: testConfig, log: silentLog, workers: false, mailDirectory: null }
    const given = await createShop({ ...options, database: store.database })
    await given.close()
    expect(await store.database.query(one)).toEqual([{ one: 1 }])
    const opened = await createShop({ ...options, database: store.url ?? '' })
    expect(await opened.database.query(one)).toEqual([{ one: 1 }])
    await opened.close()
    await opened.close()
    await expect(opened.database.query(one)).rejects.toMatchObject({ code: 'closed' })
  })

  test('every configured channel listens for orders, and without settings there is none', async () => {
    const webhookSecret = `whsec_${Buffer.alloc(32, 1).toString('base64')}`
    expect(await listenersWith({})).toEqual([])
    expect(
      await listenersWith({
        smtpUrl: 'smtp://127.0.0.1:1',
        notificationEmail: 'owner@shop.example',
        slackWebhookUrl: 'http://127.0.0.1:1/slack',
        webhookUrl: 'http://127.0.0.1:1/hooks',
        webhookSecret,
        redisUrl: 'redis://127.0.0.1:1',
      }),
    ).toEqual(['mail.new-order', 'mail.order-confirmation', 'redis', 'webhook'])
  })

  test('the configured mail server receives the order confirmation with the name of the shop', async () => {
    const server = await startMailServer()
    const config = { ...testConfig, smtpUrl: server.url, mailFrom: 'shop@shop.example', shopName: 'Acme Bicycles' }
    const shop = await openShop(store.database, { config }, true)
    const order = await buyOverHttp(shop)
    // The server also receives confirmations that earlier orders in this database still await.
    const mailsAbout = (number: string) => server.received.filter(({ mail }) => mail.subject?.includes(number))
    await expect.poll(() => mailsAbout(order.number).length).toBe(1)
    expect(mailsAbout(order.number)[0]).toMatchObject({
      recipients: ['ada@example.com'],
      mail: { subject: `Your order ${order.number} at Acme Bicycles` },
    })
    await shop.stop()
    await server.stop()
  })

  test('a webhook without a secret is refused, and the database of the caller stays open', async () => {
    const config = { ...testConfig, webhookUrl: 'https://erp.example/hooks' }
    const shop = createShop({ database: store.database, config, log: silentLog, workers: false, mailDirectory: null })
    await expect(shop).rejects.toThrow('secret')
    expect(await store.database.query(one)).toEqual([{ one: 1 }])
  })

  test('a shop with a Redis address but without the package is refused with the package to install', async () => {
    const script = fileURLToPath(new URL('fixtures/without-redis.ts', import.meta.url))
    const { stdout } = await promisify(execFile)(process.execPath, ['--import', 'tsx', script])
    expect(stdout.trim()).toBe('MissingPeerError: the package "redis" is not installed; run: npm install redis')
  })
})
