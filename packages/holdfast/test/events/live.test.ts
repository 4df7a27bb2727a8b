import { v7 } from 'uuid'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Database } from '../../src/database/database.ts'
import { connectPostgres } from '../../src/database/postgres/postgres.ts'
import type { RestingState } from '../../src/domain/states.ts'
import { createLive } from '../../src/events/live.ts'
import { decodeChanges, encodeChanges, type LiveChange } from '../../src/events/live-notifications.ts'
import { openTestDatabase, type TestDatabase } from '../support/test-database.ts'
import { gate, kinds } from './fixtures.ts'

test('any number of changes fits into notifications below 7,900 bytes, without loss', () => {
  const states = ['completed', 'failed', 'authorizing'] as const
  const changes = new Map<string, RestingState>()
  for (let i = 0; i < 1_000; i += 1) changes.set(v7(), states[i % 3] ?? 'pending')
  const payloads = encodeChanges('sender', changes)
  expect(payloads.length).toBeLessThanOrEqual(6)
  for (const payload of payloads) expect(Buffer.byteLength(payload)).toBeLessThan(7_900)
  const decoded = payloads.flatMap(payload => decodeChanges(payload).changes)
  expect(new Map(decoded.map(({ checkoutId, state }) => [checkoutId, state]))).toEqual(changes)
  expect(encodeChanges('sender', new Map())).toEqual([])
})

describe.each(kinds)('Live changes (%s)', kind => {
  let opened: TestDatabase
  let database: Database
  beforeAll(async () => {
    opened = await openTestDatabase(kind)
    database = opened.database
  })
  afterAll(() => opened.stop())

  test('a change reaches subscribers of this process at once, after the caller continued', async () => {
    const live = createLive(database)
    const received: LiveChange[] = []
    const stop = live.subscribe(change => received.push(change))
    const change = { checkoutId: v7(), state: 'completed' } as const
    live.announce([change])
    expect(received).toEqual([])
    await Promise.resolve()
    expect(received).toEqual([change])
    stop()
    live.announce([change])
    await Promise.resolve()
    expect(received).toHaveLength(1)
    await live.close()
  })

  test('a subscriber that throws or rejects does not affect the others', async () => {
    const live = createLive(database)
    let received = 0
    live.subscribe(() => {
      throw new Error('broken')
    })
    live.subscribe(async () => {
      throw new Error('broken later')
    })
    live.subscribe(() => {
      received += 1
    })
    live.announce([{ checkoutId: v7(), state: 'failed' }])
    await Promise.resolve()
    expect(received).toBe(1)
    await live.close()
  })

  test('a change resolves only the waits for its checkout and state', async () => {
    const live = createLive(database)
    const checkoutId = v7()
    const any = live.waitFor(checkoutId, { timeoutMs: 60_000 })
    const end = live.waitFor(checkoutId, { timeoutMs: 60_000, until: change => change.state === 'completed' })
    const other = live.waitFor(v7(), { timeoutMs: 1 })
    live.announce([{ checkoutId, state: 'capturing' }])
    expect(await any).toEqual({ checkoutId, state: 'capturing' })
    expect(live.size).toBe(2)
    live.announce([{ checkoutId, state: 'completed' }])
    expect(await end).toEqual({ checkoutId, state: 'completed' })
    expect(await other).toBeNull()
    expect(live.size).toBe(0)
    await live.close()
  })

  test('a thousand ended subscriptions and waits leave nothing behind', async () => {
    const live = createLive(database)
    const stops = Array.from({ length: 1_000 }, () => live.subscribe(() => {}))
    const waits = Array.from({ length: 1_000 }, () => live.waitFor(v7(), { timeoutMs: 1 }))
    expect(live.size).toBe(2_000)
    for (const stop of stops) stop()
    expect((await Promise.all(waits)).every(change => change === null)).toBe(true)
    expect(live.size).toBe(0)
    await live.close()
  })

  test('closing resolves every wait with null', async () => {
    const live = createLive(database)
    const wait = live.waitFor(v7(), { timeoutMs: 60_000 })
    await live.close()
    expect(await wait).toBeNull()
    expect(await live.waitFor(v7(), { timeoutMs: 60_000 })).toBeNull()
    live.announce([{ checkoutId: v7(), state: 'failed' }])
  })
})

describe('Live changes between processes', () => {
  let opened: TestDatabase
  let other: Database
  beforeAll(async () => {
    opened = await openTestDatabase('postgres')
    other = await connectPostgres({ url: opened.url ?? '', poolMax: 2 })
  })
  afterAll(async () => {
    await other.close()
    await opened.stop()
  })

  test('changes arrive in the other process with their last state, and once in their own', async () => {
    const here = createLive(opened.database)
    const there = createLive(other)
    await Promise.all([here.ready, there.ready])
    const changes = Array.from({ length: 500 }, () => ({ checkoutId: v7(), state: 'completed' as const }))
    const receivedHere: LiveChange[] = []
    const receivedThere = new Map<string, RestingState>()
    const all = gate()
    here.subscribe(change => receivedHere.push(change))
    there.subscribe(change => {
      receivedThere.set(change.checkoutId, change.state)
      if (receivedThere.size === changes.length) all.open()
    })
    const back = here.waitFor('back', { timeoutMs: 10_000 })
    here.announce(changes.map(({ checkoutId }) => ({ checkoutId, state: 'capturing' })))
    here.announce(changes)
    await all.passed
    expect([...new Set(receivedThere.values())]).toEqual(['completed'])
    // The answer uses the same channel, so it arrives after everything that was sent before it.
    there.announce([{ checkoutId: 'back', state: 'failed' }])
    expect(await back).toEqual({ checkoutId: 'back', state: 'failed' })
    expect(receivedHere).toHaveLength(1_001)
    await Promise.all([here.close(), there.close()])
  })

  test('announcing does not fail or wait while the database cannot send', async () => {
    let refused = 0
    const away: Database = {
      ...opened.database,
      listen: () => Promise.reject(new Error('away')),
      notify: () => {
        refused += 1
        return Promise.reject(new Error('away'))
      },
    }
    const live = createLive(away)
    for (let i = 0; i < 5_000; i += 1) live.announce([{ checkoutId: v7(), state: 'completed' }])
    await live.close()
    expect(refused).toBe(1)
  })
})
