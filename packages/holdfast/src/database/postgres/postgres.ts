/**
 * The database port on a PostgreSQL server (15 or later): a pool of pipelined connections with prepared statements.
 * A transaction takes as many round trips as it has points where it must know an answer, and commits exactly once.
 */
import pg from 'pg'
import { answerInTime } from '../answer-in-time.ts'
import { columnParsers } from '../column-types.ts'
import { type Database, DatabaseError, probeMs, type Statement, type Transaction, type Value } from '../database.ts'
import { databaseErrorFrom, mayRunAgain, pauseMs, retriesMax } from '../driver-errors.ts'
import { keyedPlans } from '../planner.ts'
import { createRunningStatements } from '../running-statements.ts'
import { checkName } from '../statement-names.ts'
import { outcomeOfCommit } from './commit-outcome.ts'
import { postgresNotifications } from './notifications.ts'
import { postgresProbe, tooManyConnections } from './probe.ts'
import { type Attempt, attempt, type Connection, isBroken } from './transaction.ts'

export interface PostgresOptions {
  /** `postgres://user:password@host:port/database?sslmode=…` */
  readonly url: string
  /**
   * Connections at most, default 10; one more while somebody listens, and one once health, readiness or metrics are asked
   * for: up to three while such a question takes long.
   */
  readonly poolMax?: number
  /** What `pg_stat_activity` shows; default `holdfast`. */
  readonly applicationName?: string
  /** The server ends a statement that takes longer, in milliseconds; default none. */
  readonly statementTimeoutMs?: number
  /**
   * The server ends a transaction that its client leaves alone for so long, in milliseconds; default 10,000. So the
   * row locks of a process that froze, or of a machine that is gone, hold up the others no longer than that.
   */
  readonly idleTransactionMs?: number
  /** How long to wait for a connection, in milliseconds, default 10,000; then `pool_exhausted` or `connection_lost`. */
  readonly connectTimeoutMs?: number
}

const settings = (values: Readonly<Record<string, string>>) =>
  Object.entries(values)
    .map(([name, value]) => `-c ${name}=${value}`)
    .join(' ')

type Settled<T> = Exclude<Attempt<T>, { kind: 'unknown' }>

const typeParser = (oid: number) => columnParsers[oid] ?? String
const pause = (ms: number) => new Promise<void>(resolve => setTimeout(resolve, ms))
const serverRunText = 'select stats_reset::text as run from pg_stat_bgwriter'
const notifyText = 'select pg_notify($1, $2)'

function connectFailure(thrown: unknown): DatabaseError {
  const message = thrown instanceof Error ? thrown.message : String(thrown)
  if (message === 'timeout exceeded when trying to connect') {
    return new DatabaseError('every connection of the pool is in use', { code: 'pool_exhausted', cause: thrown })
  }
  const error = databaseErrorFrom(thrown)
  return error.code === tooManyConnections
    ? new DatabaseError(error.message, { code: 'pool_exhausted', cause: thrown })
    : error
}

