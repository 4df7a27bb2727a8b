/** The simulator's books: every movement of money there ever was, read past the API, by checkout. */
import type { World } from './world.ts'

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

export function booksOf(world: World, checkoutId: string): Books {
  const effects = [...world.effectsOf(checkoutId)]
  const of = (kind: EffectKind) => effects.filter(effect => effect.kind === kind)
  const sum = (kind: EffectKind) => of(kind).reduce((total, { amountMinor }) => total + amountMinor, 0)
  const effectsByKey: Record<string, number> = {}
  for (const { idempotencyKey } of effects) {
    if (idempotencyKey !== null) effectsByKey[idempotencyKey] = (effectsByKey[idempotencyKey] ?? 0) + 1
  }
  return {
    checkoutId,
    authorizations: of('authorize').length,
    authorizedMinor: sum('authorize'),
    openMinor: sum('authorize') - sum('capture') - sum('release'),
    captures: of('capture').length,
    capturedMinor: sum('capture'),
    refunds: of('refund').length - of('refund_failed').length,
    refundedMinor: sum('refund') - sum('refund_failed'),
    disputedMinor: sum('dispute') - sum('dispute_won'),
    currencies: [...new Set(effects.map(({ currency }) => currency))],
    intents: world.intentsOf(checkoutId).map(({ intent }) => ({
      id: intent.id,
      status: intent.status,
      amountMinor: intent.amount,
      currency: intent.currency,
    })),
    effectsByKey,
    effects,
  }
}
