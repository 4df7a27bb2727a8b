/** The pause before a delivery is attempted again: exponential backoff, or longer if the listener asked for it. */
import { backoffDelayMs } from '../concurrency/backoff.ts'

const pauseMaxMs = 3_600_000
const backoff = { baseMs: 1_000, capMs: pauseMaxMs }

/**
 * Milliseconds to wait after failed attempt number `attempt` (1 and up), at most one hour.
 * @param thrown what the listener threw; a positive `retryAfterMs` on it is the minimum
 */
export function retryPauseMs(attempt: number, thrown: unknown, random: () => number): number {
  return Math.max(backoffDelayMs(backoff, attempt, random), requestedMs(thrown))
}

function requestedMs(thrown: unknown): number {
  const { retryAfterMs } = (thrown ?? {}) as { retryAfterMs?: unknown }
  return typeof retryAfterMs === 'number' && retryAfterMs > 0 ? Math.round(Math.min(retryAfterMs, pauseMaxMs)) : 0
}
