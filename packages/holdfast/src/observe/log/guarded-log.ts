/**
 * The log as the engine uses it. An application's log never breaks a checkout, never receives a secret (A12), and gets
 * the ID of the request with each line about a checkout or a cart.
 */

import { createHostGuard } from '../host-guard.ts'
import type { LogFields, LogLevel } from './levels.ts'
import { type CheckoutLog, isRedacting } from './log.ts'
import { redact } from './redact.ts'

/** @param requestOf gives the request that is processing a checkout or a cart, by its ID. */
export function guardLog(
  log: CheckoutLog,
  requestOf: (id: unknown) => string | undefined = () => undefined,
): Required<CheckoutLog> {
  const needsRedaction = !isRedacting(log)
  const guard = createHostGuard(name => `the log passed to createCheckout throws (${name}); some lines are missing`)

  function withRequestId(fields: LogFields): LogFields {
    const requestId = fields.requestId ?? requestOf(fields.lockId) ?? requestOf(fields.cartId)
    return requestId === undefined ? fields : { ...fields, requestId }
  }

  function line(level: LogLevel, message: string, given: LogFields = {}): void {
    guard(() => {
      const fields = withRequestId(given)
      return needsRedaction
        ? log[level]?.(redact(message) as string, redact(fields) as LogFields)
        : log[level]?.(message, fields)
    })
  }

  return {
    debug: (message, fields) => line('debug', message, fields),
    info: (message, fields) => line('info', message, fields),
    warn: (message, fields) => line('warn', message, fields),
    error: (message, fields) => line('error', message, fields),
    wants: level => guard(() => log.wants?.(level)) ?? true,
  }
}
