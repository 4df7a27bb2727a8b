/**
 * The alarm: a line of the log that names an alert (`{ alert: 'rollback_stuck', lockId }`) is told to people, too, also
 * where the log is switched off. As lines do, it rings after the commit; and whatever hears it harms no checkout.
 */
import { type AlertCode, alertCodes, type CheckoutAlert } from '../domain/alert.ts'
import type { LogFields } from './log/levels.ts'
import type { CheckoutLog } from './log/log.ts'

/** The fields of a line that leave with its alert. What others wrote (an error's text) does not: who knows what is in it. */
const particulars = ['listener', 'type', 'attempts', 'tries', 'refundedMinor', 'recordedMinor', 'criticalCount']

function alertOf(message: string, fields: LogFields): CheckoutAlert | null {
  const { alert, lockId = null } = fields
  if (!alertCodes.includes(alert as AlertCode)) return null
  return {
    code: alert as AlertCode,
    message: message.replace(/^\[\w+\] /, ''),
    lockId: lockId as string | null,
    context: Object.fromEntries(particulars.flatMap(key => (key in fields ? [[key, fields[key] as string]] : []))),
  }
}

/** @param onAlert told of each as often as it is seen: a rollback that stays stuck, with every try. */
export function withAlarm<Log extends CheckoutLog>(log: Log, onAlert: (alert: CheckoutAlert) => unknown): Log {
  return {
    ...log,
    error(message, fields = {}) {
      log.error(message, fields)
      const alert = alertOf(message, fields)
      if (alert === null) return
      const failed = (err: unknown) => log.error('[Checkout] nobody could be alerted', { err })
      try {
        Promise.resolve(onAlert(alert)).catch(failed)
      } catch (error) {
        failed(error)
      }
    },
  }
}
