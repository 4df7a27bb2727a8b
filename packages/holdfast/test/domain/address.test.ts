/** Validation of addresses. */
import { expect, test } from 'vitest'
import { isCountry, validateAddress } from '../../src/domain/address.ts'
import type { Address } from '../../src/domain/cart.ts'

const complete: Address = {
  firstName: 'Ada',
  lastName: 'King',
  lineOne: '12 St James’s Square',
  city: 'London',
  postcode: 'SW1Y 4JH',
  country: 'GB',
}

function wrongWith(change: Partial<Record<keyof Address, unknown>>): string[] {
  return validateAddress({ ...complete, ...change } as Address)
}

test('a complete address is valid, with or without optional fields', () => {
  expect(validateAddress(complete)).toEqual([])
  expect(wrongWith({ lineTwo: 'Flat 3', state: 'London', phone: '+44 (0)20 7946-0123 x7' })).toEqual([])
  expect(wrongWith({ lineTwo: '', state: undefined, phone: null })).toEqual([])
})

test('missing fields are named in the order of a form', () => {
  expect(validateAddress({} as Address)).toEqual(['firstName', 'lastName', 'lineOne', 'city', 'postcode', 'country'])
  expect(wrongWith({ city: '  ', lastName: '' })).toEqual(['lastName', 'city'])
})

test('only officially assigned country codes in upper case are valid', () => {
  expect(['DE', 'US', 'JP', 'KW', 'AX'].every(isCountry)).toBe(true)
  for (const country of ['de', 'UK', 'EU', 'XX', 'ZZ', 'DD', 'AN', '*', '', 'DEU', 'Germany', 49]) {
    expect(wrongWith({ country }), String(country)).toEqual(['country'])
  }
})

test('the list of countries is as long as that of ISO 3166-1', () => {
  const letters = [...'ABCDEFGHIJKLMNOPQRSTUVWXYZ']
  const known = letters.flatMap(a => letters.map(b => a + b)).filter(isCountry)
  expect(known).toHaveLength(249)
})

test('a postcode is not required in a country without postcodes', () => {
  expect(wrongWith({ country: 'HK', postcode: '' })).toEqual([])
  expect(wrongWith({ country: 'AE', postcode: undefined })).toEqual([])
  expect(wrongWith({ country: 'DE', postcode: '' })).toEqual(['postcode'])
})

test('line breaks, control characters, overlong texts, and values that are not text are invalid', () => {
  expect(wrongWith({ firstName: 'Ada\r\nBcc: all@example.com' })).toEqual(['firstName'])
  expect(wrongWith({ lineTwo: '\u0000' })).toEqual(['lineTwo'])
  expect(wrongWith({ lineOne: 'a'.repeat(201), postcode: '1'.repeat(21) })).toEqual(['lineOne', 'postcode'])
  expect(wrongWith({ city: 7, state: {} })).toEqual(['city', 'state'])
  expect(wrongWith({ phone: 'call me' })).toEqual(['phone'])
})
