/**
 * What a transaction moved, told once it is committed and never before: which checkouts, through which states. It is
 * gathered where rows are changed, so nothing that is told was not written, and nothing is told twice (the epoch and
 * the version of a row see to that).
 */
import type { RestingState } from '../domain/states.ts'
import type { CheckoutRow, PathStep } from './checkout-row.ts'
import type { Database, Transaction } from './database.ts'

export interface Move {
  /** The state it rested in; null: it was started. */
  from: RestingState | null
  /** The states it went through, at least one. */
  path: readonly PathStep[]
  /** As it is now. */
  row: CheckoutRow
}

/** What one transaction moved. Times are those of `performance.now()`. */
export interface Moved {
  moves: readonly Move[]
  startedAt: number
  committedAt: number
}

const gathered = new WeakMap<Transaction, Move[]>()

/** Keeps in mind what `tx` moved, where somebody wants to be told. */
export function noteMove(tx: Transaction, move: Move): void {
  if (move.path.length > 0) gathered.get(tx)?.push(move)
}

/**
 * The same database; each of `hearers` is told of every transaction that moved something, right after the commit. One
 * whose outcome cannot be known is told to nobody. What a hearer throws is its own trouble, and `onError`'s.
 */
export function publishMoves(
  db: Database,
  hearers: readonly ((moved: Moved) => void)[],
  onError: (error: unknown) => void,
): Database {
  function tell(moved: Moved): void {
    for (const hear of hearers) {
      try {
        hear(moved)
      } catch (error) {
        onError(error)
      }
    }
  }

  return {
    ...db,
    async transaction(work) {
      let moves: Move[] = []
      let startedAt = 0
      const result = await db.transaction(tx => {
        // A transaction that runs again begins again.
        moves = []
        startedAt = performance.now()
        gathered.set(tx, moves)
        return work(tx)
      })
      if (moves.length > 0) tell({ moves, startedAt, committedAt: performance.now() })
      return result
    },
  }
}
