/**
 * The outbox: writes events and their deliveries in the transaction of the change they tell of, so that an event
 * exists exactly when its change does (A8).
 *
 * Deliveries are written for the listeners that the publishing process knows. Where several processes share a
 * database, all of those that run checkouts register the same listeners, also when another process delivers.
 */
import { v7 } from 'uuid'
import { statement, type Transaction } from '../database/database.ts'
import type { CheckoutEventName, CheckoutEvents } from '../domain/events.ts'
import type { Order } from '../domain/order.ts'
import type { Listeners } from './listeners.ts'

/** What is stored of an event: all of it but the order, which is read when it is delivered. */
export type StoredPayload<Name extends CheckoutEventName = CheckoutEventName> = {
  [N in Name]: CheckoutEvents[N] extends { order: Order }
    ? Omit<CheckoutEvents[N], 'order'> & { orderId: string }
    : CheckoutEvents[N]
}[Name]

export type NewEvent = {
  [Name in CheckoutEventName]: { checkoutId: string; type: Name; payload: StoredPayload<Name> }
}[CheckoutEventName]

export interface Outbox {
  /** False where an event of this type would not be kept: need not be built. `publish` skips such events. */
  wants(type: CheckoutEventName): boolean
  /**
   * Adds `events` to the transaction, in at most two statements. Call it after the checkouts' rows were written or
   * locked in the same transaction: events of one checkout are delivered in the order in which they are published.
   */
  publish(tx: Transaction, events: readonly NewEvent[]): void
}

const insertEvents = statement(
  'outbox_insert_events',
  `insert into holdfast.events (id, checkout_id, type, payload)
   select id, checkout_id, type, payload
   from json_to_recordset($1) as row (id uuid, checkout_id uuid, type text, payload jsonb)`,
)

const insertDeliveries = statement(
  'outbox_insert_deliveries',
  `insert into holdfast.deliveries (event_id, listener, checkout_id, type)
   select event_id, listener, checkout_id, type
   from json_to_recordset($1) as row (event_id uuid, listener text, checkout_id uuid, type text)`,
)

/** Kept only for durable listeners: the history holds them already. */
const onlyWhenHeard: ReadonlySet<CheckoutEventName> = new Set(['PhaseCompleted', 'RollbackStepCompleted'])

export function createOutbox(listeners: Pick<Listeners, 'namesFor'>): Outbox {
  const wants = (type: CheckoutEventName) => !onlyWhenHeard.has(type) || listeners.namesFor(type).length > 0

  return {
    wants,
    publish(tx, events) {
      const rows: { id: string; checkout_id: string; type: string; payload: unknown }[] = []
      const deliveries: { event_id: string; listener: string; checkout_id: string; type: string }[] = []
      for (const { checkoutId, type, payload } of events) {
        if (!wants(type)) continue
        const id = v7()
        rows.push({ id, checkout_id: checkoutId, type, payload })
        for (const listener of listeners.namesFor(type)) {
          deliveries.push({ event_id: id, listener, checkout_id: checkoutId, type })
        }
      }
      if (rows.length > 0) tx.send(insertEvents, [JSON.stringify(rows)])
      if (deliveries.length > 0) tx.send(insertDeliveries, [JSON.stringify(deliveries)])
    },
  }
}
