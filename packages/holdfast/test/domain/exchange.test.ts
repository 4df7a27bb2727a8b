/** Conversion between currencies. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { convertMinor, exchangeRateBetween, unitPriceIn } from '../../src/domain/exchange.ts'

const rates = [
  { base: 'EUR', quote: 'USD', rate: 1.1 },
  { base: 'EUR', quote: 'JPY', rate: 160.5 },
  { base: 'EUR', quote: 'KWD', rate: 0.333 },
]

test('a conversion uses the direct rate and the decimals of both currencies', () => {
  expect(convertMinor(1000, 'EUR', 'USD', rates)).toBe(1100)
  expect(convertMinor(1000, 'EUR', 'JPY', rates)).toBe(1605)
  expect(convertMinor(1000, 'EUR', 'KWD', rates)).toBe(3330)
  expect(convertMinor(1000, 'EUR', 'EUR', [])).toBe(1000)
})

test('a conversion by the inverse rate, or through a third currency, rounds once', () => {
  expect(convertMinor(1100, 'USD', 'EUR', rates)).toBe(1000)
  expect(convertMinor(1605, 'JPY', 'EUR', rates)).toBe(1000)
  // 100 ÷ 1.1 × 160.5 ÷ 100 = 145.909…; through 0.91 EUR it would be 146.055
  expect(convertMinor(100, 'USD', 'JPY', rates)).toBe(146)
  // 1 ÷ 1.1 × 0.333 × 10 = 3.027…; through 0.01 EUR it would be 3.33
  expect(convertMinor(100, 'USD', 'KWD', rates)).toBe(303)
})

test('a half is rounded up, with the rate as the decimal that was written', () => {
  // 1.005 as a binary fraction is less than 1.005
  expect(convertMinor(100, 'EUR', 'USD', [{ base: 'EUR', quote: 'USD', rate: 1.005 }])).toBe(101)
  expect(convertMinor(100, 'EUR', 'USD', [{ base: 'EUR', quote: 'USD', rate: 1.0049 }])).toBe(100)
  expect(convertMinor(50_000_000, 'EUR', 'USD', [{ base: 'EUR', quote: 'USD', rate: 1e-7 }])).toBe(5)
})

test('the direct rate precedes the inverse, and the given pivot precedes the first currency by code', () => {
  const both = [
    { base: 'USD', quote: 'EUR', rate: 0.5 },
    { base: 'EUR', quote: 'USD', rate: 1.1 },
  ]
  expect(convertMinor(1000, 'EUR', 'USD', both)).toBe(1100)
  const over = [
    { base: 'GBP', quote: 'NOK', rate: 13 },
    { base: 'GBP', quote: 'SEK', rate: 13 },
    { base: 'CHF', quote: 'NOK', rate: 10 },
    { base: 'CHF', quote: 'SEK', rate: 20 },
  ]
  expect(convertMinor(1000, 'NOK', 'SEK', over)).toBe(2000)
  expect(convertMinor(1000, 'NOK', 'SEK', [...over].reverse())).toBe(2000)
  expect(convertMinor(1000, 'NOK', 'SEK', over, 'GBP')).toBe(1000)
  expect(convertMinor(1000, 'NOK', 'SEK', over, 'USD')).toBe(2000)
})

test('a conversion is null without a rate, for an unknown currency, and above the largest amount', () => {
  expect(convertMinor(1, 'EUR', 'GBP', rates)).toBeNull()
  expect(convertMinor(1, 'EUR', 'XYZ', [{ base: 'EUR', quote: 'XYZ', rate: 2 }])).toBeNull()
  expect(convertMinor(Number.MAX_SAFE_INTEGER, 'EUR', 'USD', rates)).toBeNull()
  expect(convertMinor(-1, 'EUR', 'USD', rates)).toBeNull()
  for (const rate of [0, -1, Number.NaN, Number.POSITIVE_INFINITY]) {
    expect(convertMinor(1, 'EUR', 'USD', [{ base: 'EUR', quote: 'USD', rate }])).toBeNull()
  }
})

test('a conversion there and back returns the amount, within rounding', () => {
  const rate = fc.integer({ min: 10_000, max: 1_000_000 }).map(scaled => scaled / 10_000)
  fc.assert(
    fc.property(fc.nat({ max: 2 ** 40 }), rate, (minor, value) => {
      const table = [{ base: 'EUR', quote: 'USD', rate: value }]
      const there = convertMinor(minor, 'EUR', 'USD', table)
      expect(there).not.toBeNull()
      expect(convertMinor(there ?? 0, 'USD', 'EUR', table)).toBe(minor)
    }),
  )
})

test('the rate between two currencies follows the same path as a conversion', () => {
  expect(exchangeRateBetween('EUR', 'EUR', [])).toBe(1)
  expect(exchangeRateBetween('EUR', 'USD', rates)).toBe(1.1)
  expect(exchangeRateBetween('USD', 'EUR', rates)).toBeCloseTo(1 / 1.1, 15)
  expect(exchangeRateBetween('EUR', 'GBP', rates)).toBeNull()
})

test('a price set in the currency precedes a converted price of the base currency', () => {
  const prices = [
    { currency: 'EUR', amountMinor: 1000 },
    { currency: 'USD', amountMinor: 1299 },
  ]
  expect(unitPriceIn('USD', prices, 'EUR', rates)).toBe(1299)
  expect(unitPriceIn('JPY', prices, 'EUR', rates)).toBe(1605)
  expect(unitPriceIn('GBP', prices, 'EUR', rates)).toBeNull()
  expect(unitPriceIn('EUR', prices.slice(1), 'EUR', rates)).toBeNull()
  expect(unitPriceIn('JPY', prices.slice(1), 'EUR', rates)).toBeNull()
})
