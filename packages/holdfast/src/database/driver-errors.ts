/**
 * What a driver's error means: every error that leaves the store is a `DatabaseError` with a code one can decide on,
 * and whether running the transaction again is allowed is decided here alone.
 */
import { DatabaseError } from './database.ts'

interface DriverError {
  readonly message: string
  readonly code?: unknown
  readonly severity?: unknown
  readonly constraint?: unknown
  readonly detail?: unknown
}

const text = (value: unknown): string | null => (typeof value === 'string' && value !== '' ? value : null)

/** The server ended the session (shutdown, crash, killed, idle too long) or cannot take us yet. */
const goodbye = /^(08...|57P0[1235]|25P0[34])$/

/** Turns whatever a driver threw into a `DatabaseError`; no SQLSTATE means there was no answer. */
export function databaseErrorFrom(error: unknown): DatabaseError {
  if (error instanceof DatabaseError) return error
  const { message, code, severity, constraint, detail } = (
    error instanceof Error ? error : new Error(String(error))
  ) as DriverError
  // only the server's own errors have a severity; the operating system's have codes, too, and EPIPE looks like a SQLSTATE
  const state = text(severity) === null ? null : text(code)
  if (state === null || goodbye.test(state)) {
    return new DatabaseError(`the connection to the database was lost: ${message || text(code) || 'no answer'}`, {
      code: 'connection_lost',
      cause: error,
    })
  }
  return new DatabaseError(message, { code: state, constraint: text(constraint), detail: text(detail), cause: error })
}

/** The transaction changed nothing, and the same work may succeed if it is run again. */
export function mayRunAgain(error: DatabaseError): boolean {
  return error.code === '40001' || error.code === '40P01' || error.code === 'connection_lost'
}

/** Runs again at most this many times. */
export const retriesMax = 10

/** Milliseconds before retry number `retry` (1 and up): short for conflicts, up to a second while a server is away. */
export function pauseMs(retry: number, error: DatabaseError): number {
  const ceilingMs = error.code === 'connection_lost' ? Math.min(1_000, 20 * 2 ** retry) : Math.min(200, 4 * 2 ** retry)
  return ceilingMs * (0.5 + Math.random() / 2)
}
