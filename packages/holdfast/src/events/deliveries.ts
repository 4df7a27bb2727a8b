/**
 * The table of deliveries: lease a batch, record results, redeliver, park. A lease has an epoch and ends by the
 * database's clock. A result counts only while its epoch is the delivery's.
 */
import { type Database, statement } from '../database/database.ts'

/** The free places of one listener. */
export interface ListenerCapacity {
  listener: string
  /** The events that it is registered for. */
  types: string[]
  free: number
  leaseMs: number
}

/** Maximum size of a batch. */
export const batchMax = 200

/** A delivery that this process may run until its lease ends. */
export interface LeasedDelivery {
  eventId: string
  listener: string
  checkoutId: string
  type: string
  position: number
  /** Including this attempt. */
  attempts: number
  epoch: number
  /** Null if the event is no longer stored. */
  payload: Record<string, unknown> | null
  occurredAt: string | null
}

// Rows are updated by ctid, which the scan has just locked. The planner cannot know how few they are, and would read the
// whole table to join them. The index returns the earliest delivery of a checkout before its followers, so the scan ends
// early however long the backlog is.
const leaseStatement = statement(
  'deliveries_lease',
  `with wanted as materialized (
     select * from json_to_recordset($1) as row (listener text, types text[], free integer, "leaseMs" integer)
   ), leased as (
     update holdfast.deliveries delivery
     set leased = true, epoch = epoch + 1, attempts = attempts + 1,
       next_at = now() + wanted."leaseMs" * interval '1 millisecond'
     from wanted
     where wanted.listener = delivery.listener and delivery.ctid = any(array(
       select due.place
       from wanted cross join lateral (
         select candidate.ctid as place
         from holdfast.deliveries candidate
         where candidate.listener = wanted.listener and candidate.type = any(wanted.types)
           and candidate.state = 'due' and candidate.next_at <= now()
           and candidate.position = (
             select min(earliest.position) from holdfast.deliveries earliest
             where earliest.checkout_id = candidate.checkout_id and earliest.listener = candidate.listener
               and earliest.state = 'due')
         order by candidate.next_at, candidate.position
         limit wanted.free
         for update of candidate skip locked
       ) due
       limit ${batchMax}))
     returning delivery.event_id, delivery.listener, delivery.checkout_id, delivery.type, delivery.position,
       delivery.attempts, delivery.epoch
   )
   select leased.event_id as "eventId", leased.listener, leased.checkout_id as "checkoutId", leased.type,
     leased.position, leased.attempts, leased.epoch, event.payload, event.created_at as "occurredAt"
   from leased
   left join holdfast.events event on event.checkout_id = leased.checkout_id and event.id = leased.event_id
   order by leased.position`,
)

/**
 * Leases due deliveries for the listeners of this process. Per checkout and listener, only the earliest that is neither
 * delivered nor parked is leased, which keeps the order. A process that dies loses its deliveries when the lease ends.
 */
export function leaseBatch(database: Database, free: readonly ListenerCapacity[]): Promise<LeasedDelivery[]> {
  return database.query<LeasedDelivery>(leaseStatement, [JSON.stringify(free)])
}

/** The result of one attempt. */
export interface Result {
  delivery: LeasedDelivery
  /** `stopped`: aborted because the process stops. Such an attempt is not counted. */
  outcome: 'delivered' | 'failed' | 'parked' | 'stopped'
  error: string | null
  /** Milliseconds until the next attempt, if this one failed. */
  retryMs: number
}

const resultRows = `json_to_recordset($1) as result
  ("eventId" uuid, listener text, "checkoutId" uuid, position bigint, epoch integer, outcome text, error text, "retryMs" bigint)`

// Every change of a delivery raises its epoch, so comparing the epoch is enough. A condition on the state would make the
// planner scan all due deliveries.
const recordStatement = statement(
  'deliveries_record',
  `update holdfast.deliveries delivery
   set state = case when result.outcome in ('failed', 'stopped') then 'due' else result.outcome end,
     leased = false,
     attempts = delivery.attempts - (result.outcome = 'stopped')::integer,
     epoch = delivery.epoch + 1,
     next_at = now() + result."retryMs" * interval '1 millisecond',
     last_error = coalesce(result.error, delivery.last_error),
     delivered_at = case result.outcome when 'delivered' then now() end
   from ${resultRows}
   where delivery.event_id = result."eventId" and delivery.listener = result.listener
     and delivery.epoch = result.epoch
   returning delivery.event_id as "eventId", delivery.listener`,
)

/** Deliveries behind a failed one wait as long as it does, so that leasing does not scan them in vain. */
const holdBackStatement = statement(
  'deliveries_hold_back',
  `update holdfast.deliveries follower
   set next_at = now() + result."retryMs" * interval '1 millisecond'
   from ${resultRows}
   where follower.checkout_id = result."checkoutId" and follower.listener = result.listener
     and follower.state = 'due' and not follower.leased and follower.position > result.position
     and follower.next_at < now() + result."retryMs" * interval '1 millisecond'`,
)

/** Records results in one transaction. Returns for each whether it counted; false means that its lease was taken over. */
export async function record(database: Database, results: readonly Result[]): Promise<boolean[]> {
  const rows = results.map(
    ({ delivery: { eventId, listener, checkoutId, position, epoch }, outcome, error, retryMs }) => ({
      eventId,
      listener,
      checkoutId,
      position,
      epoch,
      outcome,
      error,
      retryMs,
    }),
  )
  const failed = rows.filter(row => row.outcome === 'failed')
  const counted = await database.transaction(async tx => {
    const recorded = tx.query<{ eventId: string; listener: string }>(recordStatement, [JSON.stringify(rows)])
    if (failed.length > 0) tx.send(holdBackStatement, [JSON.stringify(failed)])
    return await recorded
  })
  const keys = new Set(counted.map(row => `${row.eventId} ${row.listener}`))
  return rows.map(row => keys.has(`${row.eventId} ${row.listener}`))
}

