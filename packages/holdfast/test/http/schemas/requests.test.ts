import { describe, expect, it } from 'vitest'
import { addLineSchema, addressSchema, checkoutSchema, paymentOfBody } from '../../../src/http/schemas/requests.ts'
import { issuesOf } from '../../../src/http/schemas/validation-issues.ts'
import { address } from '../open-shop.ts'

function issues(schema: typeof checkoutSchema | typeof addressSchema | typeof addLineSchema, value: unknown) {
  const parsed = schema.safeParse(value)
  return parsed.success ? [] : issuesOf(parsed.error)
}

describe('request schemas', () => {
  it('accept the body of the guide', () => {
    const body = checkoutSchema.parse({
      method: 'card',
      token: 'test_token',
      shipping_address: address,
      billing_address: { ...address, line_two: '', state: null },
    })
    expect(paymentOfBody(body, 'https://shop.example/checkout')).toMatchObject({
      method: 'card',
      token: 'test_token',
      shippingAddress: { firstName: 'Ada', country: 'DE' },
      billingAddress: { lineTwo: undefined, state: undefined },
    })
  })

  it('keep absent fields absent, so that the values of the cart apply', () => {
    expect(paymentOfBody(checkoutSchema.parse({ billing_address: null, email: '' }), 'r')).toEqual({ returnUrl: 'r' })
  })

  it('report every invalid field with a message', () => {
    expect(
      issues(checkoutSchema, {
        email: 'ada',
        shipping_address: { ...address, first_name: '', country: 'XX' },
        price: 1,
      }),
    ).toEqual(
      expect.arrayContaining([
        { path: 'email', message: 'must be an email address' },
        { path: 'shipping_address.first_name', message: 'must not be empty' },
        { path: 'shipping_address.country', message: 'must be a country code like DE (ISO 3166 alpha-2)' },
        { path: 'price', message: 'is not a known field' },
      ]),
    )
    expect(issues(addLineSchema, {})).toEqual([{ path: 'sku', message: 'is required' }])
  })

  it('require a postcode only in countries that have postcodes', () => {
    const { postcode: _, ...without } = address
    expect(issues(addressSchema, without)).toEqual([{ path: 'postcode', message: 'must not be empty' }])
    expect(issues(addressSchema, { ...without, country: 'HK' })).toEqual([])
  })

  it.each([0, -1, 1.5, 10_000, '1', null, Number.POSITIVE_INFINITY, Number.MAX_SAFE_INTEGER + 1])(
    'reject the quantity %s',
    quantity => {
      expect(issues(addLineSchema, { sku: 'A', quantity })).not.toEqual([])
    },
  )

  it.each(['a\u0000b', 'line\nbreak', '\ud800', ' ', 'x'.repeat(201)])('reject the text %j', text => {
    expect(issues(addressSchema, { ...address, line_one: text })).not.toEqual([])
  })

  it.each([-1, 0.5, '100', Number.MAX_SAFE_INTEGER + 1])('reject the expected total %s', total => {
    expect(issues(checkoutSchema, { expected_total: total })).not.toEqual([])
  })
})
