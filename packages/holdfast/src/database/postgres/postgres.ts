/**
 * The database port on a PostgreSQL server (15 or later): a pool of pipelined connections with prepared statements.
 * A transaction takes one round trip for each answer that it must await, and commits exactly once.
 */
import pg from 'pg'
import { columnParsers } from '../column-types.ts'
import { type Database, DatabaseError, probeMs, type Statement, type Value } from '../database.ts'
import { databaseErrorFrom } from '../driver-errors.ts'
import { keyedPlans } from '../planner.ts'
import { answerInTime } from '../query-timeout.ts'
import { createRunningStatements } from '../running-statements.ts'
import { checkName } from '../statement-names.ts'
import { postgresNotifications } from './notifications.ts'
import { pipelinedQueries } from './pipelined-queries.ts'
import { createPool, type PostgresPool } from './pool.ts'
import { type Probe, postgresProbe, tooManyConnections } from './probe.ts'
import { retriedTransaction } from './retried-transaction.ts'

export interface PostgresOptions {
  /** `postgres://user:password@host:port/database?sslmode=…` */
  readonly url: string
  /**
   * Maximum connections of the pool, default 10. Listening takes one more; health, readiness, and metrics take one more,
   * or up to three while a probe is slow.
   */
  readonly poolMax?: number
  /** Name of the connections in `pg_stat_activity`. Default `holdfast`. */
  readonly applicationName?: string
  /** The server cancels a statement that takes longer, in milliseconds. Default: no limit. */
  readonly statementTimeoutMs?: number
  /**
   * The server ends a transaction that is idle for longer, in milliseconds. Default 10,000. This bounds how long the row
   * locks of a frozen process or a lost machine block others.
   */
  readonly idleTransactionMs?: number
  /** Timeout for a connection, in milliseconds, default 10,000; then `pool_exhausted` or `connection_lost`. */
  readonly connectTimeoutMs?: number
}

const notifyStatement: Statement = { name: 'holdfast_notify', text: 'select pg_notify($1, $2)' }

const typeParser = (oid: number) => columnParsers[oid] ?? String

function clientConfig(options: PostgresOptions): pg.ClientConfig & { pipeline: boolean } {
  const settings = {
    timezone: 'UTC',
    datestyle: 'ISO',
    idle_in_transaction_session_timeout: String(options.idleTransactionMs ?? 10_000),
    ...keyedPlans,
  }
  return {
    connectionString: options.url,
    application_name: options.applicationName ?? 'holdfast',
    connectionTimeoutMillis: options.connectTimeoutMs ?? 10_000,
    keepAlive: true,
    options: Object.entries(settings)
      .map(([name, value]) => `-c ${name}=${value}`)
      .join(' '),
    pipeline: true,
    types: { getTypeParser: typeParser as unknown as pg.CustomTypesConfig['getTypeParser'] },
    ...(options.statementTimeoutMs === undefined ? {} : { statement_timeout: options.statementTimeoutMs }),
  }
}

async function execute(pool: PostgresPool, script: string): Promise<void> {
  const client = await pool.acquire()
  try {
    await client.query(script)
    client.release()
  } catch (error) {
    // The script may have left a transaction open.
    client.release(true)
    throw databaseErrorFrom(error)
  }
}

/** Runs `fromPool` if the server has no connection left for a probe: the pool may still have one. */
async function probe<Row>(
  prober: Probe,
  statement: Statement,
  values: readonly Value[],
  fromPool: () => Promise<Row[]>,
): Promise<Row[]> {
  checkName(statement)
  try {
    return await prober.query<Row>(statement, values)
  } catch (error) {
    if (!(error instanceof DatabaseError && error.code === tooManyConnections)) throw error
    return answerInTime(fromPool(), probeMs)
  }
}

/** @throws {DatabaseError} if the server does not answer or refuses the login. */
export async function connectPostgres(options: PostgresOptions): Promise<Database> {
  const config = clientConfig(options)
  const pool = createPool(config, options.poolMax ?? 10)
  const query = pipelinedQueries(pool.connect)
  const running = createRunningStatements()
  const notifications = postgresNotifications(() => new pg.Client({ ...config, pipeline: false }))
  // The server also cancels the statement; otherwise statements that wait for a lock would pile up there.
  const prober = postgresProbe(() => new pg.Client({ ...config, pipeline: false, statement_timeout: probeMs }))

  async function close(): Promise<void> {
    await running.drain()
    await notifications.close()
    prober.close()
    await pool.end()
  }

  let closed: Promise<void> | null = null

  try {
    ;(await pool.acquire()).release()
  } catch (error) {
    await pool.end()
    throw error
  }

  return {
    kind: 'postgres',
    query: <Row>(statement: Statement, values?: readonly Value[]) => running.run(() => query<Row>(statement, values)),
    probe: <Row>(statement: Statement, values: readonly Value[] = []) =>
      running.run(() => probe<Row>(prober, statement, values, () => query<Row>(statement, values))),
    transaction: work => running.run(() => retriedTransaction(pool, work)),
    execute: script => running.run(() => execute(pool, script)),
    notify: (channel, payload) =>
      running.run(async () => {
        await query(notifyStatement, [channel, payload])
      }),
    listen: (channel, receive) => running.run(() => notifications.listen(channel, receive)),
    close() {
      closed ??= close()
      return closed
    },
  }
}
