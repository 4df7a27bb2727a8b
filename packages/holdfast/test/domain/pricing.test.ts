/** The built-in pricing, by example. */
import { expect, test } from 'vitest'
import { addressIn, cartOf, fixed, percentage, quoted, refused, shippingOption, taxRate, termsOf } from './sample.ts'

const german = termsOf({
  shippingAddress: addressIn('DE'),
  taxRates: [taxRate('DE', 190_000, { name: 'MwSt.' }), taxRate('DE', 70_000, { taxClass: 'reduced', name: 'MwSt.' })],
  shipping: [shippingOption('dhl', [['DE', 'EUR', 490]])],
})

test('German tax is included in prices and in shipping', () => {
  const quote = quoted(
    cartOf([
      { unitMinor: 1999, quantity: 2 },
      { unitMinor: 1290, taxClass: 'reduced' },
    ]),
    german,
  )
  // 39.98 × 19/119 = 6.383…, 12.90 × 7/107 = 0.843…, 4.90 × 19/119 = 0.782…
  expect(quote.lines.map(line => [line.subtotalMinor, line.taxMinor, line.addedTaxMinor, line.totalMinor])).toEqual([
    [3998, 638, 0, 3998],
    [1290, 84, 0, 1290],
  ])
  expect(quote).toMatchObject({
    currency: 'EUR',
    subtotalMinor: 5288,
    discountMinor: 0,
    taxMinor: 800,
    addedTaxMinor: 0,
    shippingMinor: 490,
    totalMinor: 5778,
    coupon: null,
    shipping: { code: 'dhl', name: 'By dhl', amountMinor: 490, taxMinor: 78, addedTaxMinor: 0 },
    taxes: [
      { name: 'MwSt.', ratePpm: 190_000, included: true, taxMinor: 716 },
      { name: 'MwSt.', ratePpm: 70_000, included: true, taxMinor: 84 },
    ],
    baseCurrency: 'EUR',
    exchangeRate: 1,
  })
})

test('American tax is added to the discounted price and to shipping', () => {
  const terms = termsOf({
    shippingAddress: addressIn('US', 'CA'),
    taxRates: [taxRate('US', 72_500, { state: 'CA', included: false, name: 'Sales tax' })],
    shipping: [shippingOption('ups', [['US', 'USD', 799]])],
    coupon: percentage(100_000),
    baseCurrency: 'USD',
  })
  const quote = quoted(cartOf([{ unitMinor: 1000, quantity: 3 }, { unitMinor: 2495 }], { currency: 'USD' }), terms)
  // 10 % of 54.95 is 5.495, so 5.50: 3.00 and 2.50 of it by 300.27 and 249.73; 27.00 × 7.25 % = 1.9575, 22.45 × … = 1.6276
  expect(quote.lines.map(line => [line.discountMinor, line.taxMinor, line.addedTaxMinor, line.totalMinor])).toEqual([
    [300, 196, 196, 2896],
    [250, 163, 163, 2408],
  ])
  // 7.99 × 7.25 % = 0.579…
  expect(quote).toMatchObject({
    subtotalMinor: 5495,
    discountMinor: 550,
    taxMinor: 417,
    addedTaxMinor: 417,
    shippingMinor: 799,
    totalMinor: 6161,
    coupon: { code: 'SAVE', discountMinor: 550 },
    shipping: { taxMinor: 58, addedTaxMinor: 58 },
    taxes: [{ name: 'Sales tax', ratePpm: 72_500, included: false, taxMinor: 417 }],
  })
})

test('a cart in yen is priced without decimals', () => {
  const terms = termsOf({
    shippingAddress: addressIn('JP'),
    taxRates: [taxRate('JP', 100_000)],
    shipping: [shippingOption('yamato', [['JP', 'JPY', 880]])],
    coupon: percentage(150_000),
    baseCurrency: 'JPY',
  })
  const quote = quoted(cartOf([{ unitMinor: 1980 }], { currency: 'JPY' }), terms)
  // 15 % of 1980 = 297; 1683 × 10/110 = 153; 880 × 10/110 = 80
  expect(quote).toMatchObject({ discountMinor: 297, taxMinor: 233, shippingMinor: 880, totalMinor: 2563 })
})

test('a cart in Kuwaiti dinars is priced with three decimals, from converted base prices', () => {
  const terms = termsOf({
    shippingAddress: addressIn('KW'),
    shipping: [shippingOption('aramex', [['*', 'USD', 1000]])],
    coupon: fixed(500, 'USD'),
    baseCurrency: 'USD',
    exchangeRates: [{ base: 'USD', quote: 'KWD', rate: 0.3075 }],
  })
  const quote = quoted(cartOf([{ unitMinor: 12_345, quantity: 2 }], { currency: 'KWD' }), terms)
  // 5.00 USD × 0.3075 = 1.5375 KWD, so 1.538; 10.00 USD = 3.075 KWD
  expect(quote).toMatchObject({
    subtotalMinor: 24_690,
    discountMinor: 1538,
    taxMinor: 0,
    shippingMinor: 3075,
    totalMinor: 26_227,
    exchangeRate: 0.3075,
    taxes: [],
  })
  expect(quote.lines[0]).toMatchObject({ lineNo: 1, taxName: '', taxRatePpm: 0, taxIncluded: false })
})

