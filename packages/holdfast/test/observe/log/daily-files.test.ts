/** Daily files keep every line of every process, and never throw. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { dailyFiles } from '../../../src/observe/log/daily-files.ts'

const source = new URL('../../../src/observe/log/daily-files.ts', import.meta.url).href

/** A process that writes numbered lines as fast as it can, or `count` of them. */
function writer(directory: string, name: string, count = Number.POSITIVE_INFINITY) {
  const program = `import { dailyFiles } from '${source}'
    const files = dailyFiles(${JSON.stringify(directory)}, 'checkout', { today: () => '2026-11-22' })
    for (let number = 1; number <= ${count}; number += 1) {
      files.write(JSON.stringify({ name: '${name}', number, fill: 'x'.repeat(number % 900) }) + '\\n')
      if (number % 100 === 0) console.log(number)
    }`
  return spawn(process.execPath, ['--import', 'tsx', '--input-type=module', '--eval', program], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
}

describe('daily files', () => {
  let directory = ''
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'holdfast-log-'))
  })
  afterEach(() => rmSync(directory, { recursive: true, force: true }))

  const read = (day: string) => readFileSync(join(directory, `checkout-${day}.log`), 'utf8')

  it('start a file each day, keep the last fourteen, and touch no other file', () => {
    const others = ['other.log', 'checkout-2020-01-01.log.gz', 'checkout-today.log', 'my-checkout-2020-01-01.log']
    for (const other of others) writeFileSync(join(directory, other), '')
    let day = ''
    const files = dailyFiles(directory, 'checkout', { today: () => day })
    for (let number = 1; number <= 20; number += 1) {
      day = `2026-01-${String(number).padStart(2, '0')}`
      files.write(`line of ${day}\n`)
    }
    files.close()
    const kept = readdirSync(directory).filter(entry => !others.includes(entry))
    expect(kept).toHaveLength(14)
    expect(kept.sort()[0]).toBe('checkout-2026-01-07.log')
    expect(readdirSync(directory)).toEqual(expect.arrayContaining(others))
    expect(read('2026-01-20')).toBe('line of 2026-01-20\n')
  })

  it('never delete the current file, even if the clock was set back', () => {
    let day = ''
    const files = dailyFiles(directory, 'checkout', { today: () => day, keep: 3 })
    for (const each of ['2026-05-01', '2026-05-02', '2026-05-03', '2020-01-01']) {
      day = each
      files.write('first\n')
    }
    files.write('second\n')
    files.close()
    expect(read('2020-01-01')).toBe('first\nsecond\n')
  })

  it('start a new file if the file or its directory was deleted', () => {
    vi.useFakeTimers({ toFake: ['performance'] })
    try {
      const files = dailyFiles(join(directory, 'logs'), 'checkout', { today: () => '2026-11-22' })
      files.write('before\n')
      rmSync(join(directory, 'logs'), { recursive: true })
      vi.advanceTimersByTime(1_001)
      files.write('after\n')
      files.close()
      expect(readFileSync(join(directory, 'logs', 'checkout-2026-11-22.log'), 'utf8')).toBe('after\n')
    } finally {
      vi.useRealTimers()
    }
  })

  it('do not throw while writing fails, report the failure once, and log how many lines were lost', () => {
    vi.useFakeTimers({ toFake: ['performance'] })
    try {
      const target = join(directory, 'logs')
      writeFileSync(target, 'a file where the directory should be')
      const onError = vi.fn()
      const files = dailyFiles(target, 'checkout', { today: () => '2026-11-22', onError })
      for (let number = 0; number < 5; number += 1) files.write(`lost ${number}\n`)
      vi.advanceTimersByTime(1_001)
      files.write('also lost\n')
      expect(onError).toHaveBeenCalledOnce()
      rmSync(target)
      vi.advanceTimersByTime(1_001)
      files.write('there again\n')
      files.close()
      const [notice = '', line] = readFileSync(join(target, 'checkout-2026-11-22.log'), 'utf8').split('\n')
      expect(JSON.parse(notice)).toMatchObject({ level: 40, msg: '[Log] lines were lost', lost: 6 })
      expect(line).toBe('there again')
    } finally {
      vi.useRealTimers()
    }
  })

  it.runIf(existsSync('/dev/full'))('do not throw while the disk is full', () => {
    symlinkSync('/dev/full', join(directory, 'checkout-2026-11-22.log'))
    const onError = vi.fn()
    const files = dailyFiles(directory, 'checkout', { today: () => '2026-11-22', onError })
    files.write('one\n')
    files.write('two\n')
    files.close()
    expect(onError).toHaveBeenCalledExactlyOnceWith(expect.objectContaining({ code: 'ENOSPC' }))
  })

  it('keep the lines of several processes whole, and lose none to SIGKILL', async () => {
    mkdirSync(directory, { recursive: true })
    const killed = writer(directory, 'killed')
    const steady = [writer(directory, 'a', 2_000), writer(directory, 'b', 2_000)]
    for (const { stdout } of steady) stdout?.resume()
    let last = 0
    const ended = once(killed, 'exit')
    const ends = steady.map(each => once(each, 'exit'))
    if (killed.stdout === null) throw new Error('no output')
    for await (const line of createInterface({ input: killed.stdout })) {
      last = Number(line)
      if (last >= 300) killed.kill('SIGKILL')
    }
    await Promise.all([ended, ...ends])
    const lines = read('2026-11-22')
      .trimEnd()
      .split('\n')
      .map(line => JSON.parse(line) as { name: string; number: number })
    const numbers = (name: string) => lines.filter(line => line.name === name).map(line => line.number)
    const upTo = (count: number) => Array.from({ length: count }, (_, index) => index + 1)
    expect(numbers('a')).toEqual(upTo(2_000))
    expect(numbers('b')).toEqual(upTo(2_000))
    expect(numbers('killed').length).toBeGreaterThanOrEqual(last)
    expect(numbers('killed')).toEqual(upTo(numbers('killed').length))
  })
})
