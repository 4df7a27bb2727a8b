/**
 * Built-in pricing: quotes a cart under given terms, or returns a failure. Lines, discount, tax, and shipping always add
 * up to the total; the constraint `snapshot_adds_up` checks it again.
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

/** Everything that a quote depends on, except the cart. */
export interface PricingTerms {
  /** Null while the address is unknown: then there is no shipping, and only taxes of every country ('*') apply. */
  shippingAddress: Address | null
  /** The coupon of the cart's code. Null: no code, or no such coupon. */
  coupon: Coupon | null
  taxRates: readonly TaxRate[]
  shipping: readonly ShippingOption[]
  /** Replaces the cart's shipping method. Null in both: the cheapest. */
  shippingMethod: string | null
  /** The currency of the catalog, ISO 4217. */
  baseCurrency: string
  exchangeRates: readonly ExchangeRate[]
  /** Database time, ISO 8601. */
  now: string
}

/** A quote, or why there is none. */
export type QuoteResult = { ok: true; quote: Quote } | { ok: false; failure: Failure }

/** A value, or why there is none. */
type Found<Value> = { ok: true; value: Value } | { ok: false; failure: Failure }

/**
 * Prices a cart. The discount is rounded once and split over the lines by largest remainder; a percentage is of the
 * subtotal. Each line and shipping are taxed after discount (see `tax.ts`). Shipping is not discounted.
 * Fails with `cart_empty`, `variant_unavailable`, `price_missing`, `shipping_unavailable`, `coupon_invalid`, or
 * `invalid_argument` if an amount exceeds 2^53 - 1.
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
  // No part exceeds the total, so if the total is exact, every part is.
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

/** The subtotal, if every line is sold and has a price. */
function sumLines(cart: Cart): Found<number> {
  if (cart.lines.length === 0) return refuse('cart_empty', emptyCartMessage, {})
  let subtotalMinor = 0
  for (const line of cart.lines) {
    const { sku, title, unitMinor, quantity } = line
    if (!line.purchasable)
      return refuse('variant_unavailable', `"${title}" is no longer sold. Remove it to continue.`, { sku })
    if (unitMinor === null) {
      return refuse('price_missing', `"${title}" has no price in ${cart.currency}. Remove it to continue.`, {
        sku,
        currency: cart.currency,
      })
    }
    if (!isMinor(unitMinor) || !Number.isSafeInteger(quantity) || quantity < 1) {
      return refuse(
        'invalid_argument',
        `"${title}" has an invalid price or quantity. Change the quantity or remove it.`,
        { sku, unitMinor, quantity },
      )
    }
    if (!isMinor(unitMinor * quantity)) return tooLarge({ sku, unitMinor, quantity })
    subtotalMinor += unitMinor * quantity
  }
  return isMinor(subtotalMinor) ? { ok: true, value: subtotalMinor } : tooLarge({ currency: cart.currency })
}

/** Null if nothing is shipped, or the address is unknown. */
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
      method === null
        ? 'We do not ship to this address.'
        : 'This shipping method is not available for the address. Choose another one.'
    return refuse('shipping_unavailable', message, { country, currency, method })
  }
  const { option, amountMinor } = choice
  const rate = taxRateAt(address, option.taxClass, terms.taxRates)
  return {
    ok: true,
    value: { quoted: { code: option.code, name: option.name, amountMinor, ...taxOf(amountMinor, rate) }, rate },
  }
}

/** The discount on the whole cart. */
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

/** The lines with their share of the discount and their tax. Adds their taxes to `taxes`. */
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

/** Adds to the entry with the same name and rate. A rate of 0 gets an entry as well, because invoices must state it. */
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
  return refuse('invalid_argument', 'The total of this cart is too large. Reduce a quantity.', {
    ...context,
    reason: 'amount_too_large',
  })
}

function refuse(
  code: CheckoutErrorCode,
  message: string,
  context: Failure['context'],
  phase: 'cart_validation' | 'price_lock' = 'cart_validation',
): { ok: false; failure: Failure } {
  return { ok: false, failure: { phase, code, message, context, retryable: false } }
}
