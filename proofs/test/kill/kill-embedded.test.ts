/** The short kill proof on the embedded database: its process is killed with payments in progress. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, inject, it } from 'vitest'
import { readEmbeddedTemplate } from '../../../packages/holdfast/test/support/embedded-template.ts'
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

it('a kill of the embedded database loses no acknowledged order and charges no buyer without an order', async () => {
  const archive = inject('embeddedTemplate')
  if ('failure' in archive) throw new Error(archive.failure)
  const report = await proveKill({
    ...{ databaseUrl: null, directory, processes: 1, buyers: 4, seed: 20_261_123 },
    template: await readEmbeddedTemplate(archive.file),
    until: { kills: 0 },
    pace: { kind: 'payments', most: 6 },
  })
  expect(report).toMatchObject({ ...clean, kills: 1, endings: { unanswered: 0 } })
  expect(report.checkouts.completed).toBeGreaterThan(0)
}, 90_000)
