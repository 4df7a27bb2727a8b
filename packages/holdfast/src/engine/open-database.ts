/** The database of an engine: the one that was given, or one that the engine opens and therefore closes. */
import type { CheckoutConfig } from '../config/checkout-config.ts'
import { endAllLeases } from '../database/checkouts.ts'
import type { Database } from '../database/database.ts'
import { migrate } from '../database/migrate.ts'
import { openDatabase } from '../database/open.ts'

interface EngineDatabase {
  database: Database
  /** The address of the server; undefined for the embedded database. */
  url: string | undefined
  /** Closes the database if the engine opened it. */
  close(): Promise<void>
}

/** @throws {DatabaseError} if the database cannot be reached or the embedded directory is taken. */
export async function openEngineDatabase(
  option: Database | string | undefined,
  config: CheckoutConfig,
  mayMigrate: boolean,
): Promise<EngineDatabase> {
  const url = typeof option === 'string' ? option : (config.databaseUrl ?? undefined)
  const given = typeof option === 'object' ? option : null
  const database = given ?? (await openDatabase(url === undefined ? {} : { url }))
  if (mayMigrate) await migrate(database)
  // Only one process at a time opens the embedded database: every lease found in it belongs to a process that died.
  if (given === null && database.kind === 'embedded') await endAllLeases(database)
  return {
    database,
    url,
    async close() {
      if (given === null) await database.close()
    },
  }
}
