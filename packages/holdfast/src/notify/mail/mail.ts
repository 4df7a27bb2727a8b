/**
 * Mail: durable listeners that write to customers and to the shop. A mail that was not accepted fails its delivery and is
 * sent again later, under the same Message-ID; none is lost, and a crowd of failures comes as one.
 */
import { createHash, randomUUID } from 'node:crypto'
import { isSmtpUrl } from '../../config/smtp-url.ts'
import type { CheckoutAlert } from '../../domain/alert.ts'
import type { CheckoutEvent } from '../../domain/events.ts'
import { CheckoutError } from '../../domain/failure.ts'
import type { ListenerFunction, ListenerMap } from '../../events/listeners.ts'
import { PermanentFailure } from '../../events/permanent-failure.ts'
import { usableBaseUrl } from '../base-url.ts'
import { gathered, isToldOtherwise } from '../batched-listener.ts'
import { createShopLocale } from '../shop-locale.ts'
import { disputeNotice, newOrder } from './admin-mail.ts'
import { alertNotice } from './alert-mail.ts'
import { awaitedByShop, awaitedOrder, isAwaited } from './awaiting-payment-mail.ts'
import { orderConfirmation, refundNotice } from './customer-mail.ts'
import { expiryNotice, failureNotice, type TroubleEvent } from './failure-mail.ts'
import { type MailContent, type MailSender, singleLine } from './mail-content.ts'
import { mailHtml } from './mail-html.ts'
import { mailText } from './mail-text.ts'
import {
  connectionsMax,
  createSmtpTransport,
  type MailMessage,
  type MailTransport,
  refusalOf,
} from './mail-transport.ts'

export type { MailMessage, MailTransport }

export interface MailOptions {
  /** `smtp://user:password@host:port` or `smtps://…`. This, or `transport`. */
  smtpUrl?: string
  /** A transporter of nodemailer, of any kind. It is the caller's to close. */
  transport?: MailTransport
  /** The address that mails are from. */
  from: string
  shopName: string
  /** Where the shop is reached from outside; default none: mails have no links. */
  baseUrl?: string | null
  /** BCP 47; default "en". */
  locale?: string
  /** IANA; default "UTC". */
  timeZone?: string
  /** Whom new orders, orders that await their money, disputes, failures and expiries are told; default nobody. */
  adminEmail?: string | null
  /** Write to whoever bought: how an order is to be paid, that it is, what was refunded. Default true. */
  notifyCustomer?: boolean
  /** Tell `adminEmail` of checkouts that failed. Default false. */
  notifyOnFailure?: boolean
  /** Tell `adminEmail` of checkouts that expired. Default false. */
  notifyOnExpiration?: boolean
  /** How long a mail may take, milliseconds; a step of it a third of that. Default 30,000. */
  timeoutMs?: number
  /** Between two mails of failures (or of expiries), milliseconds: what happens meanwhile is told together. Default 60,000. */
  windowMs?: number
}

export interface MailListeners {
  listeners: ListenerMap
  /** Writes to `adminEmail` what people must look at, as one mail; null where there is none. */
  alert: ((alerts: readonly CheckoutAlert[], signal: AbortSignal) => Promise<void>) | null
  /** Ends the gathering of failures: what has gathered is sent now. Call it before the engine is closed. */
  flush(): Promise<void>
  /** Ends the connections to the server. Call it once the engine is closed. */
  close(): Promise<void>
}

/** Most of a day; then the delivery is parked. */
const retriesMax = 30
/** What gathers in a process; others wait in the database. */
const gatheringMax = 500

const addressPattern = /^[^\s@<>"(),:;\\[\]\p{Cc}]+@[^\s@<>"(),:;\\[\]\p{Cc}]+$/u

