/**
 * The webhook sink: posts events to the shop's URL, signed as Standard Webhooks, until the receiver answers 2xx. The URL
 * comes from the shop's own configuration and may be inside its network, so never pass one that a customer entered.
 */
import { Webhook } from 'standardwebhooks'
import type { CheckoutEvent } from '../domain/events.ts'
import { CheckoutError } from '../domain/failure.ts'
import type { DeliveryContext, ListenerMap } from '../events/listeners.ts'
import { PermanentFailure } from '../events/permanent-failure.ts'
import { outgoingEvent } from './outgoing-event.ts'
import { type SinkOptions, sinkListeners } from './sink-listeners.ts'

export interface WebhookSinkOptions extends SinkOptions {
  /** `https://…`, without a user and password. */
  url: string
  /** `whsec_` and 24 to 64 bytes in base64. During a rotation, each of two secrets signs. */
  secrets: readonly string[]
}

/** The receiver answered another status than 2xx, or nothing. Contains neither its answer nor its URL. */
export class WebhookError extends Error {
  override readonly name = 'WebhookError'
  /** Null if there was no answer. */
  readonly status: number | null
  /** The pause that the receiver requested. */
  readonly retryAfterMs: number | undefined
  constructor(message: string, status: number | null, retryAfterMs?: number) {
    super(message)
    this.status = status
    this.retryAfterMs = retryAfterMs
  }
}

/**
 * Returns listeners for `createCheckout`. `webhook-id` is the event's ID, the same for each repetition. Only 2xx counts
 * as delivered, redirects are not followed, and the response body is not read. Defaults: `name` "webhook", `timeoutMs`
 * 15,000.
 * @throws {CheckoutError} `invalid_argument` for an invalid URL or secret. The message contains neither.
 */
export function createWebhookSink(options: WebhookSinkOptions): ListenerMap {
  const { name = 'webhook', timeoutMs = 15_000 } = options
  const url = usableUrl(options.url)
  const signers = usableSecrets(options.secrets).map(secret => new Webhook(secret))

  async function send(event: CheckoutEvent, { signal }: DeliveryContext): Promise<void> {
    const body = JSON.stringify(outgoingEvent(event))
    const now = new Date()
    const headers = {
      'content-type': 'application/json',
      'user-agent': 'holdfast',
      'webhook-id': event.id,
      'webhook-timestamp': String(Math.floor(now.getTime() / 1000)),
      'webhook-signature': signers.map(signer => signer.sign(event.id, now, body)).join(' '),
    }
    const response = await fetch(url, { method: 'POST', headers, body, signal, redirect: 'manual' }).catch(
      (error: unknown) => {
        throw new WebhookError(`could not reach the webhook receiver (${codeOf(error)})`, null)
      },
    )
    // The status is enough. The body may be long or never end.
    await response.body?.cancel().catch(() => {})
    // 410 means that the receiver is gone for good (RFC 9110, 15.5.11). Standard Webhooks requires to stop sending.
    if (response.status === 410) throw new PermanentFailure('the webhook receiver answered 410 Gone')
    if (!response.ok) {
      throw new WebhookError(
        `the webhook receiver answered ${response.status}`,
        response.status,
        retryAfterMs(response.headers.get('retry-after'), now),
      )
    }
  }

  return sinkListeners({ ...options, name, timeoutMs }, send)
}

function usableUrl(given: string): URL {
  // The parser's own error contains the URL.
  const url = URL.canParse(given) ? new URL(given) : null
  const isUsable = url !== null && /^https?:$/.test(url.protocol) && url.username === '' && url.password === ''
  if (isUsable) return url
  const message = 'invalid webhook URL; use http:// or https:// with a host, without a user and password'
  throw new CheckoutError('invalid_argument', message)
}

function usableSecrets(given: readonly string[]): readonly string[] {
  const isUsable = (secret: string) => {
    const [, encoded = ''] = /^whsec_([A-Za-z0-9+/]+={0,2})$/.exec(secret) ?? []
    const { length } = Buffer.from(encoded, 'base64')
    return length >= 24 && length <= 64
  }
  if (given.length > 0 && given.every(isUsable)) return given
  throw new CheckoutError('invalid_argument', 'invalid webhook secret; use whsec_ and 24 to 64 bytes in base64')
}

/** Such as "ECONNREFUSED". The full message can contain the URL. */
function codeOf(error: unknown): string {
  const { name, cause } = error as { name?: string; cause?: { code?: string } }
  return cause?.code ?? name ?? 'unknown reason'
}

/** Parses `Retry-After`, which is seconds or a date (RFC 9110). */
function retryAfterMs(given: string | null, now: Date): number | undefined {
  if (given === null) return undefined
  const ms = /^\d+$/.test(given) ? Number(given) * 1000 : Date.parse(given) - now.getTime()
  return Number.isFinite(ms) && ms > 0 ? ms : undefined
}
