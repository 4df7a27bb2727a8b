/**
 * The database port: what the rest of the house asks of PostgreSQL, a server or the embedded one.
 * Both databases run the same SQL and pass the same contract suite (`testing/database-contract.ts`).
 *
 * Conventions: every statement has a name that is unique in the program and one text, and is prepared once a
 * connection. Rows travel in as one JSON parameter (`from json_to_recordset($1) as row (…)`) and out as rows.
 * `bigint` and `numeric` counts come back as safe integer numbers (else it throws), `timestamptz` as ISO 8601 UTC
 * strings with milliseconds, `json`/`jsonb` parsed, `uuid` and text as strings, arrays as arrays.
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
  /** Runs one statement and gives its rows. Calls made without awaiting are pipelined, and answered in order. */
  query<Row>(statement: Statement, values?: readonly Value[]): Promise<Row[]>
}

export interface Transaction extends Queryable {
  /**
   * Sends a statement whose rows nobody reads. It is on the wire at once, and `COMMIT` follows without waiting
   * for it: should it fail, the whole transaction fails with its error.
   */
  send(statement: Statement, values?: readonly Value[]): void
}

/** How long a probe may go without an answer, in milliseconds. */
export const probeMs = 2_000

export interface Database extends Queryable {
  /** `postgres`: a server, shared with other processes. `embedded`: PGlite in this process. */
  readonly kind: 'postgres' | 'embedded'
  /**
   * One statement for whoever must know at once whether the database answers: on a server on a connection of its own,
   * however busy the pool is; embedded it waits for its turn like any other.
   * @throws {DatabaseError} `connection_lost` when there is no answer within `probeMs`.
   */
  probe<Row>(statement: Statement, values?: readonly Value[]): Promise<Row[]>
  /**
   * Runs `work` in one READ COMMITTED transaction and gives its result once committed.
   *
   * Serialization failures (40001) and deadlocks (40P01) run it again, at most 10 times, so `work` must have no
   * effect but through `tx`. When the connection is lost during COMMIT the outcome is looked up by transaction id
   * (`pg_xact_status`) on another connection: committed gives the result, rolled back runs it again.
   * @throws whatever `work` threw, after a rollback; `DatabaseError` for the database's own refusals.
   */
  transaction<T>(work: (tx: Transaction) => Promise<T>): Promise<T>
  /** Runs a script of several statements outside a transaction (migrations, fixtures). */
  execute(script: string): Promise<void>
  /** Sends `payload` (at most 7,900 bytes) to whoever listens on `channel`, in any process on this database. */
  notify(channel: string, payload: string): Promise<void>
  /** Calls `receive` for every notification on `channel`, reconnecting by itself; gives the way to stop. */
  listen(channel: string, receive: (payload: string) => void): Promise<() => Promise<void>>
  /** Waits for what is running, then lets go of every connection (and of the embedded directory). Idempotent. */
  close(): Promise<void>
}

/** A databaseErrorFrom of the database. `code` is its SQLSTATE, or `connection_lost` when there was no answer. */
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
