/**
 * The quote: what a cart costs under given terms, to the last minor unit. Protects that the lines, the discount, the
 * taxes and shipping add up to the total (the constraint `snapshot_adds_up`), or there is a failure and no quote.
 */
import type { Address, Cart, CartLine } from './cart.ts'
import { couponMessages, emptyCartMessage } from './cart-messages.ts'
import { applyCoupon, type Coupon } from './coupon.ts'
import { type ExchangeRate, exchangeRateBetween } from './exchange.ts'
import type { CheckoutErrorCode, Failure } from './failure.ts'
import { isMinor } from './money.ts'
import type { Quote, QuotedLine } from './quote.ts'
import { allocateProportionally } from './share.ts'
import { chooseShipping, type ShippingOption } from './shipping.ts'
import { type TaxRate, taxOf, taxRateAt } from './tax.ts'

export type { Coupon } from './coupon.ts'
export type { ShippingOption } from './shipping.ts'
export type { TaxRate } from './tax.ts'

/** Everything a quote depends on beside the cart. */
export interface PricingTerms {
  /** Null while the buyer still browses: no shipping then, and only taxes that hold everywhere. */
  shippingAddress: Address | null
  /** The coupon of the cart's code; null when it has none or there is no such coupon. */
  coupon: Coupon | null
  taxRates: readonly TaxRate[]
  shipping: readonly ShippingOption[]
  /** Goes before the cart's; null in both: the cheapest. */
  shippingMethod: string | null
  baseCurrency: string
  exchangeRates: readonly ExchangeRate[]
  /** Database time, ISO 8601. */
  now: string
}

export type QuoteResult = { ok: true; quote: Quote } | { ok: false; failure: Failure }

/** A value, or why there is none. */
type Found<Value> = { ok: true; value: Value } | { ok: false; failure: Failure }

/**
 * Prices a cart. Percentages are of the subtotal; the discount is rounded once and spread over the lines by the
 * largest remainder; each line and shipping are taxed after discount (see `tax.ts`). Shipping is not discounted.
 * Fails with `cart_empty`, `variant_unavailable`, `price_missing`, `shipping_unavailable`, `coupon_invalid`, or
 * `invalid_argument` where an amount is beyond 2^53 - 1.
 */
export function quote(cart: Cart, terms: PricingTerms): QuoteResult {
  const subtotal = sumLines(cart)
  if (!subtotal.ok) return subtotal
  const shipping = shippingOf(cart, terms)
  if (!shipping.ok) return shipping
  const discount = discountFor(cart, terms, subtotal.value)
  if (!discount.ok) return discount

  const taxes: Quote['taxes'] = []
  const lines = quoteLines(cart, terms, discount.value, taxes)
  let lineTaxMinor = 0
  let lineAddedTaxMinor = 0
  for (const line of lines) {
    lineTaxMinor += line.taxMinor
    lineAddedTaxMinor += line.addedTaxMinor
  }
  if (shipping.value !== null) recordTax(taxes, shipping.value.rate, shipping.value.quoted.taxMinor)

  const quoted = shipping.value?.quoted ?? null
  const shippingMinor = quoted?.amountMinor ?? 0
  const addedTaxMinor = lineAddedTaxMinor + (quoted?.addedTaxMinor ?? 0)
  const totalMinor = subtotal.value - discount.value + addedTaxMinor + shippingMinor
  // No part of a total exceeds it, so where the total is exact, everything is.
  if (!isMinor(totalMinor)) return tooLarge({ currency: cart.currency })
  return {
    ok: true,
    quote: {
      currency: cart.currency,
      lines,
      subtotalMinor: subtotal.value,
      discountMinor: discount.value,
      taxMinor: lineTaxMinor + (quoted?.taxMinor ?? 0),
      addedTaxMinor,
      shippingMinor,
      totalMinor,
      coupon: terms.coupon === null ? null : { code: terms.coupon.code, discountMinor: discount.value },
      shipping: quoted,
      taxes,
      baseCurrency: terms.baseCurrency,
      exchangeRate: exchangeRateBetween(terms.baseCurrency, cart.currency, terms.exchangeRates),
    },
  }
}

/** The subtotal, once every line is known to be purchasable and priced. */
function sumLines(cart: Cart): Found<number> {
  if (cart.lines.length === 0) return refuse('cart_empty', emptyCartMessage, {})
  let subtotalMinor = 0
  for (const line of cart.lines) {
    const { sku, title, unitMinor, quantity } = line
    if (!line.purchasable) return refuse('variant_unavailable', `${title} is no longer available.`, { sku })
    if (unitMinor === null) {
      return refuse('price_missing', `${title} has no price in ${cart.currency}.`, { sku, currency: cart.currency })
    }
    if (!isMinor(unitMinor) || !Number.isSafeInteger(quantity) || quantity < 1) {
      return refuse('invalid_argument', `${title} cannot be bought like this.`, { sku, unitMinor, quantity })
    }
    if (!isMinor(unitMinor * quantity)) return tooLarge({ sku, unitMinor, quantity })
    subtotalMinor += unitMinor * quantity
  }
  return isMinor(subtotalMinor) ? { ok: true, value: subtotalMinor } : tooLarge({ currency: cart.currency })
}

