import { v7 } from 'uuid'
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import type { Database } from '../../src/database/database.ts'
import type { CheckoutEvent } from '../../src/domain/events.ts'
import type { DeliveryAlert } from '../../src/events/deliverer.ts'
import { PermanentFailure } from '../../src/events/permanent-failure.ts'
import { retryPauseMs } from '../../src/events/retry-pause.ts'
import { openTestDatabase, type TestDatabase } from '../support/test-database.ts'
import { completed, deliveriesOf, gate, kinds, letTimePass, orderOf, setUp, started } from './fixtures.ts'

const never = () => new Promise<void>(() => {})

test('retry pauses double from one second to an hour, and their upper half is random', () => {
  const latest = () => 1
  expect([1, 2, 3, 12, 13, 100].map(attempt => retryPauseMs(attempt, new Error(), latest))).toEqual([
    1_000, 2_000, 4_000, 2_048_000, 3_600_000, 3_600_000,
  ])
  expect(retryPauseMs(3, new Error(), () => 0)).toBe(2_000)
})

describe.each(kinds)('Delivering events (%s)', kind => {
  let opened: TestDatabase
  let database: Database
  beforeAll(async () => {
    opened = await openTestDatabase(kind)
    database = opened.database
  })
  afterAll(() => opened.stop())
  beforeEach(() => database.execute('truncate holdfast.events, holdfast.deliveries'))

  test('a listener receives the whole event with the current order', async () => {
    const received: CheckoutEvent[] = []
    const checkoutId = v7()
    const orderId = v7()
    const { publish, deliverer } = setUp(
      database,
      { CheckoutCompleted: [{ name: 'confirm', run: event => received.push(event) }] },
      { readOrders: async ids => new Map(ids.map(id => [id, orderOf(id, checkoutId)])) },
    )
    await publish(completed(checkoutId, orderId))
    expect(await deliverer.runOnce()).toEqual({ delivered: 1, failed: 0, parked: 0 })
    expect(await deliverer.runOnce()).toEqual({ delivered: 0, failed: 0, parked: 0 })
    expect(received).toEqual([
      {
        id: (await deliveriesOf(database))[0]?.eventId,
        type: 'CheckoutCompleted',
        occurredAt: expect.stringMatching(/^\d{4}-.*Z$/),
        lock: expect.objectContaining({ id: checkoutId }),
        order: orderOf(orderId, checkoutId),
      },
    ])
  })

  test('a listener that fails three times is called again with the same event id until it succeeds', async () => {
    const received: string[] = []
    const attempts: number[] = []
    const failures: DeliveryAlert[] = []
    const { publish, deliverer } = setUp(
      database,
      {
        CheckoutStarted: [
          {
            name: 'shaky',
            run(event, { attempt }) {
              received.push(event.id)
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
    expect(new Set(received).size).toBe(1)
    expect(failures.map(failure => failure.error)).toEqual([1, 2, 3].map(n => `Error: mail server says ${n}`))
    expect(await deliverer.lag()).toEqual({ due: 0, oldestMs: 0, parked: 0 })
  })

  test('the pause grows after each failure', async () => {
    const { publish, deliverer } = setUp(
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

  test('a listener that hangs is aborted at its timeout and called again', async () => {
    const aborted: boolean[] = []
    const { publish, deliverer } = setUp(database, {
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

  test('a delivery of a dead process is delivered again, and a late result is not recorded', async () => {
    const entered = gate()
    const late = gate()
    let effects = 0
    const frozen = setUp(database, {
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
    const heir = setUp(database, {
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

  test('a delivery that keeps failing is parked with one alert, and can be redelivered', async () => {
    const alerts: DeliveryAlert[] = []
    let broken = true
    const { publish, deliverer } = setUp(
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
    expect(await deliverer.redeliver({ eventId, listener: 'unknown' })).toBe(false)
    expect(await deliverer.runOnce()).toEqual({ delivered: 1, failed: 0, parked: 0 })
    expect(await deliverer.listParked()).toEqual([])
  })

  test('a permanent failure parks its delivery at once with its reason, and the next one is delivered', async () => {
    const alerts: DeliveryAlert[] = []
    const received: string[] = []
    const choosy = {
      name: 'choosy',
      run(event: CheckoutEvent) {
        if (event.type === 'CheckoutStarted') throw new PermanentFailure('no such mailbox')
        received.push(event.type)
      },
    }
    const { publish, deliverer } = setUp(
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
    expect(received).toEqual(['CheckoutCompleted'])
  })

  test('a delivery that kills its process each time is parked without another run', async () => {
    let runs = 0
    const { publish, deliverer } = setUp(database, {
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

  test('the order within a checkout and listener is kept, while other checkouts continue', async () => {
    const received: string[] = []
    let broken = true
    const inOrder = {
      name: 'in-order',
      run(event: CheckoutEvent) {
        if (broken && event.lock.id === stuck) throw new Error('not yet')
        received.push(`${event.lock.id} ${event.type}`)
      },
    }
    const stuck = v7()
    const free = v7()
    const { publish, deliverer } = setUp(database, { CheckoutStarted: [inOrder], CheckoutCompleted: [inOrder] })
    await publish(started(stuck), started(free))
    await publish(completed(stuck), completed(free))

    expect(await deliverer.runOnce()).toMatchObject({ delivered: 1, failed: 1 })
    expect(await deliverer.runOnce()).toMatchObject({ delivered: 1, failed: 0 })
    expect(await deliverer.runOnce()).toMatchObject({ delivered: 0, failed: 0 })
    expect(received).toEqual([`${free} CheckoutStarted`, `${free} CheckoutCompleted`])

    broken = false
    await letTimePass(database)
    expect(await deliverer.runOnce()).toMatchObject({ delivered: 1 })
    expect(await deliverer.runOnce()).toMatchObject({ delivered: 1 })
    expect(received.slice(2)).toEqual([`${stuck} CheckoutStarted`, `${stuck} CheckoutCompleted`])
  })

  test('deliveries behind a parked one continue', async () => {
    const received: string[] = []
    const options = {
      name: 'strict',
      retriesMax: 0,
      run(event: CheckoutEvent) {
        if (event.type === 'CheckoutStarted') throw new Error('never')
        received.push(event.type)
      },
    }
    const { publish, deliverer } = setUp(database, { CheckoutStarted: [options], CheckoutCompleted: [options] })
    const checkoutId = v7()
    await publish(started(checkoutId), completed(checkoutId))
    expect(await deliverer.runOnce()).toEqual({ delivered: 0, failed: 0, parked: 1 })
    expect(await deliverer.runOnce()).toEqual({ delivered: 1, failed: 0, parked: 0 })
    expect(received).toEqual(['CheckoutCompleted'])
  })

  test('deliveries of unknown listeners stay due until an operator parks them', async () => {
    const web = setUp(database, { CheckoutStarted: [function known() {}, function removed() {}] })
    const worker = setUp(database, { CheckoutStarted: [function known() {}] })
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
    expect(await worker.deliverer.listParked()).toMatchObject([{ eventId, lastError: 'parked by an operator' }])
  })

  test('a listener that throws or hangs does not delay other listeners', async () => {
    const release = gate()
    let received = 0
    const { publish, deliverer } = setUp(database, {
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
            received += 1
          },
        },
      ],
    })
    await publish(...Array.from({ length: 30 }, () => started()))
    const stuck = deliverer.runOnce()
    for (let passes = 0; received < 30 && passes < 5; passes += 1) await deliverer.runOnce()
    expect(received).toBe(30)
    const rows = await deliveriesOf(database)
    expect(rows.filter(row => row.listener === 'hangs' && row.leased)).toHaveLength(3)
    release.open()
    await stuck
  })

  test('two deliverers never run a delivery at the same time, and run each once if no process dies', async () => {
    const inside = new Set<string>()
    const received = new Map<string, number>()
    let overlaps = 0
    const map = () => ({
      CheckoutStarted: [
        {
          name: 'careful',
          async run(event: CheckoutEvent) {
            if (inside.has(event.id)) overlaps += 1
            inside.add(event.id)
            // Long enough for the other deliverer to lease a batch.
            await deliveriesOf(database)
            await deliveriesOf(database)
            inside.delete(event.id)
            received.set(event.id, (received.get(event.id) ?? 0) + 1)
          },
        },
      ],
    })
    const one = setUp(database, map())
    const two = setUp(database, map())
    await one.publish(...Array.from({ length: 30 }, () => started()))
    let delivered = 0
    for (let passes = 0; delivered < 30 && passes < 40; passes += 1) {
      const summaries = await Promise.all([one.deliverer.runOnce(), two.deliverer.runOnce(), two.deliverer.runOnce()])
      for (const summary of summaries) delivered += summary.delivered
    }
    expect({ delivered, overlaps, events: received.size }).toEqual({ delivered: 30, overlaps: 0, events: 30 })
    expect([...received.values()].every(times => times === 1)).toBe(true)
  })

  test('a listener never runs more deliveries at once than its concurrency', async () => {
    let inside = 0
    let most = 0
    const { publish, deliverer } = setUp(database, {
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

  test('a delivery whose order cannot be read is attempted again', async () => {
    let away = true
    const { publish, deliverer } = setUp(
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

  test('a nudge delivers a whole backlog long before the next interval', async () => {
    const all = gate()
    let received = 0
    const { publish, deliverer } = setUp(database, {
      CheckoutStarted: [
        {
          name: 'quick',
          run() {
            received += 1
            if (received === 100) all.open()
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

  test('stopping aborts a listener that does not end; its delivery is due again and the attempt is not counted', async () => {
    const entered = gate()
    let attempts = 0
    const { publish, deliverer } = setUp(database, {
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

  test('no listener starts after the grace period of stopping', async () => {
    const requested = gate()
    const answer = gate()
    let runs = 0
    const { publish, deliverer } = setUp(
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
          requested.open()
          await answer.passed
          return new Map(ids.map(id => [id, orderOf(id, v7())]))
        },
      },
    )
    await publish(completed())
    deliverer.start()
    await requested.passed
    const stopping = deliverer.stop(0)
    // Timers of equal length fire in order, so the second fires after the grace timer.
    for (const _ of [1, 2]) await new Promise(resolve => setTimeout(resolve, 1))
    answer.open()
    await stopping
    expect(runs).toBe(0)
    expect(await deliveriesOf(database)).toMatchObject([{ state: 'due', leased: false, attempts: 0 }])
  })

  test('retryAfterMs sets the minimum pause, at most one hour', async () => {
    const retryAfterMs = [90_000, 10 * 3_600_000, Number.NaN]
    const { publish, deliverer } = setUp(database, {
      CheckoutStarted: [
        {
          name: 'busy',
          run(_event, { attempt }) {
            throw Object.assign(new Error('too many'), { retryAfterMs: retryAfterMs[attempt - 1] })
          },
        },
      ],
    })
    await publish(started())
    const waits: number[] = []
    for (const _ of retryAfterMs) {
      await deliverer.runOnce()
      waits.push(Math.ceil(((await deliveriesOf(database))[0]?.waitMs ?? 0) / 1_000))
      await letTimePass(database)
    }
    expect(waits.slice(0, 2)).toEqual([90, 3_600])
    expect(waits[2]).toBeLessThanOrEqual(4)
  })

  test.each(['redeliver', 'park'] as const)('%s makes the deliveries behind it due at once', async action => {
    const received: string[] = []
    let broken = true
    const listener = {
      name: 'in-line',
      run(event: CheckoutEvent) {
        if (broken) throw Object.assign(new Error('away'), { retryAfterMs: 3_600_000 })
        received.push(event.type)
      },
    }
    const { publish, deliverer } = setUp(database, { CheckoutStarted: [listener], CheckoutCompleted: [listener] })
    const checkoutId = v7()
    await publish(started(checkoutId), completed(checkoutId))
    expect(await deliverer.runOnce()).toEqual({ delivered: 0, failed: 1, parked: 0 })
    broken = false
    expect(await deliverer.runOnce()).toEqual({ delivered: 0, failed: 0, parked: 0 })
    const eventId = (await deliveriesOf(database))[0]?.eventId ?? ''
    expect(await deliverer[action]({ eventId, listener: 'in-line' })).toBe(true)
    await deliverer.runOnce()
    await deliverer.runOnce()
    expect(received).toEqual(action === 'park' ? ['CheckoutCompleted'] : ['CheckoutStarted', 'CheckoutCompleted'])
  })

  test('a process that was frozen for too long does not run its leased deliveries', async () => {
    let runs = 0
    let frozenMs = 0
    const slow: Database = {
      ...database,
      async query<Row>(...given: Parameters<Database['query']>) {
        const rows = await database.query<Row>(...given)
        // The process freezes after the database granted the lease and before it reads the answer.
        frozenMs = 31_000
        return rows
      },
    }
    const { publish, deliverer } = setUp(slow, {
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

  test('callbacks that throw or reject do not affect deliveries', async () => {
    const reported: unknown[] = []
    const { publish, deliverer } = setUp(
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
          reported.push(error)
          throw new Error('the log is away too')
        },
      },
    )
    await publish(started())
    expect(await deliverer.runOnce()).toEqual({ delivered: 0, failed: 0, parked: 1 })
    expect(reported).toEqual([new Error('the pager is away')])
  })
})
