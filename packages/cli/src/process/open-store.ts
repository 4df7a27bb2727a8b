/** Opens the database of the command line: a PostgreSQL server, or the embedded database with the cluster shipped here. */
import { fileURLToPath } from 'node:url'
import { type Database, openDatabase, type RequestHandler } from 'holdfast/database'

/** The build puts a prepared cluster here. Without it a first start only takes longer. */
export const clusterFolder = fileURLToPath(new URL('../../cluster/', import.meta.url))

export interface StoreOptions {
  /** `postgres://…`; null: the embedded database. */
  databaseUrl: string | null
  /** Of the embedded database. Default `.holdfast`. */
  directory?: string
  /** Embedded: runs the commands of other processes. */
  onRequest?: RequestHandler
}

/** @throws {DatabaseError} if the server cannot be reached, or another process holds the directory. */
export function openStore({ databaseUrl, ...embedded }: StoreOptions): Promise<Database> {
  return openDatabase(databaseUrl === null ? { clusterFolder, ...embedded } : { url: databaseUrl })
}
