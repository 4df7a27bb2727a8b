/**
 * Orders that cost nothing: Stripe takes no payment of nothing, so it is not asked. Their payment is a name that says
 * so, and nothing can go wrong with it.
 */
import type { GatewayAnswer, GatewayPayment } from '../gateway.ts'

const pattern = /^nothing:([A-Z]{3}):(.+)$/

export const nothingFor = (checkoutId: string, currency: string): string => `nothing:${currency}:${checkoutId}`

export const isNothing = (reference: string | null): reference is string =>
  reference !== null && pattern.test(reference)

function partsOf(reference: string): { currency: string; checkoutId: string } {
  const [, currency = '', checkoutId = ''] = pattern.exec(reference) ?? []
  return { currency, checkoutId }
}

/** As every operation answers. */
export function nothingAnswer(reference: string): GatewayAnswer {
  return { outcome: 'succeeded', reference, amountMinor: 0, currency: partsOf(reference).currency }
}

export function bookOfNothing(reference: string): GatewayPayment {
  const amounts = { openMinor: 0, capturedMinor: 0, refundedMinor: 0 }
  const createdAt = new Date(0).toISOString()
  return { reference, ...partsOf(reference), status: 'captured', ...amounts, disputes: [], createdAt }
}
