/** When a checkout was in which phase, from what its transactions moved: without a gap, from the first to the last. */

import type { Move, Moved } from '../database/checkout-moves.ts'
import { type PhaseName, phaseOf, type RestingState } from '../domain/states.ts'

/** A phase that ran inside a transaction. Times are those of `performance.now()`. */
export interface Passage {
  phase: PhaseName
  startedAt: number
  endedAt: number
}

/**
 * The phases that a transaction went through, one after the other from its begin to its commit. What a set took together
 * each of its checkouts took; the last phase ends with the commit.
 */
export function passagesOf({ path }: Move, { startedAt, committedAt }: Moved): Passage[] {
  const passages: Passage[] = []
  let at = startedAt
  // The state it comes to rest in is not over yet.
  for (const step of path.slice(0, -1)) {
    const phase = phaseOf(step.to)
    if (phase === null) continue
    const endedAt = Math.min(at + (step.durationUs ?? 0) / 1000, committedAt)
    passages.push({ phase, startedAt: at, endedAt })
    at = endedAt
  }
  const last = passages.at(-1)
  if (last !== undefined) last.endedAt = committedAt
  return passages
}

/** The phase that goes on while the gateway is asked; null where nobody works on a checkout that rests there. */
export function phaseAtGateway(state: RestingState | null): PhaseName | null {
  return state === 'authorizing' || state === 'capturing' ? phaseOf(state) : null
}
