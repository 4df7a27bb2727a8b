/**
 * Maps driver errors to `DatabaseError`. Every error that leaves the database layer has a code that callers can branch
 * on, and only this file decides whether a transaction may run again.
 */
import { type Backoff, backoffDelayMs } from '../concurrency/backoff.ts'
import { DatabaseError } from './database.ts'

interface DriverError {
  readonly message: string
  readonly code?: unknown
  readonly severity?: unknown
  readonly constraint?: unknown
  readonly detail?: unknown
}

const text = (value: unknown): string | null => (typeof value === 'string' && value !== '' ? value : null)

/** The server ended the session (shutdown, crash, termination, idle timeout) or cannot accept a new one yet. */
const sessionEnded = /^(08...|57P0[1235]|25P0[34])$/

/** Maps any thrown value. An error without a SQLSTATE means that the server did not answer. */
export function databaseErrorFrom(error: unknown): DatabaseError {
  if (error instanceof DatabaseError) return error
  const { message, code, severity, constraint, detail } = (
    error instanceof Error ? error : new Error(String(error))
  ) as DriverError
  // Only errors of the server have a severity. Errors of the operating system also have codes, and EPIPE looks like a SQLSTATE.
  const state = text(severity) === null ? null : text(code)
  if (state === null || sessionEnded.test(state)) {
    return new DatabaseError(`the connection to the database was lost: ${message || text(code) || 'no answer'}`, {
      code: 'connection_lost',
      cause: error,
    })
  }
  return new DatabaseError(message, { code: state, constraint: text(constraint), detail: text(detail), cause: error })
}

/** A statement after the end of its transaction. */
export const transactionEnded = () => new DatabaseError('the transaction has ended', { code: 'transaction_ended' })

/** The server rolled the transaction back at COMMIT. */
export const rolledBackAtCommit = () => new DatabaseError('COMMIT was answered with ROLLBACK', { code: '25P02' })

/** A call after `close`. */
export const databaseClosed = () => new DatabaseError('the database is closed', { code: 'closed' })

/** True if the transaction changed nothing and may succeed when it runs again. */
export function mayRunAgain(error: DatabaseError): boolean {
  return error.code === '40001' || error.code === '40P01' || error.code === 'connection_lost'
}

/** Maximum number of retries of a transaction. */
export const retriesMax = 10

const conflictBackoff: Backoff = { baseMs: 8, capMs: 200 }
const serverAwayBackoff: Backoff = { baseMs: 40, capMs: 1_000 }

/** Milliseconds before retry number `retry` (1 and up): short after a conflict, up to a second while a server is away. */
export function pauseMs(retry: number, error: DatabaseError): number {
  return backoffDelayMs(error.code === 'connection_lost' ? serverAwayBackoff : conflictBackoff, retry)
}
