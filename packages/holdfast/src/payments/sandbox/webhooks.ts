/**
 * The sandbox's webhooks: signed as Standard Webhooks (standardwebhooks.com) when sent, and verified when received.
 * Only the holder of a secret can sign one, and a signature is valid for five minutes.
 */
import { randomBytes, timingSafeEqual } from 'node:crypto'
import { Webhook } from 'standardwebhooks'
import type { WebhookEvent } from '../gateway.ts'
import type { DeliverWebhook } from './jobs.ts'

/** Maximum distance between a signature's time and now, in both directions. */
const toleranceMs = 5 * 60_000

export interface WebhookSigner {
  /** Returns the three headers that sign `body`. */
  sign(id: string, body: string, nowMs: number): Record<string, string>
  /** Returns when `rawBody` was signed, in milliseconds since 1970; null if no secret signed it. */
  signedAt(headers: Headers, rawBody: string): number | null
}

/**
 * Signs with the first of `secrets` and accepts each. A secret is used as it is, without a prefix or base64. The
 * library's own check reads the system's clock; this one leaves the age to `isRecent`, which is given the ledger's time.
 */
export function createSigner(secrets: readonly [string, ...string[]]): WebhookSigner {
  const keyOf = (secret: string) => new Webhook(Buffer.from(secret), { format: 'raw' })
  const [first, ...others] = secrets
  const signing = keyOf(first)
  const accepted = [signing, ...others.map(keyOf)]
  return {
    sign(id, body, nowMs) {
      return {
        'webhook-id': id,
        'webhook-timestamp': String(Math.floor(nowMs / 1_000)),
        'webhook-signature': signing.sign(id, new Date(nowMs), body),
      }
    },
    signedAt(headers, rawBody) {
      const id = headers.get('webhook-id') ?? ''
      const timestamp = headers.get('webhook-timestamp') ?? ''
      const signatures = headers.get('webhook-signature') ?? ''
      if (id === '' || signatures.length > 1_000 || !/^\d{1,12}$/.test(timestamp)) return null
      const signedAtMs = Number(timestamp) * 1_000
      const given = signatures.split(' ').map(each => Buffer.from(each))
      // Every pair is compared, so that the time does not tell which secret or signature matched.
      const matches = accepted.flatMap(key => {
        const expected = Buffer.from(key.sign(id, new Date(signedAtMs), rawBody))
        return given.map(each => each.length === expected.length && timingSafeEqual(each, expected))
      })
      return matches.includes(true) ? signedAtMs : null
    },
  }
}

/** True unless a signature may be a replay, or comes from a clock that is ahead. */
export const isRecent = (signedAtMs: number, nowMs: number): boolean => Math.abs(nowMs - signedAtMs) <= toleranceMs

export interface SandboxWebhooks {
  send(id: string, payload: Record<string, unknown>, nowMs: number): Promise<void>
  verify(headers: Headers, rawBody: string): Promise<WebhookEvent | null>
}

export interface SandboxWebhookOptions {
  /**
   * The first signs, and each is accepted, so that a new secret can be put before the old one. None: a random secret,
   * which is enough for a process that delivers to itself.
   */
  secrets: readonly string[]
  deliver: DeliverWebhook
  /** The current time in milliseconds. Read only for genuine signatures. */
  now(): Promise<number>
}

export function sandboxWebhooks({ secrets, deliver, now }: SandboxWebhookOptions): SandboxWebhooks {
  const [first = randomBytes(32).toString('hex'), ...others] = secrets
  const signer = createSigner([first, ...others])
  return {
    async send(id, payload, nowMs) {
      const body = JSON.stringify({ id, ...payload })
      const headers = new Headers({ 'content-type': 'application/json', ...signer.sign(id, body, nowMs) })
      await deliver(headers, body)
    },
    async verify(headers, rawBody) {
      const at = signer.signedAt(headers, rawBody)
      return at !== null && isRecent(at, await now()) ? eventOf(rawBody) : null
    },
  }
}

const text = (value: unknown): string | null => (typeof value === 'string' ? value : null)

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

function aboutOf(type: string): NonNullable<WebhookEvent['about']> {
  if (type.startsWith('refund.')) return 'money_back'
  return type.startsWith('dispute.') ? 'dispute' : 'payment'
}

function eventOf(rawBody: string): WebhookEvent | null {
  let payload: unknown
  try {
    payload = JSON.parse(rawBody)
  } catch {
    return null
  }
  if (!isRecord(payload)) return null
  const { id, type, data } = payload
  if (typeof id !== 'string' || typeof type !== 'string') return null
  const { checkout_id: checkoutId, reference } = isRecord(data) ? data : {}
  return { id, type, about: aboutOf(type), checkoutId: text(checkoutId), reference: text(reference), payload }
}
