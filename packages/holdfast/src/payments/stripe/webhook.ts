/**
 * Stripe's webhooks: genuine when one of the shop's secrets signed the raw body, not long ago and not in the future
 * (docs.stripe.com/webhooks/signature). A hint which checkout to look at again, never a fact.
 */
import type Stripe from 'stripe'
import type { WebhookEvent } from '../gateway.ts'

/** Either way, in seconds: what is older may be replayed, what is from the future was not made by Stripe's clock. */
const toleranceSeconds = 300

export interface WebhookOptions {
  stripe: Stripe
  /** Each is accepted, so that one can be replaced by another without losing any. */
  secrets: readonly string[]
  /** Milliseconds since 1970. */
  now(): number
}

export async function verifyStripeWebhook(
  { stripe, secrets, now }: WebhookOptions,
  headers: Headers,
  rawBody: string,
): Promise<WebhookEvent | null> {
  const signature = headers.get('stripe-signature')
  if (signature === null || isFromTheFuture(signature, now())) return null
  for (const secret of secrets) {
    try {
      const { webhooks } = stripe
      return heardOf(await webhooks.constructEventAsync(rawBody, signature, secret, toleranceSeconds, undefined, now()))
    } catch {
      // Signed by another secret, or by nobody.
    }
  }
  return null
}

/** Every time that the signature names counts: which of two would be checked is nobody's business to guess. */
function isFromTheFuture(signature: string, nowMs: number): boolean {
  const times = [...signature.matchAll(/(?:^|,)\s*t=([^,]*)/g)].map(([, at]) => Number(at))
  return times.length === 0 || times.some(at => !(at <= nowMs / 1_000 + toleranceSeconds))
}

/** What is looked at of whatever an event is about. */
interface Subject {
  object?: unknown
  id?: unknown
  status?: unknown
  amount?: unknown
  currency?: unknown
  payment_intent?: unknown
  metadata?: Readonly<Record<string, unknown>> | null
}

/** What may have happened at Stripe alone, in its dashboard or at the bank, is looked for in its books. */
function aboutOf(type: string): NonNullable<WebhookEvent['about']> {
  if (type.startsWith('charge.dispute.')) return 'dispute'
  return /^(refund\.|charge\.refund)/.test(type) ? 'money_back' : 'payment'
}

const text = (value: unknown): string | null => (typeof value === 'string' && value !== '' ? value : null)

function heardOf(event: Stripe.Event): WebhookEvent {
  const subject: Subject = event.data.object as unknown as Subject
  const { object, id, status, amount, currency } = subject
  return {
    id: event.id,
    type: event.type,
    about: aboutOf(event.type),
    checkoutId: text(subject.metadata?.checkout_id),
    reference: object === 'payment_intent' ? text(id) : text(subject.payment_intent),
    // Not the whole of it: an intent carries the secret that lets a browser confirm it.
    payload: {
      type: event.type,
      created: event.created,
      livemode: event.livemode,
      object,
      id,
      status,
      amount,
      currency,
    },
  }
}
