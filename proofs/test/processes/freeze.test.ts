/** Tests that a frozen process thaws on request, and when the process that froze it ends. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { freeze } from '../../processes/freeze.ts'

let frozen: ChildProcess
let pid: number
beforeEach(() => {
  frozen = spawn('sleep', ['60'])
  pid = frozen.pid ?? 0
})
afterEach(() => frozen.kill('SIGKILL'))

const isFrozen = () => execFileSync('ps', ['-o', 'stat=', '-p', String(pid)], { encoding: 'utf8' }).startsWith('T')
const until = (expected: boolean) => vi.waitFor(() => expect(isFrozen()).toBe(expected), { timeout: 20_000 })

it('a frozen process stays stopped until it is thawed', async () => {
  const wake = freeze(pid)
  await until(true)
  wake()
  await until(false)
})

it('a frozen process thaws when the process that froze it is killed', async () => {
  const program = `const { freeze } = await import(process.argv[1]); freeze(Number(process.argv[2])); setInterval(() => {}, 1000)`
  const module = new URL('../../processes/freeze.ts', import.meta.url).href
  const freezer = spawn(process.execPath, [
    ...['--import', import.meta.resolve('tsx'), '--input-type=module', '-e', program],
    ...[module, String(pid)],
  ])
  await until(true)
  freezer.kill('SIGKILL')
  await until(false)
}, 45_000)
