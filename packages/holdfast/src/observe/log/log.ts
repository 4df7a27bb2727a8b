/**
 * The log: structured lines, as JSON or readable at a terminal, without tokens, secrets or card data (A12). Writing a
 * line never throws, because a failing log must not fail a checkout.
 */
import pino from 'pino'
import { type LogFields, type LogLevel, logLevels } from './levels.ts'
import { prettyLine } from './pretty-line.ts'
import { redact } from './redact.ts'

/** The destination of log lines: the log of `createLog`, or your own. It may throw, but must return without waiting. */
export interface CheckoutLog {
  debug?(message: string, fields?: LogFields): void
  info(message: string, fields?: LogFields): void
  warn(message: string, fields?: LogFields): void
  error(message: string, fields?: LogFields): void
  /** False if lines of this level are dropped; the engine then does not build them. Default: true for all levels. */
  wants?(level: LogLevel): boolean
}

export interface LogOptions {
  /** The least important level that is written. Default `info`. */
  level?: LogLevel
  /** Readable lines for a terminal instead of JSON. Default false. */
  pretty?: boolean
  /** Colours, with `pretty` only. Default false. */
  colours?: boolean
  /** False writes nothing. Default true. */
  enabled?: boolean
  /** Receives each line with its newline. Default: standard error. */
  write?: (line: string) => void
}

/** Logs of `createLog`, which redact by themselves. */
const redacting = new WeakSet<CheckoutLog>()

export const isRedacting = (log: CheckoutLog): boolean => redacting.has(log)

export const silentLog: Required<CheckoutLog> = { debug() {}, info() {}, warn() {}, error() {}, wants: () => false }

export function createLog(options: LogOptions = {}): Required<CheckoutLog> {
  const { level = 'info', pretty = false, colours = false } = options
  if (options.enabled === false) return silentLog
  const write = options.write ?? (line => process.stderr.write(line))
  const { isoTime: timestamp } = pino.stdTimeFunctions
  // `redact` has already turned errors, with their causes, into plain objects.
  const json = pino({ level, base: null, timestamp, serializers: { err: error => error } }, { write })
  const lowest = logLevels.indexOf(level)
  const wants = (each: LogLevel) => logLevels.indexOf(each) >= lowest

  function line(lineLevel: LogLevel, message: string, fields: LogFields): void {
    if (!wants(lineLevel)) return
    try {
      const clean = redact(fields) as LogFields
      const text = redact(message) as string
      if (pretty) write(prettyLine(lineLevel, text, clean, colours))
      else json[lineLevel](clean, text)
    } catch {
      // The destination may be closed, and there is no other place to report it.
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
