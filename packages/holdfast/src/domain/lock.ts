/** The checkout lock: one buyer's attempt to buy one cart. */
import type { Failure } from './failure.ts'
import { isFinal, type PhaseName, phaseOf, type RestingState, stateName } from './states.ts'

/** A checkout as its buyer sees it. Times are ISO 8601 in UTC, by the database's clock. */
export interface CheckoutLock {
  /** UUIDv7, also the ID of the checkout. */
  id: string
  cartId: string
  sessionId: string
  /** Null: a guest. */
  userId: string | null
  state: RestingState
  /** The current phase, or the failed one. Null in no phase. */
  phase: PhaseName | null
  /** Why it failed, or will once its rollback has ended. Null without a failure. */
  failure: Failure | null
  lockedAt: string
  /** From then on, a checkout that waits for its buyer is ended. */
  expiresAt: string
  completedAt: string | null
  failedAt: string | null
  /** The caller's metadata, and `payment_authorization` once the payment is authorized. */
  metadata: Record<string, unknown>
}

/** Properties of a lock at one moment. */
export interface LockStatus {
  /** The state as text for people: "Authorizing payment". */
  stateName: string
  /** True unless completed or failed. */
  isActive: boolean
  isCompleted: boolean
  isFailed: boolean
  /** The time to live has passed and the checkout has not ended. */
  isExpired: boolean
  /** The buyer can continue: the checkout waits for the buyer, or for an answer of the gateway. */
  isResumable: boolean
  /** Milliseconds from the start to the end, or to `now` while active. */
  durationMs: number
}

/** Describes a lock at `now`. Default: this process's clock. */
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

/** The phase to show: the failed phase if there is one, else the phase of the state. */
export function phaseToShow(state: RestingState, failure: Failure | null): PhaseName | null {
  return failure?.phase ?? phaseOf(state)
}
