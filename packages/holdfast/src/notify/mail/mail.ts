/**
 * Durable listeners that send emails to buyers and to the shop. An email that is not accepted fails its delivery, which is
 * retried with the same Message-ID, so no email is lost. Many failures at once are combined into one email.
 */
import { randomUUID } from 'node:crypto'
import { isSmtpUrl } from '../../config/smtp-url.ts'
import type { CheckoutAlert } from '../../domain/alert.ts'
import { CheckoutError } from '../../domain/failure.ts'
import { joinListeners, type ListenerMap } from '../../events/listeners.ts'
import { usableBaseUrl } from '../base-url.ts'
import { createShopLocale } from '../shop-locale.ts'
import { singleLine } from '../single-line.ts'
import { alertNotice } from './alert-mail.ts'
import { buyerListeners } from './buyer-listeners.ts'
import type { MailShop } from './content.ts'
import { copyFor } from './copy/copy-for.ts'
import { addressPattern, createSendMail } from './send-mail.ts'
import { endReports, orderReports } from './shop-listeners.ts'
import { connectionsMax, createSmtpTransport, type MailMessage, type MailTransport } from './transport.ts'

export type { MailMessage, MailTransport }

export interface MailOptions {
  /** `smtp://user:password@host:port` or `smtps://…`. Give either this or `transport`. */
  smtpUrl?: string
  /** Any nodemailer transporter. The caller closes it. */
  transport?: MailTransport
  /** The sender's address. */
  from: string
  shopName: string
  /** The public address of the shop. Default null: emails have no links. */
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
  /** Timeout of an email, milliseconds; a single step may take a third of it. Default 30,000. */
  timeoutMs?: number
  /** Interval between two emails about failures, or about expiries, milliseconds. Events in between share an email. Default 60,000. */
  windowMs?: number
}

export interface MailListeners {
  listeners: ListenerMap
  /** Sends alerts to `adminEmail` as one email. Null without an `adminEmail`. */
  alert: ((alerts: readonly CheckoutAlert[], signal: AbortSignal) => Promise<void>) | null
  /** Sends waiting failures and expiries now. Call it before the engine is closed. */
  flush(): Promise<void>
  /** Closes the connections to the server. Call it after the engine is closed. */
  close(): Promise<void>
}

/** With the pauses between retries most of a day; then the delivery is parked. */
const retriesMax = 30

function refuse(message: string): never {
  throw new CheckoutError('invalid_argument', message)
}

function checkOptions({ smtpUrl, transport, from, adminEmail = null }: MailOptions): void {
  if ((smtpUrl === undefined) === (transport === undefined)) refuse('give either smtpUrl or transport')
  for (const address of adminEmail === null ? [from] : [from, adminEmail]) {
    if (!addressPattern.test(address)) {
      refuse(`invalid email address "${address}" in from or adminEmail; use the form name@example.com`)
    }
  }
  if (smtpUrl !== undefined && !isSmtpUrl(smtpUrl)) {
    // The address is not shown, because it contains the password.
    refuse('invalid smtpUrl; use smtp://user:password@host:port, with special characters percent-encoded')
  }
}

function shopOf({ shopName, baseUrl, locale = 'en', timeZone = 'UTC' }: MailOptions): MailShop {
  return {
    name: singleLine(shopName),
    baseUrl: usableBaseUrl(baseUrl),
    locale: createShopLocale(locale, timeZone),
    copy: copyFor(locale),
  }
}

/** The given transport, or a new one through `smtpUrl`, with what closes it. */
function transportOf({ transport, smtpUrl = '' }: MailOptions, timeoutMs: number) {
  if (transport !== undefined) return { transport, close() {} }
  const smtp = createSmtpTransport(smtpUrl, Math.ceil(timeoutMs / 3))
  return { transport: smtp, close: smtp.close }
}

/** @throws {CheckoutError} `invalid_argument` without exactly one of `smtpUrl` and `transport`, or with an invalid address. */
export function createMailListeners(options: MailOptions): MailListeners {
  const { from, adminEmail = null, notifyCustomer = true, timeoutMs = 30_000, windowMs = 60_000 } = options
  const { notifyOnFailure = false, notifyOnExpiration = false } = options
  checkOptions(options)
  const shop = shopOf(options)
  const { transport, close } = transportOf(options, timeoutMs)
  const send = createSendMail({ transport, from, shop, timeoutMs })
  const limits = { retriesMax, timeoutMs, concurrency: connectionsMax }

  const forBuyers = notifyCustomer ? buyerListeners(send, shop, limits) : {}
  const orders = adminEmail === null ? {} : orderReports(send, adminEmail, shop, limits)
  const ends = adminEmail === null ? null : endReports(send, adminEmail, shop, { windowMs, retriesMax, timeoutMs })
  return {
    listeners: joinListeners(
      forBuyers,
      orders,
      (notifyOnFailure && ends?.failures) || {},
      (notifyOnExpiration && ends?.expiries) || {},
    ),
    alert:
      adminEmail === null
        ? null
        : (alerts, signal) => send(adminEmail, `${randomUUID()}.alert`, alertNotice(alerts, shop), signal),
    async flush() {
      await ends?.close()
    },
    async close() {
      close()
    },
  }
}
