/** The log writes one line for programs or for people, and breaks nobody who writes one. */
import { describe, expect, it } from 'vitest'
import { createLog, type LogOptions } from '../../../src/observe/log/log.ts'
import { guardLog } from '../../../src/observe/log/log-guard.ts'

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

  it('writes what is at least as important as asked, and says beforehand whether that is so', () => {
    const say = (log: ReturnType<typeof createLog>) => {
      for (const level of ['debug', 'info', 'warn', 'error'] as const) if (log.wants(level)) log[level](level)
      log.debug('debug')
    }
    const words = (options: LogOptions) => logged(options, say).map(line => JSON.parse(line).msg)
    expect(words({})).toEqual(['info', 'warn', 'error'])
    expect(words({ level: 'debug' })).toEqual(['debug', 'info', 'warn', 'error', 'debug'])
    expect(words({ enabled: false })).toEqual([])
    expect(logged({ level: 'error', pretty: true }, say)).toHaveLength(1)
  })

  it('writes a readable line for a terminal: words in a column, ids last, an error with its causes beneath', () => {
    const cause = new Error('connection refused')
    const [line = ''] = logged({ pretty: true }, log =>
      log.warn('[Checkout] failed', {
        lockId: 'l-1',
        code: 'payment_declined',
        message: 'No money.',
        err: new TypeError('boom', { cause }),
      }),
    )
    const [first = '', ...rest] = line.split('\n')
    expect(first).toMatch(
      /^\d\d:\d\d:\d\d\.\d{3} WARN {2}\[Checkout\] failed {20}code=payment_declined message="No money\." lockId=l-1$/,
    )
    expect(rest[0]).toBe('  TypeError: boom')
    expect(rest[1]).toMatch(/^ {4}at /)
    expect(rest).toEqual(expect.arrayContaining(['  caused by', '    Error: connection refused']))
    expect(line).not.toContain('\u001b')
    expect(logged({ pretty: true, colours: true }, log => log.error('x'))[0]).toContain('\u001b[31mERROR\u001b[0m')
  })

  it('throws at nobody whose line cannot be written', () => {
    const log = createLog({
      write() {
        throw new Error('EPIPE')
      },
    })
    expect(() => log.error('[Checkout] failed')).not.toThrow()
  })

  it('given by an application is told no secret, and may lack what is optional', () => {
    const told: unknown[] = []
    const own = { info: (...line: unknown[]) => told.push(line), warn() {}, error() {} }
    const log = guardLog(own)
    log.info('paid with tok_approve', { err: new Error('postgres://shop:hunter2@db/shop') })
    log.debug('nobody hears this')
    expect(told).toHaveLength(1)
    expect(JSON.stringify(told)).not.toMatch(/tok_approve|hunter2/)
    expect(log.wants('debug')).toBe(true)
  })
})
