/**
 * What a reading means: each check with its threshold and a sentence for people.
 *
 * Critical is what somebody is to be woken for: the database is gone, checkouts do not end, money is not accounted for.
 * A gateway that fails is never critical by itself. Its shop cannot sell, but the processes are well: a monitor that
 * restarts them, or a balancer that takes them all out, would mend nothing and lose what still works. Should it last,
 * the checkouts that wait for it show as stuck.
 */
import { triesBeforeAlert } from '../../domain/alert.ts'
import type { HealthCheck } from '../../engine/checkout-engine.ts'
import { counted } from '../plural.ts'
import { type GatewaySight, windowMinutes } from './gateway-window.ts'
import { type HealthReading, lateMinutes, stuckMinutes } from './reading.ts'

/** Expired locks are cleaned up by themselves; a few are always on their way. */
const expiredMax = 10
const stuckMax = 10
/** So many comparisons with the gateway may be missed. */
const missedMax = 3
/** Below so many calls nothing can be said. */
const callsMin = 5
/** One call in so many may fail. */
const failedOneIn = 5

const minutes = (ms: number) => counted(Math.floor(ms / 60_000), 'minute')

function warnIf(isWrong: boolean, count: number, wrong: string, right: string): HealthCheck {
  return { status: isWrong ? 'warning' : 'ok', count, message: isWrong ? wrong : right }
}

/** All checks but the database's own. */
export function checksOf(reading: HealthReading, seen: GatewaySight): Record<string, HealthCheck> {
  const { expired, stuck, rollbacks, captures, unmatched, unheeded } = reading
  const locks = counted(expired, 'expired lock')
  const strangers = `${counted(unmatched, 'webhook')} of no checkout of ours`
  return {
    expired_locks: warnIf(
      expired >= expiredMax,
      expired,
      `${locks} wait to be cleaned up: does a worker run?`,
      `${locks} (normal)`,
    ),
    stuck_checkouts: {
      status: stuck === 0 ? 'ok' : stuck < stuckMax ? 'warning' : 'critical',
      count: stuck,
      message:
        stuck === 0
          ? 'No stuck checkouts'
          : `${counted(stuck, 'checkout')} active for more than ${stuckMinutes} minutes`,
    },
    rollbacks: warnIf(
      rollbacks > 0,
      rollbacks,
      `${counted(rollbacks, 'rollback')} tried ${triesBeforeAlert} times and more; the gateway refuses to void or refund`,
      'No rollback is in trouble',
    ),
    captures: warnIf(
      captures > 0,
      captures,
      `${counted(captures, 'capture')} of unknown outcome for too long`,
      'No capture waits too long',
    ),
    gateway: gatewayOf(reading, seen),
    deliveries: deliveriesOf(reading),
    // Other applications of the same account make webhooks too: those are counted, and no trouble.
    webhooks: warnIf(
      unheeded > 0,
      unmatched + unheeded,
      `${counted(unheeded, 'webhook')} of ours could not be heeded for three days; ${unmatched} of no checkout of ours`,
      strangers,
    ),
  }
}

/** By what this process saw lately, and by what any process has asked and nobody has an answer to. */
function gatewayOf({ unanswered }: HealthReading, { calls, failed }: GatewaySight): HealthCheck {
  const isFailing = calls >= callsMin && failed * failedOneIn >= calls
  const lately = `the last ${windowMinutes} minutes`
  const told: string[] = []
  if (isFailing && failed === calls) told.push(`all ${calls} calls of ${lately} failed`)
  else if (isFailing) told.push(`${failed} of ${calls} calls of ${lately} failed`)
  if (unanswered > 0)
    told.push(`${counted(unanswered, 'operation')} without an answer for more than ${lateMinutes} minutes`)
  const right =
    calls === 0 ? `No calls in ${lately}` : `${calls - failed} of ${counted(calls, 'call')} of ${lately} answered`
  return warnIf(told.length > 0, failed + unanswered, sentence(told), right)
}

function deliveriesOf({ parked, late, lagMs }: HealthReading): HealthCheck {
  const told: string[] = []
  if (parked > 0) told.push(`${counted(parked, 'delivery', 'deliveries')} given up`)
  if (late > 0) told.push(`${counted(late, 'delivery', 'deliveries')} late, the oldest by ${minutes(lagMs)}`)
  return warnIf(told.length > 0, parked + late, sentence(told), 'All events are on their way')
}

function sentence(parts: readonly string[]): string {
  const text = parts.join('; ')
  return text.slice(0, 1).toUpperCase() + text.slice(1)
}

/** Null where there is nothing to say: it is not done by itself, and was never asked for. */
export function reconciliationOf({ reconciled, sinceMs }: HealthReading, everyMs: number): HealthCheck | null {
  const silentMs = reconciled?.agoMs ?? sinceMs ?? 0
  const isMissed = everyMs > 0 && silentMs > missedMax * everyMs
  const hours = Math.floor(silentMs / 3_600_000)
  const silence = `Not compared with the gateway’s books for ${counted(hours, 'hour')}`
  if (reconciled === null && !isMissed) return everyMs === 0 ? null : { status: 'ok', count: 0, message: 'Not yet due' }
  const { differences: count, critical } = reconciled ?? { differences: 0, critical: 0 }
  if (critical > 0) {
    const message = `${counted(count, 'difference')} from the gateway’s books, ${critical} of them money that is not accounted for`
    return { status: 'critical', count, message }
  }
  if (isMissed) return { status: 'warning', count, message: silence }
  if (count === 0) return { status: 'ok', count, message: 'The gateway’s books agree with ours' }
  return { status: 'warning', count, message: `${counted(count, 'difference')} from the gateway’s books` }
}
