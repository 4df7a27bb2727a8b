/** The outcome of a checkout, and its order. */
import { expect, test } from 'vitest'
import { CheckoutError, errorOf, type Failure } from '../../src/domain/failure.ts'
import type { CheckoutLock } from '../../src/domain/lock.ts'
import type { Order } from '../../src/domain/order.ts'
import { requireOrder } from '../../src/domain/outcome.ts'

const lock: CheckoutLock = {
  id: 'lock',
  cartId: 'cart',
  sessionId: 'session',
  userId: null,
  state: 'authorizing',
  phase: 'payment_authorization',
  failure: null,
  lockedAt: '2026-06-15T12:00:00.000Z',
  expiresAt: '2026-06-15T12:15:00.000Z',
  completedAt: null,
  failedAt: null,
  metadata: {},
}
const order = { id: 'order', number: '100001' } as Order
const failure: Failure = {
  phase: 'payment_authorization',
  code: 'payment_declined',
  message: 'Your card was declined.',
  context: { reason: 'insufficient_funds' },
  retryable: true,
}

test('requireOrder returns the order of a completed checkout, or of one that awaits its capture', () => {
  expect(requireOrder({ status: 'completed', lock, order })).toBe(order)
  expect(requireOrder({ status: 'awaiting_capture', lock, order })).toBe(order)
})

test('requireOrder throws the failure of a failed checkout', () => {
  expect(() => requireOrder({ status: 'failed', lock, failure })).toThrow(CheckoutError)
  expect(() => requireOrder({ status: 'failed', lock, failure })).toThrow(expect.objectContaining(failure))
})

test('requireOrder throws a retryable error while there is no order yet', () => {
  const inProgress = { code: 'checkout_in_progress', phase: 'payment_authorization', retryable: true }
  const action = { type: 'redirect', url: 'https://bank.example/confirm' } as const
  expect(() => requireOrder({ status: 'action_required', lock, action })).toThrow(
    expect.objectContaining({ ...inProgress, context: { status: 'action_required' } }),
  )
  expect(() => requireOrder({ status: 'processing', lock, pollAfterMs: 500 })).toThrow(
    expect.objectContaining({ ...inProgress, context: { status: 'processing' } }),
  )
})

test('an error has only the given details', () => {
  expect(new CheckoutError('closed', 'Closed.')).toMatchObject({
    name: 'CheckoutError',
    code: 'closed',
    phase: null,
    context: {},
    retryable: false,
  })
  const cause = new Error('socket')
  expect(new CheckoutError('closed', 'Closed.', { cause }).cause).toBe(cause)
  expect(errorOf(failure)).toMatchObject(failure)
  expect(errorOf(failure)).not.toHaveProperty('cause')
})
