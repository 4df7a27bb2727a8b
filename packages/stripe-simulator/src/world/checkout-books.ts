/** Computes the books of a checkout from its movements of money. */
import type { Books, EffectKind } from './books.ts'
import type { World } from './world.ts'

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
