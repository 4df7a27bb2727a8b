/**
 * What the health of the checkout is judged by, in one statement. It reads what is active or waits, through indexes that
 * hold nothing else, and no history: a million past checkouts make it no slower (`npm run bench:health`).
 */

import { type Database, statement } from '../../database/database.ts'
import { triesBeforeAlert } from '../../domain/alert.ts'

/** So many minutes may an operation go without an answer, and a delivery wait for somebody to run it. */
export const lateMinutes = 5
/** A checkout works for so long at most, whatever its gateway says. */
export const stuckMinutes = 30
/** So many of each listener's deliveries are looked at: more is no other answer. */
const deliveriesMax = 500
const countMax = 1_000

const counted = (rows: string) => `(select count(*) from (${rows} limit ${countMax}) as counted)`

/**
 * `$1`: seconds, `$2`: the gateway whose books are compared.
 *
 * A delivery is late once nobody runs it although its time has come; one that stands behind another of its checkout is
 * not, for that one's time is what counts. The listeners are found by hops over the index, one each.
 */
const readHealthStatement = statement(
  'read_health',
  `with recursive active as materialized (
     select id, state, tries, expires_at <= now() as expired, locked_at < now() - interval '${stuckMinutes} minutes' as old
     from holdfast.checkouts where wake_at is not null
   ), asking as materialized (
     select o.kind, o.intended_at, coalesce(o.answer ->> 'outcome', 'unknown') in ('unknown', 'not_executed') as unanswered
     from active join holdfast.payment_operations o on o.checkout_id = active.id and o.status = 'intended'
     where active.state not in ('pending', 'awaiting_action', 'awaiting_capture')
   ), listeners (name) as (
     (select listener from holdfast.deliveries where state = 'due' order by listener limit 1)
     union all
     select (select listener from holdfast.deliveries where state = 'due' and listener > name order by listener limit 1)
     from listeners where name is not null
   ), waiting as materialized (
     select due.next_at
     from listeners cross join lateral (
       select checkout_id, position, next_at from holdfast.deliveries
       where listener = name and state = 'due' and next_at <= now() order by next_at limit ${deliveriesMax}) as due
     where due.position = (
       select min(position) from holdfast.deliveries
       where checkout_id = due.checkout_id and listener = name and state = 'due')
   )
   select
     (select count(*) from active where expired and state in ('pending', 'awaiting_action')) as expired,
     (select count(*) from active where old and state in ('authorizing', 'capturing', 'rolling_back')) as stuck,
     (select count(*) from active where state = 'rolling_back' and tries >= ${triesBeforeAlert}) as rollbacks,
     (select count(*) from asking where kind = 'capture' and intended_at < now() - $1::integer * interval '1 second') as captures,
     (select count(*) from asking where unanswered and intended_at < now() - interval '${lateMinutes} minutes') as unanswered,
     ${counted(`select from holdfast.deliveries where state = 'parked'`)} as parked,
     (select count(*) from waiting where next_at < now() - interval '${lateMinutes} minutes') as late,
     (select coalesce(extract(epoch from now() - min(next_at)) * 1000, 0)::bigint from waiting) as "lagMs",
     ${counted('select from holdfast.webhooks where handled_at is null and checkout_id is null and look_at is null')} as unmatched,
     ${counted('select from holdfast.webhooks where handled_at is null and checkout_id is not null and look_at is null')} as unheeded,
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
  /** Captures of unknown outcome for too long. */
  captures: number
  /** Operations of any kind that the gateway has not answered for too long. */
  unanswered: number
  parked: number
  late: number
  /** How long the oldest delivery has waited for somebody to run it. */
  lagMs: number
  unmatched: number
  unheeded: number
  /** The last comparison that came to its end. */
  reconciled: { differences: number; critical: number; agoMs: number } | null
  /** How long comparisons could have been made. */
  sinceMs: number | null
  now: string
}

/** @throws {DatabaseError} within `probeMs`. */
export async function readHealth(
  database: Database,
  { captureTimeoutSeconds, gateway }: { captureTimeoutSeconds: number; gateway: string | null },
): Promise<HealthReading> {
  const [row] = await database.probe<HealthReading>(readHealthStatement, [captureTimeoutSeconds, gateway])
  if (row === undefined) throw new Error('the health has no row')
  return row
}
