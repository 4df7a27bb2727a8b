/**
 * Durable listeners that send mails to buyers and to the shop. A mail that is not accepted fails its delivery, which is
 * retried with the same Message-ID, so no mail is lost. Many failures at once are combined into one mail.
 */
import { createHash, randomUUID } from 'node:crypto'
import { isSmtpUrl } from '../../config/smtp-url.ts'
import type { CheckoutAlert } from '../../domain/alert.ts'
import type { CheckoutEvent } from '../../domain/events.ts'
import { CheckoutError } from '../../domain/failure.ts'
import type { ListenerFunction, ListenerMap } from '../../events/listeners.ts'
import { PermanentFailure } from '../../events/permanent-failure.ts'
import { usableBaseUrl } from '../base-url.ts'
import { batchedListener, isReportedElsewhere } from '../batched-listener.ts'
import { createShopLocale } from '../shop-locale.ts'
import { singleLine } from '../single-line.ts'
import { disputeNotice, newOrder } from './admin-mail.ts'
import { alertNotice } from './alert-mail.ts'
import { awaitedByShop, awaitedOrder, isAwaited } from './awaiting-payment-mail.ts'
import type { MailContent, MailShop } from './content.ts'
import { copyFor } from './copy/copy-for.ts'
import { orderConfirmation, refundNotice } from './customer-mail.ts'
import { type EndedEvent, expiryNotice, failureNotice } from './failure-mail.ts'
import { mailHtml } from './html-part.ts'
import { mailText } from './text-part.ts'
import { connectionsMax, createSmtpTransport, type MailMessage, type MailTransport, refusalOf } from './transport.ts'

export type { MailMessage, MailTransport }

export interface MailOptions {
  /** `smtp://user:password@host:port` or `smtps://…`. Give either this or `transport`. */
  smtpUrl?: string
  /** Any nodemailer transporter. The caller closes it. */
  transport?: MailTransport
  /** The sender's address. */
  from: string
  shopName: string
  /** The public address of the shop. Default null: mails have no links. */
  baseUrl?: string | null
  /** BCP 47, for dates, money and, if available, the language of the texts. Default "en". */
  locale?: string
  /** IANA time zone. Default "UTC". */
  timeZone?: string
  /** The shop's address for new and unpaid orders, disputes, failures, expiries and alerts. Default null: none is sent. */
  adminEmail?: string | null
  /** Sends buyers payment details, order confirmations and refunds. Default true. */
  notifyCustomer?: boolean
  /** Reports failed checkouts to `adminEmail`. Default false. */
  notifyOnFailure?: boolean
  /** Reports expired checkouts to `adminEmail`. Default false. */
  notifyOnExpiration?: boolean
  /** Timeout of a mail, milliseconds; a single step may take a third of it. Default 30,000. */
  timeoutMs?: number
  /** Interval between two mails about failures, or about expiries, milliseconds. Events in between share a mail. Default 60,000. */
  windowMs?: number
}

export interface MailListeners {
  listeners: ListenerMap
  /** Sends alerts to `adminEmail` as one mail. Null without an `adminEmail`. */
  alert: ((alerts: readonly CheckoutAlert[], signal: AbortSignal) => Promise<void>) | null
  /** Sends waiting failures and expiries now. Call it before the engine is closed. */
  flush(): Promise<void>
  /** Closes the connections to the server. Call it after the engine is closed. */
  close(): Promise<void>
}

/** With the pauses between retries most of a day; then the delivery is parked. */
const retriesMax = 30
/** Events per mail and process; more wait in the database. */
const batchMax = 500

const addressPattern = /^[^\s@<>"(),:;\\[\]\p{Cc}]+@[^\s@<>"(),:;\\[\]\p{Cc}]+$/u

