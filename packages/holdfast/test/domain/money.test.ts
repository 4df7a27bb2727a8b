/** Amounts and currencies. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { currencyDecimals, formatMoney, isCurrency, isMinor, parseDecimal, proportion } from '../../src/domain/money.ts'

const amount = fc.nat({ max: Number.MAX_SAFE_INTEGER })

test('currencies have the decimals of ISO 4217, also if the runtime differs', () => {
  const codes = ['USD', 'EUR', 'JPY', 'KRW', 'KWD', 'BHD', 'CLF', 'HUF', 'IQD', 'MGA']
  expect(codes.map(currencyDecimals)).toEqual([2, 2, 0, 0, 3, 3, 4, 2, 3, 2])
})

test('an unknown currency is refused', () => {
  expect(['USD', 'usd', 'XYZ', ''].map(isCurrency)).toEqual([true, false, false, false])
  expect(() => currencyDecimals('XYZ')).toThrow(expect.objectContaining({ code: 'invalid_argument' }))
})

test('only safe, whole amounts from 0 are valid', () => {
  for (const amount of [0, 1, Number.MAX_SAFE_INTEGER]) expect(isMinor(amount)).toBe(true)
  for (const bad of [-1, 0.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 53]) expect(isMinor(bad)).toBe(false)
})

test('decimals are parsed exactly, with the decimals of the currency', () => {
  expect(parseDecimal('9.99', 'USD')).toBe(999)
  expect(parseDecimal('9.9', 'USD')).toBe(990)
  expect(parseDecimal('9', 'USD')).toBe(900)
  expect(parseDecimal('007.10', 'EUR')).toBe(710)
  expect(parseDecimal('1980', 'JPY')).toBe(1980)
  expect(parseDecimal('12.345', 'KWD')).toBe(12345)
  expect(parseDecimal('4.35', 'USD')).toBe(435)
  expect(parseDecimal('90071992547409.91', 'USD')).toBe(Number.MAX_SAFE_INTEGER)
})

test('text that is not a plain amount of the currency is not parsed', () => {
  const notUsd = [
    '',
    ' ',
    '9.999',
    '-1',
    '+1',
    '.5',
    '5.',
    '1,000',
    '1e3',
    '0x10',
    'free',
    '9.99 USD',
    ' 9',
    '٣',
    '90071992547409.92',
  ]
  for (const text of notUsd) expect(parseDecimal(text, 'USD'), text).toBeNull()
  expect(parseDecimal('1.5', 'JPY')).toBeNull()
  expect(parseDecimal('1.00', 'XYZ')).toBeNull()
})

test('every amount survives formatting and parsing', () => {
  fc.assert(
    fc.property(amount, fc.constantFrom('JPY', 'USD', 'KWD', 'CLF'), (minor, currency) => {
      const decimals = currencyDecimals(currency)
      const digits = String(minor).padStart(decimals + 1, '0')
      const whole = digits.slice(0, digits.length - decimals)
      const text = decimals === 0 ? whole : `${whole}.${digits.slice(-decimals)}`
      expect(parseDecimal(text, currency)).toBe(minor)
    }),
  )
})

test('amounts are formatted for the locale, exact to the minor unit', () => {
  expect(formatMoney(1999, 'USD', 'en')).toBe('$19.99')
  expect(formatMoney(1999, 'EUR', 'de').replace(/\s/g, ' ')).toBe('19,99 €')
  expect(formatMoney(1980, 'JPY', 'en')).toBe('¥1,980')
  expect(formatMoney(12345, 'KWD', 'en').replace(/\s/g, ' ')).toBe('KWD 12.345')
  expect(formatMoney(150050, 'HUF', 'en').replace(/\s/g, ' ')).toBe('HUF 1,500.50')
  expect(formatMoney(-500, 'USD', 'en')).toBe('-$5.00')
  expect(formatMoney(Number.MAX_SAFE_INTEGER, 'USD', 'en')).toBe('$90,071,992,547,409.91')
})

test('a proportion is exact and rounded half up, also for huge products', () => {
  expect(proportion(3000, 72_500, 1_000_000)).toBe(218)
  expect(proportion(1, 1, 2)).toBe(1)
  expect(proportion(1, 499_999, 1_000_000)).toBe(0)
  fc.assert(
    fc.property(amount, fc.nat({ max: 2_000_000 }), fc.integer({ min: 1, max: 2_000_000 }), (total, part, whole) => {
      const numerator = Math.min(part, whole)
      const exact = (2n * BigInt(total) * BigInt(numerator) + BigInt(whole)) / (2n * BigInt(whole))
      expect(BigInt(proportion(total, numerator, whole))).toBe(exact)
    }),
  )
})
