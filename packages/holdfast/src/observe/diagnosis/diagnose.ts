/** Reads everything about one checkout: lock, frozen prices, holds, payment operations, order, events and history. */

import { validate } from 'uuid'
import { lockOf, readRows } from '../../database/checkouts.ts'
import { type Database, type Statement, statement } from '../../database/database.ts'
import type { Diagnosis, TimelineEntry } from '../../engine/checkout-engine.ts'
import { readOrdersOf } from '../../shop/orders/orders.ts'

/** A checkout has one or two dozen rows of each kind; the limit only bounds the result. */
const rowsMax = 1_000

function read(name: string, text: string): Statement {
  return statement(`diagnose_${name}`, `${text} limit ${rowsMax}`)
}

const readSnapshots = read(
  'snapshots',
  `select line_no, sku, title, quantity, currency, unit_minor, subtotal_minor, discount_minor, tax_minor, added_tax_minor,
     shipping_minor, total_minor, details, created_at
   from holdfast.price_snapshots where checkout_id = $1 order by line_no`,
)
const readReservations = read(
  'reservations',
  `select r.line_no, r.part_no, r.variant_id, r.sku, l.code as location, r.quantity, r.state
   from holdfast.stock_reservations r
   left join holdfast.locations l on l.id = r.location_id
   where r.checkout_id = $1 order by r.line_no, r.part_no`,
)
const readOperations = read(
  'operations',
  `select kind, attempt, idempotency_key, gateway, amount_minor, currency, status, reference, answer, purpose, intended_at, settled_at
   from holdfast.payment_operations where checkout_id = $1 order by intended_at, kind, attempt`,
)
// Events are keyed by checkout first, so this join needs no separate index on deliveries.
const readDeliveries = read(
  'deliveries',
  `select d.event_id, d.type, d.listener, d.state, d.attempts, d.next_at, d.last_error, d.delivered_at
   from holdfast.events e join holdfast.deliveries d on d.event_id = e.id and d.checkout_id = e.checkout_id
   where e.checkout_id = $1 order by d.position`,
)
const readTimeline = read(
  'timeline',
  `select version, from_state as "from", to_state as "to", epoch, at, duration_us, details
   from holdfast.transitions where checkout_id = $1 order by version`,
)

type TimelineRow = Omit<TimelineEntry, 'durationMs'> & { duration_us: number | null }

/** Everything about a checkout, or null if no checkout has this ID. */
export async function diagnose(database: Database, lockId: string): Promise<Diagnosis | null> {
  if (!validate(lockId)) return null
  const [row] = await readRows(database, [lockId])
  if (row === undefined) return null
  type Rows = Record<string, unknown>[]
  const [snapshots, reservations, operations, deliveries, timeline, orders] = await Promise.all([
    database.query(readSnapshots, [lockId]) as Promise<Rows>,
    database.query(readReservations, [lockId]) as Promise<Rows>,
    database.query(readOperations, [lockId]) as Promise<Rows>,
    database.query(readDeliveries, [lockId]) as Promise<Rows>,
    database.query<TimelineRow>(readTimeline, [lockId]),
    readOrdersOf(database, [lockId]),
  ])
  return {
    lock: lockOf(row),
    snapshots,
    reservations,
    operations,
    order: orders.get(lockId) ?? null,
    deliveries,
    timeline: timeline.map(({ duration_us, ...entry }) => ({
      ...entry,
      durationMs: duration_us === null ? null : duration_us / 1_000,
    })),
  }
}
