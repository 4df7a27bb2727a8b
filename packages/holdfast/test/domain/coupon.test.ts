/** When a coupon applies, and its discount. */
import { expect, test } from 'vitest'
import { applyCoupon, type CouponSubtotal } from '../../src/domain/coupon.ts'
import { fixed, now, percentage } from './sample.ts'

function subtotal(amountMinor: number, currency = 'EUR'): CouponSubtotal {
  return { amountMinor, currency, exchangeRates: [{ base: 'EUR', quote: 'USD', rate: 1.2 }], baseCurrency: 'EUR' }
}

test('a coupon applies from its start until just before its end', () => {
  const coupon = percentage(100_000, { startsAt: '2026-06-01T00:00:00.000Z', endsAt: '2026-07-01T00:00:00.000Z' })
  const at = (time: string) => applyCoupon(coupon, subtotal(1000), time).ok
  expect(at('2026-05-31T23:59:59.999Z')).toBe(false)
  expect(at('2026-06-01T00:00:00.000Z')).toBe(true)
  expect(at('2026-06-30T23:59:59.999Z')).toBe(true)
  expect(at('2026-07-01T00:00:00.000Z')).toBe(false)
})

test('validity compares moments, in any time zone', () => {
  const coupon = percentage(100_000, { endsAt: '2026-06-15T13:30:00+02:00' })
  expect(applyCoupon(coupon, subtotal(1000), now)).toEqual({ ok: false, fault: 'ended' })
  expect(applyCoupon(coupon, subtotal(1000), '2026-06-15T11:29:59.000Z').ok).toBe(true)
})

test('the minimum of a coupon is converted to the currency of the cart', () => {
  const coupon = percentage(100_000, { minimumMinor: 5000, minimumCurrency: 'EUR' })
  expect(applyCoupon(coupon, subtotal(5000), now).ok).toBe(true)
  expect(applyCoupon(coupon, subtotal(4999), now).ok).toBe(false)
  expect(applyCoupon(coupon, subtotal(6000, 'USD'), now).ok).toBe(true)
  expect(applyCoupon(coupon, subtotal(5999, 'USD'), now)).toEqual({
    ok: false,
    fault: 'minimum_not_reached',
    minimumMinor: 6000,
  })
  expect(applyCoupon(coupon, subtotal(9999, 'GBP'), now)).toEqual({ ok: false, fault: 'not_convertible' })
})

test('a percentage is rounded half up, and a fixed amount never exceeds the subtotal', () => {
  expect(applyCoupon(percentage(150_000), subtotal(1990), now)).toEqual({ ok: true, discountMinor: 299 })
  expect(applyCoupon(percentage(1_000_000), subtotal(1990), now)).toEqual({ ok: true, discountMinor: 1990 })
  expect(applyCoupon(fixed(500, 'EUR'), subtotal(1990), now)).toEqual({ ok: true, discountMinor: 500 })
  expect(applyCoupon(fixed(500, 'EUR'), subtotal(1990, 'USD'), now)).toEqual({ ok: true, discountMinor: 600 })
  expect(applyCoupon(fixed(5000, 'EUR'), subtotal(1990), now)).toEqual({ ok: true, discountMinor: 1990 })
  expect(applyCoupon(fixed(500, 'GBP'), subtotal(1990), now)).toEqual({ ok: false, fault: 'not_convertible' })
})
