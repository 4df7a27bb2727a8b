/** Opens the configured log: standard error or daily files. */

import { dailyFiles } from './daily-files.ts'
import { type CheckoutLog, createLog } from './log.ts'

export interface OpenLogOptions {
  enabled: boolean
  level: 'debug' | 'info' | 'warn' | 'error'
  /** `stderr`, or `checkout` for daily files. */
  channel: 'stderr' | 'checkout'
  /** Directory of the daily files, such as `.holdfast/logs`. */
  directory: string
  /** Writes a line to standard error. Default: `process.stderr`. */
  write?(line: string): void
  /** On standard error, writes readable lines instead of JSON. Default false. */
  pretty?: boolean
  colours?: boolean
}

export function openLog(options: OpenLogOptions): CheckoutLog {
  const { enabled, level, channel, directory, pretty = false, colours = false } = options
  const write = options.write ?? (line => void process.stderr.write(line))
  if (!enabled || channel === 'stderr') return createLog({ enabled, level, pretty, colours, write })
  const files = dailyFiles(directory, 'checkout', {
    onError: error => write(`could not write the log: ${String(error)}\n`),
  })
  return createLog({ enabled, level, pretty: false, colours: false, write: line => files.write(line) })
}
