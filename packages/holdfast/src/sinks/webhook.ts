/**
 * The webhook sink: sends events to an address of the shop's choice, signed by Standard Webhooks, until it answers 2xx.
 * The address is the shop's own configuration, so it may be inside the shop's network: nothing here is for addresses
 * that customers enter.
 */
import { Webhook } from 'standardwebhooks'
import type { CheckoutEvent } from '../domain/events.ts'
import { CheckoutError } from '../domain/failure.ts'
import type { DeliveryContext, ListenerMap } from '../events/listeners.ts'
import { PermanentFailure } from '../events/permanent-failure.ts'
import { outgoingEvent } from './outgoing-event.ts'
import { type SinkOptions, sinkListeners } from './sink-listeners.ts'

export interface WebhookSinkOptions extends SinkOptions {
  /** `https://…`; without user and password. */
  url: string
  /** `whsec_` and 24 to 64 bytes in base64. Two while one replaces the other: each signs. */
  secrets: readonly string[]
}

/** What a receiver answered instead of 2xx, or that it answered nothing. Holds neither its answer nor the address. */
export class WebhookRefused extends Error {
  override readonly name = 'WebhookRefused'
  /** Null: no answer. */
  readonly status: number | null
  /** How long the receiver asked not to be tried again. */
  readonly retryAfterMs: number | undefined
  constructor(message: string, status: number | null, retryAfterMs?: number) {
    super(message)
    this.status = status
    this.retryAfterMs = retryAfterMs
  }
}

/**
 * Listeners for `createCheckout`. `webhook-id` is the event's id, the same for each repetition. Only 2xx counts as
 * delivered; redirects are not followed; what the receiver writes is not read. `name` is "webhook" and `timeoutMs`
 * 15,000 unless told otherwise.
 * @throws {CheckoutError} `invalid_argument`: no usable address or secret. It names neither.
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
        throw new WebhookRefused(`The webhook's receiver cannot be reached (${codeOf(error)})`, null)
      },
    )
    // The head says all; the rest of the answer may be long, or never end.
    await response.body?.cancel().catch(() => {})
    // The receiver wants no more of them (RFC 9110, 15.5.11; Standard Webhooks asks to stop then).
    if (response.status === 410) throw new PermanentFailure("The webhook's receiver answered 410: it is gone")
    if (!response.ok) {
      throw new WebhookRefused(
        `The webhook's receiver answered ${response.status}`,
        response.status,
        retryAfterMs(response.headers.get('retry-after'), now),
      )
    }
  }

  return sinkListeners({ ...options, name, timeoutMs }, send)
}

function usableUrl(given: string): URL {
  // The parser's own error repeats what it was given.
  const url = URL.canParse(given) ? new URL(given) : null
  const isUsable = url !== null && /^https?:$/.test(url.protocol) && url.username === '' && url.password === ''
  if (isUsable) return url
  const message = 'The address of a webhook is http:// or https:// with a host, without user and password.'
  throw new CheckoutError('invalid_argument', message)
}

function usableSecrets(given: readonly string[]): readonly string[] {
  const isUsable = (secret: string) => {
    const [, encoded = ''] = /^whsec_([A-Za-z0-9+/]+={0,2})$/.exec(secret) ?? []
    const { length } = Buffer.from(encoded, 'base64')
    return length >= 24 && length <= 64
  }
  if (given.length > 0 && given.every(isUsable)) return given
  throw new CheckoutError('invalid_argument', 'A webhook is signed with secrets: whsec_ and 24 to 64 bytes in base64.')
}

/** "ECONNREFUSED"; the message itself may name the address. */
function codeOf(error: unknown): string {
  const { name, cause } = error as { name?: string; cause?: { code?: string } }
  return cause?.code ?? name ?? 'no reason given'
}

/** Seconds or a date (RFC 9110). */
function retryAfterMs(given: string | null, now: Date): number | undefined {
  if (given === null) return undefined
  const ms = /^\d+$/.test(given) ? Number(given) * 1000 : Date.parse(given) - now.getTime()
  return Number.isFinite(ms) && ms > 0 ? ms : undefined
}
