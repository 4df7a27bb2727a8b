import { expect, test } from 'vitest'
import { chooseShipping } from '../../src/domain/shipping.ts'
import { shippingOption } from './sample.ts'

const parcel = shippingOption('parcel', [
  ['DE', 'EUR', 490],
  ['DE', 'USD', 600],
  ['CH', 'CHF', 900],
  ['*', 'EUR', 1500],
])
const express = shippingOption('express', [['DE', 'EUR', 1290]])
const options = [express, parcel]
const exchangeRates = [
  { base: 'EUR', quote: 'USD', rate: 1.1 },
  { base: 'EUR', quote: 'GBP', rate: 0.8 },
]

function chosen(method: string | null, country: string, currency: string) {
  const destination = { country, currency, exchangeRates, baseCurrency: 'EUR' }
  const choice = chooseShipping(method, destination, options)
  return choice && [choice.option.code, choice.amountMinor]
}

test('takes the method that was chosen, else the cheapest', () => {
  expect(chosen('express', 'DE', 'EUR')).toEqual(['express', 1290])
  expect(chosen(null, 'DE', 'EUR')).toEqual(['parcel', 490])
})

test('takes the first of equally cheap methods', () => {
  const twins = [shippingOption('b', [['*', 'EUR', 100]]), shippingOption('a', [['*', 'EUR', 100]])]
  const destination = { country: 'DE', currency: 'EUR', exchangeRates: [], baseCurrency: 'EUR' }
  expect(chooseShipping(null, destination, twins)?.option.code).toBe('b')
})

test('takes the rate set in the currency before one converted from the base currency', () => {
  expect(chosen('parcel', 'DE', 'USD')).toEqual(['parcel', 600])
  expect(chosen('parcel', 'DE', 'GBP')).toEqual(['parcel', 392])
  expect(chosen('parcel', 'FR', 'USD')).toEqual(['parcel', 1650])
})

test('takes the lowest of the others where the base currency has none', () => {
  const odd = shippingOption('odd', [
    ['*', 'USD', 1100],
    ['*', 'GBP', 700],
  ])
  const destination = { country: 'DE', currency: 'EUR', exchangeRates, baseCurrency: 'EUR' }
  expect(chooseShipping('odd', destination, [odd])?.amountMinor).toBe(875)
})

test('does not fall back to the rates of everywhere in a country that has its own', () => {
  expect(chosen('parcel', 'CH', 'CHF')).toEqual(['parcel', 900])
  expect(chosen('parcel', 'CH', 'EUR')).toBeNull()
})

test('has no answer where nothing serves', () => {
  expect(chosen('express', 'FR', 'EUR')).toBeNull()
  expect(chosen('drone', 'DE', 'EUR')).toBeNull()
  expect(chosen('express', 'DE', 'JPY')).toBeNull()
})
