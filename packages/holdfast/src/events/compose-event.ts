/** An event as its listener gets it, put together from what is stored and from the order as it is now. */
import type { CheckoutEvent } from '../domain/events.ts'
import type { Order } from '../domain/order.ts'
import type { Claimed } from './deliveries.ts'

/** The order that an event names; null when it names none. */
export function orderIdOf(delivery: Claimed): string | null {
  const orderId = delivery.payload?.orderId
  return typeof orderId === 'string' ? orderId : null
}

/** Nothing in the event is shared with another delivery. Throws when its order is not in `orders`. */
export function compose(delivery: Claimed, orders: ReadonlyMap<string, Order>): CheckoutEvent {
  if (delivery.payload === null) throw new Error('the event is no longer stored')
  const { orderId: _, ...payload } = delivery.payload
  const orderId = orderIdOf(delivery)
  if (orderId !== null) {
    const order = orders.get(orderId)
    if (order === undefined) throw new Error(`the order ${orderId} was not found`)
    payload.order = structuredClone(order)
  }
  const event = { ...payload, id: delivery.eventId, type: delivery.type, occurredAt: delivery.occurredAt }
  // stored by `publish`, whose types say what each event holds
  return event as unknown as CheckoutEvent
}
