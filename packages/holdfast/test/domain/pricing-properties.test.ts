/** Properties of quotes for random carts and terms. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { type Coupon, type PricingTerms, quote } from '../../src/domain/pricing.ts'
import { addressIn, cartOf, fixed, percentage, shippingOption, taxRate, termsOf } from './sample.ts'

const runs = { numRuns: 2000 }
const currency = fc.constantFrom('EUR', 'USD', 'JPY', 'KWD', 'CLF')
const taxClass = fc.constantFrom('standard', 'reduced', 'exempt', 'unheard-of')
const place = fc.constantFrom(['DE', ''], ['US', 'CA'], ['US', ''], ['*', ''])
const line = fc.record({
  unitMinor: fc.oneof(fc.nat({ max: 20_000 }), fc.nat({ max: 2 ** 35 })),
  quantity: fc.integer({ min: 1, max: 9999 }),
  taxClass,
  requiresShipping: fc.boolean(),
})
const rate = fc
  .record({ place, taxClass, ratePpm: fc.nat({ max: 1_000_000 }), included: fc.boolean() })
  .map(({ place: [country = '*', state = ''], ...rest }) => taxRate(country, rest.ratePpm, { ...rest, state }))
const coupon: fc.Arbitrary<Coupon | null> = fc.oneof(
  fc.constant(null),
  fc.integer({ min: 1, max: 1_000_000 }).map(ppm => percentage(ppm)),
  fc.tuple(fc.integer({ min: 1, max: 1_000_000 }), currency).map(([amount, code]) => fixed(amount, code)),
)
const exchangeRates = ['USD', 'JPY', 'KWD', 'CLF'].map((code, index) => ({
  base: 'EUR',
  quote: code,
  rate: [1.1, 160.5, 0.333, 0.0271][index] ?? 1,
}))
const terms: fc.Arbitrary<PricingTerms> = fc
  .record({
    coupon,
    taxRates: fc.array(rate, { maxLength: 6 }),
    address: fc.constantFrom(null, addressIn('DE'), addressIn('US', 'CA'), addressIn('FR')),
    shippingMinor: fc.nat({ max: 100_000 }),
    shippingCurrency: currency,
  })
  .map(({ address, shippingMinor, shippingCurrency, ...rest }) =>
    termsOf({
      ...rest,
      shippingAddress: address,
      shipping: [shippingOption('any', [['*', shippingCurrency, shippingMinor]])],
      exchangeRates,
    }),
  )
const cart = fc
  .tuple(fc.array(line, { minLength: 1, maxLength: 8 }), currency)
  .map(([lines, code]) => cartOf(lines, { currency: code }))

function sum(amounts: number[]): bigint {
  return amounts.reduce((total, amount) => total + BigInt(amount), 0n)
}

test('a quote adds up to the minor unit, for any currency, discount, tax, and quantity', () => {
  fc.assert(
    fc.property(cart, terms, (someCart, someTerms) => {
      const result = quote(someCart, someTerms)
      if (!result.ok) throw new Error(JSON.stringify(result.failure))
      const { quote: got } = result
      const { lines, shipping } = got
      for (const { subtotalMinor, discountMinor, addedTaxMinor, totalMinor, unitMinor, quantity } of lines) {
        expect(BigInt(subtotalMinor)).toBe(BigInt(unitMinor) * BigInt(quantity))
        expect(totalMinor).toBe(subtotalMinor - discountMinor + addedTaxMinor)
      }
      expect(sum(lines.map(each => each.subtotalMinor))).toBe(BigInt(got.subtotalMinor))
      expect(sum(lines.map(each => each.discountMinor))).toBe(BigInt(got.discountMinor))
      expect(sum(lines.map(each => each.taxMinor)) + BigInt(shipping?.taxMinor ?? 0)).toBe(BigInt(got.taxMinor))
      expect(sum(lines.map(each => each.addedTaxMinor)) + BigInt(shipping?.addedTaxMinor ?? 0)).toBe(
        BigInt(got.addedTaxMinor),
      )
      expect(sum(got.taxes.map(tax => tax.taxMinor))).toBe(BigInt(got.taxMinor))
      expect(got.shippingMinor).toBe(shipping?.amountMinor ?? 0)
      const shipped = BigInt(shipping?.amountMinor ?? 0) + BigInt(shipping?.addedTaxMinor ?? 0)
      expect(sum(lines.map(each => each.totalMinor)) + shipped).toBe(BigInt(got.totalMinor))
      expect(got.coupon?.discountMinor ?? 0).toBe(got.discountMinor)
    }),
    runs,
  )
})

test('a quote satisfies the constraints of the price snapshots: nothing negative, no discount or added tax above its whole', () => {
  fc.assert(
    fc.property(cart, terms, (someCart, someTerms) => {
      const result = quote(someCart, someTerms)
      if (!result.ok) throw new Error(JSON.stringify(result.failure))
      const { quote: got } = result
      const rows = [...got.lines.map(each => ({ ...each, shippingMinor: 0 })), got]
      // One expectation for all rows: thousands of them would take longer than the quotes.
      const fits = (row: (typeof rows)[number]) =>
        row.subtotalMinor >= 0 &&
        row.discountMinor >= 0 &&
        row.discountMinor <= row.subtotalMinor &&
        row.addedTaxMinor >= 0 &&
        row.addedTaxMinor <= row.taxMinor &&
        row.shippingMinor >= 0 &&
        row.totalMinor >= 0 &&
        row.totalMinor === row.subtotalMinor - row.discountMinor + row.addedTaxMinor + row.shippingMinor &&
        Object.values(row).every(value => typeof value !== 'number' || Number.isFinite(value))
      expect(rows.filter(row => !fits(row))).toEqual([])
    }),
    runs,
  )
})

test('a quote has only safe integers, or fails, for amounts of any size', () => {
  const huge = fc.record({
    unitMinor: fc.nat({ max: Number.MAX_SAFE_INTEGER }),
    quantity: fc.oneof(fc.constant(1), fc.integer({ min: 1, max: 9999 })),
  })
  fc.assert(
    fc.property(fc.array(huge, { minLength: 1, maxLength: 3 }), terms, (lines, someTerms) => {
      const result = quote(cartOf(lines), someTerms)
      const exact = lines.reduce((total, each) => total + BigInt(each.unitMinor) * BigInt(each.quantity), 0n)
      if (result.ok) {
        expect(BigInt(result.quote.subtotalMinor)).toBe(exact)
        expect(Number.isSafeInteger(result.quote.totalMinor)).toBe(true)
        for (const each of result.quote.lines) expect(Number.isSafeInteger(each.totalMinor)).toBe(true)
      } else {
        expect(result.failure).toMatchObject({ code: 'invalid_argument', context: { reason: 'amount_too_large' } })
      }
    }),
    runs,
  )
})

test('the same cart and terms give the same quote, and are not changed', () => {
  fc.assert(
    fc.property(cart, terms, (someCart, someTerms) => {
      const before = JSON.stringify([someCart, someTerms])
      expect(quote(someCart, someTerms)).toEqual(quote(someCart, someTerms))
      expect(JSON.stringify([someCart, someTerms])).toBe(before)
    }),
    { numRuns: 200 },
  )
})
