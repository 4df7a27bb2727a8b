/** A PostgreSQL server for one test file, which may restart it or fill its disk. */

import { startTestPostgres, type TestPostgres } from '../../../testing/src/postgres/test-postgres.ts'
import { migrate } from '../../src/database/migrate.ts'
import { connectPostgres } from '../../src/database/postgres/postgres.ts'
import type { TestDatabase } from '../support/test-database.ts'

let server: Promise<TestPostgres> | null = null

export function ownServer(): Promise<TestPostgres> {
  server ??= startTestPostgres()
  return server
}

/** `tablespace`: a directory of the server for all data, except the write-ahead log. */
export async function openOnOwnServer({ tablespace }: { tablespace?: string } = {}): Promise<TestDatabase> {
  const own = await ownServer()
  const url = await own.createDatabase()
  if (tablespace !== undefined) {
    const administrator = await connectPostgres({ url: own.url(), poolMax: 1 })
    await administrator.execute(`create tablespace small location '${tablespace}'`)
    await administrator.execute(`alter database ${new URL(url).pathname.slice(1)} set tablespace small`)
    await administrator.close()
  }
  const database = await connectPostgres({ url, poolMax: 12 })
  await migrate(database)
  return {
    database,
    url,
    async stop() {
      await database.close()
      await own.stop()
      server = null
    },
  }
}
