import { expect, test } from 'vitest'
import { type CheckoutEvent, type CheckoutEventName, checkoutEventNames } from '../../src/domain/events.ts'
import type { Failure } from '../../src/domain/failure.ts'
import type { CheckoutLock } from '../../src/domain/lock.ts'
import type { Order } from '../../src/domain/order.ts'
import { outgoingEvent, outgoingEventNames } from '../../src/sinks/outgoing-event.ts'
import { lockOf, orderOf } from '../events/fixtures.ts'

const canary = 'canary'

/** Contains a canary in place of every secret. */
const lock: CheckoutLock = {
  ...lockOf('checkout-1'),
  sessionId: `${canary} session`,
  metadata: { note: `${canary} metadata`, payment_authorization: { gateway_response: `${canary} authorization` } },
}
const address = { firstName: 'Ada', lastName: 'Byron', lineOne: 'Hafenstraße 1', city: 'Hamburg', postcode: '20457' }
const order: Order = {
  ...orderOf('order-1', 'checkout-1'),
  sessionId: `${canary} session`,
  userId: 'user-7',
  shippingAddress: { ...address, country: 'DE' },
  metadata: {
    payment: {
      capture_id: 'ch_1',
      authorization_id: 'pi_1',
      status: 'captured',
      amount: 1000,
      currency: 'EUR',
      captured_at: '2026-01-01T00:00:01.000Z',
      gateway_response: { client_secret: `${canary} client secret` },
    },
  },
  lines: [
    {
      lineNo: 1,
      sku: 'MUG',
      title: 'Mug',
      quantity: 2,
      unitMinor: 500,
      subtotalMinor: 1000,
      discountMinor: 0,
      taxMinor: 0,
      totalMinor: 1000,
      refundedQuantity: 0,
    },
  ],
}
const failure: Failure = {
  phase: 'inventory_reservation',
  code: 'insufficient_stock',
  message: 'Too few.',
  context: { sku: 'MUG', requested: 2, available: 1 },
  retryable: false,
}

const head = { id: 'event-1', occurredAt: '2026-01-01T00:00:02.000Z', lock }
const events: { [Name in CheckoutEventName]: CheckoutEvent<Name> } = {
  CheckoutStarted: { ...head, type: 'CheckoutStarted' },
  CheckoutCompleted: { ...head, type: 'CheckoutCompleted', order },
  CheckoutFailed: { ...head, type: 'CheckoutFailed', failure },
  CheckoutExpired: { ...head, type: 'CheckoutExpired', failure },
  CheckoutCancelled: { ...head, type: 'CheckoutCancelled', failure },
  PhaseCompleted: { ...head, type: 'PhaseCompleted', phase: 'price_lock', durationMs: 12.5 },
  RollbackStepCompleted: { ...head, type: 'RollbackStepCompleted', phase: 'price_lock' },
  PriceDriftDetected: {
    ...head,
    type: 'PriceDriftDetected',
    drifts: [{ sku: 'MUG', frozenMinor: 500, currentMinor: 600 }],
  },
  PaymentActionRequired: {
    ...head,
    type: 'PaymentActionRequired',
    action: { type: 'redirect', url: `https://pay.example/?client_secret=${canary}` },
  },
  OrderAwaitingCapture: { ...head, type: 'OrderAwaitingCapture', order },
  OrderRefunded: {
    ...head,
    type: 'OrderRefunded',
    order,
    refundedMinor: 500,
    lines: [{ lineNo: 1, sku: 'MUG', quantity: 1 }],
    shipping: false,
    restocked: true,
  },
  OrderDisputed: {
    ...head,
    type: 'OrderDisputed',
    order,
    dispute: { id: 'dp_1', status: 'needs_response', reason: 'fraudulent', amount: 1000 },
  },
}

function keysOf(value: unknown): string[] {
  if (Array.isArray(value)) return value.flatMap(keysOf)
  if (typeof value !== 'object' || value === null) return []
  return Object.entries(value).flatMap(([key, inner]) => [key, ...keysOf(inner)])
}

test.each(checkoutEventNames)('%s is sent in snake case, without a session, a secret, or a confirmation page', name => {
  const sent = outgoingEvent(events[name])
  expect(sent).toMatchObject({
    id: 'event-1',
    type: name,
    checkout_id: 'checkout-1',
    occurred_at: '2026-01-01T00:00:02.000Z',
    data: { lock: { id: 'checkout-1', cart_id: lock.cartId, state: 'pending' } },
  })
  expect(JSON.stringify(sent)).not.toContain(canary)
  expect(keysOf(sent).filter(key => !/^[a-z_]+$/.test(key))).toEqual([])
})

test('an order is sent with its buyer, its amounts, and its payment', () => {
  expect(outgoingEvent(events.CheckoutCompleted).data.order).toMatchObject({
    number: '100001',
    user_id: 'user-7',
    email: 'ada@example.com',
    currency: 'EUR',
    total: 1000,
    shipping_address: { first_name: 'Ada', line_one: 'Hafenstraße 1', country: 'DE' },
    lines: [{ sku: 'MUG', quantity: 2, unit_price: 500 }],
    payment: { authorization_id: 'pi_1', capture_id: 'ch_1', amount: 1000, currency: 'EUR' },
  })
})

test('an event is sent with its data besides the lock', () => {
  const dataOf = (name: CheckoutEventName) => outgoingEvent(events[name]).data
  expect(dataOf('CheckoutFailed').failure).toEqual(failure)
  expect(dataOf('PhaseCompleted')).toMatchObject({ phase: 'price_lock', duration_ms: 12.5 })
  expect(dataOf('PriceDriftDetected').drifts).toEqual([{ sku: 'MUG', frozen: 500, current: 600 }])
  expect(dataOf('PaymentActionRequired').action).toEqual({ type: 'redirect' })
  expect(dataOf('OrderRefunded')).toMatchObject({
    refunded: 500,
    lines: [{ line_no: 1, sku: 'MUG', quantity: 1 }],
    shipping: false,
    restocked: true,
  })
  expect(dataOf('OrderDisputed').dispute).toEqual(events.OrderDisputed.dispute)
})

test('all events are sent by default, except the single steps of a checkout', () => {
  expect(checkoutEventNames.filter(name => !outgoingEventNames.includes(name))).toEqual([
    'PhaseCompleted',
    'RollbackStepCompleted',
  ])
})
