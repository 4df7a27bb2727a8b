/** The simulator's books: every movement of money there ever was, by checkout. */

/** `release`: an authorization's end without a capture of it all, by a void, its expiry or a smaller capture. */
export type EffectKind = 'authorize' | 'capture' | 'release' | 'refund' | 'refund_failed' | 'dispute' | 'dispute_won'

/** One movement of money. */
export interface Effect {
  /** ISO 8601. */
  at: string
  kind: EffectKind
  /** The intent's `metadata.checkout_id`; null where it has none. */
  checkoutId: string | null
  intentId: string
  chargeId: string | null
  amountMinor: number
  currency: string
  /** What asked for it; nulls where time or the buyer brought it. */
  requestId: string | null
  idempotencyKey: string | null
}

/** What really happened for one checkout, whatever the API answered. */
export interface Books {
  checkoutId: string
  /** How often money was authorized, ever; an immediate payment counts too. */
  authorizations: number
  authorizedMinor: number
  /** Authorized and neither captured nor released. */
  openMinor: number
  captures: number
  capturedMinor: number
  refunds: number
  /** Refunds that failed later are not counted. */
  refundedMinor: number
  disputedMinor: number
  currencies: string[]
  intents: { id: string; status: string; amountMinor: number; currency: string }[]
  /** How many effects each idempotency key had. */
  effectsByKey: Record<string, number>
  effects: Effect[]
}
