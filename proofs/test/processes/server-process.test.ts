/** Tests of the server process when it cannot start. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { createServerProcess } from '../../processes/server-process.ts'

let directory: string
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'holdfast-kill-'))
})
afterEach(() => rmSync(directory, { recursive: true, force: true }))

it('a server that cannot start reports the reason and leaves no process behind', async () => {
  const server = await createServerProcess({
    directory,
    databaseUrl: 'postgres://postgres@127.0.0.1:1/nowhere',
    environment: { CHECKOUT_SECRET: 's'.repeat(32) },
  })
  await expect(server.start()).rejects.toThrow(/did not become ready:\n(.|\n)*ECONNREFUSED/)
  expect(server.isReady).toBe(false)
  expect(() => process.kill(server.pid ?? 0, 0)).toThrow('ESRCH')
}, 30_000)
