/**
 * Durable listeners that report failed and expired checkouts and disputes to Slack, through an incoming webhook. Messages
 * that are not accepted are retried. The webhook's address is a secret and appears in no error (A12).
 */
import { IncomingWebhook, IncomingWebhookHTTPError } from '@slack/webhook'
import type { CheckoutAlert } from '../../domain/alert.ts'
import type { CheckoutEvent } from '../../domain/events.ts'
import { CheckoutError } from '../../domain/failure.ts'
import type { ListenerMap } from '../../events/listeners.ts'
import { PermanentFailure } from '../../events/permanent-failure.ts'
import { usableBaseUrl } from '../base-url.ts'
import { batchedListener, isReportedElsewhere } from '../batched-listener.ts'
import { createShopLocale } from '../shop-locale.ts'
import { en } from './copy/en.ts'
import { alertMessage, disputedMessage, endedMessage, type SlackMessage, type SlackShop } from './messages.ts'

export interface SlackOptions {
  /** The address of an incoming webhook, `https://hooks.slack.com/services/…`. */
  webhookUrl: string
  shopName: string
  /** The public address of the shop. Default null: messages do not link to the console. */
  baseUrl?: string | null
  /** BCP 47, for dates and money. Default "en". */
  locale?: string
  /** IANA time zone. Default "UTC". */
  timeZone?: string
  /** Reports failed checkouts. Default true. */
  notifyOnFailure?: boolean
  /** Reports expired checkouts. Default false. */
  notifyOnExpiration?: boolean
  /** Interval between two messages of a kind, milliseconds, 0 to 500,000. Events in between share a message. Default 60,000. */
  windowMs?: number
  /** Timeout of a message, milliseconds. Default 10,000. */
  timeoutMs?: number
  /** Sends requests, for example through a proxy. Default: the global `fetch`. */
  fetch?: typeof fetch
}

export interface SlackListeners {
  listeners: ListenerMap
  /** Sends alerts as one message. Rejects if it is not accepted. */
  alert(alerts: readonly CheckoutAlert[], signal: AbortSignal): Promise<void>
  /** Sends waiting events now. Call it before the engine is closed, which then need not wait for them. */
  flush(): Promise<void>
}

/** With the pauses between retries about seven hours; then a delivery is parked. */
const retriesMax = 20
const batchMax = 1_000
const retryAfterMaxSeconds = 3_600

/** @throws {CheckoutError} `invalid_argument` if `webhookUrl` or `baseUrl` is not a valid address. */
export function createSlackListeners(options: SlackOptions): SlackListeners {
  const { notifyOnFailure = true, notifyOnExpiration = false, windowMs = 60_000, timeoutMs = 10_000 } = options
  const shop: SlackShop = {
    name: options.shopName,
    baseUrl: usableBaseUrl(options.baseUrl),
    locale: createShopLocale(options.locale ?? 'en', options.timeZone ?? 'UTC'),
    copy: en,
  }
  const post = createPost(options.webhookUrl, timeoutMs, options.fetch ?? fetch)

  const batchedAs = <Event extends CheckoutEvent>(write: (events: readonly Event[], shop: SlackShop) => SlackMessage) =>
    batchedListener<Event>({
      ...{ windowMs, batchMax, retriesMax, timeoutMs },
      send: (events, signal) => post(write(events, shop), signal),
    })
  const failures = batchedAs<CheckoutEvent<'CheckoutFailed'>>(events => endedMessage(events, 'failed', shop))
  const expiries = batchedAs<CheckoutEvent<'CheckoutExpired'>>(events => endedMessage(events, 'expired', shop))
  const disputes = batchedAs(disputedMessage)

  const onFailure: ListenerMap = {
    CheckoutFailed: [
      {
        name: 'slack.checkout-failure',
        run: (event, { signal }) => (isReportedElsewhere(event) ? undefined : failures.run(event, signal)),
        ...failures.limits,
      },
    ],
  }
  const onExpiration: ListenerMap = {
    CheckoutExpired: [
      { name: 'slack.checkout-expiry', run: (event, { signal }) => expiries.run(event, signal), ...expiries.limits },
    ],
  }
  return {
    listeners: {
      ...(notifyOnFailure ? onFailure : {}),
      ...(notifyOnExpiration ? onExpiration : {}),
      OrderDisputed: [
        { name: 'slack.dispute', run: (event, { signal }) => disputes.run(event, signal), ...disputes.limits },
      ],
    },
    alert: (alerts, signal) => post(alertMessage(alerts, shop), signal),
    async flush() {
      await Promise.all([failures.close(), expiries.close(), disputes.close()])
    },
  }
}

