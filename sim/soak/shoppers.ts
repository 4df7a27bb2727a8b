/** Who comes to the soak's shop: buyers with habits, by seed. Most pay and wait; others click twice, cancel, dawdle, leave. */
import { type BuyerOptions, createBuyer, orderOf } from '../buyer.ts'
import type { Visit } from '../load.ts'
import type { Random } from '../random.ts'
import type { Stock } from '../shop.ts'

/** How often each token of the sandbox is used, of about a hundred. */
const tokens = {
  tok_approve: 46,
  tok_action_required: 9,
  tok_pending: 6,
  tok_late: 4,
  tok_slow: 3,
  tok_decline: 3,
  tok_decline_insufficient_funds: 2,
  tok_decline_expired_card: 1,
  tok_error_after: 4,
  tok_error_before: 3,
  tok_timeout_after: 3,
  tok_timeout_before: 2,
  tok_capture_decline: 4,
  tok_capture_timeout_after: 4,
  tok_void_fails: 3,
  tok_wrong_amount: 2,
} as const

const habits = {
  pays: 55,
  /** Leaves at the first lost answer, and never comes back to ask. */
  'is impatient': 8,
  'clicks twice': 12,
  /** Cancels while its payment is on its way. */
  cancels: 12,
  /** Waits until its lock is about to expire, or has. */
  dawdles: 3,
  /** Starts a checkout and never pays. */
  'walks away': 5,
} as const

/** Of ten who have to confirm at the gateway. */
const confirmations = { approve: 7, refuse: 1, never: 2 } as const
const couponOneIn = 5
const lastOnesOneIn = 5
const namelessOneIn = 2
const cancelsMax = 5

export const couponCode = 'SOAK10'
const lastOnes = 'LAST-ONES'

/** What there is to buy; the last one of the list sells out. */
export function stocksFor(minutes: number): Stock[] {
  const plenty = Array.from({ length: 6 }, (_, number) => ({
    ...{ sku: `PLENTY-${number}`, priceMinor: 990 + 1_000 * number, quantity: 1_000_000 },
  }))
  return [...plenty, { sku: lastOnes, priceMinor: 4_900, quantity: Math.ceil(6 * minutes) }]
}

export const couponLimitFor = (minutes: number): number => Math.ceil(4 * minutes)

const pause = (ms: number) => new Promise<void>(resolve => setTimeout(resolve, ms))

/** Goes to the gateway's page; where that is away, it is asked to again with the next look at the checkout. */
async function confirmAt(url: string, word: 'approve' | 'refuse'): Promise<void> {
  const response = await fetch(`${url}/${word}`, { method: 'POST', signal: AbortSignal.timeout(3_000) }).catch(
    () => null,
  )
  await response?.body?.cancel()
}

export interface Shoppers {
  next(): Visit
  /** What simultaneous clicks were told that cannot both be true. */
  readonly contradictions: readonly string[]
}

export function createShoppers(options: {
  random: Random
  stocks: readonly Stock[]
  origin(): string
  isOver(): boolean
}): Shoppers {
  const { random, stocks, origin, isOver } = options
  const contradictions: string[] = []

  function chosen(): BuyerOptions & { habit: keyof typeof habits } {
    const habit = random.weighted(habits)
    const word = random.weighted(confirmations)
    const plenty = stocks.filter(({ sku }) => sku !== lastOnes).map(({ sku }) => sku)
    const sku = random.below(lastOnesOneIn) === 0 ? lastOnes : random.pick(plenty)
    return {
      ...{ habit, origin, isOver },
      line: { sku, quantity: 1 + random.below(3) },
      token: random.weighted(tokens),
      ...(random.below(couponOneIn) === 0 ? { coupon: couponCode } : {}),
      // Who cancels knows what: else its next payment would begin another checkout.
      namesLock: habit === 'cancels' || random.below(namelessOneIn) > 0,
      isImpatient: habit === 'is impatient',
      confirm: async url => {
        if (word !== 'never') await confirmAt(url, word)
      },
    }
  }

  function next(): Visit {
    const { habit, ...options } = chosen()
    const buyer = createBuyer(options)
    const thinksMs = habit === 'dawdles' ? random.between(15_000, 30_000) : random.between(50, 500)
    const cancelsAfterMs = random.between(0, 800)

    async function click(): Promise<void> {
      const replies = await Promise.all([buyer.payOnce(), buyer.payOnce()])
      const orders = new Set(replies.flatMap(reply => (reply === null ? [] : (orderOf(reply)?.id ?? []))))
      if (orders.size > 1) contradictions.push(`two clicks were told of two orders: ${[...orders].join(', ')}`)
      await buyer.pay()
    }

    async function run(): Promise<void> {
      if (!(await buyer.prepare()) || habit === 'walks away') return
      await pause(thinksMs)
      if (habit === 'clicks twice') return click()
      const paying = buyer.pay()
      if (habit === 'cancels') {
        await pause(cancelsAfterMs)
        for (let tries = 0; tries < cancelsMax && (await buyer.cancel()) === null; tries += 1) await pause(thinksMs)
      }
      await paying
    }
    return { buyer, run }
  }

  return { next, contradictions }
}
