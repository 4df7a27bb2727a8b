/** The checkout lock: one buyer's claim on one cart, from start to its end. */
import type { Failure } from './failure.ts'
import { isFinal, type PhaseName, phaseOf, type RestingState, stateName } from './states.ts'

export interface CheckoutLock {
  id: string
  cartId: string
  sessionId: string
  userId: string | null
  state: RestingState
  /** The phase it stands in, or the one that failed. */
  phase: PhaseName | null
  failure: Failure | null
  /** ISO 8601 UTC, as all times here; taken from the database's clock. */
  lockedAt: string
  expiresAt: string
  completedAt: string | null
  failedAt: string | null
  /** What the caller gave at start, and `payment_authorization` once authorized. */
  metadata: Record<string, unknown>
}

/** What a lock says of itself at a moment. */
export interface LockStatus {
  stateName: string
  isActive: boolean
  isCompleted: boolean
  isFailed: boolean
  /** Its time to live has run out and it has not reached an end. */
  isExpired: boolean
  /** The buyer can go on with it: it is active and waits for the buyer or for an answer. */
  isResumable: boolean
  /** Milliseconds from start to the end, or to `now` while active. */
  durationMs: number
}

/** Describes `lock` at `now` (default: this process's clock). */
export function describeLock(lock: CheckoutLock, now: Date = new Date()): LockStatus {
  const ended = lock.completedAt ?? lock.failedAt
  const isActive = !isFinal(lock.state)
  const isExpired = isActive && Date.parse(lock.expiresAt) <= now.getTime()
  return {
    stateName: stateName(lock.state),
    isActive,
    isCompleted: lock.state === 'completed',
    isFailed: lock.state === 'failed',
    isExpired,
    isResumable: isActive && lock.state !== 'rolling_back' && !(isExpired && lock.state === 'pending'),
    durationMs: Math.max(0, (ended === null ? now.getTime() : Date.parse(ended)) - Date.parse(lock.lockedAt)),
  }
}

/** The phase to show for a state, with the failed phase where there is one. */
export function phaseToShow(state: RestingState, failure: Failure | null): PhaseName | null {
  return failure?.phase ?? phaseOf(state)
}
