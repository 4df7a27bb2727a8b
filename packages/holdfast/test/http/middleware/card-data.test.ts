import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { holdsCardData, looksLikeCardNumber } from '../../../src/http/middleware/card-data.ts'

describe('card data detection', () => {
  it.each([
    '4242424242424242',
    '4242 4242 4242 4242',
    '4242-4242-4242-4242',
    'my card is 378282246310005, thanks',
    'tok_4242424242424242',
    '6011000990139424',
  ])('finds the card number in %j', text => {
    expect(looksLikeCardNumber(text)).toBe(true)
  })

  it.each([
    '4242424242424241',
    '+49 151 2345 67890',
    '0049 40 1234 567890',
    'Hafenstraße 1, 20457 Hamburg',
    '424242424242',
    'tok_approve',
    '01234567-1234-7123-8123-123456789012',
    'buyer-01a2066f-1345-7480-8767-1f58ff0ef65c@example.com',
    'https://shop.example/checkout?lock=01a2066f-1345-7480-8767-1f58ff0ef65c&returned=1',
  ])('finds no card number in %j', text => {
    expect(looksLikeCardNumber(text)).toBe(false)
  })

  it('never mistakes a checkout ID for a card number', () => {
    fc.assert(fc.property(fc.uuid(), id => !holdsCardData({ lock_id: id })))
  })

  it('never mistakes an international telephone number for a card number', () => {
    const digits = fc.stringMatching(/^[1-9][0-9]{6,14}$/)
    fc.assert(fc.property(digits, number => !looksLikeCardNumber(`+${number}`)))
  })

  it.each([
    { cvc: '123' },
    { card: { CVV2: '123' } },
    { 'card-number': 'x' },
    { card_number: null },
    { list: [{ securityCode: 1 }] },
    { payment: { number: 4_242_424_242_424_242 } },
    { '4242424242424242': true },
    [['4242424242424242']],
    '4242424242424242',
  ])('finds card data in the body %j', body => {
    expect(holdsCardData(body)).toBe(true)
  })

  it.each([null, 0, '', [], {}, { token: 'tok_approve', notes: 'ring twice' }])(
    'finds no card data in the body %j',
    body => {
      expect(holdsCardData(body)).toBe(false)
    },
  )

  it('reads the most deeply nested body that fits the size limit', () => {
    const body: unknown = JSON.parse(`${'['.repeat(30_000)}"4242424242424242"${']'.repeat(30_000)}`)
    expect(holdsCardData(body)).toBe(true)
  })
})
