/**
 * Publishes the moves of a transaction to subscribers in this process, only after the commit. Moves are recorded where
 * rows are written, so a published move was written; epoch and version of a row prevent a second one for the same write.
 */
import type { RestingState } from '../domain/states.ts'
import type { CheckoutRow, PathStep } from './checkout-row.ts'
import type { Database, Transaction } from './database.ts'

export interface Move {
  /** The resting state before the move; null: the checkout was started. */
  from: RestingState | null
  /** The states passed, at least one. */
  path: readonly PathStep[]
  /** The row after the move. */
  row: CheckoutRow
}

/** The moves of one transaction. Times are those of `performance.now()`. */
export interface Moved {
  moves: readonly Move[]
  startedAt: number
  committedAt: number
}

const recorded = new WeakMap<Transaction, Move[]>()

/** Records a move of `tx`; without effect if the database publishes no moves. */
export function recordMove(tx: Transaction, move: Move): void {
  if (move.path.length > 0) recorded.get(tx)?.push(move)
}

/**
 * The same database; after each commit it calls every subscriber with the moves of the transaction. A transaction whose
 * outcome is unknown publishes nothing. Errors thrown by a subscriber go to `onError`; they never affect the transaction.
 */
export function publishMoves(
  db: Database,
  subscribers: readonly ((moved: Moved) => void)[],
  onError: (error: unknown) => void,
): Database {
  function publish(moved: Moved): void {
    for (const subscriber of subscribers) {
      try {
        subscriber(moved)
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
        // A retried transaction starts with an empty list.
        moves = []
        startedAt = performance.now()
        recorded.set(tx, moves)
        return work(tx)
      })
      if (moves.length > 0) publish({ moves, startedAt, committedAt: performance.now() })
      return result
    },
  }
}