/** @throws {CheckoutError} `invalid_argument` where neither or both ways to send are given, or an address or `baseUrl` is none. */
export function createMailListeners(options: MailOptions): MailListeners {
  const { smtpUrl, transport: given, from, adminEmail = null, notifyCustomer = true } = options
  const { notifyOnFailure = false, notifyOnExpiration = false, timeoutMs = 30_000, windowMs = 60_000 } = options
  if ((smtpUrl === undefined) === (given === undefined)) refuse('Give either smtpUrl or transport.')
  for (const address of adminEmail === null ? [from] : [from, adminEmail]) {
    if (!addressPattern.test(address)) refuse('from and adminEmail must look like name@example.com.')
  }
  if (smtpUrl !== undefined && !isSmtpUrl(smtpUrl)) {
    refuse('smtpUrl must look like smtp://user:password@host:port, with special characters percent-encoded.')
  }
  const smtp = smtpUrl === undefined ? null : createSmtpTransport(smtpUrl, Math.ceil(timeoutMs / 3))
  const transport = given ?? smtp
  const sender: MailSender = { shopName: singleLine(options.shopName), baseUrl: usableBaseUrl(options.baseUrl) }
  const locale = createShopLocale(options.locale ?? 'en', options.timeZone ?? 'UTC')
  const domain = from.slice(from.lastIndexOf('@') + 1)

  async function send(to: string, id: string, content: MailContent, signal: AbortSignal): Promise<void> {
    // Where a buyer's address was never checked, it must not become two.
    if (!addressPattern.test(to))
      throw new PermanentFailure('the recipient has no e-mail address that mail can be sent to')
    const message: MailMessage = {
      from: { name: sender.shopName, address: from },
      to: { name: '', address: to },
      subject: singleLine(content.subject),
      text: mailText(content, sender),
      html: await mailHtml(content, sender),
      messageId: `<${id}@${domain}>`,
      headers: { 'Auto-Submitted': 'auto-generated', 'X-Auto-Response-Suppress': 'All' },
      // Several may wait for a mail of many, each for a time of its own.
      signal: AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]),
    }
    try {
      await transport?.sendMail(message)
    } catch (error) {
      throw refusalOf(error, to)
    }
  }

  const limits = { retriesMax, timeoutMs, concurrency: connectionsMax }

  /** Tells the shop, at once where it happens alone. */
  const gatheredFor = (purpose: string, write: (events: readonly TroubleEvent[]) => MailContent) =>
    gathered<TroubleEvent>({
      ...{ windowMs, gatheringMax, retriesMax, timeoutMs },
      send: (events, signal) => send(adminEmail ?? '', `${groupId(events)}.${purpose}`, write(events), signal),
    })
  const failures = gatheredFor('checkout-failed', events => failureNotice(events, sender, locale))
  const expiries = gatheredFor('checkout-expired', events => expiryNotice(events, sender, locale))

  const confirm: ListenerFunction<'CheckoutCompleted'> = async ({ id, order }, { signal }) => {
    if (order.email === null) return
    await send(order.email, `${id}.confirmation`, orderConfirmation(order, sender, locale), signal)
  }
  const placed: ListenerFunction<'OrderAwaitingCapture'> = async ({ id, order }, { signal }) => {
    if (order.email === null || !isAwaited(order)) return
    await send(order.email, `${id}.order-placed`, awaitedOrder(order, sender, locale), signal)
  }
  const refund: ListenerFunction<'OrderRefunded'> = async (event, { signal }) => {
    if (event.order.email === null) return
    await send(event.order.email, `${event.id}.refund`, refundNotice(event, sender, locale), signal)
  }
  const announce =
    (to: string): ListenerFunction<'CheckoutCompleted'> =>
    (event, { signal }) =>
      send(to, `${event.id}.new-order`, newOrder(event, sender, locale), signal)
  const announceAwaited =
    (to: string): ListenerFunction<'OrderAwaitingCapture'> =>
    async (event, { signal }) => {
      if (!isAwaited(event.order)) return
      await send(to, `${event.id}.awaiting-capture`, awaitedByShop(event, sender, locale), signal)
    }
  const warn =
    (to: string): ListenerFunction<'OrderDisputed'> =>
    (event, { signal }) =>
      send(to, `${event.id}.dispute`, disputeNotice(event, sender, locale), signal)

  const listeners: ListenerMap = {
    CheckoutCompleted: [
      ...(notifyCustomer ? [{ name: 'mail.order-confirmation', run: confirm, ...limits }] : []),
      ...(adminEmail === null ? [] : [{ name: 'mail.new-order', run: announce(adminEmail), ...limits }]),
    ],
    OrderAwaitingCapture: [
      ...(notifyCustomer ? [{ name: 'mail.order-placed', run: placed, ...limits }] : []),
      ...(adminEmail === null
        ? []
        : [{ name: 'mail.order-awaiting-capture', run: announceAwaited(adminEmail), ...limits }]),
    ],
    OrderRefunded: notifyCustomer ? [{ name: 'mail.refund', run: refund, ...limits }] : [],
    OrderDisputed: adminEmail === null ? [] : [{ name: 'mail.dispute', run: warn(adminEmail), ...limits }],
    CheckoutFailed:
      adminEmail === null || !notifyOnFailure
        ? []
        : [
            {
              name: 'mail.checkout-failure',
              run: (event, { signal }) => (isToldOtherwise(event) ? undefined : failures.run(event, signal)),
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
        : (alerts, signal) => send(adminEmail, `${randomUUID()}.alert`, alertNotice(alerts, sender), signal),
    async flush() {
      await Promise.all([failures.close(), expiries.close()])
    },
    async close() {
      smtp?.close()
    },
  }
}

/** Of one event its id, of several an id that the same ones have again. */
function groupId(events: readonly CheckoutEvent[]): string {
  const [first] = events
  if (events.length === 1 && first !== undefined) return first.id
  const ids = events.map(event => event.id).sort()
  return createHash('sha256').update(ids.join()).digest('hex').slice(0, 32)
}

function refuse(message: string): never {
  throw new CheckoutError('invalid_argument', message)
}
