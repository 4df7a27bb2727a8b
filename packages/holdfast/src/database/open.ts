/** Chooses the database: a PostgreSQL server when there is an address, else the embedded one in a directory. */
import type { Database } from './database.ts'
import type { RequestHandler } from './embedded/directory-lock.ts'
import { openEmbedded } from './embedded/pglite.ts'
import { connectPostgres } from './postgres/postgres.ts'

/** Where the embedded database lives, from the working directory, unless told otherwise. */
export const defaultDirectory = '.holdfast'

export interface OpenOptions {
  /** DATABASE_URL; wins over `directory`. */
  readonly url?: string
  /** For the embedded database, default `.holdfast`; `memory://` keeps nothing. */
  readonly directory?: string
  /** Connections to the server at most, default 10. */
  readonly poolMax?: number
  /** Embedded: runs the commands of other processes, such as `holdfast audit`. */
  readonly onRequest?: RequestHandler
}

/** @throws `DatabaseError` when the server cannot be reached, or another process holds the directory. */
export function openDatabase(options: OpenOptions = {}): Promise<Database> {
  const { url, directory = defaultDirectory, poolMax, onRequest } = options
  if (url === undefined || url === '')
    return openEmbedded({ directory, ...(onRequest === undefined ? {} : { onRequest }) })
  return connectPostgres({ url, ...(poolMax === undefined ? {} : { poolMax }) })
}
