/**
 * Payments of orders that cost nothing. Stripe does not accept an amount of zero, so it is not called; the reference
 * carries all data, and every operation succeeds.
 */
import type { GatewayAnswer, GatewayPayment } from '../gateway.ts'

const pattern = /^nothing:([A-Z]{3}):(.+)$/

export const freeOrderReference = (checkoutId: string, currency: string): string => `nothing:${currency}:${checkoutId}`

export const isFreeOrder = (reference: string | null): reference is string =>
  reference !== null && pattern.test(reference)

function partsOf(reference: string): { currency: string; checkoutId: string } {
  const [, currency = '', checkoutId = ''] = pattern.exec(reference) ?? []
  return { currency, checkoutId }
}

/** The answer to every operation. */
export function freeOrderAnswer(reference: string): GatewayAnswer {
  return { outcome: 'succeeded', reference, amountMinor: 0, currency: partsOf(reference).currency }
}

export function bookOfFreeOrder(reference: string): GatewayPayment {
  const amounts = { openMinor: 0, capturedMinor: 0, refundedMinor: 0 }
  const createdAt = new Date(0).toISOString()
  return { reference, ...partsOf(reference), status: 'captured', ...amounts, disputes: [], createdAt }
}
