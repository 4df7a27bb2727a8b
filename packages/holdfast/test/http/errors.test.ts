import { describe, expect, it } from 'vitest'
import { LaneFull } from '../../src/concurrency/lane.ts'
import { DatabaseError } from '../../src/database/database.ts'
import { CheckoutError } from '../../src/domain/failure.ts'
import { HttpError, refusalOf, refusalOfFailure, statusOf } from '../../src/http/errors.ts'

describe('error responses', () => {
  it.each([
    ['payment_declined', 402],
    ['cart_changed', 409],
    ['checkout_in_progress', 409],
    ['insufficient_stock', 409],
    ['checkout_expired', 409],
    ['coupon_invalid', 422],
    ['coupon_exhausted', 422],
    ['address_missing', 422],
    ['email_missing', 422],
    ['cart_empty', 422],
    ['shipping_unavailable', 422],
    ['cart_locked', 423],
    ['checkout_not_found', 404],
    ['overloaded', 503],
  ] as const)('%s has the status %i', (code, status) => {
    expect(statusOf(code)).toBe(status)
  })

  it('include phase, context, and lock of a failed checkout', () => {
    const failure = {
      phase: 'inventory_reservation',
      code: 'insufficient_stock',
      message: 'Only 1 is left.',
      context: { sku: 'A', requested: 2, available: 1 },
      retryable: true,
    } as const
    expect(refusalOfFailure(failure, 'lock')).toMatchObject({
      status: 409,
      body: { error: 'Conflict', ...failure, lock_id: 'lock' },
    })
  })

  it('disclose only the request ID of an unexpected error', () => {
    const secret = 'select * from holdfast.carts where secret'
    for (const error of [new Error(secret), new DatabaseError(secret, { code: '42703', detail: secret }), secret]) {
      const refusal = refusalOf(error, 'request-1')
      expect(refusal).toMatchObject({
        status: 500,
        unexpected: true,
        body: { code: 'internal_error', request_id: 'request-1' },
      })
      expect(JSON.stringify(refusal)).not.toContain('select')
    }
  })

  it('have status 503 and Retry-After if a queue is full or the database is unavailable', () => {
    for (const error of [
      new LaneFull('start'),
      new CheckoutError('overloaded', 'Busy.'),
      new DatabaseError('gone: secret host', { code: 'connection_lost' }),
      new DatabaseError('every connection to secret is in use', { code: 'pool_exhausted' }),
      new DatabaseError('unknown commit, secret says', { code: 'commit_unknown' }),
    ]) {
      const refusal = refusalOf(error, 'r')
      expect(refusal.status).toBe(503)
      expect(Number(refusal.headers['Retry-After'])).toBeGreaterThan(0)
      expect(refusal.body.message).not.toContain('secret')
    }
  })

  it('keep the headers of an HttpError', () => {
    const error = new HttpError('rate_limited', 'Slower.', { headers: { 'Retry-After': '7' } })
    expect(refusalOf(error, 'r')).toMatchObject({ status: 429, headers: { 'Retry-After': '7' }, unexpected: false })
  })
})