test('a fixed discount is split by largest remainder and never exceeds the subtotal', () => {
  const cart = cartOf([{ unitMinor: 500 }, { unitMinor: 500 }, { unitMinor: 500 }], { couponCode: 'SAVE' })
  const some = quoted(cart, termsOf({ coupon: fixed(1000, 'EUR') }))
  expect(some.lines.map(line => line.discountMinor)).toEqual([334, 333, 333])
  const all = quoted(cart, termsOf({ coupon: fixed(9999, 'EUR') }))
  expect(all).toMatchObject({ discountMinor: 1500, totalMinor: 0, coupon: { discountMinor: 1500 } })
})

test('without an address a quote has no shipping, and only taxes of every country', () => {
  const cart = cartOf([{ unitMinor: 1000 }])
  const local = quoted(cart, { ...german, shippingAddress: null })
  expect(local).toMatchObject({ shipping: null, shippingMinor: 0, taxMinor: 0, totalMinor: 1000, taxes: [] })
  const everywhere = quoted(cart, termsOf({ taxRates: [taxRate('*', 250_000)] }))
  expect(everywhere).toMatchObject({ taxMinor: 200, totalMinor: 1000 })
})

test('the shipping method is that of the terms, else of the cart, else the cheapest', () => {
  const shipping = [shippingOption('fast', [['*', 'EUR', 900]]), shippingOption('slow', [['*', 'EUR', 300]])]
  const terms = termsOf({ shippingAddress: addressIn('DE'), shipping })
  expect(quoted(cartOf([{}]), terms).shipping?.code).toBe('slow')
  const cart = cartOf([{}], { shippingMethod: 'fast' })
  expect(quoted(cart, terms).shipping?.code).toBe('fast')
  expect(quoted(cart, { ...terms, shippingMethod: 'slow' }).shipping?.code).toBe('slow')
})

test('a cart of goods that are not shipped has no shipping', () => {
  const terms = termsOf({ shippingAddress: addressIn('DE'), shippingMethod: 'gone' })
  expect(quoted(cartOf([{ requiresShipping: false }]), terms)).toMatchObject({ shipping: null, shippingMinor: 0 })
})

test('a cart can be quoted without exchange rates if all prices are set in its currency', () => {
  expect(quoted(cartOf([{}], { currency: 'GBP' }), termsOf()).exchangeRate).toBeNull()
})

test('an empty cart is refused', () => {
  expect(refused(cartOf([]), termsOf())).toMatchObject({ code: 'cart_empty', phase: 'cart_validation' })
})

test('a withdrawn line and a line without a price are refused by name', () => {
  expect(refused(cartOf([{}, { sku: 'OLD', purchasable: false }]), termsOf())).toMatchObject({
    code: 'variant_unavailable',
    phase: 'cart_validation',
    context: { sku: 'OLD' },
  })
  expect(refused(cartOf([{}, { sku: 'NEW', unitMinor: null }]), termsOf())).toMatchObject({
    code: 'price_missing',
    phase: 'cart_validation',
    context: { sku: 'NEW', currency: 'EUR' },
  })
})

test('a cart is refused if no method, or not the chosen one, serves the address', () => {
  const cart = cartOf([{ requiresShipping: false }, {}])
  expect(refused(cart, { ...german, shippingAddress: addressIn('FR') })).toMatchObject({
    code: 'shipping_unavailable',
    phase: 'cart_validation',
    context: { country: 'FR', currency: 'EUR', method: null },
  })
  expect(refused(cart, { ...german, shippingMethod: 'drone' })).toMatchObject({
    code: 'shipping_unavailable',
    context: { country: 'DE', method: 'drone' },
  })
})

test('a coupon that does not apply is refused with the reason', () => {
  const cart = cartOf([{}], { couponCode: 'SAVE' })
  const reasonWith = (coupon: ReturnType<typeof percentage> | null) => {
    const failure = refused(cart, termsOf({ coupon }))
    expect(failure).toMatchObject({ code: 'coupon_invalid', phase: 'price_lock', context: { code: 'SAVE' } })
    return failure.context.reason
  }
  expect(reasonWith(null)).toBe('unknown')
  expect(reasonWith(percentage(1000, { startsAt: '2026-06-15T12:00:00.001Z' }))).toBe('not_started')
  expect(reasonWith(percentage(1000, { endsAt: '2026-06-15T12:00:00.000Z' }))).toBe('ended')
  expect(reasonWith(percentage(1000, { minimumMinor: 1001, minimumCurrency: 'EUR' }))).toBe('minimum_not_reached')
  expect(reasonWith(fixed(100, 'USD'))).toBe('not_convertible')
})

test('amounts above the safe integers are refused, not rounded', () => {
  const tooMuch = { code: 'invalid_argument', context: { reason: 'amount_too_large' } }
  const largest = Number.MAX_SAFE_INTEGER
  expect(refused(cartOf([{ unitMinor: largest, quantity: 2 }]), termsOf())).toMatchObject(tooMuch)
  expect(refused(cartOf([{ unitMinor: largest }, { unitMinor: 1 }]), termsOf())).toMatchObject(tooMuch)
  const taxed = termsOf({ taxRates: [taxRate('*', 1_000_000, { included: false })] })
  expect(refused(cartOf([{ unitMinor: largest }]), taxed)).toMatchObject(tooMuch)
  const taxIn = quoted(cartOf([{ unitMinor: largest }]), termsOf({ taxRates: [taxRate('*', 1_000_000)] }))
  expect(taxIn).toMatchObject({ totalMinor: largest, taxMinor: 4503599627370496 })
})

test('invalid quantities and prices are refused', () => {
  for (const line of [{ quantity: 0 }, { quantity: -1 }, { quantity: 1.5 }, { unitMinor: -1 }, { unitMinor: 0.5 }]) {
    expect(refused(cartOf([line]), termsOf())).toMatchObject({ code: 'invalid_argument' })
  }
})
