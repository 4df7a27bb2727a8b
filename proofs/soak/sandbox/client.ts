/**
 * The client of the sandbox process, as an adopter writes one for a provider. Only a refused connection, 409, and 429
 * mean `not_executed`; any other missing answer is `unknown`.
 */
import type {
  GatewayAnswer,
  LookupAnswer,
  PaymentGateway,
  WebhookEvent,
} from '../../../packages/holdfast/src/payments/gateway.ts'
import { createSigner, isRecent } from '../../../packages/holdfast/src/payments/sandbox/webhooks.ts'
import type { ClientOptions } from '../gateway.ts'

const dayMs = 24 * 60 * 60_000

const notExecuted = (message: string, retryAfterMs: number): GatewayAnswer => ({
  outcome: 'not_executed',
  message,
  retryAfterMs,
})

const wasRefused = (error: unknown): boolean =>
  (error as { cause?: { code?: unknown } } | null)?.cause?.code === 'ECONNREFUSED'

/** Has the name of the sandbox, so that the audit compares with its ledger. */
export function sandboxClient({ url, webhookSecret }: ClientOptions): PaymentGateway {
  const signer = createSigner([webhookSecret])
  async function post(path: string, { signal, ...body }: { signal: AbortSignal }): Promise<LookupAnswer> {
    let response: Response
    try {
      const headers = { 'Content-Type': 'application/json' }
      response = await fetch(`${url}/${path}`, { method: 'POST', headers, body: JSON.stringify(body), signal })
    } catch (error) {
      if (wasRefused(error)) return notExecuted('The gateway refused the connection.', 500)
      throw error
    }
    if (response.status === 200) return (await response.json()) as LookupAnswer
    await response.body?.cancel()
    const retryAfterMs = Number(response.headers.get('retry-after') ?? 1) * 1_000
    switch (response.status) {
      case 409:
        return notExecuted('The same request is in flight.', retryAfterMs)
      case 429:
        return notExecuted('Too many requests.', retryAfterMs)
      default:
        return { outcome: 'unknown', message: `The gateway answered ${response.status}.` }
    }
  }
  const call = (kind: string) => async (request: { signal: AbortSignal }) =>
    (await post(kind, request)) as GatewayAnswer

  return {
    name: 'sandbox',
    keyMemoryMs: dayMs,
    authorize: call('authorize'),
    capture: call('capture'),
    void: call('void'),
    refund: call('refund'),
    lookup: request => post('lookup', request),
    async verifyWebhook(headers, rawBody) {
      const at = signer.signedAt(headers, rawBody)
      return at !== null && isRecent(at, Date.now()) ? eventOf(rawBody) : null
    },
  }
}

function eventOf(rawBody: string): WebhookEvent {
  const payload = JSON.parse(rawBody) as { id: string; type: string; data: Record<string, string> }
  const { id, type, data } = payload
  return { id, type, checkoutId: data.checkout_id ?? null, reference: data.reference ?? null, payload }
}