export interface DeliveryKey {
  eventId: string
  listener: string
}

const makeDue = `state = 'due', leased = false, attempts = 0, epoch = epoch + 1, next_at = now(), delivered_at = null`

/** SQL that records who made a change, in the same statement. Records nothing if `actor` is null. */
function recorded(action: string, actor: string): string {
  return `insert into holdfast.admin_actions (id, action, checkout_id, actor, details)
     select gen_random_uuid(), '${action}', checkout_id, ${actor},
       jsonb_build_object('eventId', event_id, 'type', type, 'listener', listener)
     from moved where ${actor} is not null`
}

/** SQL that makes the deliveries behind the changed ones due, because they were held back with them. */
const freeFollowers = `update holdfast.deliveries follower set next_at = now()
     from moved
     where follower.checkout_id = moved.checkout_id and follower.listener = moved.listener
       and follower.state = 'due' and not follower.leased and follower.position > moved.position
       and follower.next_at > now()`

const redeliverStatement = statement(
  'deliveries_redeliver',
  `with moved as (
     update holdfast.deliveries set ${makeDue}
     where event_id = $1 and listener = $2 and (not leased or next_at <= now())
     returning event_id, listener, checkout_id, type, position
   ), recorded as (${recorded('redeliver', '$3::text')}), freed as (${freeFollowers})
   select event_id from moved`,
)

/** Makes a delivery due now and resets its attempts. Returns false if it does not exist or is running. */
export async function redeliver(
  database: Database,
  { eventId, listener }: DeliveryKey,
  actor: string | null = null,
): Promise<boolean> {
  return (await database.query(redeliverStatement, [eventId, listener, actor])).length > 0
}

const redeliverParkedStatement = statement(
  'deliveries_redeliver_parked',
  `with moved as (
     update holdfast.deliveries delivery set ${makeDue}
     where (event_id, listener) in (
       select event_id, listener from holdfast.deliveries
       where state = 'parked' and ($1::text is null or listener = $1) and position > $4
       order by position limit $3 for update skip locked)
     returning event_id, listener, checkout_id, type, position
   ), recorded as (${recorded('redeliver', '$2::text')})
   select count(*) as count, max(position) as last from moved`,
)

/** Maximum number of deliveries per statement. */
const redeliveredMax = 1_000

/** Makes all parked deliveries due again, each once, in the order of their events. Returns how many. */
export async function redeliverParked(
  database: Database,
  { listener = null, actor = null }: { listener?: string | null | undefined; actor?: string | null | undefined },
): Promise<number> {
  let total = 0
  for (let last = 0; ; ) {
    const values = [listener, actor, redeliveredMax, last]
    const [moved] = await database.query<{ count: number; last: number | null }>(redeliverParkedStatement, values)
    if (moved?.last == null) return total
    total += moved.count
    last = moved.last
  }
}

const parkStatement = statement(
  'deliveries_park',
  `with moved as (
     update holdfast.deliveries
     set state = 'parked', leased = false, epoch = epoch + 1, last_error = coalesce(last_error, 'parked by an operator')
     where event_id = $1 and listener = $2 and state = 'due' and (not leased or next_at <= now())
     returning event_id, listener, checkout_id, type, position
   ), recorded as (${recorded('park', '$3::text')}), freed as (${freeFollowers})
   select event_id from moved`,
)

/** Parks a delivery, for example of a listener that no longer exists. Returns false if it is not due or is running. */
export async function park(
  database: Database,
  { eventId, listener }: DeliveryKey,
  actor: string | null = null,
): Promise<boolean> {
  return (await database.query(parkStatement, [eventId, listener, actor])).length > 0
}

/** A delivery as operators see it. Times are ISO 8601 UTC. */
export interface DeliveryRow {
  eventId: string
  listener: string
  checkoutId: string
  type: string
  state: 'due' | 'delivered' | 'parked'
  /** True while a process holds its lease. */
  running: boolean
  attempts: number
  nextAt: string
  lastError: string | null
  occurredAt: string | null
}

export const deliveryColumns = `delivery.event_id as "eventId", delivery.listener, delivery.checkout_id as "checkoutId", delivery.type,
  delivery.state, delivery.leased and delivery.next_at > now() as running, delivery.attempts,
  delivery.next_at as "nextAt", delivery.last_error as "lastError", event.created_at as "occurredAt"`

export interface DeliveryLag {
  /** Neither delivered nor parked, including waiting retries. */
  due: number
  /** Age of the oldest due event in milliseconds; 0 if none is due. */
  oldestMs: number
  parked: number
}

const lagStatement = statement(
  'deliveries_lag',
  `select
     (select count(*) from holdfast.deliveries where state = 'due') as due,
     (select count(*) from holdfast.deliveries where state = 'parked') as parked,
     coalesce((
       select greatest(0, floor(extract(epoch from now() - event.created_at) * 1000))
       from (select checkout_id, event_id from holdfast.deliveries where state = 'due' order by position limit 1) oldest
       join holdfast.events event on event.checkout_id = oldest.checkout_id and event.id = oldest.event_id
     ), 0)::bigint as "oldestMs"`,
)

export async function lag(database: Database): Promise<DeliveryLag> {
  const [row] = await database.query<DeliveryLag>(lagStatement)
  return row ?? { due: 0, oldestMs: 0, parked: 0 }
}
