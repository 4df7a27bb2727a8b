/**
 * Slack: durable listeners that tell a channel of failed and expired checkouts and of disputes, through an incoming
 * webhook. What was not accepted is delivered again later. The webhook's address is a secret: no error tells it (A12).
 */
import { IncomingWebhook, IncomingWebhookHTTPError } from '@slack/webhook'
import type { CheckoutAlert } from '../../domain/alert.ts'
import type { CheckoutEvent } from '../../domain/events.ts'
import { CheckoutError } from '../../domain/failure.ts'
import type { ListenerMap } from '../../events/listeners.ts'
import { PermanentFailure } from '../../events/permanent-failure.ts'
import { usableBaseUrl } from '../base-url.ts'
import { gathered, isToldOtherwise } from '../batched-listener.ts'
import { createShopLocale } from '../shop-locale.ts'
import { alertMessage, disputedMessage, endedMessage, type SlackMessage, type SlackShop } from './slack-blocks.ts'

export interface SlackOptions {
  /** `https://hooks.slack.com/services/…` of an incoming webhook. */
  webhookUrl: string
  shopName: string
  /** Where the shop is reached from outside; default none: messages do not link to the console. */
  baseUrl?: string | null
  /** BCP 47; default "en". */
  locale?: string
  /** IANA; default "UTC". */
  timeZone?: string
  /** Tell of checkouts that failed. Default true. */
  notifyOnFailure?: boolean
  /** Tell of checkouts that expired. Default false. */
  notifyOnExpiration?: boolean
  /** Between two messages of a kind, milliseconds, 0 to 500,000: what happens meanwhile is told together. Default 60,000. */
  windowMs?: number
  /** How long a message may take, milliseconds. Default 10,000. */
  timeoutMs?: number
  /** How messages are sent: through a proxy, say. Default the platform's `fetch`. */
  fetch?: typeof fetch
}

export interface SlackListeners {
  listeners: ListenerMap
  /** Sends what people must look at as one message. Rejects where it was not accepted. */
  alert(alerts: readonly CheckoutAlert[], signal: AbortSignal): Promise<void>
  /** Ends the gathering: what has gathered is sent now. Call it before the engine is closed, which then need not wait. */
  flush(): Promise<void>
}

/** With the pauses between them, some seven hours; then a delivery is parked. */
const retriesMax = 20
const gatheringMax = 1_000
const retryAfterMaxSeconds = 3_600

/** @throws {CheckoutError} `invalid_argument` where the address of the webhook, or `baseUrl`, is none. */
export function createSlackListeners(options: SlackOptions): SlackListeners {
  const { notifyOnFailure = true, notifyOnExpiration = false, windowMs = 60_000, timeoutMs = 10_000 } = options
  const shop: SlackShop = {
    name: options.shopName,
    baseUrl: usableBaseUrl(options.baseUrl),
    locale: createShopLocale(options.locale ?? 'en', options.timeZone ?? 'UTC'),
  }
  const post = createPost(options.webhookUrl, timeoutMs, options.fetch ?? fetch)

  const gatheredAs = <Event extends CheckoutEvent>(
    write: (events: readonly Event[], shop: SlackShop) => SlackMessage,
  ) =>
    gathered<Event>({
      ...{ windowMs, gatheringMax, retriesMax, timeoutMs },
      send: (events, signal) => post(write(events, shop), signal),
    })
  const failures = gatheredAs<CheckoutEvent<'CheckoutFailed'>>(events => endedMessage(events, 'failed', shop))
  const expiries = gatheredAs<CheckoutEvent<'CheckoutExpired'>>(events => endedMessage(events, 'expired', shop))
  const disputes = gatheredAs(disputedMessage)

  const onFailure: ListenerMap = {
    CheckoutFailed: [
      {
        name: 'slack.checkout-failure',
        run: (event, { signal }) => (isToldOtherwise(event) ? undefined : failures.run(event, signal)),
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

/** Sends through Slack's own client, and keeps away from it for as long as Slack asks to. */
function createPost(webhookUrl: string, timeoutMs: number, send: typeof fetch) {
  if (!URL.canParse(webhookUrl) || !/^https?:$/.test(new URL(webhookUrl).protocol)) {
    // The address is not shown: whoever knows it may write to the channel.
    throw new CheckoutError('invalid_argument', 'webhookUrl must be the address of an incoming webhook of Slack.')
  }
  let notBefore = 0

  return async (message: SlackMessage, signal: AbortSignal): Promise<void> => {
    const waitMs = notBefore - performance.now()
    if (waitMs > 0) throw later(`Slack asked for quiet: ${Math.ceil(waitMs / 1_000)} seconds more`, waitMs)
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
      if (isForGood(error)) throw new PermanentFailure(why)
      throw later(why, notBefore - performance.now())
    }
  }
}

/** An error that asks for a pause before the next try. */
function later(message: string, pauseMs: number): Error {
  return Object.assign(new Error(message), pauseMs > 0 ? { retryAfterMs: pauseMs } : {})
}

function retryAfterMs(header: string | null): number {
  const seconds = Number(header ?? '')
  return Math.min(seconds > 0 ? Math.ceil(seconds) : 1, retryAfterMaxSeconds) * 1_000
}

/**
 * What Slack says of the message or of where it goes (https://api.slack.com/changelog/2016-05-17-changes-to-errors-for-incoming-webhooks).
 * Not among it is what says that the webhook itself or a restriction is in the way: people mend that.
 */
const wordsForGood: ReadonlySet<string> = new Set([
  'invalid_payload',
  'too_many_attachments',
  'user_not_found',
  'channel_not_found',
  'channel_is_archived',
])

function isForGood(thrown: unknown): boolean {
  if (!(thrown instanceof IncomingWebhookHTTPError) || thrown.statusCode < 400 || thrown.statusCode > 499) return false
  return wordsForGood.has(thrown.body ?? '')
}

/** Why a message was not accepted. The client's own error is not passed on: what it wraps may name the address. */
function refusalOf(thrown: unknown, timedOutAfterMs: number | null): string {
  if (thrown instanceof IncomingWebhookHTTPError) {
    // "no_service", "invalid_payload": Slack's own words for what is wrong, and nothing but these.
    const word = /^[a-z_]{1,60}$/.exec(thrown.body ?? '')?.[0]
    return `Slack answered ${thrown.statusCode}${word === undefined ? '' : ` (${word})`}`
  }
  if (timedOutAfterMs !== null) return `Slack did not answer within ${timedOutAfterMs} ms`
  const why = codeOf(thrown)
  return `Slack cannot be reached${why === null ? '' : ` (${why})`}`
}

/** "ECONNREFUSED": the code at the bottom of an error. */
function codeOf(thrown: unknown, depth = 0): string | null {
  if (!(thrown instanceof Error) || depth > 5) return null
  const { code } = thrown as { code?: unknown }
  return codeOf(thrown.cause, depth + 1) ?? (typeof code === 'string' && /^[A-Z][A-Z_]+$/.test(code) ? code : null)
}
