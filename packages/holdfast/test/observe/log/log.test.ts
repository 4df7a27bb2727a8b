/** The log writes JSON or readable lines, and never throws. */
import { describe, expect, it } from 'vitest'
import { guardLog } from '../../../src/observe/log/guarded-log.ts'
import { createLog, type LogOptions } from '../../../src/observe/log/log.ts'

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

  it('writes lines of the chosen level and above, and wants() says so in advance', () => {
    const say = (log: ReturnType<typeof createLog>) => {
      for (const level of ['debug', 'info', 'warn', 'error'] as const) if (log.wants(level)) log[level](level)
      log.debug('debug')
    }
    const messages = (options: LogOptions) => logged(options, say).map(line => JSON.parse(line).msg)
    expect(messages({})).toEqual(['info', 'warn', 'error'])
    expect(messages({ level: 'debug' })).toEqual(['debug', 'info', 'warn', 'error', 'debug'])
    expect(messages({ enabled: false })).toEqual([])
    expect(logged({ level: 'error', pretty: true }, say)).toHaveLength(1)
  })

  it('writes a readable line for a terminal: message in a column, ids last, errors and their causes below', () => {
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

  it('does not throw if a line cannot be written', () => {
    const log = createLog({
      write() {
        throw new Error('EPIPE')
      },
    })
    expect(() => log.error('[Checkout] failed')).not.toThrow()
  })

  it('passes no secret to the log of an application, which may lack the optional methods', () => {
    const lines: unknown[] = []
    const own = { info: (...line: unknown[]) => lines.push(line), warn() {}, error() {} }
    const log = guardLog(own)
    log.info('paid with tok_approve', { err: new Error('postgres://shop:hunter2@db/shop') })
    log.debug('dropped: the log has no debug')
    expect(lines).toHaveLength(1)
    expect(JSON.stringify(lines)).not.toMatch(/tok_approve|hunter2/)
    expect(log.wants('debug')).toBe(true)
  })
})
