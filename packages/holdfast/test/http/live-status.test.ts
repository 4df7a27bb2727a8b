import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openTestDatabase, type TestDatabase } from '../support/test-database.ts'
import { address, type Browser, json, openBrowser, openShop, type TestShop } from './open-shop.ts'

let test: TestDatabase
let shop: TestShop
const stopping = new AbortController()

beforeAll(async () => {
  test = await openTestDatabase('embedded')
  shop = await openShop(test.database, { streamsMax: 2, stopping: stopping.signal })
})
afterAll(async () => {
  await shop.stop()
  await test.stop()
})

interface Status {
  locked: boolean
  state?: string
  order_id?: string | null
}

/** Reads a stream of events. `next` gives null once the server has ended it. */
function listen(response: Response) {
  const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader()
  if (reader === undefined) throw new Error('no body')
  let text = ''
  return {
    stop: () => reader.cancel(),
    async next(): Promise<Status | null> {
      for (;;) {
        const end = text.indexOf('\n\n')
        const block = end < 0 ? null : text.slice(0, end)
        if (block !== null) {
          text = text.slice(end + 2)
          const data = /^data: (.*)$/m.exec(block)?.[1]
          if (data !== undefined) return JSON.parse(data) as Status
          continue
        }
        const { done, value } = await reader.read()
        if (done) return null
        text += value
      }
    },
  }
}

async function started(): Promise<{ browser: Browser; lockId: string }> {
  const browser = await openBrowser(shop.handler)
  await browser.send('POST', '/cart/lines', { sku: 'CLEAT', quantity: 1 })
  const { lock_id: lockId } = await json<{ lock_id: string }>(await browser.send('GET', '/checkout'))
  return { browser, lockId }
}

describe('the live status of a checkout', () => {
  it('is sent at once and on each change, and ends with the checkout', async () => {
    const { browser, lockId } = await started()
    const response = await browser.send('GET', '/checkout/events')
    expect(response.headers.get('content-type')).toContain('text/event-stream')
    const stream = listen(response)
    expect(await stream.next()).toMatchObject({ locked: true, state: 'pending', lock_id: lockId })
    const body = { email: 'a@example.com', shipping_address: address, payment_token: 'tok_approve' }
    const { order } = await json<{ order: { id: string } }>(await browser.send('POST', '/checkout', body))
    const seen: Status[] = []
    for (let status = await stream.next(); status !== null; status = await stream.next()) seen.push(status)
    expect(seen.at(-1)).toMatchObject({ state: 'completed', order_id: order.id })
  })

  it('is one event without an active checkout', async () => {
    const browser = await openBrowser(shop.handler)
    const stream = listen(await browser.send('GET', '/checkout/events'))
    expect(await stream.next()).toEqual({ locked: false, can_checkout: false })
    expect(await stream.next()).toBeNull()
  })

  it('uses a bounded number of streams, which end when the server stops', async () => {
    const { browser } = await started()
    const open = async () => listen(await browser.send('GET', '/checkout/events'))
    const streams = [await open(), await open()]
    await Promise.all(streams.map(stream => stream.next()))
    expect((await browser.send('GET', '/checkout/events')).status).toBe(503)
    await streams[0]?.stop()
    let third = await browser.send('GET', '/checkout/events')
    while (third.status === 503) third = await browser.send('GET', '/checkout/events')
    expect(third.status).toBe(200)
    const last = listen(third)
    await last.next()
    stopping.abort()
    expect(await last.next()).toBeNull()
    expect(await streams[1]?.next()).toBeNull()
  })
})
