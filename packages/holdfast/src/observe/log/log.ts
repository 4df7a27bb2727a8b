/**
 * The log: structured lines, JSON for programs or readable at a terminal, with no token, secret or card data in any of
 * them (A12). Writing a line never throws: whoever writes one has something better to do than to fail by it.
 */
import pino from 'pino'
import { type LogFields, type LogLevel, logLevels } from './levels.ts'
import { prettyLine } from './log-pretty.ts'
import { redact } from './redact.ts'

/** Where lines go: the log of `createLog`, or your own. It may throw and it may be slow to write, but not to return. */
export interface CheckoutLog {
  debug?(message: string, fields?: LogFields): void
  info(message: string, fields?: LogFields): void
  warn(message: string, fields?: LogFields): void
  error(message: string, fields?: LogFields): void
  /** False where lines of this level are not written: then they are not even built. Default: all are wanted. */
  wants?(level: LogLevel): boolean
}

export interface LogOptions {
  /** Default `info`. */
  level?: LogLevel
  /** One readable line each instead of JSON; for a terminal. Default false. */
  pretty?: boolean
  /** With `pretty`: colours. Default false. */
  colours?: boolean
  /** Default true; false is silence. */
  enabled?: boolean
  /** Where lines go, each with its newline. Default: standard error. */
  write?: (line: string) => void
}

/** Logs that take secrets out by themselves. */
const redacting = new WeakSet<CheckoutLog>()

export const isRedacting = (log: CheckoutLog): boolean => redacting.has(log)

export const silentLog: Required<CheckoutLog> = { debug() {}, info() {}, warn() {}, error() {}, wants: () => false }

export function createLog(options: LogOptions = {}): Required<CheckoutLog> {
  const { level = 'info', pretty = false, colours = false } = options
  if (options.enabled === false) return silentLog
  const write = options.write ?? (line => process.stderr.write(line))
  const { isoTime: timestamp } = pino.stdTimeFunctions
  // Errors come to it as plain objects, their causes in them.
  const json = pino({ level, base: null, timestamp, serializers: { err: error => error } }, { write })
  const lowest = logLevels.indexOf(level)
  const wants = (asked: LogLevel) => logLevels.indexOf(asked) >= lowest

  function line(tone: LogLevel, message: string, fields: LogFields): void {
    if (!wants(tone)) return
    try {
      const clean = redact(fields) as LogFields
      const text = redact(message) as string
      if (pretty) write(prettyLine(tone, text, clean, colours))
      else json[tone](clean, text)
    } catch {
      // What is written to may be gone; nobody is left to tell.
    }
  }

  const log: Required<CheckoutLog> = {
    debug: (message, fields = {}) => line('debug', message, fields),
    info: (message, fields = {}) => line('info', message, fields),
    warn: (message, fields = {}) => line('warn', message, fields),
    error: (message, fields = {}) => line('error', message, fields),
    wants,
  }
  redacting.add(log)
  return log
}
