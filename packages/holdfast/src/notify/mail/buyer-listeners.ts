/** The listeners that send emails to buyers: confirmations, payment details and refunds. */
import type { ListenerMap, ListenerObject } from '../../events/listeners.ts'
import { awaitedOrder, isAwaited } from './awaiting-payment-mail.ts'
import type { MailShop } from './content.ts'
import { orderConfirmation, refundNotice } from './customer-mail.ts'
import type { SendMail } from './send-mail.ts'

export type ListenerLimits = Pick<ListenerObject, 'retriesMax' | 'timeoutMs' | 'concurrency'>

export function buyerListeners(send: SendMail, shop: MailShop, limits: ListenerLimits): ListenerMap {
  return {
    CheckoutCompleted: [
      {
        name: 'mail.order-confirmation',
        async run({ id, order }, { signal }) {
          if (order.email === null) return
          await send(order.email, `${id}.confirmation`, orderConfirmation(order, shop), signal)
        },
        ...limits,
      },
    ],
    OrderAwaitingCapture: [
      {
        name: 'mail.order-placed',
        async run({ id, order }, { signal }) {
          if (order.email === null || !isAwaited(order)) return
          await send(order.email, `${id}.order-placed`, awaitedOrder(order, shop), signal)
        },
        ...limits,
      },
    ],
    OrderRefunded: [
      {
        name: 'mail.refund',
        async run(event, { signal }) {
          if (event.order.email === null) return
          await send(event.order.email, `${event.id}.refund`, refundNotice(event, shop), signal)
        },
        ...limits,
      },
    ],
  }
}
