/** Each of Stripe's errors maps to a gateway answer, and no message contains a key or a token. */
import Stripe from 'stripe'
import { describe, expect, it } from 'vitest'
import type { GatewayAnswer } from '../../../src/payments/gateway.ts'
import {
  answerOfError,
  isMissing,
  isStale,
  isStripeFailure,
  isWrongState,
} from '../../../src/payments/stripe/refusals.ts'

const canaries = ['sk_test_canary4242', 'pm_canary4242', 'tok_canary4242', 'whsec_canary4242', 'pi_1_secret_canary']
const message = `No such PaymentMethod: '${canaries.join("', '")}'`

interface Said {
  status?: number
  type?: string
  code?: string
  decline_code?: string
  param?: string
  message?: string
  headers?: Record<string, string>
  detail?: unknown
}

/** An error as the SDK throws it. */
function failure({ status, ...raw }: Said) {
  return Stripe.errors.StripeError.generate({
    message,
    requestId: 'req_1',
    headers: {},
    ...raw,
    ...(status === undefined ? {} : { statusCode: status }),
  } as unknown as Parameters<typeof Stripe.errors.StripeError.generate>[0])
}

const card = (code: string, decline_code?: string): Said => ({
  status: 402,
  type: 'card_error',
  code,
  message: 'Your card was declined.',
  ...(decline_code === undefined ? {} : { decline_code }),
})
const invalid = (code: string, more: Said = {}): Said => ({ status: 400, type: 'invalid_request_error', code, ...more })
const broken = (code: string): Said => ({ detail: Object.assign(new Error('fetch failed'), { cause: { code } }) })

/** Error; outcome; decline code or pause. */
const table: [title: string, said: Said, outcome: GatewayAnswer['outcome'], more?: string | number][] = [
  ['a card without funds', card('card_declined', 'insufficient_funds'), 'declined', 'insufficient_funds'],
  ['a card that was declined without a reason', card('card_declined'), 'declined', 'card_declined'],
  ['an expired card', card('expired_card'), 'declined', 'expired_card'],
  ['a wrong security code', card('incorrect_cvc'), 'declined', 'incorrect_cvc'],
  ['an error of processing at the issuer', card('processing_error'), 'declined', 'processing_error'],
  ['a failed authentication', invalid('payment_intent_authentication_failure'), 'declined', 'authentication_failed'],
  [
    'a payment method that does not exist',
    invalid('resource_missing', { param: 'payment_method' }),
    'declined',
    'invalid_token',
  ],
  [
    'a token that does not exist',
    invalid('resource_missing', { param: 'payment_method_data[card][token]' }),
    'declined',
    'invalid_token',
  ],
  ['a token that was already used', invalid('token_already_used'), 'declined', 'invalid_token'],
  ['a payment of another account', invalid('resource_missing', { param: 'payment_intent' }), 'unknown'],
  ['too small an amount', invalid('amount_too_small'), 'declined', 'amount_too_small'],
  ['too large an amount', invalid('amount_too_large'), 'declined', 'amount_too_large'],
  ['a charge that was refunded', invalid('charge_already_refunded'), 'declined', 'already_refunded'],
  ['a charge that was captured', invalid('charge_already_captured'), 'declined', 'already_captured'],
  ['an expired authorization', invalid('capture_charge_authorization_expired'), 'declined', 'authorization_ended'],
  [
    'an expired authorization, by its older code',
    invalid('charge_expired_for_capture'),
    'declined',
    'authorization_ended',
  ],
  ['any other refusal', invalid('charge_disputed'), 'declined', 'charge_disputed'],
  ['a refusal without a code', { status: 400, type: 'invalid_request_error' }, 'declined', 'invalid_request'],
  ['a key with other parameters', { status: 400, type: 'idempotency_error' }, 'declined', 'idempotency_mismatch'],
  ['a payment that was not found', { ...invalid('resource_missing'), status: 404 }, 'unknown'],
  [
    'a key that is in use',
    { status: 409, type: 'idempotency_error', code: 'idempotency_key_in_use' },
    'not_executed',
    1_000,
  ],
  ['too many requests', { ...invalid('rate_limit'), status: 429 }, 'not_executed', 1_000],
  [
    'too many requests, with Retry-After',
    { ...invalid('rate_limit', { headers: { 'retry-after': '7' } }), status: 429 },
    'not_executed',
    7_000,
  ],
  [
    'an invalid Retry-After',
    { ...invalid('rate_limit', { headers: { 'retry-after': 'Tue' } }), status: 429 },
    'not_executed',
    1_000,
  ],
  ['an object that is being changed', { ...invalid('lock_timeout'), status: 429 }, 'not_executed', 1_000],
  ['a wrong key', { status: 401, type: 'invalid_request_error' }, 'not_executed', 60_000],
  ['a key without permission', { status: 403, type: 'invalid_request_error' }, 'not_executed', 60_000],
  ['an error of Stripe', { status: 500, type: 'api_error' }, 'unknown'],
  ['a gateway that is down', { status: 502, type: 'api_error' }, 'unknown'],
  ['an unknown status', { status: 418, type: 'invalid_request_error' }, 'unknown'],
  ['a connection that was refused', broken('ECONNREFUSED'), 'not_executed', 1_000],
  ['an unknown host name', broken('ENOTFOUND'), 'not_executed', 1_000],
  ['a connection that was reset', broken('ECONNRESET'), 'unknown'],
  ['an answer that did not come in time', broken('ETIMEDOUT'), 'unknown'],
  ['an unreadable body', {}, 'unknown'],
]

