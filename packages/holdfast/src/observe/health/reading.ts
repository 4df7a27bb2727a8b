/**
 * The figures that health checks use, read in one statement. It uses indexes that contain only active and waiting rows,
 * never history, so a million past checkouts do not slow it down (`npm run bench:health`).
 */

import { type Database, statement } from '../../database/database.ts'
import { triesBeforeAlert } from '../../domain/alert.ts'
import { dueListeners, dueNow, isNextOf } from './due-deliveries.ts'

/** Minutes after which an operation without an answer, or a delivery that is due, is overdue. */
export const lateMinutes = 5
/** Minutes after which a checkout that is still processing is stuck. */
export const stuckMinutes = 30
/** Deliveries examined per listener. More would not change the result of the check. */
const deliveriesMax = 500
const countMax = 1_000

/** A count that stops at `countMax`. */
const countOf = (rows: string) => `(select count(*) from (${rows} limit ${countMax}) as counted)`

/** `$1`: capture timeout in seconds, `$2`: the gateway to reconcile with. */
const readHealthStatement = statement(
  'read_health',
  `with recursive active as materialized (
     select id, state, tries, expires_at <= now() as expired, locked_at < now() - interval '${stuckMinutes} minutes' as old
     from holdfast.checkouts where wake_at is not null
   ), operations as materialized (
     select o.kind, o.intended_at, coalesce(o.answer ->> 'outcome', 'unknown') in ('unknown', 'not_executed') as unanswered
     from active join holdfast.payment_operations o on o.checkout_id = active.id and o.status = 'intended'
     where active.state not in ('pending', 'awaiting_action', 'awaiting_capture')
   ), ${dueListeners}, waiting as materialized (
     select due.next_at
     from listeners cross join lateral ${dueNow('due', deliveriesMax)}
     where ${isNextOf('due')}
   )
   select
     (select count(*) from active where expired and state in ('pending', 'awaiting_action')) as expired,
     (select count(*) from active where old and state in ('authorizing', 'capturing', 'rolling_back')) as stuck,
     (select count(*) from active where state = 'rolling_back' and tries >= ${triesBeforeAlert}) as rollbacks,
     (select count(*) from operations where kind = 'capture' and intended_at < now() - $1::integer * interval '1 second') as captures,
     (select count(*) from operations where unanswered and intended_at < now() - interval '${lateMinutes} minutes') as unanswered,
     ${countOf(`select from holdfast.deliveries where state = 'parked'`)} as parked,
     (select count(*) from waiting where next_at < now() - interval '${lateMinutes} minutes') as late,
     (select coalesce(extract(epoch from now() - min(next_at)) * 1000, 0)::bigint from waiting) as "lagMs",
     ${countOf('select from holdfast.webhooks where handled_at is null and checkout_id is null and look_at is null')} as "unmatchedWebhooks",
     ${countOf('select from holdfast.webhooks where handled_at is null and checkout_id is not null and look_at is null')} as "failedWebhooks",
     (select json_build_object('differences', difference_count, 'critical', critical_count, 'agoMs',
          (extract(epoch from now() - ended_at) * 1000)::bigint)
        from holdfast.reconciliations where gateway = $2 and ended_at is not null and failure is null
        order by started_at desc limit 1) as reconciled,
     (select (extract(epoch from now() - applied_at) * 1000)::bigint from holdfast.migrations
        where name = '0003_payments') as "sinceMs",
     now() as now`,
)

export interface HealthReading {
  expired: number
  stuck: number
  rollbacks: number
  /** Captures whose outcome has been unknown for too long. */
  captures: number
  /** Operations of any kind without an answer for too long. */
  unanswered: number
  parked: number
  late: number
  /** How long the oldest due delivery has been waiting. */
  lagMs: number
  /** Webhooks about no known checkout. */
  unmatchedWebhooks: number
  /** Webhooks about known checkouts that were given up. */
  failedWebhooks: number
  /** The last completed reconciliation. */
  reconciled: { differences: number; critical: number; agoMs: number } | null
  /** Time since the migration that introduced reconciliation. */
  sinceMs: number | null
  now: string
}

/** @throws {DatabaseError} within `probeMs`. */
export async function readHealth(
  database: Database,
  { captureTimeoutSeconds, gateway }: { captureTimeoutSeconds: number; gateway: string | null },
): Promise<HealthReading> {
  const [row] = await database.probe<HealthReading>(readHealthStatement, [captureTimeoutSeconds, gateway])
  if (row === undefined) throw new Error('read_health returned no row')
  return row
}
