/** The log says what happened, and never what must stay secret. */
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { dailyFiles } from '../../src/observe/daily-files.ts'
import { createLog, type LogOptions, redact } from '../../src/observe/log.ts'

function logged(options: LogOptions, use: (log: ReturnType<typeof createLog>) => void): string[] {
  const lines: string[] = []
  use(createLog({ ...options, write: line => lines.push(line) }))
  return lines
}

describe('the log', () => {
  it('writes one JSON line with level, time and fields', () => {
    const [line = ''] = logged({}, log => log.info('[Checkout] started', { lockId: 'abc' }))
    expect(line.endsWith('\n')).toBe(true)
    expect(JSON.parse(line)).toMatchObject({
      level: 30,
      msg: '[Checkout] started',
      lockId: 'abc',
      time: expect.any(String),
    })
  })

  it('writes a readable line for a terminal, with the stack of an error', () => {
    const [line = ''] = logged({ pretty: true }, log =>
      log.warn('[Checkout] failed', { code: 'payment_declined', err: new Error('boom') }),
    )
    expect(line).toMatch(/WARN {2}\[Checkout\] failed code=payment_declined\n/)
    expect(line).toContain('Error: boom')
    expect(line).not.toContain('\u001b')
  })

  it('leaves out phases unless asked, and failures and rollbacks when told to, but never an error', () => {
    const say = (log: ReturnType<typeof createLog>) => {
      log.info('[Checkout] phase completed')
      log.warn('[Checkout] failed')
      log.info('[Checkout] rollback step')
      log.error('[Checkout] rollback needs attention')
    }
    const words = (options: LogOptions) => logged(options, say).map(line => JSON.parse(line).msg.slice(11))
    expect(words({})).toEqual(['failed', 'rollback step', 'rollback needs attention'])
    expect(words({ allPhases: true, failures: false, rollbacks: false })).toEqual([
      'phase completed',
      'rollback needs attention',
    ])
    expect(words({ enabled: false })).toEqual([])
    expect(words({ level: 'error' })).toEqual(['rollback needs attention'])
    expect(logged({ level: 'error', pretty: true }, say)).toHaveLength(1)
  })

  it('writes no token, secret or card number, wherever it stands', () => {
    const lines = logged({ pretty: true }, log => {
      log.info('[Checkout] paid with tok_approve', {
        token: 'tok_approve',
        nested: { payment_token: 'x', list: ['card 4242 4242 4242 4242', '4242424242424242'] },
        headers: { authorization: 'Bearer abc', cookie: 'session=abc' },
        err: new Error('refused tok_decline for 4242-4242-4242-4242'),
      })
    })
    expect(lines.join('')).not.toMatch(/tok_|4242|Bearer|session=abc/)
  })

  it('keeps what only looks like one', () => {
    const fields = {
      lockId: '01920000-0000-7000-8000-000000000001',
      payment_authorization: { authorization_id: 'sbx_1', amount: 2300 },
      at: '2026-11-23T02:16:00.000Z',
      count: 1732324560000,
    }
    expect(redact(fields)).toEqual(fields)
  })
})

describe('daily files', () => {
  it('begin a file each day and keep the last fourteen', () => {
    const directory = mkdtempSync(join(tmpdir(), 'holdfast-log-'))
    try {
      writeFileSync(join(directory, 'other.log'), '')
      let day = '2026-01-01'
      const files = dailyFiles(directory, 'checkout', { today: () => day })
      for (let number = 1; number <= 20; number += 1) {
        day = `2026-01-${String(number).padStart(2, '0')}`
        files.write(`line of ${day}\n`)
      }
      files.close()
      const kept = readdirSync(directory).sort()
      expect(kept).toHaveLength(15)
      expect(kept[0]).toBe('checkout-2026-01-07.log')
      expect(kept.at(-1)).toBe('other.log')
      expect(readFileSync(join(directory, 'checkout-2026-01-20.log'), 'utf8')).toBe('line of 2026-01-20\n')
    } finally {
      rmSync(directory, { recursive: true })
    }
  })
})