/** Returns a function that sends through Slack's client, and pauses for as long as Slack asks after a 429. */
function createPost(webhookUrl: string, timeoutMs: number, send: typeof fetch) {
  if (!URL.canParse(webhookUrl) || !/^https?:$/.test(new URL(webhookUrl).protocol)) {
    // The address is not shown, because it lets its holder post to the channel.
    throw new CheckoutError('invalid_argument', 'invalid webhookUrl; use the address of a Slack incoming webhook')
  }
  let notBefore = 0

  return async (message: SlackMessage, signal: AbortSignal): Promise<void> => {
    const waitMs = notBefore - performance.now()
    if (waitMs > 0) throw retryLater(`Slack rate limit: ${Math.ceil(waitMs / 1_000)} seconds left`, waitMs)
    const limited = AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)])
    const client = new IncomingWebhook(webhookUrl, {
      async fetch(url, init) {
        const response = await send(url, { ...init, signal: limited })
        if (response.status === 429) notBefore = performance.now() + retryAfterMs(response.headers.get('retry-after'))
        return response
      },
    })
    try {
      await client.send(message)
    } catch (error) {
      const why = refusalOf(error, signal.aborted ? null : limited.aborted ? timeoutMs : null)
      if (isPermanentRefusal(error)) throw new PermanentFailure(why)
      throw retryLater(why, notBefore - performance.now())
    }
  }
}

/** An error that asks for a pause before the next attempt. */
function retryLater(message: string, pauseMs: number): Error {
  return Object.assign(new Error(message), pauseMs > 0 ? { retryAfterMs: pauseMs } : {})
}

function retryAfterMs(header: string | null): number {
  const seconds = Number(header ?? '')
  return Math.min(seconds > 0 ? Math.ceil(seconds) : 1, retryAfterMaxSeconds) * 1_000
}

/**
 * Error codes of Slack about the message or its destination, which a retry would not change
 * (https://api.slack.com/changelog/2016-05-17-changes-to-errors-for-incoming-webhooks). Errors about the webhook itself or
 * a restriction are not permanent, because a person can fix them.
 */
const permanentErrors: ReadonlySet<string> = new Set([
  'invalid_payload',
  'too_many_attachments',
  'user_not_found',
  'channel_not_found',
  'channel_is_archived',
])

function isPermanentRefusal(thrown: unknown): boolean {
  if (!(thrown instanceof IncomingWebhookHTTPError) || thrown.statusCode < 400 || thrown.statusCode > 499) return false
  return permanentErrors.has(thrown.body ?? '')
}

/** Why a message was not accepted. The client's own error is not passed on, because it may contain the address. */
function refusalOf(thrown: unknown, timedOutAfterMs: number | null): string {
  if (thrown instanceof IncomingWebhookHTTPError) {
    // Only Slack's own error codes, such as "no_service", are quoted.
    const word = /^[a-z_]{1,60}$/.exec(thrown.body ?? '')?.[0]
    return `Slack answered ${thrown.statusCode}${word === undefined ? '' : ` (${word})`}`
  }
  if (timedOutAfterMs !== null) return `Slack did not answer within ${timedOutAfterMs} ms`
  const why = codeOf(thrown)
  return `could not reach Slack${why === null ? '' : ` (${why})`}`
}

/** The code of the innermost cause, such as "ECONNREFUSED". */
function codeOf(thrown: unknown, depth = 0): string | null {
  if (!(thrown instanceof Error) || depth > 5) return null
  const { code } = thrown as { code?: unknown }
  return codeOf(thrown.cause, depth + 1) ?? (typeof code === 'string' && /^[A-Z][A-Z_]+$/.test(code) ? code : null)
}
