/** The pool of connections to a PostgreSQL server. It knows which connections are lost, and which run of the server each belongs to. */
import pg from 'pg'
import { DatabaseError } from '../database.ts'
import { databaseErrorFrom } from '../driver-errors.ts'
import { tooManyConnections } from './probe.ts'
import type { Connection } from './transaction.ts'

export interface PostgresPool {
  /** @throws {DatabaseError} `pool_exhausted` or `connection_lost` after the connection timeout. */
  acquire(): Promise<pg.PoolClient>
  /** Like `acquire`, with the facts that a transaction needs. */
  connect(): Promise<Connection>
  /** When the server's statistics began; changes after a crash and on another server. */
  serverRunOf(client: pg.ClientBase): string
  end(): Promise<void>
}

const serverRunText = 'select stats_reset::text as run from pg_stat_bgwriter'

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

export function createPool(config: pg.ClientConfig, connectionsMax: number): PostgresPool {
  const lost = new WeakSet<pg.ClientBase>()
  const serverRuns = new WeakMap<pg.ClientBase, string>()
  const pool = new pg.Pool({
    ...config,
    max: connectionsMax,
    async onConnect(client) {
      const markLost = () => void lost.add(client)
      client.on('error', markLost)
      client.once('end', markLost)
      const answer = await client.query(serverRunText)
      serverRuns.set(client, String((answer.rows as { run: unknown }[])[0]?.run))
    },
  })
  // The pool itself removes an idle connection that ends.
  pool.on('error', () => {})

  async function acquire(): Promise<pg.PoolClient> {
    try {
      return await pool.connect()
    } catch (error) {
      throw connectFailure(error)
    }
  }

  const serverRunOf = (client: pg.ClientBase): string => serverRuns.get(client) ?? ''

  return {
    acquire,
    async connect() {
      const client = await acquire()
      return {
        client,
        serverRun: serverRunOf(client),
        processId: (client as unknown as { readonly processID: number | null }).processID,
        lost: () => lost.has(client),
        release: broken => client.release(broken),
      }
    },
    serverRunOf,
    end: () => pool.end(),
  }
}
