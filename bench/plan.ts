/** Which cells are measured, in which order: the two sides take turns, so that a noisy machine disturbs both alike. */
import type { Side } from './contestants.ts'

export interface CellPlan {
  side: Side
  concurrency: number
  /** Connections; the engine keeps its default of 10. */
  connections: number
}

export interface Plan {
  warmUpSeconds: number
  seconds: number
  cells: readonly CellPlan[]
  /**
   * How often both sides run again, in turns, at what is compared: the best of many cells of a noisy machine is the
   * luckiest too, and a median of pairs is not.
   */
  pairs: number
}

export const ours = (concurrency: number): CellPlan => ({ side: 'holdfast', concurrency, connections: 10 })
const theirs = (concurrency: number, connections: number): CellPlan => ({ side: 'baseline', concurrency, connections })

const thorough: readonly CellPlan[] = [
  ours(1),
  theirs(1, 1),
  theirs(8, 8),
  ours(64),
  theirs(16, 16),
  theirs(32, 32),
  ours(256),
  theirs(64, 16),
  theirs(256, 32),
]
const brief: readonly CellPlan[] = [ours(1), theirs(1, 1), theirs(8, 8), ours(64), theirs(32, 16), ours(256)]

export function planOf(options: { short: boolean; seconds: number | null }): Plan {
  return options.short
    ? { warmUpSeconds: 0.5, seconds: options.seconds ?? 1.5, cells: brief, pairs: 1 }
    : { warmUpSeconds: 2, seconds: options.seconds ?? 6, cells: thorough, pairs: 3 }
}
