/** The kill proof in its short form: servers that die by SIGKILL while payments are on their way, and start again. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, inject, it } from 'vitest'
import { proveKill } from '../../sim/prove-kill.ts'
import { createServerProcess } from '../../sim/server-process.ts'
import { readEmbeddedTemplate } from '../../src/testing/embedded-template.ts'
import { createTestDatabase, dropTestDatabase } from '../../src/testing/test-postgres.ts'

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

it('on PostgreSQL five kills lose no acknowledged order and charge nobody without one', async () => {
  const databaseUrl = await createTestDatabase(inject('postgresUrl'))
  try {
    const report = await proveKill({
      ...{ databaseUrl, directory, processes: 1, buyers: 8, seed: 20_261_123 },
      until: { kills: 4 },
      pace: { kind: 'payments', most: 6 },
    })
    expect(report).toMatchObject({ ...clean, kills: 5, told: { unanswered: 0 } })
    expect(report.checkouts.completed).toBeGreaterThan(0)
  } finally {
    await dropTestDatabase(inject('postgresUrl'), databaseUrl)
  }
}, 90_000)

it('on the embedded database two kills lose no acknowledged order and charge nobody without one', async () => {
  const archive = inject('embeddedTemplate')
  if ('failure' in archive) throw new Error(archive.failure)
  const report = await proveKill({
    ...{ databaseUrl: null, directory, processes: 1, buyers: 4, seed: 20_261_123 },
    template: await readEmbeddedTemplate(archive.file),
    until: { kills: 1 },
    pace: { kind: 'payments', most: 6 },
  })
  expect(report).toMatchObject({ ...clean, kills: 2, told: { unanswered: 0 } })
  expect(report.checkouts.completed).toBeGreaterThan(0)
}, 90_000)

it('a server that cannot start says why, and leaves no process behind', async () => {
  const server = await createServerProcess({
    directory,
    databaseUrl: 'postgres://postgres@127.0.0.1:1/nowhere',
    environment: { CHECKOUT_SECRET: 's'.repeat(32) },
  })
  await expect(server.start()).rejects.toThrow(/did not get ready:\n(.|\n)*ECONNREFUSED/)
  expect(server.isReady).toBe(false)
  expect(() => process.kill(server.pid ?? 0, 0)).toThrow('ESRCH')
}, 30_000)
