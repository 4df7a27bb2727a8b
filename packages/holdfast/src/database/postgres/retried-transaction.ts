/** Runs a transaction until it is committed exactly once: resolves unknown outcomes and retries what changed nothing. */
import { setTimeout as pause } from 'node:timers/promises'
import { DatabaseError, type Transaction } from '../database.ts'
import { databaseErrorFrom, mayRunAgain, pauseMs, retriesMax } from '../driver-errors.ts'
import { outcomeOfCommit } from './commit-outcome.ts'
import type { PostgresPool } from './pool.ts'
import { type Attempt, attempt, type Connection } from './transaction.ts'

type Settled<T> = Exclude<Attempt<T>, { kind: 'unknown' }>

export async function retriedTransaction<T>(pool: PostgresPool, work: (tx: Transaction) => Promise<T>): Promise<T> {
  for (let retry = 1; ; retry += 1) {
    const tried = await tryOnce(pool, work)
    if (tried.kind === 'committed') return tried.value
    if (tried.again === null || retry > retriesMax) throw tried.error
    await pause(pauseMs(retry, tried.again))
  }
}

async function tryOnce<T>(pool: PostgresPool, work: (tx: Transaction) => Promise<T>): Promise<Settled<T>> {
  let connection: Connection
  try {
    connection = await pool.connect()
  } catch (thrown) {
    const error = databaseErrorFrom(thrown)
    return { kind: 'undone', error, again: mayRunAgain(error) ? error : null }
  }
  const tried = await attempt(connection, work)
  if (tried.kind !== 'unknown') return tried
  const outcome = await outcomeOfCommit(tried.trace, {
    acquire: pool.acquire,
    serverRunOf: pool.serverRunOf,
    pause: ms => pause(ms),
  })
  if (outcome === 'committed') return { kind: 'committed', value: tried.value }
  const error = new DatabaseError('the connection was lost before COMMIT arrived', { code: 'connection_lost' })
  return { kind: 'undone', error, again: error }
}
