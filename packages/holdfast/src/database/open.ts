/** Opens the configured database: a PostgreSQL server if a URL is given, else the embedded database in a directory. */

import { loadPeer } from '../optional-peer.ts'
import type { Database } from './database.ts'
import type { RequestHandler } from './embedded/command-server.ts'

/** Default directory of the embedded database, relative to the working directory. */
export const defaultDirectory = '.holdfast'

export interface OpenOptions {
  /** URL of a PostgreSQL server (DATABASE_URL). Takes precedence over `directory`. */
  readonly url?: string | undefined
  /** Directory of the embedded database. Default `.holdfast`; `memory://` stores nothing. */
  readonly directory?: string
  /** Maximum number of connections to the server. Default 10. */
  readonly poolMax?: number
  /** Name of the connections in `pg_stat_activity`. */
  readonly applicationName?: string
  /** Embedded: the folder of a prepared cluster, for a faster first start. */
  readonly clusterFolder?: string
  /** Embedded: runs the commands of other processes, such as `holdfast audit`. */
  readonly onRequest?: RequestHandler
}

/**
 * @throws {MissingPeerError} if `pg` or `@electric-sql/pglite` is not installed; {DatabaseError} `connection_lost` if the server cannot be reached, `directory_locked` if another process holds the directory.
 */
export async function openDatabase(options: OpenOptions = {}): Promise<Database> {
  const { url, directory = defaultDirectory, poolMax, applicationName, clusterFolder, onRequest } = options
  if (url === undefined || url === '') {
    const { openEmbedded } = await loadPeer('@electric-sql/pglite', () => import('./embedded/pglite.ts'))
    return openEmbedded({
      directory,
      ...(clusterFolder === undefined ? {} : { clusterFolder }),
      ...(onRequest === undefined ? {} : { onRequest }),
    })
  }
  const { connectPostgres } = await loadPeer('pg', () => import('./postgres/postgres.ts'))
  return connectPostgres({
    url,
    ...(poolMax === undefined ? {} : { poolMax }),
    ...(applicationName === undefined ? {} : { applicationName }),
  })
}
