/** The description of a checkout lock. */
import { expect, test } from 'vitest'
import type { Failure } from '../../src/domain/failure.ts'
import { type CheckoutLock, describeLock, phaseToShow } from '../../src/domain/lock.ts'
import { restingStates } from '../../src/domain/states.ts'

const failure: Failure = {
  phase: 'inventory_reservation',
  code: 'insufficient_stock',
  message: 'MUG is sold out.',
  context: {},
  retryable: false,
}

function lockIn(state: CheckoutLock['state'], change: Partial<CheckoutLock> = {}): CheckoutLock {
  return {
    id: 'lock',
    cartId: 'cart',
    sessionId: 'session',
    userId: null,
    state,
    phase: null,
    failure: state === 'failed' ? failure : null,
    lockedAt: '2026-06-15T12:00:00.000Z',
    expiresAt: '2026-06-15T12:15:00.000Z',
    completedAt: state === 'completed' ? '2026-06-15T12:00:04.000Z' : null,
    failedAt: state === 'failed' ? '2026-06-15T12:00:07.000Z' : null,
    metadata: {},
    ...change,
  }
}

const during = new Date('2026-06-15T12:01:00.000Z')
const after = new Date('2026-06-15T12:15:00.000Z')

test('a lock is active until it has completed or failed', () => {
  const active = restingStates.filter(state => describeLock(lockIn(state), during).isActive)
  expect(active).toEqual(restingStates.filter(state => state !== 'completed' && state !== 'failed'))
  expect(describeLock(lockIn('completed'), during)).toMatchObject({ isCompleted: true, isFailed: false })
  expect(describeLock(lockIn('failed'), during)).toMatchObject({ isCompleted: false, isFailed: true })
})

test('a lock is expired from its expiry on, unless it has ended', () => {
  expect(describeLock(lockIn('pending'), new Date(after.getTime() - 1)).isExpired).toBe(false)
  expect(describeLock(lockIn('pending'), after).isExpired).toBe(true)
  expect(describeLock(lockIn('completed'), after).isExpired).toBe(false)
  expect(describeLock(lockIn('failed'), after).isExpired).toBe(false)
})

test('a lock can be resumed while active, except while rolling back or if it expired while pending', () => {
  const resumableAt = (now: Date) => restingStates.filter(state => describeLock(lockIn(state), now).isResumable)
  const begun = ['authorizing', 'awaiting_action', 'capturing', 'awaiting_capture']
  expect(resumableAt(during)).toEqual(['pending', ...begun])
  expect(resumableAt(after)).toEqual(begun)
})

test('the duration ends with the checkout, and grows while it is active', () => {
  expect(describeLock(lockIn('completed'), after).durationMs).toBe(4000)
  expect(describeLock(lockIn('failed'), after).durationMs).toBe(7000)
  expect(describeLock(lockIn('capturing'), during).durationMs).toBe(60_000)
  expect(describeLock(lockIn('pending'), new Date('2026-06-15T11:59:59.000Z')).durationMs).toBe(0)
})

test('a lock has a state name, and shows the failed phase', () => {
  expect(describeLock(lockIn('capturing'), during).stateName).toBe('Capturing payment')
  expect(phaseToShow('failed', failure)).toBe('inventory_reservation')
  expect(phaseToShow('failed', { ...failure, phase: null })).toBeNull()
  expect(phaseToShow('awaiting_action', null)).toBe('payment_authorization')
})
