/** The process that holds a directory runs commands for other processes that know the directory's secret. */
import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { requestOfHolder } from '../../../src/database/embedded/command-client.ts'
import { lockDirectory } from '../../../src/database/embedded/directory-lock.ts'

let directory: string

beforeEach(async () => {
  directory = await mkdtemp(path.join(tmpdir(), 'holdfast-directory-'))
})
afterEach(() => rm(directory, { recursive: true, force: true }))

test('the holder runs a command of another process and returns its output and exit code', async () => {
  const lock = await lockDirectory(directory, {
    async onRequest(args, write) {
      write('stdout', `ran ${args.join(' ')}\n`)
      write('stderr', 'ä'.repeat(100_000))
      return 4
    },
  })
  const output = { stdout: '', stderr: '' }
  const request = () =>
    requestOfHolder(directory, { args: ['audit', '--all'] }, (stream, text) => {
      output[stream] += text
    })
  expect(await request()).toBe(4)
  expect(output).toEqual({ stdout: 'ran audit --all\n', stderr: 'ä'.repeat(100_000) })

  lock.onRequest(async () => {
    throw new Error('no such command')
  })
  output.stderr = ''
  expect(await request()).toBe(1)
  expect(output.stderr).toBe('no such command\n')
  await lock.release()
  expect(await request()).toBeNull()
})

test('a request for a directory that does not exist returns null', async () => {
  expect(await requestOfHolder(path.join(directory, 'absent'), { args: [] }, () => {})).toBeNull()
})

test('a request with a wrong secret is not served', async () => {
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

test('a request longer than the limit is not served', async () => {
  const lock = await lockDirectory(directory, { onRequest: async () => 0 })
  const huge = requestOfHolder(directory, { args: ['x'.repeat(300_000)] }, () => {})
  await expect(huge).rejects.toMatchObject({ code: 'no_answer' })
  await lock.release()
})
