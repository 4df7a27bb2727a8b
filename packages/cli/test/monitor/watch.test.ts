/** `monitor --watch`: redraws in place, fits the terminal, survives an outage, and restores the terminal. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { v7 as uuid } from 'uuid'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { defaultConfig } from '../../../holdfast/src/config/config.ts'
import { DatabaseError, statement } from '../../../holdfast/src/database/database.ts'
import { silentLog } from '../../../holdfast/src/observe/log/log.ts'
import type { Caller, Terminal } from '../../src/command.ts'
import type { Figures } from '../../src/monitor/frame.ts'
import { watchFigures } from '../../src/monitor/watch.ts'
import { readFromHolder } from '../../src/process/forward.ts'
import { startServer } from '../../src/process/server.ts'
import { widthOf } from '../../src/terminal/table.ts'
import { type Commands, openCommands } from '../commands/open-commands.ts'

const figures = (status: Figures['health']['status'] = 'healthy', completed = 3): Figures => ({
  health: {
    status,
    checks: {
      deliveries: { status: 'warning', count: 1, message: 'A sentence that is longer than a narrow terminal is wide' },
      database: { status: 'ok', message: 'Database connection healthy' },
    },
    timestamp: '2026-11-22T10:30:05.123Z',
  },
  statistics: {
    hours: 24,
    active: 1,
    completed,
    failed: 1,
    expired: 0,
    successRate: 0.75,
    byState: { completed, failed: 1, pending: 1 },
    failureReasons: [{ code: 'payment_declined', phase: 'payment_authorization', count: 1 }],
    durationMs: { p50: 120, p95: 900, p99: 4_200 },
  },
  throughput: { bucketSeconds: 2, completed: Array(59).fill(0).concat(2), failed: Array(60).fill(0) },
})

const away = () => new DatabaseError('the connection was lost', { code: 'connection_lost' })

/** Reads each of `answers` once, then stops. Returns one string per write. */
async function watched(
  answers: readonly (Figures | Error | Promise<Figures>)[],
  { terminal, json = false }: { terminal?: Terminal; json?: boolean } = {},
) {
  const writes: string[] = []
  const ended = new AbortController()
  const waiting = [...answers]
  const caller: Caller = {
    out: text => writes.push(text),
    err() {},
    colours: terminal !== undefined,
    isTty: terminal !== undefined,
    directory: '.',
    terminal,
  }
  async function read(): Promise<Figures> {
    const answer = waiting.shift()
    if (answer === undefined) {
      ended.abort()
      return new Promise(() => {})
    }
    if (answer instanceof Error) throw answer
    return answer
  }
  const code = await watchFigures({ caller, read, ended: ended.signal, everyMs: 1, json })
  return { code, writes }
}

