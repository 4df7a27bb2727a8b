/** The buyers of a soak. The seed chooses their habits: most pay and wait; others click twice, cancel, wait long, or leave. */
import { setTimeout as pause } from 'node:timers/promises'
import { type BuyerOptions, createBuyer, orderOf, type Payment } from '../buyers/buyer.ts'
import type { Visit } from '../buyers/load.ts'
import type { Stock } from '../buyers/shop.ts'
import type { Random } from '../random.ts'

const habits = {
  pays: 55,
  /** Leaves at the first lost answer and never returns. */
  'is impatient': 8,
  'clicks twice': 12,
  /** Cancels during the payment. */
  cancels: 12,
  /** Waits until the lock is about to expire, or has expired. */
  dawdles: 3,
  /** Starts a checkout and never pays. */
  'walks away': 5,
} as const

const couponOneIn = 5
const lastOnesOneIn = 5
const namelessOneIn = 2
const cancelsMax = 5

export const couponCode = 'SOAK10'
const lastOnes = 'LAST-ONES'

/** The stock; the last SKU sells out. */
export function stocksFor(minutes: number): Stock[] {
  const plenty = Array.from({ length: 6 }, (_, number) => ({
    ...{ sku: `PLENTY-${number}`, priceMinor: 990 + 1_000 * number, quantity: 1_000_000 },
  }))
  return [...plenty, { sku: lastOnes, priceMinor: 4_900, quantity: Math.ceil(6 * minutes) }]
}

export const couponLimitFor = (minutes: number): number => Math.ceil(4 * minutes)

export interface Shoppers {
  next(): Visit
  /** Contradictory answers to concurrent clicks. */
  readonly contradictions: readonly string[]
}

export function createShoppers(options: {
  random: Random
  stocks: readonly Stock[]
  /** The payment of the next buyer. */
  payment(random: Random): Payment
  origin(): string
  isOver(): boolean
}): Shoppers {
  const { random, stocks, payment, origin, isOver } = options
  const contradictions: string[] = []

  function chosen(): BuyerOptions & { habit: keyof typeof habits } {
    const habit = random.weighted(habits)
    const pays = payment(random)
    const plenty = stocks.filter(({ sku }) => sku !== lastOnes).map(({ sku }) => sku)
    const sku = random.below(lastOnesOneIn) === 0 ? lastOnes : random.pick(plenty)
    return {
      ...{ habit, origin, isOver, ...pays },
      line: { sku, quantity: 1 + random.below(3) },
      ...(random.below(couponOneIn) === 0 ? { coupon: couponCode } : {}),
      // A buyer who cancels sends the ID, or its next payment would start another checkout.
      sendsLockId: habit === 'cancels' || random.below(namelessOneIn) > 0,
      isImpatient: habit === 'is impatient',
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
      if (orders.size > 1) contradictions.push(`two clicks returned two orders: ${[...orders].join(', ')}`)
      await buyer.pay()
    }

    async function run(): Promise<void> {
      if (!(await buyer.prepare())) return
      if (habit === 'walks away') return buyer.leave()
      await pause(thinksMs)
      if (habit === 'clicks twice') return click()
      const paying = buyer.pay()
      if (habit === 'cancels') {
        await pause(cancelsAfterMs)
        for (let attempts = 0; attempts < cancelsMax && (await buyer.cancel()) === null; attempts += 1)
          await pause(thinksMs)
      }
      await paying
    }
    return { buyer, run }
  }

  return { next, contradictions }
}
