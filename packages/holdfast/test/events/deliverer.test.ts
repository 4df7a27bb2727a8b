import { v7 } from 'uuid'
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import type { Database } from '../../src/database/database.ts'
import type { CheckoutEvent } from '../../src/domain/events.ts'
import { type DeliveryAlert, retryDelayMs } from '../../src/events/deliverer.ts'
import { PermanentFailure } from '../../src/events/permanent-failure.ts'
import { openTestDatabase, type TestDatabase } from '../support/test-database.ts'
import { completed, deliveriesOf, gate, house, kinds, letTimePass, orderOf, started } from './fixtures.ts'

const never = () => new Promise<void>(() => {})

test('retries after one second, doubling up to an hour, half of it by chance', () => {
  const latest = () => 1
  expect([1, 2, 3, 12, 13, 100].map(attempt => retryDelayMs(attempt, latest))).toEqual([
    1_000, 2_000, 4_000, 2_048_000, 3_600_000, 3_600_000,
  ])
  expect(retryDelayMs(3, () => 0)).toBe(2_000)
})

describe.each(kinds)('delivering on %s', kind => {
  let opened: TestDatabase
  let database: Database
  beforeAll(async () => {
    opened = await openTestDatabase(kind)
    database = opened.database
  })
  afterAll(() => opened.stop())
  beforeEach(() => database.execute('truncate holdfast.events, holdfast.deliveries'))

  test('gives a listener the whole event, with the order as it is now', async () => {
    const heard: CheckoutEvent[] = []
    const checkoutId = v7()
    const orderId = v7()
    const { publish, deliverer } = house(
      database,
      { CheckoutCompleted: [{ name: 'confirm', run: event => heard.push(event) }] },
      { readOrders: async ids => new Map(ids.map(id => [id, orderOf(id, checkoutId)])) },
    )
    await publish(completed(checkoutId, orderId))
    expect(await deliverer.runOnce()).toEqual({ delivered: 1, failed: 0, parked: 0 })
    expect(await deliverer.runOnce()).toEqual({ delivered: 0, failed: 0, parked: 0 })
    expect(heard).toEqual([
      {
        id: (await deliveriesOf(database))[0]?.eventId,
        type: 'CheckoutCompleted',
        occurredAt: expect.stringMatching(/^\d{4}-.*Z$/),
        lock: expect.objectContaining({ id: checkoutId }),
        order: orderOf(orderId, checkoutId),
      },
    ])
  })

  test('repeats a listener that fails three times until it works, with the same event id', async () => {
    const heard: string[] = []
    const attempts: number[] = []
    const failures: DeliveryAlert[] = []
    const { publish, deliverer } = house(
      database,
      {
        CheckoutStarted: [
          {
            name: 'shaky',
            run(event, { attempt }) {
              heard.push(event.id)
              attempts.push(attempt)
              if (attempt <= 3) throw new Error(`mail server says ${attempt}`)
            },
          },
        ],
      },
      { onFailed: alert => failures.push(alert), random: () => 0.999 },
    )
    await publish(started())
    for (const _ of [1, 2, 3]) {
      expect(await deliverer.runOnce()).toEqual({ delivered: 0, failed: 1, parked: 0 })
      expect(await deliverer.runOnce()).toEqual({ delivered: 0, failed: 0, parked: 0 })
      await letTimePass(database)
    }
    expect(await deliverer.runOnce()).toEqual({ delivered: 1, failed: 0, parked: 0 })
    expect(attempts).toEqual([1, 2, 3, 4])
    expect(new Set(heard).size).toBe(1)
    expect(failures.map(failure => failure.error)).toEqual([1, 2, 3].map(n => `Error: mail server says ${n}`))
    expect(await deliverer.lag()).toEqual({ due: 0, oldestMs: 0, parked: 0 })
  })

  test('waits longer after each failure', async () => {
    const { publish, deliverer } = house(
      database,
      {
        CheckoutStarted: [
          {
            name: 'shaky',
            run() {
              throw new Error('no')
            },
          },
        ],
      },
      { random: () => 1 },
    )
    await publish(started())
    const waits: number[] = []
    for (const _ of [1, 2, 3]) {
      await deliverer.runOnce()
      waits.push((await deliveriesOf(database))[0]?.waitMs ?? 0)
      await letTimePass(database)
    }
    expect(waits.map(waitMs => Math.round(waitMs / 1_000))).toEqual([1, 2, 4])
  })

  test('stops waiting for a listener that hangs, aborts its signal and tries again', async () => {
    const aborted: boolean[] = []
    const { publish, deliverer } = house(database, {
      CheckoutStarted: [
        {
          name: 'hangs',
          timeoutMs: 20,
          run(_event, { signal, attempt }) {
            if (attempt > 1) return
            signal.addEventListener('abort', () => aborted.push(true))
            return never()
          },
        },
      ],
    })
    await publish(started())
    expect(await deliverer.runOnce()).toEqual({ delivered: 0, failed: 1, parked: 0 })
    expect(aborted).toEqual([true])
    expect((await deliveriesOf(database))[0]).toMatchObject({
      state: 'due',
      leased: false,
      lastError: 'Error: no answer within 20 ms',
    })
    await letTimePass(database)
    expect(await deliverer.runOnce()).toEqual({ delivered: 1, failed: 0, parked: 0 })
  })

  test('delivers again what a dead runner had, and a late finisher records nothing', async () => {
    const entered = gate()
    const late = gate()
    let effects = 0
    const frozen = house(database, {
      CheckoutStarted: [
        {
          name: 'pack',
          async run() {
            effects += 1
            entered.open()
            await late.passed
            throw new Error('woke up late')
          },
        },
      ],
    })
    const heir = house(database, {
      CheckoutStarted: [
        {
          name: 'pack',
          run() {
            effects += 1
          },
        },
      ],
    })
    await frozen.publish(started())
    const lost = frozen.deliverer.runOnce()
    await entered.passed
    expect(await heir.deliverer.runOnce()).toEqual({ delivered: 0, failed: 0, parked: 0 })
    await letTimePass(database)
    expect(await heir.deliverer.runOnce()).toEqual({ delivered: 1, failed: 0, parked: 0 })
    late.open()
    expect(await lost).toEqual({ delivered: 0, failed: 0, parked: 0 })
    expect(effects).toBe(2)
    expect(await deliveriesOf(database)).toMatchObject([{ state: 'delivered', attempts: 2, lastError: null }])
  })

  test('parks what keeps failing, raises the alert once, and delivers it on request', async () => {
    const alerts: DeliveryAlert[] = []
    let broken = true
    const { publish, deliverer } = house(
      database,
      {
        CheckoutStarted: [
          {
            name: 'poisoned',
            retriesMax: 2,
            run() {
              if (broken) throw new Error('\0 bad \ud83d character')
            },
          },
        ],
      },
      { onParked: alert => alerts.push(alert) },
    )
    const checkoutId = v7()
    await publish(started(checkoutId))
    const summaries = []
    for (const _ of [1, 2, 3, 4]) {
      summaries.push(await deliverer.runOnce())
      await letTimePass(database)
    }
    expect(summaries.map(({ failed, parked }) => [failed, parked])).toEqual([
      [1, 0],
      [1, 0],
      [0, 1],
      [0, 0],
    ])
    const eventId = (await deliveriesOf(database))[0]?.eventId ?? ''
    const error = 'Error: \ufffd bad \ufffd character'
    expect(alerts).toEqual([{ eventId, listener: 'poisoned', type: 'CheckoutStarted', checkoutId, attempts: 3, error }])
    expect(await deliverer.listParked()).toMatchObject([{ eventId, state: 'parked', attempts: 3, lastError: error }])
    expect(await deliverer.lag()).toEqual({ due: 0, oldestMs: 0, parked: 1 })

    broken = false
    expect(await deliverer.redeliver({ eventId, listener: 'poisoned' })).toBe(true)
    expect(await deliverer.redeliver({ eventId, listener: 'nobody' })).toBe(false)
    expect(await deliverer.runOnce()).toEqual({ delivered: 1, failed: 0, parked: 0 })
    expect(await deliverer.listParked()).toEqual([])
  })

  test('parks at once what its listener calls permanent, with its reason, and goes on behind it', async () => {
    const alerts: DeliveryAlert[] = []
    const heard: string[] = []
    const choosy = {
      name: 'choosy',
      run(event: CheckoutEvent) {
        if (event.type === 'CheckoutStarted') throw new PermanentFailure('no such mailbox')
        heard.push(event.type)
      },
    }
    const { publish, deliverer } = house(
      database,
      { CheckoutStarted: [choosy], CheckoutCompleted: [choosy] },
      { onParked: alert => alerts.push(alert) },
    )
    const checkoutId = v7()
    await publish(started(checkoutId), completed(checkoutId))
    expect(await deliverer.runOnce()).toEqual({ delivered: 0, failed: 0, parked: 1 })
    const error = 'PermanentFailure: no such mailbox'
    expect(alerts).toMatchObject([{ listener: 'choosy', type: 'CheckoutStarted', attempts: 1, error }])
    expect(await deliverer.listParked()).toMatchObject([{ state: 'parked', attempts: 1, lastError: error }])
    expect(await deliverer.runOnce()).toEqual({ delivered: 1, failed: 0, parked: 0 })
    expect(heard).toEqual(['CheckoutCompleted'])
  })

  test('parks what kills its runner every time, without running it once more', async () => {
    let runs = 0
    const { publish, deliverer } = house(database, {
      CheckoutStarted: [
        {
          name: 'deadly',
          retriesMax: 1,
          run: () => {
            runs += 1
          },
        },
      ],
    })
    await publish(started())
    await database.execute(`update holdfast.deliveries set attempts = 2, epoch = 2, leased = true, next_at = now()`)
    expect(await deliverer.runOnce()).toEqual({ delivered: 0, failed: 0, parked: 1 })
    expect(runs).toBe(0)
  })

  test('keeps the order within a checkout and listener, while others go ahead', async () => {
    const heard: string[] = []
    let broken = true
    const inOrder = {
      name: 'in-order',
      run(event: CheckoutEvent) {
        if (broken && event.lock.id === stuck) throw new Error('not yet')
        heard.push(`${event.lock.id} ${event.type}`)
      },
    }
    const stuck = v7()
    const free = v7()
    const { publish, deliverer } = house(database, { CheckoutStarted: [inOrder], CheckoutCompleted: [inOrder] })
    await publish(started(stuck), started(free))
    await publish(completed(stuck), completed(free))

    expect(await deliverer.runOnce()).toMatchObject({ delivered: 1, failed: 1 })
    expect(await deliverer.runOnce()).toMatchObject({ delivered: 1, failed: 0 })
    expect(await deliverer.runOnce()).toMatchObject({ delivered: 0, failed: 0 })
    expect(heard).toEqual([`${free} CheckoutStarted`, `${free} CheckoutCompleted`])

    broken = false
    await letTimePass(database)
    expect(await deliverer.runOnce()).toMatchObject({ delivered: 1 })
    expect(await deliverer.runOnce()).toMatchObject({ delivered: 1 })
    expect(heard.slice(2)).toEqual([`${stuck} CheckoutStarted`, `${stuck} CheckoutCompleted`])
  })

  test('goes on behind an event that was parked', async () => {
    const heard: string[] = []
    const options = {
      name: 'strict',
      retriesMax: 0,
      run(event: CheckoutEvent) {
        if (event.type === 'CheckoutStarted') throw new Error('never')
        heard.push(event.type)
      },
    }
    const { publish, deliverer } = house(database, { CheckoutStarted: [options], CheckoutCompleted: [options] })
    const checkoutId = v7()
    await publish(started(checkoutId), completed(checkoutId))
    expect(await deliverer.runOnce()).toEqual({ delivered: 0, failed: 0, parked: 1 })
    expect(await deliverer.runOnce()).toEqual({ delivered: 1, failed: 0, parked: 0 })
    expect(heard).toEqual(['CheckoutCompleted'])
  })

  test('leaves deliveries of listeners it does not know to others, until somebody gives them up', async () => {
    const web = house(database, { CheckoutStarted: [function known() {}, function removed() {}] })
    const worker = house(database, { CheckoutStarted: [function known() {}] })
    await web.publish(started())
    expect(await worker.deliverer.runOnce()).toEqual({ delivered: 1, failed: 0, parked: 0 })
    await database.execute(`update holdfast.events set created_at = now() - interval '1 hour'`)
    const overdue = await worker.deliverer.listOverdue(60_000)
    expect(overdue).toMatchObject([{ listener: 'removed', state: 'due', attempts: 0, running: false }])
    const { due, oldestMs } = await worker.deliverer.lag()
    expect(due).toBe(1)
    expect(oldestMs).toBeGreaterThanOrEqual(3_600_000)
    const eventId = overdue[0]?.eventId ?? ''
    expect(await worker.deliverer.park({ eventId, listener: 'removed' })).toBe(true)
    expect(await worker.deliverer.listParked()).toMatchObject([{ eventId, lastError: 'given up by hand' }])
  })

  test('does not let a throwing or hanging listener hold up the others', async () => {
    const release = gate()
    let heard = 0
    const { publish, deliverer } = house(database, {
      CheckoutStarted: [
        {
          name: 'throws',
          run() {
            throw new Error('always')
          },
        },
        { name: 'hangs', concurrency: 3, run: () => release.passed },
        {
          name: 'works',
          concurrency: 1_000,
          run: () => {
            heard += 1
          },
        },
      ],
    })
    await publish(...Array.from({ length: 30 }, () => started()))
    const stuck = deliverer.runOnce()
    for (let passes = 0; heard < 30 && passes < 5; passes += 1) await deliverer.runOnce()
    expect(heard).toBe(30)
    const rows = await deliveriesOf(database)
    expect(rows.filter(row => row.listener === 'hangs' && row.leased)).toHaveLength(3)
    release.open()
    await stuck
  })

  test('runs no delivery twice at once with two deliverers, and each exactly once when nobody dies', async () => {
    const inside = new Set<string>()
    const heard = new Map<string, number>()
    let overlaps = 0
    const map = () => ({
      CheckoutStarted: [
        {
          name: 'careful',
          async run(event: CheckoutEvent) {
            if (inside.has(event.id)) overlaps += 1
            inside.add(event.id)
            // long enough for the other deliverer to claim meanwhile
            await deliveriesOf(database)
            await deliveriesOf(database)
            inside.delete(event.id)
            heard.set(event.id, (heard.get(event.id) ?? 0) + 1)
          },
        },
      ],
    })
    const one = house(database, map())
    const two = house(database, map())
    await one.publish(...Array.from({ length: 30 }, () => started()))
    let delivered = 0
    for (let passes = 0; delivered < 30 && passes < 40; passes += 1) {
      const summaries = await Promise.all([one.deliverer.runOnce(), two.deliverer.runOnce(), two.deliverer.runOnce()])
      for (const summary of summaries) delivered += summary.delivered
    }
    expect({ delivered, overlaps, events: heard.size }).toEqual({ delivered: 30, overlaps: 0, events: 30 })
    expect([...heard.values()].every(times => times === 1)).toBe(true)
  })

  test('never runs more at once than a listener allows', async () => {
    let inside = 0
    let most = 0
    const { publish, deliverer } = house(database, {
      CheckoutStarted: [
        {
          name: 'narrow',
          concurrency: 4,
          async run() {
            inside += 1
            most = Math.max(most, inside)
            await new Promise(resolve => setImmediate(resolve))
            inside -= 1
          },
        },
      ],
    })
    await publish(...Array.from({ length: 40 }, () => started()))
    for (let passes = 0; passes < 10; passes += 1) await Promise.all([deliverer.runOnce(), deliverer.runOnce()])
    expect((await deliveriesOf(database)).every(row => row.state === 'delivered')).toBe(true)
    expect(most).toBe(4)
  })

  test('tries again when the order cannot be read', async () => {
    let away = true
    const { publish, deliverer } = house(
      database,
      { CheckoutCompleted: [function confirm() {}] },
      {
        readOrders: async ids => {
          if (away) throw new Error('the database is away')
          return new Map(ids.map(id => [id, orderOf(id, v7())]))
        },
      },
    )
    await publish(completed())
    expect(await deliverer.runOnce()).toEqual({ delivered: 0, failed: 1, parked: 0 })
    away = false
    await letTimePass(database)
    expect(await deliverer.runOnce()).toEqual({ delivered: 1, failed: 0, parked: 0 })
  })

  test('delivers by itself on a nudge, long before the next look, a backlog included', async () => {
    const all = gate()
    let heard = 0
    const { publish, deliverer } = house(database, {
      CheckoutStarted: [
        {
          name: 'quick',
          run() {
            heard += 1
            if (heard === 100) all.open()
          },
        },
      ],
    })
    deliverer.start(3_600_000)
    await publish(...Array.from({ length: 100 }, () => started()))
    deliverer.nudge()
    await all.passed
    await deliverer.stop()
    expect((await deliveriesOf(database)).every(row => row.state === 'delivered')).toBe(true)
  })

  test('ends a listener that does not end when stopping: no try of it, due again at once, even without retries', async () => {
    const entered = gate()
    let attempts = 0
    const { publish, deliverer } = house(database, {
      CheckoutStarted: [
        {
          name: 'endless',
          retriesMax: 0,
          run() {
            attempts += 1
            entered.open()
            return attempts === 1 ? never() : undefined
          },
        },
      ],
    })
    await publish(started())
    deliverer.start()
    await entered.passed
    await deliverer.stop(0)
    expect(await deliveriesOf(database)).toMatchObject([
      { state: 'due', leased: false, attempts: 0, lastError: 'Error: the process stopped' },
    ])
    expect(await deliverer.runOnce()).toEqual({ delivered: 1, failed: 0, parked: 0 })
  })

  test('begins nothing any more once the grace of stopping is over', async () => {
    const asked = gate()
    const answer = gate()
    let runs = 0
    const { publish, deliverer } = house(
      database,
      {
        CheckoutCompleted: [
          {
            name: 'late',
            run() {
              runs += 1
            },
          },
        ],
      },
      {
        async readOrders(ids) {
          asked.open()
          await answer.passed
          return new Map(ids.map(id => [id, orderOf(id, v7())]))
        },
      },
    )
    await publish(completed())
    deliverer.start()
    await asked.passed
    const stopping = deliverer.stop(0)
    // Timers of a length go off in their order: the second comes after that of the grace.
    for (const _ of [1, 2]) await new Promise(resolve => setTimeout(resolve, 1))
    answer.open()
    await stopping
    expect(runs).toBe(0)
    expect(await deliveriesOf(database)).toMatchObject([{ state: 'due', leased: false, attempts: 0 }])
  })

  test('waits as long as a listener asks for, and an hour at most', async () => {
    const asked = [90_000, 10 * 3_600_000, Number.NaN]
    const { publish, deliverer } = house(database, {
      CheckoutStarted: [
        {
          name: 'busy',
          run(_event, { attempt }) {
            throw Object.assign(new Error('too many'), { retryAfterMs: asked[attempt - 1] })
          },
        },
      ],
    })
    await publish(started())
    const waits: number[] = []
    for (const _ of asked) {
      await deliverer.runOnce()
      waits.push(Math.ceil(((await deliveriesOf(database))[0]?.waitMs ?? 0) / 1_000))
      await letTimePass(database)
    }
    expect(waits.slice(0, 2)).toEqual([90, 3_600])
    expect(waits[2]).toBeLessThanOrEqual(4)
  })

  test.each(['redeliver', 'park'] as const)('%s lets those go on at once that waited behind it', async byHand => {
    const heard: string[] = []
    let broken = true
    const listener = {
      name: 'in-line',
      run(event: CheckoutEvent) {
        if (broken) throw Object.assign(new Error('away'), { retryAfterMs: 3_600_000 })
        heard.push(event.type)
      },
    }
    const { publish, deliverer } = house(database, { CheckoutStarted: [listener], CheckoutCompleted: [listener] })
    const checkoutId = v7()
    await publish(started(checkoutId), completed(checkoutId))
    expect(await deliverer.runOnce()).toEqual({ delivered: 0, failed: 1, parked: 0 })
    broken = false
    expect(await deliverer.runOnce()).toEqual({ delivered: 0, failed: 0, parked: 0 })
    const eventId = (await deliveriesOf(database))[0]?.eventId ?? ''
    expect(await deliverer[byHand]({ eventId, listener: 'in-line' })).toBe(true)
    await deliverer.runOnce()
    await deliverer.runOnce()
    expect(heard).toEqual(byHand === 'park' ? ['CheckoutCompleted'] : ['CheckoutStarted', 'CheckoutCompleted'])
  })

  test('does not run what a frozen process asked for too long ago', async () => {
    let runs = 0
    let frozenMs = 0
    const slow: Database = {
      ...database,
      async query<Row>(...given: Parameters<Database['query']>) {
        const rows = await database.query<Row>(...given)
        // Its process stands still after the database has given it the lease, before it hears of it.
        frozenMs = 31_000
        return rows
      },
    }
    const { publish, deliverer } = house(slow, {
      CheckoutStarted: [
        {
          name: 'frozen',
          run: () => {
            runs += 1
          },
        },
      ],
    })
    await publish(started())
    const clock = vi.spyOn(performance, 'now').mockImplementation(() => frozenMs)
    try {
      expect(await deliverer.runOnce()).toEqual({ delivered: 0, failed: 1, parked: 0 })
    } finally {
      clock.mockRestore()
    }
    expect(runs).toBe(0)
  })

  test('goes on when those who are told of trouble fail themselves, now or later', async () => {
    const told: unknown[] = []
    const { publish, deliverer } = house(
      database,
      {
        CheckoutStarted: [
          {
            name: 'poisoned',
            retriesMax: 0,
            run() {
              throw new Error('no')
            },
          },
        ],
      },
      {
        onParked: async () => {
          throw new Error('the pager is away')
        },
        onError(error) {
          told.push(error)
          throw new Error('the log, too')
        },
      },
    )
    await publish(started())
    expect(await deliverer.runOnce()).toEqual({ delivered: 0, failed: 0, parked: 1 })
    expect(told).toEqual([new Error('the pager is away')])
  })
})
