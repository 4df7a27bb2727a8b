/**
 * What Stripe's errors mean for an operation: definitely refused, not taken in, or of unknown outcome
 * (docs.stripe.com/error-low-level, docs.stripe.com/api/idempotent_requests). Protects A2: nothing is guessed.
 * Of Stripe's own sentences only those about a card are passed on; the others may repeat tokens or parts of a key.
 */
import type Stripe from 'stripe'
import type { GatewayAnswer } from '../gateway.ts'

/** What the SDK throws, as far as it is looked at. */
export type StripeFailure = InstanceType<typeof Stripe.errors.StripeError>

/** Never reached Stripe: the connection was not even made. */
const unreachable = new Set(['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'EHOSTUNREACH', 'ENETUNREACH'])

const pauseMs = 1_000
/** A wrong key is mended by people. */
const misconfiguredPauseMs = 60_000

export function isStripeFailure(error: unknown): error is StripeFailure {
  return typeof error === 'object' && error !== null && 'rawType' in error && 'requestId' in error
}

/** The same key again would say the same for ever, though the request is over: it is asked under another one. */
export function isStale(error: unknown): boolean {
  if (!isStripeFailure(error) || headerOf(error, 'idempotent-replayed') !== 'true') return false
  return (error.statusCode ?? 0) >= 500 || isWrongState(error)
}

/** Refused for the state that the payment is in: the payment tells the rest. */
export function isWrongState(error: unknown): boolean {
  return isStripeFailure(error) && error.code === 'payment_intent_unexpected_state'
}

/** Stripe does not find what the address of a request names. */
export function isMissing(error: unknown): boolean {
  return isStripeFailure(error) && error.statusCode === 404
}

function headerOf(error: StripeFailure, name: string): string | undefined {
  return error.headers?.[name]
}

/** What an error says of the request that met it. */
export function answerOfError(error: unknown): GatewayAnswer {
  if (!isStripeFailure(error)) return { outcome: 'unknown', message: 'The call to Stripe broke.' }
  const request = error.requestId === undefined ? '' : ` (request ${error.requestId})`
  switch (error.statusCode) {
    case 401:
    case 403: {
      const message = `Stripe does not accept STRIPE_SECRET_KEY for this${request}.`
      return { outcome: 'not_executed', message, retryAfterMs: misconfiguredPauseMs }
    }
    case 409:
      return { outcome: 'not_executed', message: 'Stripe is still at a request with this key.', retryAfterMs: pauseMs }
    case 429: {
      const seconds = Number(headerOf(error, 'retry-after'))
      const retryAfterMs = Number.isFinite(seconds) && seconds > 0 ? seconds * 1_000 : pauseMs
      return { outcome: 'not_executed', message: `Stripe asks for a pause${request}.`, retryAfterMs }
    }
    case 400:
    case 402:
      return refusalOf(error, request)
    case 404:
      return notFound(request)
    case undefined:
      return brokenConnection(error)
    default:
      return { outcome: 'unknown', message: `Stripe answered ${error.statusCode}${request}.` }
  }
}

/** A payment that Stripe once gave us is there: that it is not found says nothing of what became of it. */
const notFound = (request: string): GatewayAnswer => ({
  outcome: 'unknown',
  message: `Stripe does not find the payment${request}.`,
})

function brokenConnection(error: StripeFailure): GatewayAnswer {
  const { detail } = error as { detail?: unknown }
  const cause = (detail as { cause?: unknown } | undefined)?.cause ?? detail
  const code = (cause as { code?: unknown } | undefined)?.code
  return typeof code === 'string' && unreachable.has(code)
    ? { outcome: 'not_executed', message: 'Stripe cannot be reached.', retryAfterMs: pauseMs }
    : { outcome: 'unknown', message: 'The connection to Stripe broke.' }
}

const told: Readonly<Record<string, readonly [code: string, message: string]>> = {
  token_already_used: ['invalid_token', 'This token was used before.'],
  payment_intent_authentication_failure: ['authentication_failed', 'The bank could not confirm the buyer.'],
  amount_too_small: ['amount_too_small', 'The amount is less than Stripe takes in this currency.'],
  amount_too_large: ['amount_too_large', 'The amount is more than Stripe takes.'],
  charge_already_refunded: ['already_refunded', 'All of it was given back before.'],
  charge_already_captured: ['already_captured', 'The payment was captured before.'],
  capture_charge_authorization_expired: ['authorization_ended', 'The authorization has ended.'],
  charge_expired_for_capture: ['authorization_ended', 'The authorization has ended.'],
}

function refusalOf(error: StripeFailure, request: string): GatewayAnswer {
  if (error.rawType === 'idempotency_error') {
    return { outcome: 'declined', code: 'idempotency_mismatch', message: 'This key was used with other parameters.' }
  }
  if (error.rawType === 'card_error') {
    const [code, message] = told[error.code ?? ''] ?? [
      error.decline_code || error.code || 'card_declined',
      error.message,
    ]
    return { outcome: 'declined', code: snakeCase(code), message }
  }
  if (error.code === 'resource_missing' && error.param === 'payment_intent') return notFound(request)
  if (error.code === 'resource_missing') {
    return { outcome: 'declined', code: 'invalid_token', message: 'Stripe does not know this payment method.' }
  }
  const [code, message] = told[error.code ?? ''] ?? [
    error.code ?? 'invalid_request',
    `Stripe refused the request: ${error.code ?? error.rawType}${request}.`,
  ]
  return { outcome: 'declined', code: snakeCase(code), message }
}

const snakeCase = (code: string): string => code.toLowerCase().replaceAll(/[^a-z0-9]+/g, '_')
