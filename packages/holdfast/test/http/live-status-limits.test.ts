/** Live streams that no client reads: one client cannot exhaust them for all buyers. */
import { afterAll, beforeAll, expect, it } from 'vitest'
import { openTestDatabase, type TestDatabase } from '../support/test-database.ts'
import { address, type Browser, openBrowser, openShop, type TestShop } from './open-shop.ts'

let test: TestDatabase
let shop: TestShop
const stopping = new AbortController()
const streamsMax = 12

beforeAll(async () => {
  test = await openTestDatabase('postgres')
  shop = await openShop(test.database, { streamsMax, stopping: stopping.signal })
})
afterAll(async () => {
  await shop.stop()
  await test.stop()
})

async function checkingOut() {
  const browser = await openBrowser(shop.handler)
  await browser.send('POST', '/cart/lines', { sku: 'CLEAT', quantity: 1 })
  await browser.send('GET', '/checkout')
  return browser
}

it('a HEAD request opens no stream', async () => {
  const browser = await checkingOut()
  for (let count = 0; count < 2 * streamsMax; count += 1) {
    const head = await browser.send('HEAD', '/checkout/events')
    expect(head.status).toBe(200)
    expect(head.headers.get('content-type')).toContain('text/event-stream')
  }
  const live = await browser.send('GET', '/checkout/events')
  expect(live.status).toBe(200)
  await live.body?.cancel()
})

async function opened(browser: Browser): Promise<Response[]> {
  for (;;) {
    const given = await Promise.all(Array.from({ length: streamsMax }, () => browser.send('GET', '/checkout/events')))
    if (given.every(({ status }) => status === 200)) return given
    await disconnect(given)
  }
}
/** A stream is freed a moment after its client disconnected. */
const disconnect = (streams: readonly Response[]) => Promise.all(streams.map(({ body }) => body?.cancel()))

it('more than ten concurrent streams cause no warning', async () => {
  const warnings: Error[] = []
  const warned = (warning: Error) => void warnings.push(warning)
  process.on('warning', warned)
  await disconnect(await opened(await checkingOut()))
  // Warnings are emitted in a later turn of the event loop.
  await new Promise(resolve => setImmediate(resolve))
  process.off('warning', warned)
  expect(warnings).toEqual([])
})

it('a stream whose client never read is freed when the client disconnects', async () => {
  const browser = await checkingOut()
  const unread = await opened(browser)
  expect((await browser.send('GET', '/checkout/events')).status).toBe(503)
  const body = { email: 'a@example.com', shipping_address: address, payment_token: 'tok_action_required' }
  expect((await browser.send('POST', '/checkout', body)).status).toBe(202)
  expect((await browser.send('POST', '/checkout/cancel', {})).status).toBe(200)
  await disconnect(unread)
  await disconnect(await opened(await checkingOut()))
})
