/** A directory belongs to one process at a time, for as long as that process lives, and it answers for the directory. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, expect, inject, test, vi } from 'vitest'
import { statement } from '../../../src/database/database.ts'
import { lockDirectory, requestOfHolder } from '../../../src/database/embedded/directory-lock.ts'
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

/** The archive that a database starts from in a fraction of a second. */
function prepared(): string {
  const template = inject('embeddedTemplate')
  if ('failure' in template) throw new Error(template.failure)
  return template.file
}

/** Null: a first start, as on a fresh machine. */
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

/** Lines of the child's output, until `enough` says so. */
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

test('a second process is refused in one sentence, and may have the directory once the first was killed', async () => {
  const first = start('hold')
  await linesUntil(first, lines => lines.includes('open'))

  const second = start('hold')
  let said = ''
  second.stderr.on('data', (text: Buffer) => {
    said += text.toString()
  })
  expect(await once(second, 'exit')).toEqual([3, null])
  expect(said.trim()).toBe(
    `the directory ${directory} is in use by another process: stop that one first, or set DATABASE_URL to a PostgreSQL server to run several.`,
  )
  await expect(openEmbedded({ directory })).rejects.toMatchObject({ code: 'directory_locked' })

  first.kill('SIGKILL')
  await once(first, 'exit')
  const database = await openEmbedded({ directory })
  expect(await database.query(written)).toEqual([])
  await database.close()
})

test('what a process said it had committed is there after it was killed', async () => {
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

test('a first start that was killed half-way does not spoil the next', async () => {
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

test('a released directory can be taken again, in the same process', async () => {
  const lock = await lockDirectory(directory)
  await expect(lockDirectory(directory)).rejects.toMatchObject({ code: 'directory_locked' })
  await lock.release()
  await lock.release()
  await (await lockDirectory(directory)).release()
})

test('the holder runs commands of others, and their output and exit code come back', async () => {
  const lock = await lockDirectory(directory, {
    async onRequest(args, write) {
      write('stdout', `ran ${args.join(' ')}\n`)
      write('stderr', 'ä'.repeat(100_000))
      return 4
    },
  })
  const output = { stdout: '', stderr: '' }
  const ask = () =>
    requestOfHolder(directory, { args: ['audit', '--all'] }, (stream, text) => {
      output[stream] += text
    })
  expect(await ask()).toBe(4)
  expect(output).toEqual({ stdout: 'ran audit --all\n', stderr: 'ä'.repeat(100_000) })

  lock.onRequest(async () => {
    throw new Error('no such thing')
  })
  output.stderr = ''
  expect(await ask()).toBe(1)
  expect(output.stderr).toBe('no such thing\n')
  await lock.release()
  expect(await ask()).toBeNull()
})

test('nobody holds a directory that does not exist', async () => {
  expect(await requestOfHolder(path.join(directory, 'absent'), { args: [] }, () => {})).toBeNull()
})

test('who does not know the secret of the directory is not served', async () => {
  let served = 0
  const lock = await lockDirectory(directory, {
    async onRequest() {
      served += 1
      return 0
    },
  })
  const token = path.join(directory, 'control-token')
  expect((await stat(token)).mode & 0o777).toBe(0o600)
  await writeFile(token, 'f'.repeat(64))
  await expect(requestOfHolder(directory, { args: ['audit'] }, () => {})).rejects.toMatchObject({ code: 'no_answer' })
  expect(served).toBe(0)
  await lock.release()
})

test('a request beyond all bounds is not served', async () => {
  const lock = await lockDirectory(directory, { onRequest: async () => 0 })
  const huge = requestOfHolder(directory, { args: ['x'.repeat(300_000)] }, () => {})
  await expect(huge).rejects.toMatchObject({ code: 'no_answer' })
  await lock.release()
})
