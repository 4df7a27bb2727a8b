/** The phases that a checkout finished in a transaction, with their times. They follow each other without a gap. */

import type { Move, Moved } from '../database/checkout-moves.ts'
import { type PhaseName, phaseOf, type RestingState } from '../domain/states.ts'

/** A phase that ran inside a transaction. Times are those of `performance.now()`. */
export interface FinishedPhase {
  phase: PhaseName
  startedAt: number
  endedAt: number
}

/**
 * The phases of one checkout in a transaction, from its begin to its commit. A step that processes a batch counts in full
 * for each checkout of the batch. The last phase ends with the commit.
 */
export function finishedPhasesOf({ path }: Move, { startedAt, committedAt }: Moved): FinishedPhase[] {
  const phases: FinishedPhase[] = []
  let at = startedAt
  // The phase of the state in which the checkout now rests has not finished.
  for (const step of path.slice(0, -1)) {
    const phase = phaseOf(step.to)
    if (phase === null) continue
    const endedAt = Math.min(at + (step.durationUs ?? 0) / 1000, committedAt)
    phases.push({ phase, startedAt: at, endedAt })
    at = endedAt
  }
  const last = phases.at(-1)
  if (last !== undefined) last.endedAt = committedAt
  return phases
}

/** The phase that continues while the gateway is called, or null if no work is done in this state. */
export function phaseAtGateway(state: RestingState | null): PhaseName | null {
  return state === 'authorizing' || state === 'capturing' ? phaseOf(state) : null
}
