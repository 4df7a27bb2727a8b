/** Choice of tax rates, and the tax of an amount. */
import { expect, test } from 'vitest'
import { taxOf, taxRateAt } from '../../src/domain/tax.ts'
import { addressIn, taxRate } from './sample.ts'

const california = taxRate('US', 72_500, { state: 'CA', included: false, name: 'CA' })
const states = taxRate('US', 10_000, { included: false, name: 'US' })
const anywhere = taxRate('*', 50_000, { name: 'Any' })
const exempt = taxRate('*', 0, { taxClass: 'exempt', name: 'Exempt' })
const food = taxRate('US', 20_000, { taxClass: 'food', included: false, name: 'US food' })
const rates = [anywhere, exempt, states, california, food]

test('the rate of the state precedes the country, and the country precedes every other country', () => {
  for (const table of [rates, [...rates].reverse()]) {
    expect(taxRateAt(addressIn('US', 'CA'), 'standard', table)?.name).toBe('CA')
    expect(taxRateAt(addressIn('US', 'NV'), 'standard', table)?.name).toBe('US')
    expect(taxRateAt(addressIn('US'), 'standard', table)?.name).toBe('US')
    expect(taxRateAt(addressIn('FR', 'CA'), 'standard', table)?.name).toBe('Any')
    expect(taxRateAt(null, 'standard', table)?.name).toBe('Any')
  }
})

test('a rate of the class precedes a standard rate of a nearer place', () => {
  for (const table of [rates, [...rates].reverse()]) {
    expect(taxRateAt(addressIn('US', 'CA'), 'food', table)?.name).toBe('US food')
    expect(taxRateAt(addressIn('US', 'CA'), 'exempt', table)?.name).toBe('Exempt')
    expect(taxRateAt(addressIn('US', 'CA'), 'toys', table)?.name).toBe('CA')
  }
})

test('without a rate there is no tax', () => {
  expect(taxRateAt(addressIn('FR'), 'standard', [california, states])).toBeNull()
  expect(taxRateAt(null, 'standard', [california, states])).toBeNull()
  expect(taxRateAt(addressIn('FR'), 'standard', [food])).toBeNull()
  expect(taxOf(1000, null)).toEqual({ taxMinor: 0, addedTaxMinor: 0 })
})

test('included tax is taken from the price and added tax goes on top, rounded half up', () => {
  // 119.00 × 19/119 = 19.00; 19.99 × 19/119 = 3.1916…
  expect(taxOf(11_900, taxRate('DE', 190_000))).toEqual({ taxMinor: 1900, addedTaxMinor: 0 })
  expect(taxOf(1999, taxRate('DE', 190_000))).toEqual({ taxMinor: 319, addedTaxMinor: 0 })
  // 30.00 × 7.25 % = 2.175
  expect(taxOf(3000, california)).toEqual({ taxMinor: 218, addedTaxMinor: 218 })
})
