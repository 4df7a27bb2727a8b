/** Amounts survive the way to Stripe and back to the minor unit, or are not sent at all. */
import * as currencies from 'dinero.js/currencies'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { fromStripe, toStripe } from '../../../src/payments/stripe/amount.ts'

const codes = Object.values(currencies).map(({ code }) => code as string)

describe('an amount for Stripe', () => {
  it.each([
    ['USD', 1_999, 1_999],
    ['EUR', 0, 0],
    // Stripe counts these without decimals, as ISO 4217 does.
    ['JPY', 500, 500],
    ['KRW', 12_000, 12_000],
    ['CLP', 990, 990],
    ['VND', 250_000, 250_000],
    // Three decimals, of which the last has to be zero.
    ['KWD', 1_230, 1_230],
    ['KWD', 1_234, null],
    ['BHD', 5, null],
    // No decimals in the world, two at Stripe.
    ['ISK', 500, 50_000],
    ['UGX', 1, 100],
    // Two decimals by ISO 4217, none at Stripe.
    ['MGA', 15_000, 150],
    ['MGA', 15_050, null],
    // Two decimals by ISO 4217, though its bank notes know none; two at Stripe.
    ['HUF', 100_000, 100_000],
  ])('of %s %i is %s', (currency, amountMinor, amount) => {
    expect(toStripe(amountMinor, currency)).toBe(amount)
    if (amount !== null) expect(fromStripe(amount, currency.toLowerCase())).toBe(amountMinor)
  })

  it('comes back exactly as it went, in every currency, or is refused', () => {
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

  it('is never refused for two decimals, up to the largest safe integer', () => {
    fc.assert(fc.property(fc.maxSafeNat(), amountMinor => toStripe(amountMinor, 'USD') === amountMinor))
  })

  it('is refused where it would leave the safe integers', () => {
    expect(toStripe(Number.MAX_SAFE_INTEGER, 'ISK')).toBeNull()
  })

  it('of what is no currency is a mistake of the caller', () => {
    expect(() => toStripe(100, 'XYZ')).toThrow('This is not a currency of ISO 4217.')
  })
})

describe('an amount of Stripe’s', () => {
  it('that ours cannot count is no whole number, which no engine takes for an amount', () => {
    expect(Number.isSafeInteger(fromStripe(50_050, 'isk'))).toBe(false)
  })
})
