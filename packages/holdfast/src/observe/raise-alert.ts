/**
 * Raises an alert for each error line that names one (`{ alert: 'rollback_stuck', lockId }`), even if the log is disabled.
 * Lines are written after the commit, and so alerts are raised after it. A failing alert never affects a checkout.
 */
import { type AlertCode, alertCodes, type CheckoutAlert } from '../domain/alert.ts'
import type { LogFields } from './log/levels.ts'
import type { CheckoutLog } from './log/log.ts'

/** The fields of a line that an alert carries. Texts of others, such as an error, may name a buyer and stay in the log. */
const sharedFields = ['listener', 'type', 'attempts', 'tries', 'refundedMinor', 'recordedMinor', 'criticalCount']

function alertOf(message: string, fields: LogFields): CheckoutAlert | null {
  const { alert, lockId = null } = fields
  if (!alertCodes.includes(alert as AlertCode)) return null
  return {
    code: alert as AlertCode,
    message: message.replace(/^\[\w+\] /, ''),
    lockId: lockId as string | null,
    context: Object.fromEntries(sharedFields.flatMap(key => (key in fields ? [[key, fields[key] as string]] : []))),
  }
}

/** @param onAlert receives an alert each time it is logged: for a stuck rollback, after each attempt. */
export function raiseAlerts<Log extends CheckoutLog>(log: Log, onAlert: (alert: CheckoutAlert) => unknown): Log {
  return {
    ...log,
    error(message, fields = {}) {
      log.error(message, fields)
      const alert = alertOf(message, fields)
      if (alert === null) return
      const failed = (err: unknown) => log.error('[Checkout] sending an alert failed', { err })
      try {
        Promise.resolve(onAlert(alert)).catch(failed)
      } catch (error) {
        failed(error)
      }
    },
  }
}
