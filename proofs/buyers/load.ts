/** The load: buyers who come one after the other through so many doors, each with a payment that chance gave them. */

import type { Random } from '../random.ts'
import { type Buyer, type BuyerRecord, createBuyer } from './buyer.ts'

/** How often each token of the sandbox is used, of about a hundred. */
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

/** One in so many leaves at the first lost answer, and never comes back to ask. */
const impatientOneIn = 8
/** One in so many sends the payment without naming the checkout. */
const namelessOneIn = 2

export interface LoadOptions {
  random: Random
  skus: readonly string[]
  /** Buyers at once. */
  buyers: number
  origin(): string
  onPayment(): void
  /** No new buyer after this. */
  isClosing(): boolean
  /** No new attempt of any buyer after this. */
  isOver(): boolean
}

/** A buyer, and what it does once it is in the shop. */
export interface Visit {
  buyer: Buyer
  run(): Promise<unknown>
}

/** Lets one buyer after the other in through so many doors, and gives what each was told once the last has left. */
export async function runDoors(doors: number, isClosing: () => boolean, next: () => Visit): Promise<BuyerRecord[]> {
  const records: BuyerRecord[] = []
  async function door(): Promise<void> {
    while (!isClosing()) {
      const { buyer, run } = next()
      records.push(buyer.record)
      await run()
    }
  }
  await Promise.all(Array.from({ length: doors }, door))
  return records
}

/** Runs until the last buyer has an answer, and gives what each was told. */
export function runLoad(options: LoadOptions): Promise<BuyerRecord[]> {
  const { random, skus, buyers, origin, onPayment, isClosing, isOver } = options
  return runDoors(buyers, isClosing, () => {
    const buyer = createBuyer({
      origin,
      onPayment,
      isOver,
      line: { sku: random.pick(skus), quantity: 1 + random.below(3) },
      token: random.weighted(tokens),
      namesLock: random.below(namelessOneIn) > 0,
      isImpatient: random.below(impatientOneIn) === 0,
    })
    return { buyer, run: async () => (await buyer.prepare()) && buyer.pay() }
  })
}
