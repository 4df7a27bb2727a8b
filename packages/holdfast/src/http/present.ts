/** Domain objects as JSON of the HTTP API: snake_case, times in ISO 8601 UTC, money in integer minor units. */
import type { Cart } from '../domain/cart.ts'
import type { Failure } from '../domain/failure.ts'
import type { CheckoutLock } from '../domain/lock.ts'
import { describeLock } from '../domain/lock.ts'
import { presentAddress, presentFailure, presentOrder } from '../domain/present.ts'
import type { Quote } from '../domain/quote.ts'
import { stateName } from '../domain/states.ts'
import type { CheckoutStatus, RefundOutcome } from '../engine/checkout-engine.ts'
import type { CatalogProduct } from '../shop/catalog/catalog-rows.ts'

export function presentTotals(quote: Quote) {
  return {
    currency: quote.currency,
    subtotal: quote.subtotalMinor,
    discount: quote.discountMinor,
    tax: quote.taxMinor,
    shipping: quote.shippingMinor,
    total: quote.totalMinor,
  }
}
export type PresentedTotals = ReturnType<typeof presentTotals>

/** A shipping method and its price for a cart, minor units. */
export interface ShippingOffer {
  code: string
  name: string
  amount: number
}

export interface CartView {
  cart: Cart
  /** Null if the cart is empty or cannot be priced. */
  quote: Quote | null
  /** Why the cart cannot be priced. */
  problem: Failure | null
  /** The active checkout that locks the cart. */
  lock: CheckoutLock | null
  shippingOffers: readonly ShippingOffer[]
}

/** A cart with its current totals. Without a quote, the totals are the sum of the lines. */
export function presentCart({ cart, quote, problem, lock, shippingOffers }: CartView) {
  const quoted = new Map(quote?.lines.map(line => [line.sku, line]))
  return {
    id: cart.id,
    currency: cart.currency,
    locked: lock !== null,
    lock_id: lock?.id ?? null,
    email: cart.email,
    coupon: cart.couponCode === null ? null : { code: cart.couponCode, discount: quote?.coupon?.discountMinor ?? 0 },
    shipping_address: presentAddress(cart.shippingAddress),
    billing_address: presentAddress(cart.billingAddress),
    shipping_method: cart.shippingMethod ?? quote?.shipping?.code ?? null,
    shipping_methods: shippingOffers,
    lines: cart.lines.map(line => ({
      id: line.id,
      sku: line.sku,
      title: line.title,
      quantity: line.quantity,
      unit_price: line.unitMinor,
      total: quoted.get(line.sku)?.totalMinor ?? (line.unitMinor === null ? null : line.unitMinor * line.quantity),
      purchasable: line.purchasable,
    })),
    quantity: cart.lines.reduce((sum, line) => sum + line.quantity, 0),
    totals: quote === null ? plainTotals(cart) : presentTotals(quote),
    problem: problem === null ? null : { code: problem.code, message: problem.message, context: problem.context },
    taxes: (quote?.taxes ?? []).map(tax => ({
      name: tax.name,
      rate_ppm: tax.ratePpm,
      included: tax.included,
      tax: tax.taxMinor,
    })),
  }
}
type FullCart = ReturnType<typeof presentCart>
export type PresentedCart = Omit<FullCart, 'id'> & { id: string | null }

/** The sum of the lines, without discount, tax, and shipping. */
export function plainTotals(cart: Cart): PresentedTotals {
  const subtotal = cart.lines.reduce((sum, line) => sum + (line.unitMinor ?? 0) * line.quantity, 0)
  return { currency: cart.currency, subtotal, discount: 0, tax: 0, shipping: 0, total: subtotal }
}

/** The cart of a session without one. */
export function presentNoCart(currency: string): PresentedCart {
  return {
    id: null,
    currency,
    locked: false,
    lock_id: null,
    email: null,
    coupon: null,
    shipping_address: null,
    billing_address: null,
    shipping_method: null,
    shipping_methods: [],
    lines: [],
    quantity: 0,
    totals: { currency, subtotal: 0, discount: 0, tax: 0, shipping: 0, total: 0 },
    problem: null,
    taxes: [],
  }
}

export function presentLock(lock: CheckoutLock) {
  return {
    lock_id: lock.id,
    state: lock.state,
    state_name: stateName(lock.state),
    phase: lock.phase,
    expires_at: lock.expiresAt,
  }
}

/** The status of a checkout, with its failure or order once it has ended. */
export function presentStatus(status: CheckoutStatus, canCheckout: boolean) {
  const { lock } = status
  const { isActive } = describeLock(lock)
  return {
    locked: isActive && !status.isExpired,
    can_checkout: canCheckout,
    ...presentLock(lock),
    state_name: status.stateName,
    can_resume: status.canResume,
    is_expired: status.isExpired,
    totals: status.totals === null ? null : { currency: status.totals.currency, total: status.totals.totalMinor },
    failure: presentFailure(lock.failure),
    order_id: status.order?.id ?? null,
  }
}

export function presentRefund({ status, message, refundedMinor, lines, order }: RefundOutcome) {
  return {
    status,
    message,
    refunded: refundedMinor,
    lines: lines.map(({ lineNo, sku, quantity }) => ({ line_no: lineNo, sku, quantity })),
    order: presentOrder(order),
  }
}

/** A product with its variants. Prices are in `currency`. */
export function presentProduct(product: CatalogProduct, currency: string) {
  const prices = product.variants.flatMap(variant => (variant.priceMinor === null ? [] : [variant.priceMinor]))
  return {
    id: product.id,
    handle: product.handle,
    title: product.title,
    description_html: product.descriptionHtml,
    vendor: product.vendor,
    product_type: product.productType,
    tags: product.tags,
    options: product.options,
    images: product.images.map(image => ({ url: image.url, alt: image.alt ?? product.title })),
    currency,
    price_from: prices.length === 0 ? null : Math.min(...prices),
    price_to: prices.length === 0 ? null : Math.max(...prices),
    in_stock: product.variants.some(variant => variant.inStock && variant.purchasable),
    variants: product.variants.map(variant => ({
      id: variant.id,
      sku: variant.sku,
      title: variant.title,
      option_values: variant.optionValues,
      price: variant.priceMinor,
      compare_at_price: variant.compareAtMinor,
      available: variant.available,
      in_stock: variant.inStock,
      purchasable: variant.purchasable && variant.priceMinor !== null,
      image: variant.imageUrl,
    })),
  }
}
export type PresentedProduct = ReturnType<typeof presentProduct>
