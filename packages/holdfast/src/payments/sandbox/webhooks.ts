/** The sandbox's webhooks, signed on their way out and checked on their way in. */
import { randomBytes } from 'node:crypto'
import type { WebhookEvent } from '../gateway.ts'
import type { DeliverWebhook } from './jobs.ts'
import { isRecent, sign, signatureHeader, signedAt } from './signature.ts'

export interface SandboxWebhooks {
  send(id: string, payload: Record<string, unknown>, nowMs: number): Promise<void>
  verify(headers: Headers, rawBody: string): Promise<WebhookEvent | null>
}

const text = (value: unknown): string | null => (typeof value === 'string' ? value : null)

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

function aboutOf(type: string): NonNullable<WebhookEvent['about']> {
  if (type.startsWith('refund.')) return 'money_back'
  return type.startsWith('dispute.') ? 'dispute' : 'payment'
}

function parsed(rawBody: string): WebhookEvent | null {
  let payload: unknown
  try {
    payload = JSON.parse(rawBody)
  } catch {
    return null
  }
  if (!isRecord(payload)) return null
  const { id, type, data } = payload
  if (typeof id !== 'string' || typeof type !== 'string') return null
  const named = isRecord(data) ? data : {}
  const { checkout_id: checkoutId, reference } = named
  return { id, type, about: aboutOf(type), checkoutId: text(checkoutId), reference: text(reference), payload }
}

/**
 * `secrets`: the first signs, each is accepted, so that a new one can be put in front of the old. None: a random one
 * of this process, which is enough where it delivers to itself.
 */
export function sandboxWebhooks(options: {
  secrets: readonly string[]
  deliver: DeliverWebhook
  /** The time signatures are compared with; asked only for genuine ones. */
  now: () => Promise<number>
}): SandboxWebhooks {
  const { deliver, now } = options
  const secrets = options.secrets.length > 0 ? options.secrets : [randomBytes(32).toString('hex')]
  const [signing = ''] = secrets
  return {
    async send(id, payload, nowMs) {
      const body = JSON.stringify({ id, ...payload })
      const headers = new Headers({
        'content-type': 'application/json',
        [signatureHeader]: sign(signing, body, nowMs),
      })
      await deliver(headers, body)
    },
    async verify(headers, rawBody) {
      const at = signedAt(secrets, headers.get(signatureHeader), rawBody)
      return at !== null && isRecent(at, await now()) ? parsed(rawBody) : null
    },
  }
}
