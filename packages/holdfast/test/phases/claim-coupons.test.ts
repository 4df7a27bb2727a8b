/** The decision on a coupon claim: limits count the claims of the batch, and deciding changes nothing. */
import { expect, test } from 'vitest'
import { claimCoupons, countClaim } from '../../src/phases/claim-coupons.ts'
import { percentage } from '../domain/sample.ts'

test('a claim is refused once the coupon has reached its usage limit, counting earlier claims of the batch', () => {
  const coupon = percentage(100_000, { usageLimit: 3, claimed: 1 })
  const counts = new Map<string, number>()
  for (const customer of ['ada', 'grace']) {
    expect(claimCoupons.decide({ coupon, customer }, counts)).toBeNull()
    countClaim({ coupon, customer }, counts)
  }
  expect(claimCoupons.decide({ coupon, customer: 'mary' }, counts)).toMatchObject({
    phase: 'inventory_reservation',
    code: 'coupon_exhausted',
    message: expect.stringMatching(/^You have not been charged\. /),
    context: { coupon: coupon.code },
  })
})

test('a claim is refused once its customer has reached the limit, and other customers may still claim', () => {
  const coupon = percentage(100_000, { usageLimitPerCustomer: 1 })
  const counts = new Map<string, number>()
  countClaim({ coupon, customer: 'ada' }, counts)
  expect(claimCoupons.decide({ coupon, customer: 'ada' }, counts)).toMatchObject({ code: 'coupon_exhausted' })
  expect(claimCoupons.decide({ coupon, customer: 'grace' }, counts)).toBeNull()
})

test('deciding changes neither the coupon nor the counts', () => {
  const coupon = Object.freeze(percentage(100_000, { usageLimit: 1, usageLimitPerCustomer: 1 }))
  const counts = new Map<string, number>()
  expect(claimCoupons.decide({ coupon, customer: 'ada' }, counts)).toBeNull()
  expect(claimCoupons.decide({ coupon, customer: 'ada' }, counts)).toBeNull()
  expect(counts.size).toBe(0)
})
