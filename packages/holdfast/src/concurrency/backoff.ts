/** Pauses between attempts: they double up to a cap, and the upper half is random, so that waiting callers spread out. */

export interface Backoff {
  /** Before the second attempt, milliseconds. */
  baseMs: number
  capMs: number
}

/**
 * Milliseconds to wait after failed attempt number `attempt` (1 and up).
 * @param random from 0 up to 1. Default `Math.random`.
 */
export function backoffDelayMs(
  { baseMs, capMs }: Backoff,
  attempt: number,
  random: () => number = Math.random,
): number {
  const fullMs = Math.min(capMs, baseMs * 2 ** Math.min(attempt - 1, 30))
  return Math.round(fullMs * (0.5 + random() / 2))
}

/** An interval moved by up to a quarter either way, so that many processes do not act at the same moment. */
export function spreadMs(intervalMs: number, random: () => number = Math.random): number {
  return Math.round(intervalMs * (0.75 + random() / 2))
}
