/** Chooses the database: a PostgreSQL server when there is an address, else the embedded one in a directory. */

import { loadPeer } from '../optional-peer.ts'
import type { Database } from './database.ts'
import type { RequestHandler } from './embedded/directory-lock.ts'

/** Where the embedded database lives, from the working directory, unless told otherwise. */
export const defaultDirectory = '.holdfast'

export interface OpenOptions {
  /** DATABASE_URL; wins over `directory`. */
  readonly url?: string
  /** For the embedded database, default `.holdfast`; `memory://` keeps nothing. */
  readonly directory?: string
  /** Connections to the server at most, default 10. */
  readonly poolMax?: number
  /** Of the connections, as `pg_stat_activity` shows it. */
  readonly applicationName?: string
  /** Embedded: the folder of a prepared cluster, for a faster first start. */
  readonly clusterFolder?: string
  /** Embedded: runs the commands of other processes, such as `holdfast audit`. */
  readonly onRequest?: RequestHandler
}

/**
 * Opens a PostgreSQL server by its address, else the embedded database.
 * @throws {MissingPeerError} if `pg` or `@electric-sql/pglite` is not installed; {DatabaseError} when the server cannot be reached, or another process holds the directory.
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
