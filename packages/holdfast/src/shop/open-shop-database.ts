/** Opens and migrates the database of a shop. A database that the application passes stays open when the shop closes. */
import type { Database } from '../database/database.ts'
import { migrate } from '../database/migrate.ts'
import { openDatabase } from '../database/open.ts'

interface ShopDatabase {
  database: Database
  /** Closes the database if it was opened here. */
  close(): Promise<void>
}

/** @param given a database, or the URL of a PostgreSQL server. Default: `url`, else the embedded database. */
export async function openShopDatabase(
  given: Database | string | undefined,
  url: string | null,
  mayMigrate: boolean,
): Promise<ShopDatabase> {
  const isGiven = typeof given === 'object'
  const address = typeof given === 'string' ? given : url
  const database = isGiven ? given : await openDatabase(address === null ? {} : { url: address })
  const close = async () => (isGiven ? undefined : database.close())
  try {
    if (mayMigrate) await migrate(database)
  } catch (error) {
    await close()
    throw error
  }
  return { database, close }
}
