/** Migrations are applied once and in order, even if several processes start at the same time. */
import { readdir } from 'node:fs/promises'
import { describe, expect, inject, test } from 'vitest'
import { createTestDatabase, dropTestDatabase } from '../../../testing/src/postgres/test-postgres.ts'
import { statement } from '../../src/database/database.ts'
import { migrate, migrationsFolder, pendingMigrations } from '../../src/database/migrate.ts'
import { connectPostgres } from '../../src/database/postgres/postgres.ts'
import { type DatabaseKind, openTestDatabase } from '../support/test-database.ts'

const applied = statement('migrate_test_applied', 'select name from holdfast.migrations order by name')

async function all(): Promise<string[]> {
  return (await readdir(migrationsFolder())).map(file => file.replace(/\.sql$/, '')).sort()
}

describe.each<DatabaseKind>(['postgres', 'embedded'])('%s', kind => {
  test('an empty database gets every migration in order, and a second call applies none', async () => {
    const { database, stop } = await openTestDatabase(kind, { migrated: false })
    const lines: string[] = []
    expect(await pendingMigrations(database)).toEqual(await all())
    expect(await migrate(database, { log: line => lines.push(line) })).toEqual(await all())
    expect(lines).toEqual((await all()).map(name => `applied migration ${name}`))
    expect(await migrate(database)).toEqual([])
    expect(await pendingMigrations(database)).toEqual([])
    await stop()
  })
})

test('processes that start at the same time apply each migration once in total', async () => {
  const adminUrl = inject('postgresUrl')
  const url = await createTestDatabase(adminUrl)
  const starting = await Promise.all(Array.from({ length: 4 }, () => connectPostgres({ url, poolMax: 2 })))
  const names = await Promise.all(starting.map(database => migrate(database)))
  expect(names.flat().sort()).toEqual(await all())
  const rows = await starting[0]?.query<{ name: string }>(applied)
  expect(rows?.map(row => row.name)).toEqual(await all())
  await Promise.all(starting.map(database => database.close()))
  await dropTestDatabase(adminUrl, url)
})
