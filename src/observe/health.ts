/**
 * Is all well now? Cheap enough to be asked every second: it reads what is active, through its index, and no history.
 * It also watches over A11 and B4: what nobody looks at any more, and events that were given up, show here.
 */
import type { HealthCheck, HealthReport } from '../checkout-engine.ts'
import { type Database, statement } from '../store/database.ts'

export interface HealthOptions {
  /** How long a capture may be of unknown outcome, seconds. Default 3,600. */
  captureTimeoutSeconds?: number | undefined
  /** How long to wait for the database, milliseconds. Default 5,000. */
  timeoutMs?: number | undefined
  /** A gateway with books to compare with, and how often that is done by itself, milliseconds; 0: only when asked. */
  reconciles?: { gateway: string; everyMs: number } | undefined
}

/** Expired locks are cleaned up by themselves; a few are always on their way. */
const expiredMax = 10
const stuckMax = 10
const triesMax = 10
const overdueMax = 100
/** So many comparisons with the gateway may be missed. */
const missedMax = 3

/** `$1`: seconds, `$2`: the gateway whose books are compared. Counts stop at a thousand: more is no other answer. */
const readHealth = statement(
  'read_health',
  `with active as (
     select state, expires_at <= now() as expired, locked_at < now() - interval '30 minutes' as old, tries, id
     from holdfast.checkouts where wake_at is not null and state not in ('completed', 'failed')
   )
   select
     (select count(*) from active where expired and state in ('pending', 'awaiting_action')) as expired,
     (select count(*) from active where old and state in ('authorizing', 'capturing', 'rolling_back')) as stuck,
     (select count(*) from active where state = 'rolling_back' and tries >= ${triesMax}) as rollbacks,
     (select count(*) from active a join holdfast.payment_operations o
        on o.checkout_id = a.id and o.kind = 'capture' and o.status = 'intended'
      where a.state = 'capturing' and o.intended_at < now() - $1::integer * interval '1 second') as captures,
     (select count(*) from (select from holdfast.deliveries where state = 'parked' limit 1000) as parked) as parked,
     (select count(*) from (select from holdfast.deliveries
        where state = 'due' and next_at < now() - interval '5 minutes' limit 1000) as overdue) as overdue,
     (select count(*) from (select from holdfast.webhooks
        where handled_at is null and checkout_id is null and look_at is null limit 1000) as unmatched) as unmatched,
     (select count(*) from (select from holdfast.webhooks
        where handled_at is null and checkout_id is not null and look_at is null limit 1000) as unheeded) as unheeded,
     (select json_build_object('differences', difference_count, 'critical', critical_count, 'agoMs',
          (extract(epoch from now() - ended_at) * 1000)::bigint)
        from holdfast.reconciliations where gateway = $2 and ended_at is not null and failure is null
        order by started_at desc limit 1) as reconciled,
     (select (extract(epoch from now() - applied_at) * 1000)::bigint from holdfast.migrations
        where name = '0005_reconciliation') as "sinceMs",
     now() as now`,
)

interface HealthRow {
  expired: number
  stuck: number
  rollbacks: number
  captures: number
  parked: number
  overdue: number
  unmatched: number
  unheeded: number
  /** The last comparison that came to its end. */
  reconciled: { differences: number; critical: number; agoMs: number } | null
  /** How long comparisons could have been made. */
  sinceMs: number | null
  now: string
}

const many = (count: number, one: string, more = `${one}s`) => `${count} ${count === 1 ? one : more}`

