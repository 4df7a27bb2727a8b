/** The event that a listener receives, composed of the stored payload and the current order. */
import type { CheckoutEvent } from '../domain/events.ts'
import type { Order } from '../domain/order.ts'
import type { LeasedDelivery } from './deliveries.ts'

/** The ID of the event's order, or null. */
export function orderIdOf(delivery: LeasedDelivery): string | null {
  const orderId = delivery.payload?.orderId
  return typeof orderId === 'string' ? orderId : null
}

/** The returned event shares no object with other deliveries. @throws if its order is not in `orders`. */
export function compose(delivery: LeasedDelivery, orders: ReadonlyMap<string, Order>): CheckoutEvent {
  if (delivery.payload === null) throw new Error('the event is no longer stored')
  const { orderId: _, ...payload } = delivery.payload
  const orderId = orderIdOf(delivery)
  if (orderId !== null) {
    const order = orders.get(orderId)
    if (order === undefined) throw new Error(`order ${orderId} was not found`)
    payload.order = structuredClone(order)
  }
  const event = { ...payload, id: delivery.eventId, type: delivery.type, occurredAt: delivery.occurredAt }
  // `publish` stored it, and its types define the content of each event.
  return event as unknown as CheckoutEvent
}
