/** Tests of the temporary PostgreSQL server: its restart, its durability, and its end with its process. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import pg from 'pg'
import { expect, test, vi } from 'vitest'
import { startTestPostgres } from '../../src/postgres/test-postgres.ts'

const starter = fileURLToPath(new URL('fixtures/postgres-starter.ts', import.meta.url))

async function query(url: string, text: string): Promise<unknown> {
  const client = new pg.Client({ connectionString: url })
  // The server may stop before the connection is closed.
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
  expect(await query(url, 'select 1')).toBe(1)
  child.kill('SIGKILL')
  await once(child, 'exit')
  await vi.waitFor(() => expect(query(url, 'select 1')).rejects.toThrow('ECONNREFUSED'), { timeout: 10_000 })
})

test('a durable server keeps what was committed through a crash', async () => {
  const server = await startTestPostgres({ durable: true })
  const url = await server.createDatabase()
  expect(await query(url, 'show fsync')).toBe('on')
  await query(url, 'create table kept as select 7 as n')
  await server.restart('immediate')
  expect(await query(url, 'select n from kept')).toBe(7)
  const copy = await server.createDatabase(new URL(url).pathname.slice(1))
  expect(await query(copy, 'select n from kept')).toBe(7)
  await server.stop()
  await server.stop()
  await expect(query(url, 'select 1')).rejects.toThrow('ECONNREFUSED')
})
