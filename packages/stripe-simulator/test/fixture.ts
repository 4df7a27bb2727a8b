/** A simulator without sockets and with a controlled clock, below the official SDK. */
import { Stripe } from 'stripe'
import { createStripeSimulator, type StripeSimulatorOptions } from '../src/create-simulator.ts'
import type { StripeSimulator } from '../src/stripe-simulator.ts'

export const secretKey = 'sk_test_simulated1234'
export const publishableKey = 'pk_test_simulated1234'
export const startMs = Date.UTC(2026, 10, 23, 12)

export interface Bench {
  simulator: StripeSimulator
  stripe: Stripe
  /** The raw requests of the SDK and their answers. */
  send(
    path: string,
    options?: { method?: string; form?: string; key?: string | null; headers?: Record<string, string> },
  ): Promise<{ status: number; headers: Headers; body: Record<string, unknown>; error: Record<string, unknown> }>
  /** The delivered webhooks, in order. */
  delivered: { headers: Headers; body: string }[]
}

function seeded(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

export function bench(options: StripeSimulatorOptions = {}): Bench {
  const delivered: Bench['delivered'] = []
  const simulator = createStripeSimulator({
    secretKey,
    publishableKey,
    clock: () => startMs,
    random: seeded(1),
    webhooks: [{ url: 'http://shop.invalid/webhooks/stripe', secret: 'whsec_first' }],
    deliverWebhook: async (headers, body) => {
      delivered.push({ headers, body })
    },
    ...options,
  })
  const stripe = new Stripe(secretKey, {
    host: 'stripe.invalid',
    protocol: 'http',
    maxNetworkRetries: 0,
    timeout: 60_000,
    httpClient: Stripe.createFetchHttpClient((url, init) =>
      simulator.handle(new Request(url as string, init as RequestInit)),
    ),
  })
  return {
    simulator,
    stripe,
    delivered,
    async send(path, { method = 'POST', form = '', key = secretKey, headers = {} } = {}) {
      const response = await simulator.handle(
        new Request(`http://stripe.invalid${path}`, {
          method,
          headers: {
            ...(key === null ? {} : { authorization: `Bearer ${key}` }),
            ...(method === 'POST' ? { 'content-type': 'application/x-www-form-urlencoded' } : {}),
            ...headers,
          },
          ...(method === 'POST' ? { body: form } : {}),
        }),
      )
      const body = (await response.json()) as Record<string, unknown>
      return {
        status: response.status,
        headers: response.headers,
        body,
        error: (body.error ?? {}) as Record<string, unknown>,
      }
    },
  }
}

export interface Refused {
  statusCode: number
  rawType: string
  code?: string
  decline_code?: string
  param?: string
  message: string
  payment_intent?: Stripe.PaymentIntent
  headers?: Record<string, string>
}

/** The error of the SDK. */
export async function refused(promise: Promise<unknown>): Promise<Refused> {
  return promise.then(
    () => {
      throw new Error('it was not refused')
    },
    (error: unknown) => error as Refused,
  )
}

/** Authorizes 50.00 with manual capture, as a checkout does. */
export const hold = (
  stripe: Stripe,
  params: Partial<Stripe.PaymentIntentCreateParams> = {},
  options: Stripe.RequestOptions = {},
) =>
  stripe.paymentIntents.create(
    {
      amount: 5_000,
      currency: 'usd',
      capture_method: 'manual',
      allowed_payment_method_types: ['card'],
      payment_method: 'pm_card_visa',
      confirm: true,
      metadata: { checkout_id: 'c1' },
      ...params,
    },
    options,
  )
