/** Orders, addresses, and failures as HTTP responses and outgoing events show them: snake_case, amounts in minor units. */
import type { Address } from './cart.ts'
import type { Failure } from './failure.ts'
import type { Order } from './order.ts'

export function presentAddress(address: Address | null) {
  if (address === null) return null
  return {
    first_name: address.firstName,
    last_name: address.lastName,
    line_one: address.lineOne,
    line_two: address.lineTwo ?? null,
    city: address.city,
    state: address.state ?? null,
    postcode: address.postcode,
    country: address.country,
    phone: address.phone ?? null,
  }
}

export function presentFailure(failure: Failure | null) {
  if (failure === null) return null
  const { code, message, phase, context, retryable } = failure
  return { code, message, phase, context, retryable }
}

/** How to pay the order, until it is paid. */
function presentTransfer({ status, metadata: { transfer } }: Order) {
  if (status !== 'pending' || transfer === undefined) return null
  const { reference, iban, accountHolder, dueAt } = transfer
  return { reference, iban, account_holder: accountHolder, due_at: dueAt }
}

export function presentOrder(order: Order) {
  return {
    id: order.id,
    number: order.number,
    lock_id: order.checkoutId,
    status: order.status,
    email: order.email,
    currency: order.currency,
    subtotal: order.subtotalMinor,
    discount: order.discountMinor,
    tax: order.taxMinor,
    shipping: order.shippingMinor,
    total: order.totalMinor,
    refunded: order.refundedMinor,
    shipping_refunded: order.shippingRefunded,
    coupon_code: order.couponCode,
    shipping_address: presentAddress(order.shippingAddress),
    billing_address: presentAddress(order.billingAddress),
    shipping_method: order.shippingMethod,
    notes: order.notes,
    transfer: presentTransfer(order),
    lines: order.lines.map(line => ({
      line_no: line.lineNo,
      sku: line.sku,
      title: line.title,
      quantity: line.quantity,
      unit_price: line.unitMinor,
      subtotal: line.subtotalMinor,
      discount: line.discountMinor,
      tax: line.taxMinor,
      total: line.totalMinor,
      refunded_quantity: line.refundedQuantity,
    })),
    placed_at: order.placedAt,
    paid_at: order.paidAt,
    cancelled_at: order.cancelledAt,
  }
}