/** @throws `DatabaseError` when the server does not answer or refuses the login. */
export async function connectPostgres(options: PostgresOptions): Promise<Database> {
  const idleTransaction = { idle_in_transaction_session_timeout: String(options.idleTransactionMs ?? 10_000) }
  const config: pg.ClientConfig & { pipeline: boolean } = {
    connectionString: options.url,
    application_name: options.applicationName ?? 'holdfast',
    connectionTimeoutMillis: options.connectTimeoutMs ?? 10_000,
    keepAlive: true,
    options: settings({ timezone: 'UTC', datestyle: 'ISO', ...idleTransaction, ...keyedPlans }),
    pipeline: true,
    types: { getTypeParser: typeParser as unknown as pg.CustomTypesConfig['getTypeParser'] },
    ...(options.statementTimeoutMs === undefined ? {} : { statement_timeout: options.statementTimeoutMs }),
  }
  const gone = new WeakSet<pg.ClientBase>()
  const serverRuns = new WeakMap<pg.ClientBase, string>()
  const pool = new pg.Pool({
    ...config,
    max: options.poolMax ?? 10,
    async onConnect(client) {
      const markGone = () => void gone.add(client)
      client.on('error', markGone)
      client.once('end', markGone)
      const answer = await client.query(serverRunText)
      serverRuns.set(client, String((answer.rows as { run: unknown }[])[0]?.run))
    },
  })
  // an idle connection that dies leaves the pool by itself
  pool.on('error', () => {})
  const running = createRunningStatements()
  const listener = postgresNotifications(() => new pg.Client({ ...config, pipeline: false }))
  // The server gives up as well, or statements that wait for a lock would pile up there.
  const prober = postgresProbe(() => new pg.Client({ ...config, pipeline: false, statement_timeout: probeMs }))

  async function acquire(): Promise<pg.PoolClient> {
    try {
      return await pool.connect()
    } catch (error) {
      throw connectFailure(error)
    }
  }

  const serverRunOf = (client: pg.ClientBase): string => serverRuns.get(client) ?? ''

  async function connection(): Promise<Connection> {
    const client = await acquire()
    return {
      client,
      serverRun: serverRunOf(client),
      processId: (client as unknown as { readonly processID: number | null }).processID,
      lost: () => gone.has(client),
      release: broken => client.release(broken),
    }
  }

  // Queries made in one go, without awaiting in between, share a connection: so they are pipelined, in order.
  interface Burst {
    readonly connection: Promise<Connection>
    members: number
    broken: boolean
  }
  let burst: Burst | null = null

  function joinBurst(): Burst {
    if (burst === null) {
      burst = { connection: connection(), members: 0, broken: false }
      queueMicrotask(() => {
        burst = null
      })
    }
    burst.members += 1
    return burst
  }

  async function query<Row>(statement: Statement, values: readonly Value[] = []): Promise<Row[]> {
    checkName(statement)
    const mine = joinBurst()
    const { client, release } = await mine.connection
    try {
      const answer = await client.query({ name: statement.name, text: statement.text, values: [...values] })
      return answer.rows as Row[]
    } catch (thrown) {
      const error = databaseErrorFrom(thrown)
      mine.broken ||= isBroken(error)
      throw error
    } finally {
      mine.members -= 1
      if (mine.members === 0) release(mine.broken)
    }
  }

  async function probe<Row>(statement: Statement, values: readonly Value[] = []): Promise<Row[]> {
    checkName(statement)
    try {
      return await prober.query<Row>(statement, values)
    } catch (error) {
      // The pool may well have some of the connections that the server has no more of.
      if (!(error instanceof DatabaseError && error.code === tooManyConnections)) throw error
      return answerInTime(query<Row>(statement, values), probeMs)
    }
  }

  async function tryOnce<T>(work: (tx: Transaction) => Promise<T>): Promise<Settled<T>> {
    let connected: Connection
    try {
      connected = await connection()
    } catch (thrown) {
      const error = databaseErrorFrom(thrown)
      return { kind: 'undone', error, again: mayRunAgain(error) ? error : null }
    }
    const tried = await attempt(connected, work)
    if (tried.kind !== 'unknown') return tried
    const outcome = await outcomeOfCommit(tried.trace, { acquire, serverRunOf, pause })
    if (outcome === 'committed') return { kind: 'committed', value: tried.value }
    const error = new DatabaseError('the connection was lost before COMMIT arrived', { code: 'connection_lost' })
    return { kind: 'undone', error, again: error }
  }

  async function transaction<T>(work: (tx: Transaction) => Promise<T>): Promise<T> {
    for (let retry = 1; ; retry += 1) {
      const tried = await tryOnce(work)
      if (tried.kind === 'committed') return tried.value
      if (tried.again === null || retry > retriesMax) throw tried.error
      await pause(pauseMs(retry, tried.again))
    }
  }

  async function execute(script: string): Promise<void> {
    const client = await acquire()
    try {
      await client.query(script)
      client.release()
    } catch (error) {
      // it may have left a transaction open
      client.release(true)
      throw databaseErrorFrom(error)
    }
  }

  let closed: Promise<void> | null = null

  async function close(): Promise<void> {
    await running.drain()
    await listener.close()
    prober.close()
    await pool.end()
  }

  try {
    ;(await acquire()).release()
  } catch (error) {
    await pool.end()
    throw error
  }

  return {
    kind: 'postgres',
    query: <Row>(statement: Statement, values?: readonly Value[]) => running.run(() => query<Row>(statement, values)),
    probe: <Row>(statement: Statement, values?: readonly Value[]) => running.run(() => probe<Row>(statement, values)),
    transaction: work => running.run(() => transaction(work)),
    execute: script => running.run(() => execute(script)),
    notify: (channel, payload) =>
      running.run(async () => {
        await query({ name: 'holdfast_notify', text: notifyText }, [channel, payload])
      }),
    listen: (channel, receive) => running.run(() => listener.listen(channel, receive)),
    close() {
      closed ??= close()
      return closed
    },
  }
}
