/**
 * The log as the engine uses it: whatever it was given, writing a line breaks nothing and tells it no secret (A12), and
 * each line about a checkout or a cart names the request that is at work on it.
 */

import type { LogFields, LogLevel } from './levels.ts'
import { type CheckoutLog, isRedacting } from './log.ts'
import { redact } from './redact.ts'

/** @param requestOf the request at work on a checkout or a cart, by its id. */
export function guardLog(
  log: CheckoutLog,
  requestOf: (id: unknown) => string | undefined = () => undefined,
): Required<CheckoutLog> {
  const isHosts = !isRedacting(log)
  let hasWarned = false

  function broken(error: unknown): void {
    if (hasWarned) return
    hasWarned = true
    const name = error instanceof Error ? error.name : typeof error
    process.emitWarning(`The log given to the checkout throws (${name}); lines are missing from it.`, 'HoldfastWarning')
  }

  function named(fields: LogFields): LogFields {
    const requestId = fields.requestId ?? requestOf(fields.lockId) ?? requestOf(fields.cartId)
    return requestId === undefined ? fields : { ...fields, requestId }
  }

  function line(level: LogLevel, message: string, fields: LogFields = {}): void {
    try {
      const said = named(fields)
      const told: unknown = isHosts
        ? log[level]?.(redact(message) as string, redact(said) as LogFields)
        : log[level]?.(message, said)
      if (told instanceof Promise) told.catch(broken)
    } catch (error) {
      broken(error)
    }
  }

  return {
    debug: (message, fields) => line('debug', message, fields),
    info: (message, fields) => line('info', message, fields),
    warn: (message, fields) => line('warn', message, fields),
    error: (message, fields) => line('error', message, fields),
    wants(level) {
      try {
        return log.wants?.(level) ?? true
      } catch (error) {
        broken(error)
        return true
      }
    },
  }
}