function terminalOf(columns: number, rows: number) {
  const size = { columns, rows }
  const listeners = new Set<() => void>()
  const terminal: Terminal = {
    size: () => size,
    onResize(run) {
      listeners.add(run)
      return () => void listeners.delete(run)
    },
  }
  return { terminal, size, listeners }
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: terminal commands
const escapes = /\u001b\[[\d;?]*[A-Za-z]/g
const linesOf = (frame: string) => frame.replaceAll(escapes, '').split('\r\n')

describe('monitor --watch in a terminal', () => {
  it('writes each frame in one piece over the previous one, and restores the terminal at the end', async () => {
    const { terminal, listeners } = terminalOf(100, 40)
    const { writes, code } = await watched([figures(), figures()], { terminal })
    const [first = '', second = '', leave, last] = writes
    expect(writes).toHaveLength(4)
    // Alternate screen, hidden cursor.
    expect(first.startsWith('\u001b[?1049h\u001b[?25l')).toBe(true)
    for (const frame of [first, second]) {
      expect(frame).toContain('\u001b[H')
      expect(frame).toContain('\u001b[J')
      expect(frame.split('\u001b[K')).toHaveLength(linesOf(frame).length + 1)
      expect(frame).not.toContain('\u001b[2J')
    }
    expect(leave).toBe('\u001b[?25h\u001b[?1049l')
    // The last reading remains.
    expect(last).toContain('2026-11-22 10:30:05 UTC')
    expect(listeners.size).toBe(0)
    expect(code).toBe(0)
  })

  it.each([
    [200, 60],
    [80, 24],
    [40, 12],
    [20, 5],
    [1, 1],
  ])('cuts the frame to %i columns and %i rows', async (columns, rows) => {
    const { writes } = await watched([figures()], { terminal: terminalOf(columns, rows).terminal })
    const lines = linesOf(writes[0] ?? '')
    expect(lines.length).toBeLessThanOrEqual(rows)
    expect(Math.max(...lines.map(widthOf))).toBeLessThan(Math.max(columns, 2))
    if (rows < 5) return
    expect(lines[0]).toMatch(/^healthy/)
    expect(lines.at(-1)).toMatch(/^every 1 ms/)
  })

  it('redraws at once when the terminal is resized', async () => {
    const { terminal, size, listeners } = terminalOf(100, 40)
    let answer: (seen: Figures) => void = () => {}
    const late = new Promise<Figures>(resolve => {
      answer = resolve
    })
    const watching = watched([figures(), late], { terminal })
    await expect.poll(() => listeners.size).toBe(1)
    await expect
      .poll(() => {
        size.columns = 30
        for (const run of listeners) run()
        return listeners.size
      })
      .toBe(1)
    answer(figures())
    const { writes } = await watching
    expect(writes.slice(0, -1).some(frame => Math.max(...linesOf(frame).map(widthOf)) === 29)).toBe(true)
  })

  it('restores the terminal after an error', async () => {
    const writes: string[] = []
    const { terminal } = terminalOf(80, 24)
    const answers = [figures(), new Error('a bug')]
    const caller: Caller = {
      out: text => writes.push(text),
      err() {},
      colours: true,
      isTty: true,
      directory: '.',
      terminal,
    }
    const read = async () => {
      const answer = answers.shift()
      if (answer instanceof Error || answer === undefined) throw answer
      return answer
    }
    await expect(
      watchFigures({ caller, read, ended: new AbortController().signal, everyMs: 1, json: false }),
    ).rejects.toThrow('a bug')
    expect(writes).toContain('\u001b[?25h\u001b[?1049l')
  })

  it('reports an unreachable database with the last reading, and continues when it is back', async () => {
    const { terminal } = terminalOf(100, 40)
    const { writes, code } = await watched([figures(), away(), figures('degraded', 4)], { terminal })
    const frames = writes.map(frame => linesOf(frame).join('\n'))
    expect(frames[1]).toMatch(/^no answer for .*: the connection was lost\nlast reading: 2026-11-22 10:30:05 UTC/)
    expect(frames[1]).not.toContain('healthy ')
    expect(frames[1]).toContain('started in the last 24 hours')
    expect(frames[2]).toMatch(/^degraded/)
    // The last reading was not healthy.
    expect(code).toBe(1)
  })
})

describe('monitor --watch in a pipe', () => {
  it('prints one block per reading, without terminal commands', async () => {
    const { writes } = await watched([figures(), away(), figures()])
    expect(writes.join('')).not.toContain('\u001b')
    expect(writes).toHaveLength(3)
    for (const block of writes) expect(block).toMatch(/[^\n]\n\n$/)
    expect(writes[1]).toContain('no answer for')
  })

  it('prints one JSON document per line, also during an outage', async () => {
    const { writes, code } = await watched([figures(), away()], { json: true })
    expect(writes.every(line => line.indexOf('\n') === line.length - 1)).toBe(true)
    const [first, second] = writes.map(line => JSON.parse(line))
    expect(first).toEqual(figures())
    expect(second).toMatchObject({ trouble: { message: 'the connection was lost', since: expect.any(String) } })
    expect(code).toBe(1)
  })

  it('fails if the first reading fails', async () => {
    await expect(watched([away()])).rejects.toThrow('the connection was lost')
  })
})

describe('monitor --watch on a store', () => {
  let opened: Commands
  beforeEach(async () => {
    opened = await openCommands()
  })
  afterEach(() => opened?.stop())

  it('counts ended checkouts per time bucket up to the last full one', async () => {
    await opened.database.query(
      statement(
        'watch_test_ended',
        `insert into holdfast.checkouts (id, cart_id, session_id, state, expires_at, completed_at, currency, total_minor)
         select $1::uuid, gen_random_uuid(), '', 'completed', now(),
           to_timestamp(floor(extract(epoch from now()) / 60) * 60 - 30), 'USD', 0`,
      ),
      [uuid()],
    )
    const ended = new AbortController()
    const { out } = await opened.call(['monitor', '--watch', '60', '--json'], {
      ended: ended.signal,
      onOutput: () => ended.abort(),
    })
    const { throughput } = JSON.parse(out) as Figures
    expect(throughput.bucketSeconds).toBe(60)
    // The minute may have passed meanwhile.
    expect(throughput.completed.slice(-2)).toContain(1)
    expect(throughput.completed).toHaveLength(60)
    expect(throughput.failed).toEqual(Array(60).fill(0))
  })

  it('exits with 2 for an invalid interval', async () => {
    for (const pause of ['0', 'x', '-1', '1.5', '4000']) {
      expect(await opened.call(['monitor', '--watch', pause])).toMatchObject({ code: 2, out: '' })
    }
  })
})

describe('monitor --watch on the embedded database', () => {
  it('reads from the server that holds the database, and reports if no server is running', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'holdfast-watch-'))
    const config = { ...defaultConfig, secret: 's'.repeat(32), port: 0 }
    const server = await startServer({ config, dataDirectory: directory, log: silentLog })
    const readOnce = () => readFromHolder<Figures>(directory, { directory }, ['monitor', '--json', '--step', '2'])
    try {
      expect(await readOnce()).toMatchObject({
        health: { status: 'healthy' },
        statistics: { active: 0 },
        throughput: { bucketSeconds: 2 },
      })
    } finally {
      await server.close()
    }
    await expect(readOnce()).rejects.toThrow(
      /no server is running on the embedded database .*; start one with "holdfast serve"/,
    )
    rmSync(directory, { recursive: true, force: true })
  }, 60_000)
})
