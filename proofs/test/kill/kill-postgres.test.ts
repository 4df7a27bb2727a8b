/** The short kill proof on PostgreSQL: a server is killed with payments in progress, and restarts. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, inject, it } from 'vitest'
import { createTestDatabase, dropTestDatabase } from '../../../packages/testing/src/postgres/test-postgres.ts'
import { proveKill } from '../../kill/prove-kill.ts'

let directory: string
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'holdfast-kill-'))
})
afterEach(() => rmSync(directory, { recursive: true, force: true }))

const clean = {
  wrong: [],
  contradictions: { lostAcknowledgements: [], brokenRefusals: [], chargedWithoutOrder: [], boughtTwice: [] },
  audit: { violations: 0 },
  serverErrors: [],
}

it('two kills on PostgreSQL lose no acknowledged order and charge no buyer without an order', async () => {
  const databaseUrl = await createTestDatabase(inject('postgresUrl'))
  try {
    const report = await proveKill({
      ...{ databaseUrl, directory, processes: 1, buyers: 8, seed: 20_261_123 },
      until: { kills: 1 },
      pace: { kind: 'payments', most: 6 },
    })
    expect(report).toMatchObject({ ...clean, kills: 2, endings: { unanswered: 0 } })
    expect(report.checkouts.completed).toBeGreaterThan(0)
  } finally {
    await dropTestDatabase(inject('postgresUrl'), databaseUrl)
  }
}, 90_000)
