/** The calls about orders: reading and refunding them. */
import { CheckoutError } from '../domain/failure.ts'
import { checkRefund, checkUuid } from '../saga/check-input.ts'
import { readLastOrderOf, readOrders } from '../shop/orders/orders.ts'
import type { CheckoutEngine } from './checkout-engine.ts'
import type { EngineParts } from './engine-parts.ts'

type OrderCalls = Pick<CheckoutEngine, 'refundOrder' | 'getOrder' | 'lastOrderOf'>

export function orderCalls({ admission, correlation, conductor, database }: EngineParts): OrderCalls {
  return {
    refundOrder: (orderId, options = {}) =>
      admission.admit(async () => {
        const id = checkUuid(orderId, 'order id')
        const order = (await readOrders(database, [id])).get(id)
        if (order === undefined) throw new CheckoutError('order_not_found', 'Order not found.')
        const { checkoutId } = order
        const item = checkRefund(checkoutId, options)
        return correlation.during([checkoutId, options.requestId], () => conductor.refund(item))
      }),

    async getOrder(orderId, { sessionId } = {}) {
      const id = checkUuid(orderId, 'order id')
      const order = (await readOrders(database, [id])).get(id) ?? null
      return order !== null && sessionId !== undefined && order.sessionId !== sessionId ? null : order
    },

    lastOrderOf: sessionId => readLastOrderOf(database, sessionId),
  }
}
