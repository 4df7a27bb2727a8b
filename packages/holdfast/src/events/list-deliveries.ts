/** Lists of deliveries for operators: parked, due, overdue, or all of one checkout. */
import type { Database, Value } from '../database/database.ts'
import { statement } from '../database/database.ts'
import { type DeliveryKey, type DeliveryRow, deliveryColumns } from './deliveries.ts'

/** Age at which a delivery that is neither delivered nor parked is overdue. Health uses the same limit. */
export const overdueMs = 300_000
/** Maximum length of a list. */
export const listedMax = 1_000

export interface DeliveryFilter {
  /**
   * `overdue`: due although the event is older than five minutes. Default: parked, then due; for one checkout, all
   * deliveries including delivered ones.
   */
  state?: 'parked' | 'due' | 'overdue' | undefined
  listener?: string | undefined
  checkoutId?: string | undefined
  /** 1 to 1,000; default 100. */
  countMax?: number | undefined
}

const fromDeliveries = `from holdfast.deliveries delivery
   left join holdfast.events event on event.checkout_id = delivery.checkout_id and event.id = delivery.event_id`
// The primary key of events starts with the checkout, so this join reads only the deliveries of one checkout.
const fromCheckout = `from holdfast.events event
   join holdfast.deliveries delivery on delivery.event_id = event.id and delivery.checkout_id = event.checkout_id`
const isListener = '($1::text is null or delivery.listener = $1)'
const ofState = `($4::text is null or delivery.state = $4)
     and ($5::bigint is null or event.created_at < now() - $5::bigint * interval '1 millisecond')`

const ofCheckoutStatement = statement(
  'deliveries_list_of_checkout',
  `select ${deliveryColumns} ${fromCheckout}
   where event.checkout_id = $3::uuid and ${isListener} and ${ofState} order by delivery.position limit $2::int`,
)
const parkedStatement = statement(
  'deliveries_list_parked',
  `select ${deliveryColumns} ${fromDeliveries}
   where delivery.state = 'parked' and ${isListener} order by delivery.position limit $2::bigint`,
)
const dueStatement = statement(
  'deliveries_list_due',
  `select ${deliveryColumns} ${fromDeliveries}
   where delivery.state = 'due' and ${isListener}
     and ($3::bigint is null or event.created_at < now() - $3::bigint * interval '1 millisecond')
   order by delivery.position limit $2::bigint`,
)
const oneStatement = statement(
  'deliveries_read_one',
  `select ${deliveryColumns} ${fromDeliveries} where delivery.event_id = $1::uuid and delivery.listener = $2`,
)

/** Lists deliveries, parked before due, oldest first. */
export async function listDeliveries(database: Database, filter: DeliveryFilter): Promise<DeliveryRow[]> {
  const { state, listener = null, checkoutId } = filter
  const countMax = Math.min(listedMax, Math.max(1, filter.countMax ?? 100))
  const olderThanMs = state === 'overdue' ? overdueMs : null
  const values: Value[] = [listener, countMax]
  if (checkoutId !== undefined) {
    const stored = state === 'overdue' ? 'due' : (state ?? null)
    return database.query(ofCheckoutStatement, [...values, checkoutId, stored, olderThanMs])
  }
  const parked: DeliveryRow[] =
    state === undefined || state === 'parked' ? await database.query(parkedStatement, values) : []
  const left = countMax - parked.length
  if (state === 'parked' || left === 0) return parked
  return [...parked, ...(await database.query<DeliveryRow>(dueStatement, [listener, left, olderThanMs]))]
}

/** Lists parked deliveries, oldest first. */
export function listParked(database: Database, countMax: number): Promise<DeliveryRow[]> {
  return database.query<DeliveryRow>(parkedStatement, [null, countMax])
}

/** Lists due deliveries whose event is older than `olderThanMs`, oldest first. */
export function listOverdue(database: Database, olderThanMs: number, countMax: number): Promise<DeliveryRow[]> {
  return database.query<DeliveryRow>(dueStatement, [null, countMax, Math.round(olderThanMs)])
}

/** Returns one delivery, or null. */
export async function readDelivery(database: Database, key: DeliveryKey): Promise<DeliveryRow | null> {
  const [row] = await database.query<DeliveryRow>(oneStatement, [key.eventId, key.listener])
  return row ?? null
}

/** The deliveries to one listener that do not arrive, by state. */
export interface TroubledListener {
  listener: string
  /** `parked`: given up. `overdue`: due for five minutes, but no process runs it. `failing`: failed and to be retried. */
  state: 'parked' | 'overdue' | 'failing'
  /** Counting stops at a thousand per state. */
  count: number
  oldestAt: string | null
  nextAt: string
  lastError: string | null
}

const troubledStatement = statement(
  'deliveries_troubled',
  `with troubled as (
     (select 'parked' as state, listener, event_id, checkout_id, next_at, last_error, position
       from holdfast.deliveries where state = 'parked' order by position limit ${listedMax})
     union all
     (select 'overdue', listener, event_id, checkout_id, next_at, last_error, position from holdfast.deliveries
       where state = 'due' and next_at < now() - interval '${overdueMs} milliseconds' limit ${listedMax})
     union all
     (select 'failing', listener, event_id, checkout_id, next_at, last_error, position from holdfast.deliveries
       where state = 'due' and attempts > 0 and not leased and next_at > now() limit ${listedMax})
   )
   select troubled.state, troubled.listener, count(*) as count, min(event.created_at) as "oldestAt",
     min(troubled.next_at) as "nextAt",
     (array_agg(last_error order by position desc) filter (where last_error is not null))[1] as "lastError"
   from troubled
   left join holdfast.events event on event.checkout_id = troubled.checkout_id and event.id = troubled.event_id
   group by 1, 2 order by array_position(array['parked', 'overdue', 'failing'], troubled.state), 3 desc, 2 limit 50`,
)

export function troubledListeners(database: Database): Promise<TroubledListener[]> {
  return database.query<TroubledListener>(troubledStatement)
}
