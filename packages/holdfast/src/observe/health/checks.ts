/**
 * The health checks: each compares a reading with a threshold, and has a sentence for people.
 *
 * `critical` means: wake a person, because the database is down, checkouts do not end, or money is unaccounted for. A
 * failing gateway alone is never critical. The shop cannot sell then, but its processes are healthy, and restarting them
 * or removing them from a load balancer would not help. If the failure lasts, the waiting checkouts show as stuck.
 */
import { triesBeforeAlert } from '../../domain/alert.ts'
import type { HealthCheck } from '../../engine/checkout-engine.ts'
import { plural } from '../plural.ts'
import { type GatewaySight, windowMinutes } from './gateway-window.ts'
import { type HealthReading, lateMinutes, stuckMinutes } from './reading.ts'

/** From this number on, expired locks are a warning. A few are always waiting for cleanup. */
const expiredMax = 10
/** From this number on, stuck checkouts are critical. */
const stuckMax = 10
/** Reconciliations that may be missed in a row. */
const missedMax = 3
/** Fewer calls to the gateway say nothing about it. */
const callsMin = 5
/** The gateway is failing if one call in this many fails. */
const failedOneIn = 5

const minutes = (ms: number) => plural(Math.floor(ms / 60_000), 'minute')

function warnIf(isWrong: boolean, count: number, wrong: string, right: string): HealthCheck {
  return { status: isWrong ? 'warning' : 'ok', count, message: isWrong ? wrong : right }
}

/** All checks except the database's own. */
export function checksOf(reading: HealthReading, seen: GatewaySight): Record<string, HealthCheck> {
  const { expired, rollbacks, captures } = reading
  const locks = plural(expired, 'expired lock')
  return {
    expired_locks: warnIf(
      expired >= expiredMax,
      expired,
      `${locks} waiting for cleanup; check that a worker is running`,
      `${locks} (normal)`,
    ),
    stuck_checkouts: stuckOf(reading),
    rollbacks: warnIf(
      rollbacks > 0,
      rollbacks,
      `${plural(rollbacks, 'stuck rollback')}: void or refund not confirmed after ${triesBeforeAlert} attempts`,
      'No stuck rollbacks',
    ),
    captures: warnIf(
      captures > 0,
      captures,
      `${plural(captures, 'capture')} with an unknown outcome for too long`,
      'No captures with an overdue outcome',
    ),
    gateway: gatewayOf(reading, seen),
    deliveries: deliveriesOf(reading),
    webhooks: webhooksOf(reading),
  }
}

function stuckOf({ stuck }: HealthReading): HealthCheck {
  if (stuck === 0) return { status: 'ok', count: 0, message: 'No stuck checkouts' }
  const message = `${plural(stuck, 'checkout')} active for more than ${stuckMinutes} minutes`
  return { status: stuck < stuckMax ? 'warning' : 'critical', count: stuck, message }
}

/** Combines the recent calls of this process with the unanswered operations of all processes. */
function gatewayOf({ unanswered }: HealthReading, { calls, failed }: GatewaySight): HealthCheck {
  const isFailing = calls >= callsMin && failed * failedOneIn >= calls
  const lately = `the last ${windowMinutes} minutes`
  const problems: string[] = []
  if (isFailing && failed === calls) problems.push(`all ${calls} calls in ${lately} failed`)
  else if (isFailing) problems.push(`${failed} of ${calls} calls in ${lately} failed`)
  if (unanswered > 0)
    problems.push(`${plural(unanswered, 'operation')} without an answer for more than ${lateMinutes} minutes`)
  const right =
    calls === 0 ? `No calls in ${lately}` : `${calls - failed} of ${plural(calls, 'call')} in ${lately} answered`
  return warnIf(problems.length > 0, failed + unanswered, sentence(problems), right)
}

function deliveriesOf({ parked, late, lagMs }: HealthReading): HealthCheck {
  const problems: string[] = []
  if (parked > 0) problems.push(plural(parked, 'parked delivery', 'parked deliveries'))
  if (late > 0) {
    problems.push(`${plural(late, 'overdue delivery', 'overdue deliveries')}, the oldest by ${minutes(lagMs)}`)
  }
  return warnIf(problems.length > 0, parked + late, sentence(problems), 'No parked or overdue deliveries')
}

/** Unmatched webhooks are counted but no warning: other applications of the same gateway account also cause them. */
function webhooksOf({ unmatchedWebhooks, failedWebhooks }: HealthReading): HealthCheck {
  const unmatched = plural(unmatchedWebhooks, 'unmatched webhook')
  return warnIf(
    failedWebhooks > 0,
    unmatchedWebhooks + failedWebhooks,
    `${plural(failedWebhooks, 'webhook')} for known checkouts not processed for three days; ${unmatched}`,
    unmatched,
  )
}

function sentence(parts: readonly string[]): string {
  const text = parts.join('; ')
  return text.slice(0, 1).toUpperCase() + text.slice(1)
}

/** @param everyMs interval of automatic reconciliations, 0 for none. Null if there is none and none was ever requested. */
export function reconciliationOf({ reconciled, sinceMs }: HealthReading, everyMs: number): HealthCheck | null {
  const silentMs = reconciled?.agoMs ?? sinceMs ?? 0
  const isMissed = everyMs > 0 && silentMs > missedMax * everyMs
  const hours = Math.floor(silentMs / 3_600_000)
  if (reconciled === null && !isMissed) return everyMs === 0 ? null : { status: 'ok', count: 0, message: 'Not yet due' }
  const { differences: count, critical } = reconciled ?? { differences: 0, critical: 0 }
  const differences = `${plural(count, 'difference')} from the gateway’s records`
  if (critical > 0) {
    return { status: 'critical', count, message: `${differences}, ${critical} of them unaccounted money` }
  }
  if (isMissed) {
    return { status: 'warning', count, message: `Not reconciled with the gateway for ${plural(hours, 'hour')}` }
  }
  if (count === 0) return { status: 'ok', count, message: 'No differences from the gateway’s records' }
  return { status: 'warning', count, message: differences }
}
