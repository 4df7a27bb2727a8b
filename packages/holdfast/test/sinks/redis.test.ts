import { createClient } from 'redis'
import { v7 } from 'uuid'
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import { hasRedisServer, type RedisServer, startRedisServer } from '../../../../proofs/processes/redis-server.ts'
import type { Database } from '../../src/database/database.ts'
import type { CheckoutEvent } from '../../src/domain/events.ts'
import type { ListenerObject } from '../../src/events/listeners.ts'
import { createRedisSink, type RedisSink, type RedisSinkOptions } from '../../src/sinks/redis.ts'
import { completed, deliveriesOf, letTimePass, lockOf, setUp, started } from '../events/fixtures.ts'
import { openTestDatabase, type TestDatabase } from '../support/test-database.ts'

const stream = 'shop:events'

function eventOf(checkoutId = v7()): CheckoutEvent {
  return { id: v7(), type: 'CheckoutStarted', occurredAt: '2026-01-01T00:00:00.000Z', lock: lockOf(checkoutId) }
}

test('an invalid URL, stream, or length is refused without repeating the password', () => {
  const wrong: RedisSinkOptions[] = [
    { url: 'http://user:hush@host', stream },
    { url: 'redis://user:hush@host:99999999', stream },
    { url: 'redis://user:hush@[bad', stream },
    { url: 'redis://user:hush@host', stream: ' ' },
    { url: 'redis://user:hush@host', stream, maxLength: 0 },
  ]
  for (const options of wrong) {
    let refusal: unknown
    try {
      createRedisSink(options)
    } catch (error) {
      refusal = error
    }
    expect(refusal).toMatchObject({ name: 'CheckoutError', code: 'invalid_argument' })
    expect(JSON.stringify(refusal, Object.getOwnPropertyNames(refusal))).not.toContain('hush')
  }
})

test('the sink connects with the first event, and closes without one', async () => {
  const sink = createRedisSink({ url: 'redis://127.0.0.1:1', stream })
  expect(Object.keys(sink.listeners)).toContain('CheckoutCompleted')
  expect(Object.keys(sink.listeners)).not.toContain('PhaseCompleted')
  await sink.close()
  await sink.close()
})