/** @throws {CheckoutError} `invalid_argument` without exactly one of `smtpUrl` and `transport`, or with an invalid address. */
export function createMailListeners(options: MailOptions): MailListeners {
  const { smtpUrl, transport: given, from, adminEmail = null, notifyCustomer = true } = options
  const { notifyOnFailure = false, notifyOnExpiration = false, timeoutMs = 30_000, windowMs = 60_000 } = options
  if ((smtpUrl === undefined) === (given === undefined)) refuse('give either smtpUrl or transport')
  for (const address of adminEmail === null ? [from] : [from, adminEmail]) {
    if (!addressPattern.test(address))
      refuse(`invalid email address "${address}" in from or adminEmail; use the form name@example.com`)
  }
  if (smtpUrl !== undefined && !isSmtpUrl(smtpUrl)) {
    // The address is not shown, because it contains the password.
    refuse('invalid smtpUrl; use smtp://user:password@host:port, with special characters percent-encoded')
  }
  const smtp = smtpUrl === undefined ? null : createSmtpTransport(smtpUrl, Math.ceil(timeoutMs / 3))
  const transport = given ?? smtp
  const locale = options.locale ?? 'en'
  const shop: MailShop = {
    name: singleLine(options.shopName),
    baseUrl: usableBaseUrl(options.baseUrl),
    locale: createShopLocale(locale, options.timeZone ?? 'UTC'),
    copy: copyFor(locale),
  }
  const domain = from.slice(from.lastIndexOf('@') + 1)

  async function send(to: string, id: string, content: MailContent, signal: AbortSignal): Promise<void> {
    // An unchecked address of a buyer must never become two recipients.
    if (!addressPattern.test(to)) throw new PermanentFailure('the recipient has no valid email address')
    const message: MailMessage = {
      from: { name: shop.name, address: from },
      to: { name: '', address: to },
      subject: singleLine(content.subject),
      text: mailText(content, shop),
      html: await mailHtml(content, shop),
      messageId: `<${id}@${domain}>`,
      headers: { 'Auto-Submitted': 'auto-generated', 'X-Auto-Response-Suppress': 'All' },
      // Several deliveries may wait for one mail, each with its own timeout.
      signal: AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]),
    }
    try {
      await transport?.sendMail(message)
    } catch (error) {
      throw refusalOf(error, to)
    }
  }

  const limits = { retriesMax, timeoutMs, concurrency: connectionsMax }

  /** Reports to the shop: a single event at once, many events together. */
  const batchedFor = (purpose: string, write: (events: readonly EndedEvent[]) => MailContent) =>
    batchedListener<EndedEvent>({
      ...{ windowMs, batchMax, retriesMax, timeoutMs },
      send: (events, signal) => send(adminEmail ?? '', `${batchId(events)}.${purpose}`, write(events), signal),
    })
  const failures = batchedFor('checkout-failed', events => failureNotice(events, shop))
  const expiries = batchedFor('checkout-expired', events => expiryNotice(events, shop))

  const confirmOrder: ListenerFunction<'CheckoutCompleted'> = async ({ id, order }, { signal }) => {
    if (order.email === null) return
    await send(order.email, `${id}.confirmation`, orderConfirmation(order, shop), signal)
  }
  const confirmUnpaidOrder: ListenerFunction<'OrderAwaitingCapture'> = async ({ id, order }, { signal }) => {
    if (order.email === null || !isAwaited(order)) return
    await send(order.email, `${id}.order-placed`, awaitedOrder(order, shop), signal)
  }
  const confirmRefund: ListenerFunction<'OrderRefunded'> = async (event, { signal }) => {
    if (event.order.email === null) return
    await send(event.order.email, `${event.id}.refund`, refundNotice(event, shop), signal)
  }
  const reportOrder =
    (to: string): ListenerFunction<'CheckoutCompleted'> =>
    (event, { signal }) =>
      send(to, `${event.id}.new-order`, newOrder(event, shop), signal)
  const reportUnpaidOrder =
    (to: string): ListenerFunction<'OrderAwaitingCapture'> =>
    async (event, { signal }) => {
      if (!isAwaited(event.order)) return
      await send(to, `${event.id}.awaiting-capture`, awaitedByShop(event, shop), signal)
    }
  const reportDispute =
    (to: string): ListenerFunction<'OrderDisputed'> =>
    (event, { signal }) =>
      send(to, `${event.id}.dispute`, disputeNotice(event, shop), signal)

  const listeners: ListenerMap = {
    CheckoutCompleted: [
      ...(notifyCustomer ? [{ name: 'mail.order-confirmation', run: confirmOrder, ...limits }] : []),
      ...(adminEmail === null ? [] : [{ name: 'mail.new-order', run: reportOrder(adminEmail), ...limits }]),
    ],
    OrderAwaitingCapture: [
      ...(notifyCustomer ? [{ name: 'mail.order-placed', run: confirmUnpaidOrder, ...limits }] : []),
      ...(adminEmail === null
        ? []
        : [{ name: 'mail.order-awaiting-capture', run: reportUnpaidOrder(adminEmail), ...limits }]),
    ],
    OrderRefunded: notifyCustomer ? [{ name: 'mail.refund', run: confirmRefund, ...limits }] : [],
    OrderDisputed: adminEmail === null ? [] : [{ name: 'mail.dispute', run: reportDispute(adminEmail), ...limits }],
    CheckoutFailed:
      adminEmail === null || !notifyOnFailure
        ? []
        : [
            {
              name: 'mail.checkout-failure',
              run: (event, { signal }) => (isReportedElsewhere(event) ? undefined : failures.run(event, signal)),
              ...failures.limits,
            },
          ],
    CheckoutExpired:
      adminEmail === null || !notifyOnExpiration
        ? []
        : [
            {
              name: 'mail.checkout-expiry',
              run: (event, { signal }) => expiries.run(event, signal),
              ...expiries.limits,
            },
          ],
  }
  return {
    listeners,
    alert:
      adminEmail === null
        ? null
        : (alerts, signal) => send(adminEmail, `${randomUUID()}.alert`, alertNotice(alerts, shop), signal),
    async flush() {
      await Promise.all([failures.close(), expiries.close()])
    },
    async close() {
      smtp?.close()
    },
  }
}

/** The id of one event, or an id that the same set of events always has. */
function batchId(events: readonly CheckoutEvent[]): string {
  const [first] = events
  if (events.length === 1 && first !== undefined) return first.id
  const ids = events.map(event => event.id).sort()
  return createHash('sha256').update(ids.join()).digest('hex').slice(0, 32)
}

function refuse(message: string): never {
  throw new CheckoutError('invalid_argument', message)
}