describe('An error of the Stripe SDK', () => {
  it.each(table)('%s gives the expected answer', (_, said, outcome, more) => {
    const answer = answerOfError(failure(said))
    expect(answer).toMatchObject({
      outcome,
      ...(typeof more === 'string' ? { code: more } : {}),
      ...(typeof more === 'number' ? { retryAfterMs: more } : {}),
    })
  })

  it('Stripe’s message is passed on only if it is about a card', () => {
    for (const [title, said] of table) {
      const { message } = answerOfError(failure(said)) as { message: string }
      if (said.type === 'card_error') expect(message, title).toBe('Your card was declined.')
      else for (const canary of canaries) expect(message, title).not.toContain(canary)
    }
  })

  it('the answer contains the request id, for finding it in the dashboard', () => {
    const answer = answerOfError(failure({ status: 500, type: 'api_error' }))
    expect(answer).toEqual({ outcome: 'unknown', message: 'Stripe answered 500 (request req_1).' })
  })

  it('an error from outside the SDK is an unknown outcome', () => {
    for (const error of [new Error(message), new TypeError('x'), null, undefined, 'text', { statusCode: 402 }]) {
      expect(answerOfError(error)).toEqual({ outcome: 'unknown', message: 'The call to Stripe failed.' })
      expect(isStripeFailure(error)).toBe(false)
    }
  })
})

describe('A repeated answer of Stripe', () => {
  const repeated = { headers: { 'idempotent-replayed': 'true' } }

  it('a repeated server error, or error about a past state, is outdated', () => {
    expect(isStale(failure({ status: 500, type: 'api_error', ...repeated }))).toBe(true)
    expect(isStale(failure(invalid('payment_intent_unexpected_state', repeated)))).toBe(true)
  })

  it('a repeated refusal still holds', () => {
    expect(isStale(failure({ ...card('card_declined'), ...repeated }))).toBe(false)
    expect(isStale(failure(invalid('amount_too_small', repeated)))).toBe(false)
  })

  it('an answer without Stripe’s replay header is not a repetition', () => {
    expect(isStale(failure({ status: 500, type: 'api_error' }))).toBe(false)
    expect(isStale(failure(invalid('payment_intent_unexpected_state')))).toBe(false)
    expect(isStale(new Error('500'))).toBe(false)
  })
})

it('a wrong state and a missing payment are distinguished from other refusals', () => {
  expect(isWrongState(failure(invalid('payment_intent_unexpected_state')))).toBe(true)
  expect(isWrongState(failure(invalid('amount_too_small')))).toBe(false)
  expect(isMissing(failure({ status: 404, type: 'invalid_request_error' }))).toBe(true)
  expect(isMissing(failure(invalid('resource_missing')))).toBe(false)
})
