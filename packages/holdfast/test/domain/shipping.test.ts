/** Choice and price of shipping methods. */
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

test('the chosen method is used, else the cheapest', () => {
  expect(chosen('express', 'DE', 'EUR')).toEqual(['express', 1290])
  expect(chosen(null, 'DE', 'EUR')).toEqual(['parcel', 490])
})

test('the first of equally cheap methods is used', () => {
  const twins = [shippingOption('b', [['*', 'EUR', 100]]), shippingOption('a', [['*', 'EUR', 100]])]
  const destination = { country: 'DE', currency: 'EUR', exchangeRates: [], baseCurrency: 'EUR' }
  expect(chooseShipping(null, destination, twins)?.option.code).toBe('b')
})

test('a rate in the currency precedes a converted rate of the base currency', () => {
  expect(chosen('parcel', 'DE', 'USD')).toEqual(['parcel', 600])
  expect(chosen('parcel', 'DE', 'GBP')).toEqual(['parcel', 392])
  expect(chosen('parcel', 'FR', 'USD')).toEqual(['parcel', 1650])
})

test('without a rate in the base currency the lowest converted rate is used', () => {
  const odd = shippingOption('odd', [
    ['*', 'USD', 1100],
    ['*', 'GBP', 700],
  ])
  const destination = { country: 'DE', currency: 'EUR', exchangeRates, baseCurrency: 'EUR' }
  expect(chooseShipping('odd', destination, [odd])?.amountMinor).toBe(875)
})

test('a country with rates of its own never uses those of every country', () => {
  expect(chosen('parcel', 'CH', 'CHF')).toEqual(['parcel', 900])
  expect(chosen('parcel', 'CH', 'EUR')).toBeNull()
})

test('there is no price if no method serves', () => {
  expect(chosen('express', 'FR', 'EUR')).toBeNull()
  expect(chosen('drone', 'DE', 'EUR')).toBeNull()
  expect(chosen('express', 'DE', 'JPY')).toBeNull()
})
