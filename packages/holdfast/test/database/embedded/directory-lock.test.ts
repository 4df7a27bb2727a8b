/** A directory belongs to one process at a time, until that process ends. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, expect, inject, test, vi } from 'vitest'
import { statement } from '../../../src/database/database.ts'
import { lockDirectory } from '../../../src/database/embedded/directory-lock.ts'
import { openEmbedded } from '../../../src/database/embedded/pglite.ts'

const writer = fileURLToPath(new URL('fixtures/embedded-writer.ts', import.meta.url))
const written = statement('lock_written', 'select id from written order by id')
let directory: string
let children: ChildProcess[] = []

beforeEach(async () => {
  directory = await mkdtemp(path.join(tmpdir(), 'holdfast-directory-'))
})
afterEach(async () => {
  for (const child of children) child.kill('SIGKILL')
  children = []
  await rm(directory, { recursive: true, force: true })
})

/** An archive from which a database starts in a fraction of a second. */
function prepared(): string {
  const template = inject('embeddedTemplate')
  if ('failure' in template) throw new Error(template.failure)
  return template.file
}

/** `archive`: null makes it a first start, as on a new machine. */
function start(
  role: 'write' | 'hold',
  archive: string | null = prepared(),
): ChildProcess & { stdout: NodeJS.ReadableStream; stderr: NodeJS.ReadableStream } {
  const child = spawn(
    process.execPath,
    ['--import', 'tsx', writer, directory, role, ...(archive === null ? [] : [archive])],
    {
      stdio: ['ignore', 'pipe', 'pipe'],
    },
  )
  children.push(child)
  return child
}

/** Lines of the child's output, until `enough` returns true. */
async function linesUntil(
  child: { stdout: NodeJS.ReadableStream },
  enough: (lines: string[]) => boolean,
): Promise<string[]> {
  const lines: string[] = []
  for await (const line of createInterface({ input: child.stdout })) {
    lines.push(line)
    if (enough(lines)) break
  }
  return lines
}

test('a second process is refused in one sentence, and can take the directory once the first was killed', async () => {
  const first = start('hold')
  await linesUntil(first, lines => lines.includes('open'))

  const second = start('hold')
  let message = ''
  second.stderr.on('data', (text: Buffer) => {
    message += text.toString()
  })
  expect(await once(second, 'exit')).toEqual([3, null])
  expect(message.trim()).toBe(
    `directory "${directory}" is in use by another process; stop that process, or set DATABASE_URL to a PostgreSQL server to run several`,
  )
  await expect(openEmbedded({ directory })).rejects.toMatchObject({ code: 'directory_locked' })

  first.kill('SIGKILL')
  await once(first, 'exit')
  const database = await openEmbedded({ directory })
  expect(await database.query(written)).toEqual([])
  await database.close()
})

test('rows that a process reported as committed survive when it is killed', async () => {
  const child = start('write')
  const lines = await linesUntil(child, all => all.length > 150)
  child.kill('SIGKILL')
  await once(child, 'exit')
  const acknowledged = lines.slice(1).map(Number)
  const database = await openEmbedded({ directory })
  const ids = (await database.query<{ id: number }>(written)).map(row => row.id)
  expect(ids.slice(0, acknowledged.length)).toEqual(acknowledged)
  await database.close()
})

test('a first start that was killed halfway does not break the next', async () => {
  const early = start('hold', null)
  await vi.waitFor(() => stat(path.join(directory, 'data.new', 'PG_VERSION')), { timeout: 20_000, interval: 1 })
  early.kill('SIGKILL')
  await once(early, 'exit')
  await expect(stat(path.join(directory, 'data'))).rejects.toThrow('ENOENT')
  const database = await openEmbedded({ directory })
  await database.execute('create table written (id int primary key)')
  expect(await database.query(written)).toEqual([])
  await database.close()
})

test('a released directory can be locked again by the same process', async () => {
  const lock = await lockDirectory(directory)
  await expect(lockDirectory(directory)).rejects.toMatchObject({ code: 'directory_locked' })
  await lock.release()
  await lock.release()
  await (await lockDirectory(directory)).release()
})
