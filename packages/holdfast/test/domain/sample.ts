/** Valid carts and terms for the tests of the domain. Tests change what they need. */
import type { Address, Cart, CartLine } from '../../src/domain/cart.ts'
import type { Failure } from '../../src/domain/failure.ts'
import { type Coupon, type PricingTerms, quote, type ShippingOption, type TaxRate } from '../../src/domain/pricing.ts'
import type { Quote } from '../../src/domain/quote.ts'

export const now = '2026-06-15T12:00:00.000Z'

export function addressIn(country: string, state?: string): Address {
  return { firstName: 'Ada', lastName: 'King', lineOne: 'Main 1', city: 'Town', state, postcode: '10115', country }
}

export function lineOf(change: Partial<CartLine> = {}): CartLine {
  const sku = change.sku ?? 'MUG'
  return {
    id: `line-${sku}`,
    variantId: `variant-${sku}`,
    sku,
    title: `The ${sku}`,
    quantity: 1,
    unitMinor: 1000,
    taxClass: 'standard',
    requiresShipping: true,
    purchasable: true,
    stockPolicy: 'deny',
    ...change,
  }
}

export function cartOf(lines: Partial<CartLine>[], change: Partial<Cart> = {}): Cart {
  return {
    id: 'cart',
    sessionId: 'session',
    userId: null,
    currency: 'EUR',
    email: 'ada@example.com',
    couponCode: null,
    shippingAddress: null,
    billingAddress: null,
    shippingMethod: null,
    lines: lines.map((line, index) => lineOf({ sku: `SKU-${index + 1}`, ...line })),
    ...change,
  }
}

export function termsOf(change: Partial<PricingTerms> = {}): PricingTerms {
  return {
    shippingAddress: null,
    coupon: null,
    taxRates: [],
    shipping: [],
    shippingMethod: null,
    baseCurrency: 'EUR',
    exchangeRates: [],
    now,
    ...change,
  }
}

export function percentage(ratePpm: number, change: Partial<Coupon> = {}): Coupon {
  return {
    id: 'coupon',
    code: 'SAVE',
    kind: 'percentage',
    ratePpm,
    amountMinor: null,
    currency: null,
    minimumMinor: null,
    minimumCurrency: null,
    startsAt: null,
    endsAt: null,
    usageLimit: null,
    usageLimitPerCustomer: null,
    claimed: 0,
    ...change,
  }
}

export function fixed(amountMinor: number, currency: string, change: Partial<Coupon> = {}): Coupon {
  return percentage(0, { kind: 'fixed', ratePpm: null, amountMinor, currency, ...change })
}

export function taxRate(country: string, ratePpm: number, change: Partial<TaxRate> = {}): TaxRate {
  return { country, state: '', taxClass: 'standard', name: 'VAT', ratePpm, included: true, ...change }
}

export function shippingOption(code: string, rates: [country: string, currency: string, amountMinor: number][]) {
  const option: ShippingOption = {
    code,
    name: `By ${code}`,
    taxClass: 'standard',
    rates: rates.map(([country, currency, amountMinor]) => ({ country, currency, amountMinor })),
  }
  return option
}

/** The quote of a cart; throws on a failure. */
export function quoted(cart: Cart, terms: PricingTerms): Quote {
  const result = quote(cart, terms)
  if (!result.ok) throw new Error(`no quote: ${JSON.stringify(result.failure)}`)
  return result.quote
}

/** The failure of a cart; throws on a quote. */
export function refused(cart: Cart, terms: PricingTerms): Failure {
  const result = quote(cart, terms)
  if (result.ok) throw new Error(`a quote: ${JSON.stringify(result.quote)}`)
  return result.failure
}