/** Null where nothing is shipped, or nobody knows yet where to. */
function shippingOf(
  cart: Cart,
  terms: PricingTerms,
): Found<{ quoted: NonNullable<Quote['shipping']>; rate: TaxRate | null } | null> {
  const address = terms.shippingAddress
  if (address === null || !cart.lines.some(line => line.requiresShipping)) return { ok: true, value: null }
  const method = terms.shippingMethod ?? cart.shippingMethod
  const { country } = address
  const { currency } = cart
  const { baseCurrency, exchangeRates } = terms
  const choice = chooseShipping(method, { country, currency, exchangeRates, baseCurrency }, terms.shipping)
  if (choice === null) {
    const message =
      method === null ? 'We do not ship to this address.' : 'This shipping method does not serve the address.'
    return refuse('shipping_unavailable', message, { country, currency, method })
  }
  const { option, amountMinor } = choice
  const rate = taxRateAt(address, option.taxClass, terms.taxRates)
  return {
    ok: true,
    value: { quoted: { code: option.code, name: option.name, amountMinor, ...taxOf(amountMinor, rate) }, rate },
  }
}

/** What the coupon takes off the whole cart. */
function discountFor(cart: Cart, terms: PricingTerms, amountMinor: number): Found<number> {
  const { coupon, baseCurrency, exchangeRates } = terms
  const { couponCode, currency } = cart
  if (coupon === null) {
    if (couponCode === null) return { ok: true, value: 0 }
    return refuse('coupon_invalid', couponMessages.unknown, { code: couponCode, reason: 'unknown' }, 'price_lock')
  }
  const effect = applyCoupon(coupon, { amountMinor, currency, exchangeRates, baseCurrency }, terms.now)
  if (effect.ok) return { ok: true, value: effect.discountMinor }
  const { fault, minimumMinor } = effect
  const context = { code: coupon.code, reason: fault, ...(minimumMinor !== undefined && { minimumMinor, currency }) }
  return refuse('coupon_invalid', couponMessages[fault], context, 'price_lock')
}

/** The lines with their part of the discount and their tax; adds their taxes to `taxes`. */
function quoteLines(cart: Cart, terms: PricingTerms, discountMinor: number, taxes: Quote['taxes']): QuotedLine[] {
  const subtotals = cart.lines.map(line => (line.unitMinor ?? 0) * line.quantity)
  const discounts = discountMinor === 0 ? null : allocateProportionally(discountMinor, subtotals)
  const rates = new Map<string, TaxRate | null>()
  return cart.lines.map((line, index) => {
    let rate = rates.get(line.taxClass)
    if (rate === undefined) {
      rate = taxRateAt(terms.shippingAddress, line.taxClass, terms.taxRates)
      rates.set(line.taxClass, rate)
    }
    const quoted = quoteLine(line, index + 1, subtotals[index] ?? 0, discounts?.[index] ?? 0, rate)
    recordTax(taxes, rate, quoted.taxMinor)
    return quoted
  })
}

function quoteLine(
  line: CartLine,
  lineNo: number,
  subtotalMinor: number,
  discountMinor: number,
  rate: TaxRate | null,
): QuotedLine {
  const { taxMinor, addedTaxMinor } = taxOf(subtotalMinor - discountMinor, rate)
  return {
    lineNo,
    sku: line.sku,
    title: line.title,
    quantity: line.quantity,
    unitMinor: line.unitMinor ?? 0,
    subtotalMinor,
    discountMinor,
    taxMinor,
    addedTaxMinor,
    totalMinor: subtotalMinor - discountMinor + addedTaxMinor,
    taxRatePpm: rate?.ratePpm ?? 0,
    taxName: rate?.name ?? '',
    taxIncluded: rate?.included ?? false,
    taxClass: line.taxClass,
  }
}

/** One entry a tax: the same name, rate and manner; a rate of 0 is named too, for an invoice must name it. */
function recordTax(taxes: Quote['taxes'], rate: TaxRate | null, taxMinor: number): void {
  if (rate === null) return
  const { name, ratePpm, included } = rate
  for (const tax of taxes) {
    if (tax.name === name && tax.ratePpm === ratePpm && tax.included === included) {
      tax.taxMinor += taxMinor
      return
    }
  }
  taxes.push({ name, ratePpm, included, taxMinor })
}

function tooLarge(context: Failure['context']): { ok: false; failure: Failure } {
  return refuse('invalid_argument', 'The amount of this cart is too large.', { ...context, reason: 'amount_too_large' })
}

function refuse(
  code: CheckoutErrorCode,
  message: string,
  context: Failure['context'],
  phase: 'cart_validation' | 'price_lock' = 'cart_validation',
): { ok: false; failure: Failure } {
  return { ok: false, failure: { phase, code, message, context, retryable: false } }
}
