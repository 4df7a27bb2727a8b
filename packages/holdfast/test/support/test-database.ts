/** A new, migrated database for a test file, of either kind. The global setup of the run prepares both. */
import { inject } from 'vitest'
import { createTestDatabase, dropTestDatabase } from '../../../testing/src/postgres/test-postgres.ts'
import type { Database } from '../../src/database/database.ts'
import { openEmbedded } from '../../src/database/embedded/pglite.ts'
import { connectPostgres } from '../../src/database/postgres/postgres.ts'
import { readEmbeddedTemplate } from './embedded-template.ts'

declare module 'vitest' {
  interface ProvidedContext {
    /** Administrator URL of the run's PostgreSQL server. */
    postgresUrl: string
    /** The migrated PostgreSQL database that others are copied from, or why there is none. */
    postgresTemplate: { name: string } | { failure: string }
    /** The archive of a migrated embedded database, or why there is none. */
    embeddedTemplate: { file: string } | { failure: string }
  }
}

export type DatabaseKind = 'postgres' | 'embedded'

export interface TestDatabase {
  readonly database: Database
  /** PostgreSQL: the URL, for further connections. */
  readonly url?: string
  /** Closes and drops the database. */
  stop(): Promise<void>
}

export interface TestDatabaseOptions {
  /** Default true. False: an empty database. */
  readonly migrated?: boolean
  /** PostgreSQL: maximum connections. Default 10. */
  readonly poolMax?: number
}

async function openPostgres({ migrated = true, poolMax = 10 }: TestDatabaseOptions): Promise<TestDatabase> {
  const adminUrl = inject('postgresUrl')
  const template = inject('postgresTemplate')
  if (migrated && 'failure' in template) throw new Error(template.failure)
  const url = await createTestDatabase(adminUrl, migrated && 'name' in template ? template.name : undefined)
  const database = await connectPostgres({ url, poolMax })
  return {
    database,
    url,
    async stop() {
      await database.close()
      await dropTestDatabase(adminUrl, url)
    },
  }
}

async function openInMemory({ migrated = true }: TestDatabaseOptions): Promise<TestDatabase> {
  const template = inject('embeddedTemplate')
  if (migrated && 'failure' in template) throw new Error(template.failure)
  const archive = migrated && 'file' in template ? await readEmbeddedTemplate(template.file) : undefined
  const database = await openEmbedded(archive === undefined ? {} : { template: archive })
  return { database, stop: () => database.close() }
}

/** Opens a database for the caller alone. */
export function openTestDatabase(kind: DatabaseKind, options: TestDatabaseOptions = {}): Promise<TestDatabase> {
  return kind === 'postgres' ? openPostgres(options) : openInMemory(options)
}
