import { v7 } from 'uuid'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { type Database, statement, type Transaction } from '../../src/database/database.ts'
import { createListeners } from '../../src/events/listeners.ts'
import { createOutbox } from '../../src/events/outbox.ts'
import { openTestDatabase, type TestDatabase } from '../support/test-database.ts'
import { completed, deliveriesOf, kinds, lockOf, setUp, started } from './fixtures.ts'

function first() {}
function second() {}

describe('The statements of publishing', () => {
  function sentFor(events: Parameters<ReturnType<typeof createOutbox>['publish']>[1]): string[] {
    const sent: string[] = []
    const tx: Transaction = {
      send: ({ name }) => sent.push(name),
      query: () => Promise.reject(new Error('no query expected')),
    }
    createOutbox(createListeners({ CheckoutStarted: [first, second] })).publish(tx, events)
    return sent
  }

  test('any number of events is published with two statements', () => {
    expect(sentFor(Array.from({ length: 500 }, () => started()))).toEqual([
      'outbox_insert_events',
      'outbox_insert_deliveries',
    ])
  })

  test('events without listeners need one statement, and no events need none', () => {
    expect(sentFor([completed()])).toEqual(['outbox_insert_events'])
    expect(sentFor([])).toEqual([])
  })

  test('phases and rollback steps without listeners are not stored', () => {
    const checkoutId = v7()
    const payload = { lock: lockOf(checkoutId), phase: 'price_lock', durationMs: 1 } as const
    expect(sentFor([{ checkoutId, type: 'PhaseCompleted', payload }])).toEqual([])
    const outbox = createOutbox(createListeners({ PhaseCompleted: [first] }))
    expect([
      outbox.wants('PhaseCompleted'),
      outbox.wants('RollbackStepCompleted'),
      outbox.wants('OrderRefunded'),
    ]).toEqual([true, false, true])
  })
})

describe.each(kinds)('Publishing (%s)', kind => {
  let opened: TestDatabase
  let database: Database
  beforeAll(async () => {
    opened = await openTestDatabase(kind)
    database = opened.database
  })
  afterAll(() => opened.stop())
  beforeEach(() => database.execute('truncate holdfast.events, holdfast.deliveries'))

  const events = statement(
    'outbox_test_events',
    'select id, checkout_id as "checkoutId", type, payload from holdfast.events',
  )

  test('every event is stored with a delivery per listener, in the given order', async () => {
    const { publish } = setUp(database, { CheckoutStarted: [first, second], CheckoutCompleted: [second] })
    const checkoutId = v7()
    await publish(started(checkoutId), completed(checkoutId, 'order-1'))
    const deliveries = await deliveriesOf(database)
    expect(deliveries.map(({ type, listener, state }) => [type, listener, state])).toEqual([
      ['CheckoutStarted', 'first', 'due'],
      ['CheckoutStarted', 'second', 'due'],
      ['CheckoutCompleted', 'second', 'due'],
    ])
    const stored = await database.query<{ id: string; type: string; payload: Record<string, unknown> }>(events)
    expect(stored.find(event => event.type === 'CheckoutCompleted')?.payload).toMatchObject({
      lock: { id: checkoutId },
      orderId: 'order-1',
    })
    expect(new Set(deliveries.map(delivery => delivery.eventId))).toEqual(new Set(stored.map(event => event.id)))
  })

  test('a rolled back change stores no event and no delivery', async () => {
    const outbox = createOutbox(createListeners({ CheckoutStarted: [first] }))
    const change = database.transaction(async tx => {
      outbox.publish(tx, [started()])
      throw new Error('the change was refused')
    })
    await expect(change).rejects.toThrow('the change was refused')
    expect(await database.query(events)).toEqual([])
    expect(await deliveriesOf(database)).toEqual([])
  })
})
