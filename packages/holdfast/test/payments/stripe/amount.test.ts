/** Amounts survive the round trip to Stripe to the minor unit, or are refused. */
import * as currencies from 'dinero.js/currencies'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { fromStripe, toStripe } from '../../../src/payments/stripe/amount.ts'

const codes = Object.values(currencies).map(({ code }) => code as string)

describe('An amount for Stripe', () => {
  it.each([
    ['USD', 1_999, 1_999],
    ['EUR', 0, 0],
    // No decimals at Stripe and in ISO 4217.
    ['JPY', 500, 500],
    ['KRW', 12_000, 12_000],
    ['CLP', 990, 990],
    ['VND', 250_000, 250_000],
    // Three decimals, of which the last must be zero.
    ['KWD', 1_230, 1_230],
    ['KWD', 1_234, null],
    ['BHD', 5, null],
    // No decimals in ISO 4217, two at Stripe.
    ['ISK', 500, 50_000],
    ['UGX', 1, 100],
    // Two decimals in ISO 4217, none at Stripe.
    ['MGA', 15_000, 150],
    ['MGA', 15_050, null],
    // Two decimals in ISO 4217 and at Stripe, although none are in use.
    ['HUF', 100_000, 100_000],
  ])('%s %i is sent as %s', (currency, amountMinor, amount) => {
    expect(toStripe(amountMinor, currency)).toBe(amount)
    if (amount !== null) expect(fromStripe(amount, currency.toLowerCase())).toBe(amountMinor)
  })

  it('an amount in any currency survives the round trip exactly, or is refused', () => {
    fc.assert(
      fc.property(fc.constantFrom(...codes), fc.maxSafeNat(), (currency, amountMinor) => {
        const amount = toStripe(amountMinor, currency)
        if (amount === null) return
        expect(Number.isSafeInteger(amount)).toBe(true)
        expect(fromStripe(amount, currency)).toBe(amountMinor)
      }),
      { numRuns: 2_000 },
    )
  })

  it('a currency with two decimals never has an amount refused', () => {
    fc.assert(fc.property(fc.maxSafeNat(), amountMinor => toStripe(amountMinor, 'USD') === amountMinor))
  })

  it('an amount beyond the safe integers is refused', () => {
    expect(toStripe(Number.MAX_SAFE_INTEGER, 'ISK')).toBeNull()
  })

  it('an unknown currency throws', () => {
    expect(() => toStripe(100, 'XYZ')).toThrow(
      'unknown currency "XYZ"; expected a three-letter ISO 4217 code in upper case',
    )
  })
})

describe('An amount from Stripe', () => {
  it('an amount that ISO 4217 cannot express is not an integer, so the engine rejects it', () => {
    expect(Number.isSafeInteger(fromStripe(50_050, 'isk'))).toBe(false)
  })
})
