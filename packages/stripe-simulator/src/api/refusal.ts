/** Refusals of Stripe's API, with Stripe's status, type, code, and message. */
import type { Stripe } from 'stripe'

export interface ErrorBody {
  type: 'api_error' | 'card_error' | 'idempotency_error' | 'invalid_request_error'
  message: string
  code?: string
  decline_code?: string
  doc_url?: string
  param?: string
  charge?: string
  payment_intent?: Stripe.PaymentIntent
  payment_method?: Stripe.PaymentMethod
  payment_method_type?: string
}

/** A refusal, thrown anywhere and converted to an answer at the API boundary. */
export class StripeRefusal extends Error {
  override readonly name = 'StripeRefusal'
  readonly status: number
  readonly error: ErrorBody
  readonly headers: Readonly<Record<string, string>>

  constructor(status: number, error: ErrorBody, headers: Readonly<Record<string, string>> = {}) {
    super(error.message)
    this.status = status
    this.error = error.code === undefined ? error : { ...error, doc_url: docUrl(error.code) }
    this.headers = headers
  }
}

export const docUrl = (code: string): string => `https://stripe.com/docs/error-codes/${code.replaceAll('_', '-')}`

type Details = Omit<Partial<ErrorBody>, 'type' | 'message'>

export const invalid = (message: string, details: Details = {}): StripeRefusal =>
  new StripeRefusal(400, { type: 'invalid_request_error', message, ...details })

export const cardError = (message: string, details: Details): StripeRefusal =>
  new StripeRefusal(402, { type: 'card_error', message, ...details })

/** @param noun as in Stripe's messages: "payment_intent", "charge", "PaymentMethod". */
export const missing = (noun: string, id: string, param = 'id', status = 404): StripeRefusal =>
  new StripeRefusal(status, {
    type: 'invalid_request_error',
    code: 'resource_missing',
    message: `No such ${noun}: '${id}'`,
    param,
  })

export const unauthorized = (message: string, details: Details = {}): StripeRefusal =>
  new StripeRefusal(401, { type: 'invalid_request_error', message, ...details })

export const unexpectedState = (message: string, intent: Stripe.PaymentIntent, details: Details = {}): StripeRefusal =>
  invalid(message, { code: 'payment_intent_unexpected_state', payment_intent: structuredClone(intent), ...details })

export const serverError = (status = 500): StripeRefusal =>
  new StripeRefusal(
    status,
    {
      type: 'api_error',
      message:
        'Sorry! There was an error while talking to one of our backends. Support has been notified of the problem.',
    },
    { 'stripe-should-retry': 'false' },
  )

export const rateLimited = (retryAfterSeconds?: number): StripeRefusal =>
  new StripeRefusal(
    429,
    {
      type: 'invalid_request_error',
      code: 'rate_limit',
      message:
        'Request rate limit exceeded. You can learn more about rate limits here https://stripe.com/docs/rate-limits.',
    },
    retryAfterSeconds === undefined ? {} : { 'retry-after': String(retryAfterSeconds) },
  )

export const lockTimeout = (): StripeRefusal =>
  new StripeRefusal(
    429,
    {
      type: 'invalid_request_error',
      code: 'lock_timeout',
      message:
        'This object cannot be accessed right now because another API request or Stripe process is currently accessing it. If you see this error intermittently, retry the request. If you see this error frequently and are making multiple concurrent requests to a single object, make your requests serially or at a lower rate. For more details, see https://stripe.com/docs/rate-limits#object-lock-timeouts.',
    },
    { 'stripe-should-retry': 'true' },
  )

export const keyInUse = (key: string): StripeRefusal =>
  new StripeRefusal(
    409,
    {
      type: 'idempotency_error',
      code: 'idempotency_key_in_use',
      message: `There is currently another in-progress request using this Idempotent Key (that probably means you submitted twice, and the other request is still going through): ${key}. Please try again later.`,
    },
    { 'stripe-should-retry': 'true' },
  )
