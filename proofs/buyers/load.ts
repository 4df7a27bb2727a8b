/** The load: concurrent buyers who come one after another, each with a randomly chosen payment token. */

import type { Random } from '../random.ts'
import { type Buyer, type BuyerRecord, createBuyer } from './buyer.ts'

/** The weight of each sandbox token; the sum is about 100. */
const tokens = {
  tok_approve: 56,
  tok_decline: 5,
  tok_decline_insufficient_funds: 3,
  tok_error_after: 6,
  tok_error_before: 6,
  tok_capture_decline: 5,
  tok_void_fails: 4,
  tok_pending: 4,
  tok_timeout_after: 4,
  tok_timeout_before: 2,
  tok_capture_timeout_after: 4,
  tok_slow: 1,
} as const

/** One in this many buyers leaves at the first lost answer and never returns. */
const impatientOneIn = 8
/** One in this many buyers sends the payment without the ID of the checkout. */
const namelessOneIn = 2

export interface LoadOptions {
  random: Random
  skus: readonly string[]
  /** Concurrent buyers. */
  buyers: number
  origin(): string
  onPayment(): void
  /** True: no new buyer starts. */
  isClosing(): boolean
  /** True: no buyer makes a new attempt. */
  isOver(): boolean
}

/** A buyer and its actions. */
export interface Visit {
  buyer: Buyer
  run(): Promise<unknown>
}

/** Runs `concurrency` sequences of buyers until `isClosing`. Returns all records once the last buyer has finished. */
export async function runVisits(
  concurrency: number,
  isClosing: () => boolean,
  next: () => Visit,
): Promise<BuyerRecord[]> {
  const records: BuyerRecord[] = []
  async function runNext(): Promise<void> {
    while (!isClosing()) {
      const { buyer, run } = next()
      records.push(buyer.record)
      await run()
    }
  }
  await Promise.all(Array.from({ length: concurrency }, runNext))
  return records
}

/** Runs the load until the last buyer has an answer. */
export function runLoad(options: LoadOptions): Promise<BuyerRecord[]> {
  const { random, skus, buyers, origin, onPayment, isClosing, isOver } = options
  return runVisits(buyers, isClosing, () => {
    const buyer = createBuyer({
      origin,
      onPayment,
      isOver,
      line: { sku: random.pick(skus), quantity: 1 + random.below(3) },
      token: random.weighted(tokens),
      sendsLockId: random.below(namelessOneIn) > 0,
      isImpatient: random.below(impatientOneIn) === 0,
    })
    return { buyer, run: async () => (await buyer.prepare()) && buyer.pay() }
  })
}
