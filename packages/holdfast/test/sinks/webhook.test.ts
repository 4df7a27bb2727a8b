import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Webhook } from 'standardwebhooks'
import { v7 } from 'uuid'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { Database } from '../../src/database/database.ts'
import type { CheckoutEvent } from '../../src/domain/events.ts'
import type { ListenerObject } from '../../src/events/listeners.ts'
import { PermanentFailure } from '../../src/events/permanent-failure.ts'
import { createWebhookSink, WebhookError, type WebhookSinkOptions } from '../../src/sinks/webhook.ts'
import { completed, deliveriesOf, letTimePass, lockOf, setUp, started } from '../events/fixtures.ts'
import { openTestDatabase, type TestDatabase } from '../support/test-database.ts'

const secret = `whsec_${Buffer.alloc(32, 1).toString('base64')}`
const newSecret = `whsec_${Buffer.alloc(32, 2).toString('base64')}`

interface Received {
  headers: Record<string, string>
  body: string
  path: string
}

let server: Server
let url: string
let received: Received[]
let sockets: number
let answer: (response: ServerResponse, request: IncomingMessage) => void

beforeAll(async () => {
  server = createServer(async (request, response) => {
    let body = ''
    for await (const chunk of request.setEncoding('utf8')) body += chunk
    received.push({ headers: request.headers as Record<string, string>, body, path: request.url ?? '' })
    answer(response, request)
  })
  server.on('connection', () => {
    sockets += 1
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/hooks?key=hush`
})
beforeEach(() => {
  received = []
  sockets = 0
  answer = response => void response.end('thank you')
})
afterAll(async () => {
  server.closeAllConnections()
  server.close()
  await once(server, 'close')
})

function eventOf(): CheckoutEvent {
  return { id: v7(), type: 'CheckoutStarted', occurredAt: '2026-01-01T00:00:00.000Z', lock: lockOf(v7()) }
}

/** Makes one attempt, as the deliverer does. Returns what was thrown. */
async function send(options: Partial<WebhookSinkOptions> = {}, event = eventOf()): Promise<unknown> {
  const listener = createWebhookSink({ url, secrets: [secret], ...options })[event.type]?.[0] as ListenerObject
  try {
    await listener.run(event, { signal: AbortSignal.timeout(10_000), attempt: 1 })
    return null
  } catch (error) {
    return error
  }
}

const textOf = (error: unknown) => JSON.stringify(error, Object.getOwnPropertyNames(error))

test('an event arrives as signed JSON with a stable id', async () => {
  const event = eventOf()
  expect(await send({}, event)).toBeNull()
  expect(await send({}, event)).toBeNull()
  expect(received).toHaveLength(2)
  for (const { headers, body } of received) {
    expect(headers['content-type']).toBe('application/json')
    expect(headers['webhook-id']).toBe(event.id)
    expect(new Webhook(secret).verify(body, headers)).toMatchObject({
      id: event.id,
      type: 'CheckoutStarted',
      checkout_id: event.lock.id,
    })
    expect(() => new Webhook(secret).verify(body.replace('Started', 'Failed'), headers)).toThrow('signature')
    expect(() => new Webhook(newSecret).verify(body, headers)).toThrow('signature')
  }
})

test('during a rotation, a receiver with either secret can verify an event', async () => {
  await send({ secrets: [newSecret, secret] })
  const [{ headers, body } = { headers: {}, body: '' }] = received
  for (const known of [secret, newSecret]) expect(new Webhook(known).verify(body, headers)).toBeTruthy()
})

test.each([204, 202])('the answer %i counts as delivered', async status => {
  answer = response => void response.writeHead(status).end()
  expect(await send()).toBeNull()
})

test.each([400, 404, 500, 503])(
  'the answer %i fails the attempt with its status, without the body, the URL, or the secret',
  async status => {
    answer = response => void response.writeHead(status).end(`hush ${'x'.repeat(100_000)}`)
    const error = await send()
    expect(error).toBeInstanceOf(WebhookError)
    expect(error).toMatchObject({ status, message: `the webhook receiver answered ${status}` })
    expect(textOf(error)).not.toMatch(/hush|127\.0\.0\.1|whsec/)
  },
)

test('a delivery to a receiver that answers 410 is not attempted again', async () => {
  answer = response => void response.writeHead(410).end('hush')
  const error = await send()
  expect(error).toBeInstanceOf(PermanentFailure)
  expect(error).toMatchObject({ message: 'the webhook receiver answered 410 Gone' })
})

test('a redirect is not followed', async () => {
  answer = response => void response.writeHead(307, { location: '/elsewhere' }).end()
  expect(await send()).toMatchObject({ status: 307 })
  expect(received.map(({ path }) => path)).toEqual(['/hooks?key=hush'])
})

test('an unreachable receiver is reported by its error code only', async () => {
  const error = await send({ url: 'http://127.0.0.1:1/?key=hush' })
  expect(error).toMatchObject({ status: null, message: expect.stringContaining('could not reach') })
  expect(textOf(error)).not.toMatch(/hush|127\.0\.0\.1/)
})

test('connections are reused', async () => {
  for (let sent = 0; sent < 10; sent += 1) expect(await send()).toBeNull()
  expect(sockets).toBeLessThan(3)
})

test.each([
  ['a number of seconds', () => '120', 120_000],
  ['a date', () => new Date(Date.now() + 60_000).toUTCString(), 60_000],
  ['a date in the past', () => new Date(0).toUTCString(), undefined],
  ['nonsense', () => 'soon', undefined],
])('Retry-After is read as %s', async (_what, given, wanted) => {
  answer = response => void response.writeHead(429, { 'retry-after': given() }).end()
  const { retryAfterMs } = (await send()) as WebhookError
  if (wanted === undefined) expect(retryAfterMs).toBeUndefined()
  else expect(Math.abs((retryAfterMs ?? 0) - wanted)).toBeLessThan(5_000)
})

test('an invalid URL or secret is refused without repeating it', () => {
  const wrong: Partial<WebhookSinkOptions>[] = [
    { url: 'hush' },
    { url: 'ftp://hush.example/' },
    { url: 'https://user:hush@shop.example/' },
    { secrets: [] },
    { secrets: ['hush'] },
    { secrets: [secret, 'whsec_hush'] },
  ]
  for (const options of wrong) {
    let refusal: unknown
    try {
      createWebhookSink({ url, secrets: [secret], ...options })
    } catch (error) {
      refusal = error
    }
    expect(refusal).toMatchObject({ name: 'CheckoutError', code: 'invalid_argument' })
    expect(textOf(refusal)).not.toContain('hush')
  }
})

test('only the selected events are sent', () => {
  const listeners = createWebhookSink({ url, secrets: [secret], name: 'erp', events: ['CheckoutCompleted'] })
  expect(listeners).toMatchObject({ CheckoutCompleted: [{ name: 'erp', retriesMax: 30, timeoutMs: 15_000 }] })
  expect(Object.keys(listeners)).toEqual(['CheckoutCompleted'])
})

describe('Webhooks sent by the deliverer', () => {
  let opened: TestDatabase
  let database: Database
  beforeAll(async () => {
    opened = await openTestDatabase('postgres')
    database = opened.database
  })
  afterAll(() => opened.stop())
  beforeEach(() => database.execute('truncate holdfast.events, holdfast.deliveries'))

  const hooks = (options: Partial<WebhookSinkOptions> = {}) => createWebhookSink({ url, secrets: [secret], ...options })

  test('a checkout’s events arrive in order although the first is refused several times', async () => {
    const { publish, deliverer } = setUp(database, hooks())
    const checkoutId = v7()
    await publish(started(checkoutId), completed(checkoutId))
    answer = response => void response.writeHead(503, { 'retry-after': '600' }).end()
    expect(await deliverer.runOnce()).toEqual({ delivered: 0, failed: 1, parked: 0 })
    const [first] = await deliveriesOf(database)
    expect(first).toMatchObject({ lastError: 'WebhookError: the webhook receiver answered 503' })
    expect(first?.waitMs).toBeGreaterThan(590_000)
    expect(await deliverer.runOnce()).toEqual({ delivered: 0, failed: 0, parked: 0 })
    answer = response => void response.end()
    await letTimePass(database)
    for (const _ of [1, 2]) expect(await deliverer.runOnce()).toEqual({ delivered: 1, failed: 0, parked: 0 })
    expect(received.map(({ body }) => JSON.parse(body).type)).toEqual([
      'CheckoutStarted',
      'CheckoutStarted',
      'CheckoutCompleted',
    ])
  })

  test('an attempt on a receiver that sends its header slowly ends at its timeout', async () => {
    const { publish, deliverer } = setUp(database, hooks({ timeoutMs: 100 }))
    let drip: NodeJS.Timeout | undefined
    const gone = new Promise<void>(resolve => {
      answer = (_response, request) => {
        request.socket.write('HTTP/1.1 200 OK\r\n')
        drip = setInterval(() => request.socket.write('x-slow: yes\r\n'), 10)
        request.socket.once('close', () => resolve())
      }
    })
    await publish(started())
    expect(await deliverer.runOnce()).toEqual({ delivered: 0, failed: 1, parked: 0 })
    await gone
    clearInterval(drip)
    expect(await deliveriesOf(database)).toMatchObject([{ state: 'due', lastError: 'Error: no answer within 100 ms' }])
  })

  test('a response body that never ends is not read, and its event counts as delivered', async () => {
    const { publish, deliverer } = setUp(database, hooks())
    const gone = new Promise<void>(resolve => {
      answer = (response, request) => {
        response.writeHead(200)
        response.write('and ')
        request.socket.once('close', () => resolve())
      }
    })
    await publish(started())
    expect(await deliverer.runOnce()).toEqual({ delivered: 1, failed: 0, parked: 0 })
    await gone
  })
})
