/**
 * The outbox: writes events and their deliveries in the transaction of the change, so an event exists exactly if its
 * change does (A8). Deliveries are written for the listeners that the publishing process has registered, so all
 * processes that run checkouts must register the same listeners, even if another process delivers.
 */
import { v7 } from 'uuid'
import { statement, type Transaction } from '../database/database.ts'
import type { CheckoutEventName, CheckoutEvents } from '../domain/events.ts'
import type { Order } from '../domain/order.ts'
import type { Listeners } from './listeners.ts'

/** The stored part of an event: everything except the order, which is read at delivery. */
export type StoredPayload<Name extends CheckoutEventName = CheckoutEventName> = {
  [N in Name]: CheckoutEvents[N] extends { order: Order }
    ? Omit<CheckoutEvents[N], 'order'> & { orderId: string }
    : CheckoutEvents[N]
}[Name]

export type NewEvent = {
  [Name in CheckoutEventName]: { checkoutId: string; type: Name; payload: StoredPayload<Name> }
}[CheckoutEventName]

export interface Outbox {
  /** False if `publish` would skip events of this type, so that they need not be built. */
  wants(type: CheckoutEventName): boolean
  /**
   * Adds `events` to the transaction, in at most two statements. Call it after the checkouts' rows were written or
   * locked in the same transaction. Events of one checkout are then delivered in the order of publishing.
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

/** Stored only if a listener is registered, because the checkout's history has them already. */
const onlyForListeners: ReadonlySet<CheckoutEventName> = new Set(['PhaseCompleted', 'RollbackStepCompleted'])

export function createOutbox(listeners: Pick<Listeners, 'namesFor'>): Outbox {
  const wants = (type: CheckoutEventName) => !onlyForListeners.has(type) || listeners.namesFor(type).length > 0

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
