/**
 * The log of the checkout: `[Checkout]` lines, structured, with no token, secret or card data in any of them (A12).
 *
 * What a line is about is the beginning of its message: "[Checkout] phase …", "[Checkout] failed …" and
 * "[Checkout] rollback …" can each be switched off, errors excepted.
 */
import pino from 'pino'

export type LogFields = Readonly<Record<string, unknown>>

export interface CheckoutLog {
  info(message: string, fields?: LogFields): void
  warn(message: string, fields?: LogFields): void
  error(message: string, fields?: LogFields): void
}

export interface LogOptions {
  /** Default `info`. */
  level?: 'debug' | 'info' | 'warn' | 'error'
  /** One readable line each instead of JSON; for a terminal. Default false. */
  pretty?: boolean
  /** With `pretty`: colours. Default false. */
  colours?: boolean
  /** Lines about failed checkouts. Default true. */
  failures?: boolean
  /** Lines about steps undone. Default true. */
  rollbacks?: boolean
  /** Lines about every phase. Default false. */
  allPhases?: boolean
  /** Default true; false is silence. */
  enabled?: boolean
  /** Where lines go, each with its newline. Default: standard error. */
  write?: (line: string) => void
}

export const silentLog: CheckoutLog = { info() {}, warn() {}, error() {} }

const secretKey =
  /token|secret|^(proxy-)?authorization$|password|passwd|cookie|api[-_]?key|card[-_]?number|^(pan|cvc|cvv)$|security[-_]?code|sealed/i
const digits = /(?<![\w-])(?:\d[ -]?){12,18}\d(?![\w-])/g
const paymentToken = /\b(?:tok|pm|sk|whsec)_[A-Za-z0-9_]+/g
const depthMax = 6

/** Removes a run of digits that could be a card number: 13 to 19 of them with Luhn's check digit. */
function asCard(run: string): string {
  const sum = [...run.replace(/\D/g, '')].reverse().reduce((total, digit, index) => {
    const value = Number(digit) * (index % 2 === 0 ? 1 : 2)
    return total + (value > 9 ? value - 9 : value)
  }, 0)
  return sum % 10 === 0 ? '[removed]' : run
}

/** Gives `value` without whatever must not be written down: by the name of its key, or by what it looks like. */
export function redact(value: unknown, depth = 0): unknown {
  if (typeof value === 'string') return value.replace(digits, asCard).replace(paymentToken, '[removed]')
  if (typeof value === 'bigint') return value.toString()
  if (typeof value !== 'object' || value === null) return value
  if (depth >= depthMax) return '[deep]'
  if (value instanceof Error) {
    const { name, message, stack } = value
    const code = (value as { code?: unknown }).code
    return redact({ name, message, ...(code === undefined ? {} : { code }), stack }, depth + 1)
  }
  if (Array.isArray(value)) return value.slice(0, 100).map(item => redact(item, depth + 1))
  return Object.fromEntries(
    Object.entries(value).map(([key, inner]) => [
      key,
      secretKey.test(key) && inner !== null ? '[removed]' : redact(inner, depth + 1),
    ]),
  )
}

const tones = { info: 36, warn: 33, error: 31 } as const

/** `12:03:04.123 WARN  [Checkout] failed  code=payment_declined lockId=…` */
function prettyLine(level: keyof typeof tones, message: string, fields: LogFields, colours: boolean): string {
  const paint = (tone: number, text: string) => (colours ? `\u001b[${tone}m${text}\u001b[0m` : text)
  const { err, ...rest } = fields as { err?: { stack?: unknown } }
  const pairs = Object.entries(rest).map(
    ([key, value]) => `${paint(2, `${key}=`)}${typeof value === 'string' ? value : JSON.stringify(value)}`,
  )
  const line = [
    paint(2, new Date().toISOString().slice(11, 23)),
    paint(tones[level], level.toUpperCase().padEnd(5)),
    message,
    ...pairs,
  ].join(' ')
  return typeof err?.stack === 'string' ? `${line}\n${err.stack}\n` : `${line}\n`
}

const levels = ['debug', 'info', 'warn', 'error']

export function createLog(options: LogOptions = {}): CheckoutLog {
  const {
    level = 'info',
    pretty = false,
    colours = false,
    failures = true,
    rollbacks = true,
    allPhases = false,
  } = options
  if (options.enabled === false) return silentLog
  const write = options.write ?? (line => process.stderr.write(line))
  const json = pino({ level, base: null, timestamp: pino.stdTimeFunctions.isoTime }, { write })

  function wanted(message: string): boolean {
    if (message.startsWith('[Checkout] phase')) return allPhases
    if (message.startsWith('[Checkout] failed')) return failures
    if (message.startsWith('[Checkout] rollback')) return rollbacks
    return true
  }

  function line(tone: keyof typeof tones, message: string, fields: LogFields): void {
    // What needs attention is never switched off.
    if (tone !== 'error' && !wanted(message)) return
    const clean = redact(fields) as LogFields
    const text = redact(message) as string
    if (!pretty) json[tone](clean, text)
    else if (levels.indexOf(tone) >= levels.indexOf(level)) write(prettyLine(tone, text, clean, colours))
  }

  return {
    info: (message, fields = {}) => line('info', message, fields),
    warn: (message, fields = {}) => line('warn', message, fields),
    error: (message, fields = {}) => line('error', message, fields),
  }
}
