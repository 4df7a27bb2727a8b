/**
 * One attempt at a transaction on one PostgreSQL connection, pipelined from `begin` to `commit`. It reports `committed`
 * only if the server confirmed it, and `undone` only if it is certain that nothing was committed.
 */
import type { Writable } from 'node:stream'
import type { PoolClient, QueryResult } from 'pg'
import { DatabaseError, type Statement, type Transaction, type Value } from '../database.ts'
import { databaseErrorFrom, mayRunAgain, rolledBackAtCommit, transactionEnded } from '../driver-errors.ts'
import { checkName } from '../statement-names.ts'
import type { Trace } from './commit-outcome.ts'

export type Attempt<T> =
  | { readonly kind: 'committed'; readonly value: T }
  /** Rolled back. `again`: the error that allows a retry, or null. */
  | { readonly kind: 'undone'; readonly error: unknown; readonly again: DatabaseError | null }
  /** COMMIT was sent and its answer was lost. */
  | { readonly kind: 'unknown'; readonly value: T; readonly trace: Trace }

export interface Connection {
  readonly client: PoolClient
  readonly serverRun: string
  readonly processId: number | null
  /** True if the connection is known to be lost. */
  lost(): boolean
  /** Returns the connection to the pool, or discards it if `broken`. */
  release(broken: boolean): void
}

/** SQLSTATEs of a connection whose prepared statements no longer match the server's. It is discarded. */
const stale = new Set(['26000', '0A000', '42P05'])

export const isBroken = (error: DatabaseError): boolean => error.code === 'connection_lost' || stale.has(error.code)

const xidText = 'select pg_current_xact_id()::text as xid'
const nothing = () => undefined
const lostBeforeCommit = () =>
  new DatabaseError('the connection to the database was lost before COMMIT', { code: 'connection_lost' })

export async function attempt<T>(connection: Connection, work: (tx: Transaction) => Promise<T>): Promise<Attempt<T>> {
  const { client } = connection
  const answers: Promise<unknown>[] = []
  let open = true
  // The error of the first failed statement. Later statements report only that the transaction is aborted, so they get this error.
  const first: { error: DatabaseError | null } = { error: null }

  // Statements sent without awaiting leave in one write to the socket.
  let corked = false
  function cork(): void {
    if (corked) return
    const { stream } = (client as unknown as { connection: { stream: Writable } }).connection
    corked = true
    stream.cork()
    process.nextTick(() => {
      corked = false
      stream.uncork()
    })
  }

  function submit<R>(config: { name?: string; text: string; values?: Value[] }, read: (answer: QueryResult) => R) {
    cork()
    const answer = client.query(config).then(read, (thrown: unknown) => {
      const error = databaseErrorFrom(thrown)
      // The value could not be converted here; on the server the transaction is intact.
      if (error.code === 'unsafe_integer') throw error
      first.error ??= error
      throw first.error
    })
    answer.catch(() => {})
    answers.push(answer)
    return answer
  }

  function run<R>(statement: Statement, values: readonly Value[], read: (answer: QueryResult) => R): Promise<R> {
    if (!open) throw transactionEnded()
    checkName(statement)
    return submit({ name: statement.name, text: statement.text, values: [...values] }, read)
  }

  const tx: Transaction = {
    query: <Row>(statement: Statement, values: readonly Value[] = []) =>
      run(statement, values, answer => answer.rows as Row[]),
    send(statement, values = []) {
      run(statement, values, nothing)
    },
  }

  async function finish(last: DatabaseError | null): Promise<void> {
    await Promise.allSettled(answers)
    connection.release(connection.lost() || [first.error, last].some(error => error !== null && isBroken(error)))
  }

  async function undo(thrown: unknown): Promise<Attempt<T>> {
    if (!connection.lost()) await submit({ text: 'rollback' }, nothing).catch(nothing)
    await finish(null)
    return {
      kind: 'undone',
      error: thrown,
      again: first.error !== null && mayRunAgain(first.error) ? first.error : null,
    }
  }

  submit({ text: 'begin' }, nothing)
  const started = submit({ name: 'holdfast_xid', text: xidText }, answer => (answer.rows as { xid: string }[])[0]?.xid)

  let value: T
  try {
    value = await work(tx)
  } catch (error) {
    open = false
    return undo(error)
  }
  open = false

  // Without the ID, a lost COMMIT could not be resolved. The ID came with the first answer, so this rarely waits.
  const xid = await started.catch(nothing)
  if (xid === undefined || connection.lost()) {
    first.error ??= lostBeforeCommit()
    return undo(first.error)
  }

  cork()
  const refused = await client.query('commit').then(
    answer => (answer.command === 'COMMIT' ? null : rolledBackAtCommit()),
    (thrown: unknown) => databaseErrorFrom(thrown),
  )
  await finish(refused)
  if (refused === null) return { kind: 'committed', value }
  if (refused.code === 'connection_lost' && (first.error === null || first.error.code === 'connection_lost')) {
    return { kind: 'unknown', value, trace: { xid, processId: connection.processId, serverRun: connection.serverRun } }
  }
  const error = first.error ?? refused
  return { kind: 'undone', error, again: mayRunAgain(error) ? error : null }
}
