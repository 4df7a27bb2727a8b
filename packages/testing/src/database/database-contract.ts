/** The contract of the database port as a vitest suite. */
import { afterAll, beforeAll, describe, test } from 'vitest'
import { databaseChecks, type OpenedDatabase } from './database-checks.ts'

/**
 * Defines one test per promise, in a `describe` called `name`.
 *
 * @param open gives a fresh database each time it is called; its `stop` closes and removes the database.
 */
export function databaseContract(name: string, open: () => Promise<OpenedDatabase>): void {
  describe(name, () => {
    let opened: OpenedDatabase
    beforeAll(async () => {
      opened = await open()
    })
    afterAll(() => opened?.stop())

    for (const check of databaseChecks) test(check.title, () => check.run({ database: opened.database, open }))
  })
}
