/** The simulator's books: all movements of money, by checkout. */

/** `release` ends an authorization without capturing all of it: by a void, by expiry, or by a smaller capture. */
export type EffectKind = 'authorize' | 'capture' | 'release' | 'refund' | 'refund_failed' | 'dispute' | 'dispute_won'

/** One movement of money. */
export interface Effect {
  /** ISO 8601. */
  at: string
  kind: EffectKind
  /** The intent's `metadata.checkout_id`; null if it has none. */
  checkoutId: string | null
  intentId: string
  chargeId: string | null
  amountMinor: number
  currency: string
  /** The request that caused it; null if the buyer or time did. */
  requestId: string | null
  idempotencyKey: string | null
}

/** All movements of money of one checkout, independent of the API's answers. */
export interface Books {
  checkoutId: string
  /** The number of authorizations, including immediate payments. */
  authorizations: number
  authorizedMinor: number
  /** Authorized, but neither captured nor released. */
  openMinor: number
  captures: number
  capturedMinor: number
  refunds: number
  /** Without refunds that failed later. */
  refundedMinor: number
  disputedMinor: number
  currencies: string[]
  intents: { id: string; status: string; amountMinor: number; currency: string }[]
  /** The number of effects of each idempotency key. */
  effectsByKey: Record<string, number>
  effects: Effect[]
}
