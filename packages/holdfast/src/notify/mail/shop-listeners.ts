/** The listeners that send emails to the shop. Failures and expiries are batched: many of them share an email. */
import { createHash } from 'node:crypto'
import type { CheckoutEvent } from '../../domain/events.ts'
import type { ListenerMap } from '../../events/listeners.ts'
import { batchedListener, isReportedElsewhere } from '../batched-listener.ts'
import { disputeNotice, newOrder } from './admin-mail.ts'
import { awaitedByShop, isAwaited } from './awaiting-payment-mail.ts'
import type { ListenerLimits } from './buyer-listeners.ts'
import type { MailContent, MailShop } from './content.ts'
import { type EndedEvent, expiryNotice, failureNotice } from './failure-mail.ts'
import type { SendMail } from './send-mail.ts'

/** Events per mail and process; more wait in the database. */
const batchMax = 500

/** The ID of one event, or an ID that the same set of events always has. */
function batchId(events: readonly CheckoutEvent[]): string {
  const [first] = events
  if (events.length === 1 && first !== undefined) return first.id
  const ids = events.map(event => event.id).sort()
  return createHash('sha256').update(ids.join()).digest('hex').slice(0, 32)
}

/** @param to the shop's address. */
export function orderReports(send: SendMail, to: string, shop: MailShop, limits: ListenerLimits): ListenerMap {
  return {
    CheckoutCompleted: [
      {
        name: 'mail.new-order',
        run: (event, { signal }) => send(to, `${event.id}.new-order`, newOrder(event, shop), signal),
        ...limits,
      },
    ],
    OrderAwaitingCapture: [
      {
        name: 'mail.order-awaiting-capture',
        async run(event, { signal }) {
          if (isAwaited(event.order)) {
            await send(to, `${event.id}.awaiting-capture`, awaitedByShop(event, shop), signal)
          }
        },
        ...limits,
      },
    ],
    OrderDisputed: [
      {
        name: 'mail.dispute',
        run: (event, { signal }) => send(to, `${event.id}.dispute`, disputeNotice(event, shop), signal),
        ...limits,
      },
    ],
  }
}

export interface EndReportsOptions {
  /** Interval between two emails of a kind, milliseconds. */
  windowMs: number
  retriesMax: number
  timeoutMs: number
}

export interface EndReports {
  failures: ListenerMap
  expiries: ListenerMap
  /** Sends waiting events now. */
  close(): Promise<void>
}

/** Reports of checkouts that failed or expired: a single event at once, many events together. */
export function endReports(send: SendMail, to: string, shop: MailShop, options: EndReportsOptions): EndReports {
  const batchedFor = (purpose: string, write: (events: readonly EndedEvent[], shop: MailShop) => MailContent) =>
    batchedListener<EndedEvent>({
      ...options,
      batchMax,
      send: (events, signal) => send(to, `${batchId(events)}.${purpose}`, write(events, shop), signal),
    })
  const failures = batchedFor('checkout-failed', failureNotice)
  const expiries = batchedFor('checkout-expired', expiryNotice)
  return {
    failures: {
      CheckoutFailed: [
        {
          name: 'mail.checkout-failure',
          run: (event, { signal }) => (isReportedElsewhere(event) ? undefined : failures.run(event, signal)),
          ...failures.limits,
        },
      ],
    },
    expiries: {
      CheckoutExpired: [
        { name: 'mail.checkout-expiry', run: (event, { signal }) => expiries.run(event, signal), ...expiries.limits },
      ],
    },
    async close() {
      await Promise.all([failures.close(), expiries.close()])
    },
  }
}
