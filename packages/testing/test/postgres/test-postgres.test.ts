/** The server for tests is nobody else's, comes back when told, and never stays behind. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import pg from 'pg'
import { expect, test, vi } from 'vitest'
import { startTestPostgres } from '../../src/postgres/test-postgres.ts'

const starter = fileURLToPath(new URL('fixtures/postgres-starter.ts', import.meta.url))

async function ask(url: string, text: string): Promise<unknown> {
  const client = new pg.Client({ connectionString: url })
  // Its server may be gone before it has said goodbye.
  client.on('error', () => {})
  await client.connect()
  try {
    return (await client.query({ text, rowMode: 'array' })).rows.flat()[0]
  } finally {
    await client.end()
  }
}

test('a server is killed with the process that started it', async () => {
  const child = spawn(process.execPath, ['--import', 'tsx', starter], { stdio: ['ignore', 'pipe', 'inherit'] })
  const [line] = (await once(child.stdout, 'data')) as [Buffer]
  const url = line.toString().trim()
  expect(await ask(url, 'select 1')).toBe(1)
  child.kill('SIGKILL')
  await once(child, 'exit')
  await vi.waitFor(() => expect(ask(url, 'select 1')).rejects.toThrow('ECONNREFUSED'), { timeout: 10_000 })
})

test('a durable server keeps what was committed through a crash', async () => {
  const server = await startTestPostgres({ durable: true })
  const url = await server.createDatabase()
  expect(await ask(url, 'show fsync')).toBe('on')
  await ask(url, 'create table kept as select 7 as n')
  await server.restart('immediate')
  expect(await ask(url, 'select n from kept')).toBe(7)
  const copy = await server.createDatabase(new URL(url).pathname.slice(1))
  expect(await ask(copy, 'select n from kept')).toBe(7)
  await server.stop()
  await server.stop()
  await expect(ask(url, 'select 1')).rejects.toThrow('ECONNREFUSED')
})
