/**
 * The database port: what the engine needs from PostgreSQL, on a server or embedded. Both implementations run the same
 * SQL and pass the same contract suite (`packages/testing/src/database/database-contract.ts`).
 *
 * Conventions: a statement has one text and a name that is unique in the program; it is prepared once per connection.
 * Sets of rows are passed as one JSON parameter (`from json_to_recordset($1) as row (…)`).
 * Results: `bigint` and `numeric` as safe integers (a larger integer throws), `timestamptz` as ISO 8601 UTC strings with
 * milliseconds, `json` and `jsonb` parsed, `uuid` and text as strings, arrays as arrays.
 */

export interface Statement {
  readonly name: string
  readonly text: string
}

/** Names a statement. `name`: lower_snake_case, at most 63 characters, unique in the program. */
export function statement(name: string, text: string): Statement {
  return { name, text }
}

export type Value = string | number | boolean | null | readonly string[] | readonly number[]

export interface Queryable {
  /** Runs one statement and returns its rows. Calls made without awaiting are pipelined and answered in order. */
  query<Row>(statement: Statement, values?: readonly Value[]): Promise<Row[]>
}

export interface Transaction extends Queryable {
  /**
   * Sends a statement and ignores its rows. `COMMIT` follows without waiting for the answer: if the statement fails,
   * the whole transaction fails with its error.
   */
  send(statement: Statement, values?: readonly Value[]): void
}

/** Timeout of a probe, in milliseconds. */
export const probeMs = 2_000

export interface Database extends Queryable {
  /** `postgres`: a server, shared with other processes. `embedded`: PGlite in this process. */
  readonly kind: 'postgres' | 'embedded'
  /**
   * Runs one statement that must show quickly whether the database answers. A server uses a separate connection, so a
   * busy pool does not delay it; the embedded database queues it like any other.
   * @throws {DatabaseError} `connection_lost` if there is no answer within `probeMs`.
   */
  probe<Row>(statement: Statement, values?: readonly Value[]): Promise<Row[]>
  /**
   * Runs `work` in one READ COMMITTED transaction and returns its result after the commit.
   *
   * Serialization failures (40001) and deadlocks (40P01) run `work` again, at most 10 times, so `work` must have no
   * effects outside `tx`. If the connection is lost during COMMIT, the outcome is looked up by transaction ID
   * (`pg_xact_status`) on another connection: if committed, the result is returned; if rolled back, `work` runs again.
   * @throws what `work` threw, after a rollback; {DatabaseError} for errors of the database.
   */
  transaction<T>(work: (tx: Transaction) => Promise<T>): Promise<T>
  /** Runs a script of several statements outside a transaction (migrations, fixtures). */
  execute(script: string): Promise<void>
  /** Sends `payload` (at most 7,900 bytes) to all listeners on `channel`, in every process on this database. */
  notify(channel: string, payload: string): Promise<void>
  /** Calls `receive` for every notification on `channel` and reconnects automatically. Returns a function that stops. */
  listen(channel: string, receive: (payload: string) => void): Promise<() => Promise<void>>
  /** Waits for running statements, then closes every connection and releases the embedded directory. Idempotent. */
  close(): Promise<void>
}

/** An error of the database. `code` is its SQLSTATE, or `connection_lost` if there was no answer. */
export class DatabaseError extends Error {
  override readonly name = 'DatabaseError'
  readonly code: string
  readonly constraint: string | null
  readonly detail: string | null
  constructor(
    message: string,
    options: { code: string; constraint?: string | null; detail?: string | null; cause?: unknown },
  ) {
    super(message, { cause: options.cause })
    this.code = options.code
    this.constraint = options.constraint ?? null
    this.detail = options.detail ?? null
  }
}