describe.skipIf(!hasRedisServer())('A Redis stream', () => {
  let redis: RedisServer
  let reader: ReturnType<typeof createClient>
  let opened: TestDatabase
  let database: Database
  const sinks: RedisSink[] = []

  beforeAll(async () => {
    opened = await openTestDatabase('postgres')
    database = opened.database
    redis = await startRedisServer()
    reader = createClient({ url: redis.url }) as typeof reader
    reader.on('error', () => {})
    await reader.connect()
  })
  beforeEach(async () => {
    await database.execute('truncate holdfast.events, holdfast.deliveries')
    await redis.start()
    await vi.waitFor(() => reader.flushAll(), { timeout: 10_000 })
  })
  afterAll(async () => {
    await Promise.all(sinks.map(sink => sink.close()))
    reader.destroy()
    await redis.stop()
    await opened.stop()
  })

  function sinkOf(options: Partial<RedisSinkOptions> = {}): RedisSink {
    const sink = createRedisSink({ url: redis.url, stream, ...options })
    sinks.push(sink)
    return sink
  }
  /** Makes one attempt, as the deliverer does. */
  async function send(sink: RedisSink, event: CheckoutEvent): Promise<void> {
    const [listener] = sink.listeners[event.type] ?? []
    await (listener as ListenerObject).run(event, { signal: new AbortController().signal, attempt: 1 })
  }
  const entries = async () => ((await reader.xRange(stream, '-', '+')) ?? []).map(entry => entry?.message ?? {})

  test('an event is added with its id, type, checkout, time, and data', async () => {
    const event = eventOf()
    await send(sinkOf(), event)
    const [entry, ...more] = await entries()
    expect(more).toEqual([])
    expect(entry).toEqual({
      id: event.id,
      type: 'CheckoutStarted',
      checkout_id: event.lock.id,
      occurred_at: '2026-01-01T00:00:00.000Z',
      data: expect.stringContaining(event.lock.cartId),
    })
  })

  test('an event that several processes deliver repeatedly is added once', async () => {
    const events = Array.from({ length: 5 }, () => eventOf())
    const both = [sinkOf(), sinkOf()]
    await Promise.all(events.flatMap(event => both.flatMap(sink => [send(sink, event), send(sink, event)])))
    expect((await entries()).map(({ id }) => id).sort()).toEqual(events.map(({ id }) => id).sort())
    const marks = await reader.keys(`${stream}:added:*`)
    expect(marks).toHaveLength(5)
    for (const mark of marks) expect(await reader.ttl(mark)).toBeGreaterThan(86_000)
  })

  test('an event that could not be added is not marked as added', async () => {
    const sink = sinkOf()
    const event = eventOf()
    await reader.set(stream, 'not a stream')
    await expect(send(sink, event)).rejects.toThrow(/^Redis could not add the event: .*WRONGTYPE/)
    await reader.del(stream)
    await send(sink, event)
    expect(await entries()).toHaveLength(1)
  })

  test('the stream keeps about maxLength entries', async () => {
    const sink = sinkOf({ maxLength: 100 })
    await Promise.all(Array.from({ length: 500 }, () => send(sink, eventOf())))
    expect(await reader.xLen(stream)).toBeLessThan(300)
    expect(await reader.xLen(stream)).toBeGreaterThanOrEqual(100)
  })

  test('an attempt fails at once while Redis is down, without URL or password, and succeeds when it is back', async () => {
    const sink = sinkOf()
    await send(sink, eventOf())
    await redis.kill()
    const event = eventOf()
    const refusals: unknown[] = []
    const refused = async () => refusals.push(await send(sink, event).catch(error => error))
    await Promise.all([refused(), refused(), refused()])
    await refused()
    for (const refusal of refusals) {
      expect(refusal).toBeInstanceOf(Error)
      const text = JSON.stringify(refusal, Object.getOwnPropertyNames(refusal))
      expect(text).toMatch(/(could not reach Redis|Redis could not add the event)/)
      expect(text).not.toContain(redis.password)
      expect(text).not.toContain(new URL(redis.url).port)
    }
    await redis.start()
    await vi.waitFor(() => send(sink, event), { timeout: 10_000 })
    expect((await entries()).map(({ id }) => id)).toContain(event.id)
  })

  test('a wrong password is reported by its error code only', async () => {
    const sink = sinkOf({ url: redis.url.replace(redis.password, 'a-wrong-password') })
    const refusal = await send(sink, eventOf()).catch((error: Error) => error)
    expect(String(refusal)).toBe('Error: could not reach Redis (WRONGPASS)')
    await sink.close()
    await expect(send(sink, eventOf())).rejects.toThrow('the Redis sink is closed')
  })

  test('an attempt on a hanging Redis ends at its timeout, and the event is not added twice', async () => {
    const sink = sinkOf({ timeoutMs: 200 })
    await send(sink, eventOf())
    const { publish, deliverer } = setUp(database, sink.listeners)
    await publish(started())
    redis.freeze()
    try {
      expect(await deliverer.runOnce()).toEqual({ delivered: 0, failed: 1, parked: 0 })
      await letTimePass(database)
      expect(await deliverer.runOnce()).toEqual({ delivered: 0, failed: 1, parked: 0 })
    } finally {
      redis.thaw()
    }
    await vi.waitFor(
      async () => {
        await letTimePass(database)
        expect(await deliverer.runOnce()).toMatchObject({ delivered: 1 })
      },
      { timeout: 10_000 },
    )
    expect(await entries()).toHaveLength(2)
  })

  test('after Redis was killed and restarted, every event is in the stream once, and a checkout’s events are in order', async () => {
    const sink = sinkOf({ concurrency: 10 })
    let tries = 0
    const run: ListenerObject['run'] = async (event, context) => {
      tries += 1
      const [added] = sink.listeners[event.type] ?? []
      // Some of the events under way are in the stream by then, some are not.
      await Promise.all([(added as ListenerObject).run(event, context), tries === 50 ? redis.kill() : null])
    }
    const listener = { name: 'redis', concurrency: 10, run }
    const { publish, deliverer } = setUp(database, { CheckoutStarted: [listener], CheckoutCompleted: [listener] })
    await publish(...Array.from({ length: 100 }, () => v7()).flatMap(id => [started(id), completed(id)]))
    const due = async () => (await deliveriesOf(database)).filter(({ state }) => state === 'due').length
    deliverer.start(50)
    await vi.waitFor(
      async () => {
        expect((await deliveriesOf(database)).some(({ lastError }) => lastError?.includes('Redis'))).toBe(true)
      },
      { timeout: 20_000 },
    )
    expect(await due()).toBeGreaterThan(0)
    await redis.start()
    await vi.waitFor(
      async () => {
        await letTimePass(database)
        expect(await due()).toBe(0)
      },
      { timeout: 20_000, interval: 50 },
    )
    await deliverer.stop()
    const typesByCheckout = new Map<string, string[]>()
    for (const { checkout_id = '', type = '' } of await entries()) {
      typesByCheckout.set(checkout_id, [...(typesByCheckout.get(checkout_id) ?? []), type])
    }
    expect(typesByCheckout.size).toBe(100)
    for (const types of typesByCheckout.values()) expect(types).toEqual(['CheckoutStarted', 'CheckoutCompleted'])
    expect((await deliveriesOf(database)).every(({ state }) => state === 'delivered')).toBe(true)
  })
})
