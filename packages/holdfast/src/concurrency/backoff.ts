/** Pauses between attempts. They double up to a cap; the upper half is random, so that waiting callers spread out. */

export interface Backoff {
  /** Longest pause before the second attempt, milliseconds. */
  baseMs: number
  /** Longest pause before any attempt, milliseconds. */
  capMs: number
}

/**
 * Milliseconds to wait after failed attempt number `attempt`, from 1.
 * @param random returns a number from 0 up to 1. Default `Math.random`.
 */
export function backoffDelayMs(
  { baseMs, capMs }: Backoff,
  attempt: number,
  random: () => number = Math.random,
): number {
  const fullMs = Math.min(capMs, baseMs * 2 ** Math.min(attempt - 1, 30))
  return Math.round(fullMs * (0.5 + random() / 2))
}

/** An interval, randomly up to a quarter shorter or longer, so that processes do not act at the same moment. */
export function spreadMs(intervalMs: number, random: () => number = Math.random): number {
  return Math.round(intervalMs * (0.75 + random() / 2))
}
