/** The short race proof: real server processes and HTTP on one database. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, inject, it } from 'vitest'
import { createTestDatabase, dropTestDatabase } from '../../../packages/testing/src/postgres/test-postgres.ts'
import { proveRace } from '../../race/prove-race.ts'

let directory: string
let databaseUrl: string
beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'holdfast-race-'))
  databaseUrl = await createTestDatabase(inject('postgresUrl'))
})
afterAll(async () => {
  await dropTestDatabase(inject('postgresUrl'), databaseUrl)
  rmSync(directory, { recursive: true, force: true })
})

it('40 buyers who race for 8 units get 8 orders and 32 clear refusals, and one cart paid ten times is one order', async () => {
  const report = await proveRace({ databaseUrl, directory, processes: 2, buyers: 40, units: 8, clicks: 10 })
  expect(report).toMatchObject({
    wrong: [],
    answers: { paid: 8, insufficient_stock: 32 },
    clearRefusals: 32,
    paidOrders: 8,
    unitsLeft: 0,
    click: { clicks: 10, differing: 0, orders: 1, authorizations: 1, captures: 1 },
    audit: { violations: 0, checkouts: 41 },
  })
}, 60_000)
