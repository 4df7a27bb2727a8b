/**
 * Verification of Stripe's webhooks: one of the shop's secrets must have signed the raw body within the last five minutes
 * (docs.stripe.com/webhooks/signature).
 */
import type Stripe from 'stripe'
import type { WebhookEvent } from '../gateway.ts'

/** In both directions: an older webhook may be a replay, and a later one does not come from Stripe's clock. */
const toleranceSeconds = 300

export interface WebhookOptions {
  stripe: Stripe
  /** Each secret is accepted, so that a rotation loses no webhook. */
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
      return eventOf(await webhooks.constructEventAsync(rawBody, signature, secret, toleranceSeconds, undefined, now()))
    } catch {
      // Not signed with this secret. Try the next one.
    }
  }
  return null
}

/** Checks every timestamp in the header, because the SDK checks only one of them. */
function isFromTheFuture(signature: string, nowMs: number): boolean {
  const times = [...signature.matchAll(/(?:^|,)\s*t=([^,]*)/g)].map(([, at]) => Number(at))
  return times.length === 0 || times.some(at => !(at <= nowMs / 1_000 + toleranceSeconds))
}

/** The fields that are read of an event's object. */
interface Subject {
  object?: unknown
  id?: unknown
  status?: unknown
  amount?: unknown
  currency?: unknown
  payment_intent?: unknown
  metadata?: Readonly<Record<string, unknown>> | null
}

/** Refunds and disputes can be made at Stripe or at the bank, so they are read from Stripe's books. */
function aboutOf(type: string): NonNullable<WebhookEvent['about']> {
  if (type.startsWith('charge.dispute.')) return 'dispute'
  return /^(refund\.|charge\.refund)/.test(type) ? 'money_back' : 'payment'
}

const text = (value: unknown): string | null => (typeof value === 'string' && value !== '' ? value : null)

function eventOf(event: Stripe.Event): WebhookEvent {
  const subject: Subject = event.data.object as unknown as Subject
  const { object, id, status, amount, currency } = subject
  return {
    id: event.id,
    type: event.type,
    about: aboutOf(event.type),
    checkoutId: text(subject.metadata?.checkout_id),
    reference: object === 'payment_intent' ? text(id) : text(subject.payment_intent),
    // Not the whole object, because an intent contains its client secret.
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
