/** The shared setup of the event tests: a lock, an order, an outbox, and a deliverer with its own listeners. */
import { v7 } from 'uuid'
import { type Database, statement } from '../../src/database/database.ts'
import type { CheckoutLock } from '../../src/domain/lock.ts'
import type { Order } from '../../src/domain/order.ts'
import { createDeliverer, type DelivererOptions } from '../../src/events/deliverer.ts'
import { createListeners, type ListenerMap } from '../../src/events/listeners.ts'
import { createOutbox, type NewEvent } from '../../src/events/outbox.ts'

export const kinds = ['postgres', 'embedded'] as const

export function lockOf(id: string): CheckoutLock {
  return {
    id,
    cartId: v7(),
    sessionId: 'session',
    userId: null,
    state: 'pending',
    phase: null,
    failure: null,
    lockedAt: '2026-01-01T00:00:00.000Z',
    expiresAt: '2026-01-01T00:15:00.000Z',
    completedAt: null,
    failedAt: null,
    metadata: {},
  }
}

export function orderOf(id: string, checkoutId: string): Order {
  return {
    id,
    number: '100001',
    checkoutId,
    sessionId: 'session',
    userId: null,
    email: 'ada@example.com',
    status: 'paid',
    currency: 'EUR',
    subtotalMinor: 1000,
    discountMinor: 0,
    taxMinor: 0,
    shippingMinor: 0,
    totalMinor: 1000,
    refundedMinor: 0,
    shippingRefunded: false,
    couponCode: null,
    shippingAddress: null,
    billingAddress: null,
    shippingMethod: null,
    notes: null,
    lines: [],
    placedAt: '2026-01-01T00:00:00.000Z',
    paidAt: '2026-01-01T00:00:00.000Z',
    metadata: {},
    cancelledAt: null,
  }
}

export function started(checkoutId: string = v7()): NewEvent {
  return { checkoutId, type: 'CheckoutStarted', payload: { lock: lockOf(checkoutId) } }
}

export function completed(checkoutId: string = v7(), orderId: string = v7()): NewEvent {
  return { checkoutId, type: 'CheckoutCompleted', payload: { lock: lockOf(checkoutId), orderId } }
}

/** Creates listeners, an outbox that publishes to them, and a deliverer that runs them. */
export function setUp(database: Database, map: ListenerMap, options: Partial<DelivererOptions> = {}) {
  const listeners = createListeners(map)
  const outbox = createOutbox(listeners)
  return {
    listeners,
    publish: (...events: NewEvent[]) => database.transaction(async tx => outbox.publish(tx, events)),
    deliverer: createDeliverer({
      database,
      listeners,
      readOrders: async ids => new Map(ids.map(id => [id, orderOf(id, v7())])),
      ...options,
    }),
  }
}

const dueNow = statement(
  'test_deliveries_due_now',
  `update holdfast.deliveries set next_at = now() where state = 'due'`,
)

/** Ends every pause and every lease, as if time had passed in the database. */
export const letTimePass = (database: Database) => database.query(dueNow)

const rows = statement(
  'test_deliveries',
  `select event_id as "eventId", listener, type, state, attempts, leased, last_error as "lastError",
     extract(epoch from next_at - now()) * 1000 as "waitMs"
   from holdfast.deliveries order by position`,
)

export const deliveriesOf = (database: Database) =>
  database.query<{
    eventId: string
    listener: string
    type: string
    state: string
    attempts: number
    leased: boolean
    lastError: string | null
    waitMs: number
  }>(rows)

/** A promise and the function that resolves it. */
export function gate<T = void>() {
  let open: (value: T) => void = () => {}
  const passed = new Promise<T>(resolve => {
    open = resolve
  })
  return { passed, open }
}
