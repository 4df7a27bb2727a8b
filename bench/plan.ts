/** The plan of a benchmark: its cells in order. The sides alternate, so a noisy machine disturbs both alike. */
import type { Side } from './contestants.ts'

export interface CellPlan {
  side: Side
  concurrency: number
  /** Database connections; the engine keeps its default of 10. */
  connections: number
}

export interface Plan {
  warmUpSeconds: number
  seconds: number
  cells: readonly CellPlan[]
  /**
   * How often both sides repeat their compared cells, in alternation. The best of many cells on a noisy machine is also
   * the luckiest one; a median of pairs is not.
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