function checksOf(row: HealthRow): Record<string, HealthCheck> {
  const { expired, stuck, rollbacks, captures, parked, overdue, unmatched, unheeded } = row
  return {
    expired_locks: {
      status: expired < expiredMax ? 'ok' : 'warning',
      count: expired,
      message: `${many(expired, 'expired lock')} ${expired < expiredMax ? '(normal)' : 'wait to be cleaned up: does a worker run?'}`,
    },
    stuck_checkouts: {
      status: stuck === 0 ? 'ok' : stuck < stuckMax ? 'warning' : 'critical',
      count: stuck,
      message: stuck === 0 ? 'No stuck checkouts' : `${many(stuck, 'checkout')} active for more than 30 minutes`,
    },
    rollbacks: {
      status: rollbacks === 0 ? 'ok' : 'warning',
      count: rollbacks,
      message:
        rollbacks === 0
          ? 'No rollback is in trouble'
          : `${many(rollbacks, 'rollback')} tried ${triesMax} times and more; the gateway refuses to void or refund`,
    },
    captures: {
      status: captures === 0 ? 'ok' : 'warning',
      count: captures,
      message:
        captures === 0 ? 'No capture waits too long' : `${many(captures, 'capture')} of unknown outcome for too long`,
    },
    deliveries: {
      status: parked === 0 && overdue < overdueMax ? 'ok' : 'warning',
      count: parked + overdue,
      message:
        parked + overdue === 0
          ? 'All events are on their way'
          : `${many(parked, 'delivery', 'deliveries')} given up, ${overdue} late by more than 5 minutes`,
    },
    webhooks: {
      // Other applications of the same account make webhooks too: those are counted, and no trouble.
      status: unheeded === 0 ? 'ok' : 'warning',
      count: unmatched + unheeded,
      message:
        unheeded > 0
          ? `${many(unheeded, 'webhook')} of ours could not be heeded for three days; ${unmatched} of no checkout of ours`
          : `${many(unmatched, 'webhook')} of no checkout of ours`,
    },
    database: { status: 'ok', message: 'Database connection healthy' },
  }
}

/** Null where there is nothing to say: it is not done by itself, and was never asked for. */
function reconciliationOf({ reconciled, sinceMs }: HealthRow, everyMs: number): HealthCheck | null {
  const silentMs = reconciled?.agoMs ?? sinceMs ?? 0
  const isMissed = everyMs > 0 && silentMs > missedMax * everyMs
  const hours = Math.floor(silentMs / 3_600_000)
  const silence = `Not compared with the gateway’s books for ${many(hours, 'hour')}`
  if (reconciled === null && !isMissed) return everyMs === 0 ? null : { status: 'ok', count: 0, message: 'Not yet due' }
  const { differences: count, critical } = reconciled ?? { differences: 0, critical: 0 }
  if (critical > 0) {
    const message = `${many(count, 'difference')} from the gateway’s books, ${critical} of them money that is not accounted for`
    return { status: 'critical', count, message }
  }
  if (isMissed) return { status: 'warning', count, message: silence }
  if (count === 0) return { status: 'ok', count, message: 'The gateway’s books agree with ours' }
  return { status: 'warning', count, message: `${many(count, 'difference')} from the gateway’s books` }
}

async function inTime<T>(work: Promise<T>, timeoutMs: number): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error('the database did not answer in time')), timeoutMs)
  })
  try {
    return await Promise.race([work, late])
  } finally {
    clearTimeout(timer)
  }
}

/** The health of the checkout. Never throws: a database that does not answer is a critical check. */
export async function health(database: Database, options: HealthOptions = {}): Promise<HealthReport> {
  const { captureTimeoutSeconds = 3_600, timeoutMs = 5_000, reconciles } = options
  let checks: Record<string, HealthCheck>
  let timestamp = new Date().toISOString()
  try {
    const [row] = await inTime(
      database.query<HealthRow>(readHealth, [captureTimeoutSeconds, reconciles?.gateway ?? null]),
      timeoutMs,
    )
    if (row === undefined) throw new Error('the database gave no answer')
    checks = checksOf(row)
    const reconciliation = reconciles === undefined ? null : reconciliationOf(row, reconciles.everyMs)
    if (reconciliation !== null) checks.reconciliation = reconciliation
    timestamp = row.now
  } catch {
    checks = { database: { status: 'critical', message: 'The database does not answer' } }
  }
  const statuses = Object.values(checks).map(check => check.status)
  const status = statuses.includes('critical') ? 'unhealthy' : statuses.includes('warning') ? 'degraded' : 'healthy'
  return { status, checks, timestamp }
}
