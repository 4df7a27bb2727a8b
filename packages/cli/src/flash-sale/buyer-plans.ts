/** The plans of simulated buyers, derived from a seed: the same seed gives the same buyers. */
import { seeded } from './seeded-random.ts'

export interface BuyerPlan {
  /** Milliseconds after the sale opens. */
  arrivesMs: number
  quantity: 1 | 2
  token: string
  /** Decision on the bank's page, if there is one. */
  atBank: 'approve' | 'refuse' | 'abandon'
  /** Pays with a double click: the same call twice at once, at two desks. */
  clicksTwice: boolean
  /** Loses the first answer to the payment and repeats the call. */
  losesAnswer: boolean
  /** Cancels during the payment, after so many milliseconds. */
  cancelsAfterMs: number | null
  /** Number of retries after "sold out". */
  patience: number
}

const tokens = [
  ['tok_approve', 68],
  ['tok_action_required', 12],
  ['tok_decline', 5],
  ['tok_decline_insufficient_funds', 4],
  ['tok_decline_expired_card', 2],
  ['tok_slow', 4],
  ['tok_pending', 3],
  ['tok_capture_decline', 2],
] as const

const atBank = [
  ['approve', 60],
  ['refuse', 20],
  ['abandon', 20],
] as const

function weighted<Item>(from: number, choices: readonly (readonly [Item, number])[]): Item {
  let left = from * choices.reduce((sum, [, weight]) => sum + weight, 0)
  for (const [item, weight] of choices) {
    left -= weight
    if (left < 0) return item
  }
  const [last] = choices.at(-1) ?? []
  if (last === undefined) throw new Error('there is nothing to choose from')
  return last
}

/** Most buyers arrive at the opening, the others at a falling rate until `windowMs`. */
export function planBuyers(seed: number, buyers: number, windowMs: number): BuyerPlan[] {
  const random = seeded(seed)
  const chance = (percent: number) => random() * 100 < percent
  return Array.from({ length: buyers }, (_, at): BuyerPlan => {
    return {
      arrivesMs: at === 0 ? 0 : Math.round(windowMs * random() ** 1.8),
      quantity: chance(12) ? 2 : 1,
      token: weighted(random(), tokens),
      atBank: weighted(random(), atBank),
      clicksTwice: chance(10),
      losesAnswer: chance(8),
      cancelsAfterMs: chance(4) ? Math.round(random() * 250) : null,
      patience: chance(3) ? 12 : Math.floor(random() * 4),
    }
  })
}
