/**
 * The closed-loop load driver: each buyer starts the next checkout when the last one is done. Both sides of the
 * benchmark use this driver, so they are measured alike.
 */
import { setTimeout as pause } from 'node:timers/promises'

/** One checkout from cart to paid order. Throws if it ends in any other way. */
export type CheckOut = (lines: readonly Wish[]) => Promise<Sold>

export interface Wish {
  sku: string
  quantity: number
}

export interface Sold {
  checkoutId: string
  orderId: string
}

export interface LoadOptions {
  /** Concurrent buyers. */
  concurrency: number
  warmUpSeconds: number
  /** Seconds measured, after the warm-up. */
  seconds: number
  /** The cart of the next buyer. */
  nextCart(): readonly Wish[]
  checkOut: CheckOut
  /** Called for every order, including those of the warm-up. */
  onSold(sold: Sold): void
}

export interface Measured {
  /** Checkouts that ended within the measured time. */
  checkouts: number
  perSecond: number
  p50Ms: number
  p99Ms: number
  maxMs: number
  /** The share of one core that this process used: 1 is a whole core. */
  processCores: number
}

/** Drives the load, waits for the checkouts under way, and returns the measurement. A failed checkout fails the run. */
export async function drive(options: LoadOptions): Promise<Measured> {
  const { concurrency, checkOut, nextCart, onSold } = options
  const from = performance.now() + options.warmUpSeconds * 1000
  const until = from + options.seconds * 1000
  const latenciesMs: number[] = []
  let failed = false

  async function buyer(): Promise<void> {
    let startedAt = performance.now()
    while (startedAt < until && !failed) {
      const sold = await checkOut(nextCart())
      const endedAt = performance.now()
      if (endedAt >= from && endedAt < until) latenciesMs.push(endedAt - startedAt)
      onSold(sold)
      startedAt = endedAt
    }
  }

  const usage = usageBetween(options.warmUpSeconds * 1000, options.seconds * 1000)
  const buyers = Array.from({ length: concurrency }, () =>
    buyer().catch((error: unknown) => {
      failed = true
      throw error
    }),
  )
  const ended = await Promise.allSettled(buyers)
  const processCores = await usage
  for (const one of ended) if (one.status === 'rejected') throw one.reason
  latenciesMs.sort((a, b) => a - b)
  return {
    checkouts: latenciesMs.length,
    perSecond: latenciesMs.length / options.seconds,
    p50Ms: percentile(latenciesMs, 0.5),
    p99Ms: percentile(latenciesMs, 0.99),
    maxMs: latenciesMs.at(-1) ?? Number.NaN,
    processCores,
  }
}

/** The nearest rank; NaN for an empty list. */
export function percentile(sorted: readonly number[], share: number): number {
  return sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)] ?? Number.NaN
}

async function usageBetween(afterMs: number, forMs: number): Promise<number> {
  await pause(afterMs)
  const startedAt = performance.now()
  const before = process.cpuUsage()
  await pause(forMs)
  const { user, system } = process.cpuUsage(before)
  return (user + system) / 1000 / (performance.now() - startedAt)
}
