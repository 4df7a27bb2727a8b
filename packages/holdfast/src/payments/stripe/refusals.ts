/**
 * Gateway answers for Stripe's errors: declined, not executed, or unknown (docs.stripe.com/error-low-level,
 * docs.stripe.com/api/idempotent_requests). Protects A2: no outcome is guessed. Only Stripe's messages about a card are
 * passed on, because others can contain tokens or parts of a key.
 */
import type Stripe from 'stripe'
import type { GatewayAnswer } from '../gateway.ts'

/** An error of the SDK. */
export type StripeFailure = InstanceType<typeof Stripe.errors.StripeError>

/** The connection failed, so the request did not reach Stripe. */
const unreachable = new Set(['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'EHOSTUNREACH', 'ENETUNREACH'])

const pauseMs = 1_000
/** Only an operator can replace a wrong key. */
const misconfiguredPauseMs = 60_000

export function isStripeFailure(error: unknown): error is StripeFailure {
  return typeof error === 'object' && error !== null && 'rawType' in error && 'requestId' in error
}

/** True if Stripe repeats an outdated answer under this key, so the request needs a new key. */
export function isStale(error: unknown): boolean {
  if (!isStripeFailure(error) || headerOf(error, 'idempotent-replayed') !== 'true') return false
  return (error.statusCode ?? 0) >= 500 || isWrongState(error)
}

/** True if the payment's state did not allow the request. The payment itself has the details. */
export function isWrongState(error: unknown): boolean {
  return isStripeFailure(error) && error.code === 'payment_intent_unexpected_state'
}

/** True if the object in the request's URL does not exist. */
export function isMissing(error: unknown): boolean {
  return isStripeFailure(error) && error.statusCode === 404
}

function headerOf(error: StripeFailure, name: string): string | undefined {
  return error.headers?.[name]
}

/** Returns what an error says about the request that failed. */
export function answerOfError(error: unknown): GatewayAnswer {
  if (!isStripeFailure(error)) return { outcome: 'unknown', message: 'The call to Stripe failed.' }
  const request = error.requestId === undefined ? '' : ` (request ${error.requestId})`
  switch (error.statusCode) {
    case 401:
    case 403: {
      const message = `Stripe rejected STRIPE_SECRET_KEY; check the key and its permissions${request}.`
      return { outcome: 'not_executed', message, retryAfterMs: misconfiguredPauseMs }
    }
    case 409:
      return {
        outcome: 'not_executed',
        message: 'Stripe is still processing a request with this key.',
        retryAfterMs: pauseMs,
      }
    case 429: {
      const seconds = Number(headerOf(error, 'retry-after'))
      const retryAfterMs = Number.isFinite(seconds) && seconds > 0 ? seconds * 1_000 : pauseMs
      return { outcome: 'not_executed', message: `Stripe’s rate limit was reached${request}.`, retryAfterMs }
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

/** A stored payment exists at Stripe, so a missing one says nothing about its outcome. */
const notFound = (request: string): GatewayAnswer => ({
  outcome: 'unknown',
  message: `Stripe did not find the payment${request}.`,
})

function brokenConnection(error: StripeFailure): GatewayAnswer {
  const { detail } = error as { detail?: unknown }
  const cause = (detail as { cause?: unknown } | undefined)?.cause ?? detail
  const code = (cause as { code?: unknown } | undefined)?.code
  return typeof code === 'string' && unreachable.has(code)
    ? { outcome: 'not_executed', message: 'Stripe could not be reached.', retryAfterMs: pauseMs }
    : { outcome: 'unknown', message: 'The connection to Stripe failed.' }
}

const reasons: Readonly<Record<string, readonly [code: string, message: string]>> = {
  token_already_used: ['invalid_token', 'This payment token has already been used.'],
  payment_intent_authentication_failure: [
    'authentication_failed',
    'The bank could not verify the buyer. Use another card.',
  ],
  amount_too_small: ['amount_too_small', 'The amount is below Stripe’s minimum in this currency.'],
  amount_too_large: ['amount_too_large', 'The amount is above Stripe’s maximum.'],
  charge_already_refunded: ['already_refunded', 'The payment has already been refunded in full.'],
  charge_already_captured: ['already_captured', 'The payment has already been captured.'],
  capture_charge_authorization_expired: ['authorization_ended', 'The authorization has expired.'],
  charge_expired_for_capture: ['authorization_ended', 'The authorization has expired.'],
}

function refusalOf(error: StripeFailure, request: string): GatewayAnswer {
  if (error.rawType === 'idempotency_error') {
    return {
      outcome: 'declined',
      code: 'idempotency_mismatch',
      message: 'This idempotency key was used with different parameters.',
    }
  }
  if (error.rawType === 'card_error') {
    const [code, message] = reasons[error.code ?? ''] ?? [
      error.decline_code || error.code || 'card_declined',
      error.message,
    ]
    return { outcome: 'declined', code: snakeCase(code), message }
  }
  if (error.code === 'resource_missing' && error.param === 'payment_intent') return notFound(request)
  if (error.code === 'resource_missing') {
    return { outcome: 'declined', code: 'invalid_token', message: 'This payment method does not exist at Stripe.' }
  }
  const [code, message] = reasons[error.code ?? ''] ?? [
    error.code ?? 'invalid_request',
    `Stripe rejected the request: ${error.code ?? error.rawType}${request}.`,
  ]
  return { outcome: 'declined', code: snakeCase(code), message }
}

const snakeCase = (code: string): string => code.toLowerCase().replaceAll(/[^a-z0-9]+/g, '_')
