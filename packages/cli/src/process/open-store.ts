/** Opens the database of the command line: a PostgreSQL server, or the embedded database from the prepared cluster. */
import { fileURLToPath } from 'node:url'
import { type Database, openDatabase, type RequestHandler } from 'holdfast/database'

/** The build puts a prepared cluster here. Without it the first start takes longer. */
export const clusterFolder = fileURLToPath(new URL('../../cluster/', import.meta.url))

export interface StoreOptions {
  /** `postgres://…`; null: the embedded database. */
  databaseUrl: string | null
  /** Directory of the embedded database. Default `.holdfast`. */
  directory?: string
  /** Embedded only: runs the commands that other processes forward. */
  onRequest?: RequestHandler
}

/** @throws {DatabaseError} if the server is unreachable or another process holds the directory. */
export function openStore({ databaseUrl, ...embedded }: StoreOptions): Promise<Database> {
  return openDatabase(databaseUrl === null ? { clusterFolder, ...embedded } : { url: databaseUrl })
}
