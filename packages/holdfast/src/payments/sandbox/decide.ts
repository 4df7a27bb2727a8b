/**
 * The sandbox's decision on each request: its answer, and the change of the ledger. Pure functions of one payment and
 * one request. Protects A2 (a payment is captured once, within its amount, and never after a void) and the gateway's
 * half of A4: one key has one set of parameters and one effect.
 */
import type { GatewayAnswer, PaymentMethod } from '../gateway.ts'
import { authorizationAnswer, type DeclineCode, declined, earlierAnswer, succeeded } from './answers.ts'
import { serverError } from './faults.ts'
import { endsOnly } from './intake.ts'
import {
  authorizedAt,
  type EarlierRequest,
  fencedPayment,
  type SandboxPayment,
  type SandboxRequest,
  type SandboxSettings,
  type SandboxTerms,
} from './payment.ts'
import type { Behaviour } from './tokens.ts'

export interface Decision {
  answer: GatewayAnswer
  /** `never`: the answer is lost. `slowly`: the answer is delayed. */
  delivery: 'at_once' | 'never' | 'slowly'
  effect: {
    /** The changed payment; null leaves it as it is. */
    payment: SandboxPayment | null
    /** The request to store under its key; null leaves the key unused. */
    remember: EarlierRequest | null
    /** Settle the payment after this many milliseconds. */
    settleInMs: number | null
  }
}

const noEffect = { payment: null, remember: null, settleInMs: null }

/** Declines a request without storing its key. */
export const refused = (code: DeclineCode): Decision => ({
  answer: declined(code),
  delivery: 'at_once',
  effect: noEffect,
})

function remembered(request: SandboxRequest, declineCode: string | null): EarlierRequest {
  const { authorization: _, ...kept } = request
  return { ...kept, declineCode }
}

/** Declines a request and stores the decline under its key. */
const declinedFor = (request: SandboxRequest, code: DeclineCode): Decision => ({
  answer: declined(code, request.reference),
  delivery: 'at_once',
  effect: { ...noEffect, remember: remembered(request, code) },
})

function sameParameters(request: SandboxRequest, earlier: EarlierRequest): boolean {
  return (
    request.kind === earlier.kind &&
    request.checkoutId === earlier.checkoutId &&
    request.reference === earlier.reference &&
    request.amountMinor === earlier.amountMinor &&
    request.currency === earlier.currency &&
    request.detail === earlier.detail
  )
}

/**
 * Decides one request. `earlier` is the stored request under the same key, `payment` the payment's current state; each
 * is null if there is none.
 */
export function decide(
  request: SandboxRequest,
  payment: SandboxPayment | null,
  earlier: EarlierRequest | null,
  nowMs: number,
  settings: SandboxSettings,
): Decision {
  if (earlier !== null && !sameParameters(request, earlier)) return refused('idempotency_mismatch')
  if (request.kind === 'authorize') return decideAuthorization(request, payment, earlier, nowMs, settings)
  if (earlier !== null) {
    return { answer: earlierAnswer(earlier, payment), delivery: 'at_once', effect: noEffect }
  }
  if (payment !== null && payment.checkoutId !== request.checkoutId) return declinedFor(request, 'payment_not_found')
  if (request.kind === 'void') return decideVoid(request, payment)
  if (payment === null) return declinedFor(request, 'payment_not_found')
  return request.kind === 'capture'
    ? decideMoney(request, payment, captureRefusal(request, payment, nowMs), {
        status: 'captured',
        capturedMinor: request.amountMinor,
      })
    : decideMoney(request, payment, refundRefusal(request, payment), {
        refundedMinor: payment.refundedMinor + request.amountMinor,
      })
}

function decideAuthorization(
  request: SandboxRequest,
  payment: SandboxPayment | null,
  earlier: EarlierRequest | null,
  nowMs: number,
  settings: SandboxSettings,
): Decision {
  const { terms } = settings
  if (request.authorization === null) return refused('invalid_request')
  const { method, behaviour, returnUrl } = request.authorization
  if (payment !== null && payment.checkoutId !== request.checkoutId) return refused('idempotency_mismatch')
  if (payment === null) {
    const arrived = arrivedPayment(request, method, behaviour, returnUrl)
    const first = firstAuthorization(arrived, behaviour, nowMs, terms)
    return {
      answer: first.error ? serverError : authorizationAnswer(first.payment, settings),
      delivery: first.delivery,
      effect: {
        payment: first.payment,
        remember: remembered(request, first.payment.declineCode),
        settleInMs: first.settleInMs,
      },
    }
  }
  // Either a void fenced the key, or the key is repeated: the payment's state gives the answer.
  const remember = earlier === null ? remembered(request, 'voided') : null
  if (payment.status !== 'in_flight') {
    const answer = authorizationAnswer(payment, settings)
    return { answer, delivery: 'at_once', effect: { ...noEffect, remember } }
  }
  if (payment.behaviour === 'late') {
    return { answer: authorizationAnswer(payment, settings), delivery: 'never', effect: noEffect }
  }
  const applied = authorizedAt(payment, nowMs, terms)
  const answer = authorizationAnswer(applied, settings)
  return { answer, delivery: 'at_once', effect: { ...noEffect, payment: applied } }
}

/** The payment after its first authorization, and how the answer reaches the caller. */
function firstAuthorization(
  arrived: SandboxPayment,
  behaviour: Behaviour,
  nowMs: number,
  terms: SandboxTerms,
): { payment: SandboxPayment; delivery: Decision['delivery']; error: boolean; settleInMs: number | null } {
  const now = () => authorizedAt(arrived, nowMs, terms)
  const made = (
    payment: SandboxPayment,
    travel: { delivery?: Decision['delivery']; error?: boolean; settleInMs?: number } = {},
  ) => ({ payment, delivery: 'at_once' as const, error: false, settleInMs: null, ...travel })
  switch (behaviour) {
    case 'approve':
    case 'capture_decline':
    case 'capture_timeout_after':
    case 'void_fails':
    case 'wrong_amount':
      return made(now())
    case 'card_declined':
    case 'insufficient_funds':
    case 'expired_card':
    case 'invalid_token':
    case 'missing_token':
      return made({ ...arrived, status: 'declined', declineCode: behaviour })
    case 'action_required':
      return made({ ...arrived, status: 'action_required' })
    case 'pending':
      return made({ ...arrived, status: 'pending' }, { settleInMs: terms.pendingMs })
    case 'slow':
      return made(now(), { delivery: 'slowly' })
    case 'timeout_after':
      return made(now(), { delivery: 'never' })
    case 'error_after':
      return made(now(), { error: true })
    case 'timeout_before':
      return made(arrived, { delivery: 'never' })
    case 'error_before':
      return made(arrived, { error: true })
    case 'late':
      return made(arrived, { delivery: 'never', settleInMs: terms.lateMs })
  }
  return behaviour satisfies never
}

function arrivedPayment(
  request: SandboxRequest,
  method: PaymentMethod,
  behaviour: Behaviour,
  returnUrl: string | null,
): SandboxPayment {
  return {
    ...fencedPayment(request),
    status: 'in_flight',
    method,
    behaviour,
    amountMinor: request.amountMinor,
    currency: request.currency,
    returnUrl,
  }
}

function decideVoid(request: SandboxRequest, payment: SandboxPayment | null): Decision {
  const done = (ended: SandboxPayment, change: SandboxPayment | null): Decision => ({
    answer: succeeded(ended.reference, ended.amountMinor, ended.currency),
    delivery: 'at_once',
    effect: { payment: change, remember: remembered(request, null), settleInMs: null },
  })
  if (payment === null && request.detail === endsOnly) return declinedFor(request, 'payment_not_found')
  if (payment === null) {
    const tombstone = fencedPayment(request)
    return done(tombstone, tombstone)
  }
  if (payment.status === 'captured') return declinedFor(request, 'already_captured')
  if (payment.status === 'voided' || payment.status === 'declined') return done(payment, null)
  if (payment.voidFailuresLeft > 0) {
    const failing = { ...payment, voidFailuresLeft: payment.voidFailuresLeft - 1 }
    return { answer: serverError, delivery: 'at_once', effect: { ...noEffect, payment: failing } }
  }
  const ended: SandboxPayment = { ...payment, status: 'voided' }
  return done(ended, ended)
}

/** Why a capture is declined, or null. */
function captureRefusal(request: SandboxRequest, payment: SandboxPayment, nowMs: number): DeclineCode | null {
  switch (payment.status) {
    case 'in_flight':
      return 'payment_not_found'
    case 'voided':
      return 'already_voided'
    case 'captured':
      return 'already_captured'
    case 'declined':
      return 'authorization_declined'
    case 'action_required':
    case 'pending':
      return 'not_authorized'
    case 'authorized':
      break
    default:
      return payment.status satisfies never
  }
  if (payment.validUntil !== null && Date.parse(payment.validUntil) <= nowMs) return 'authorization_ended'
  if (payment.behaviour === 'capture_decline' || payment.behaviour === 'void_fails') return 'capture_refused'
  if (request.currency !== payment.currency) return 'currency_mismatch'
  return request.amountMinor > payment.amountMinor ? 'amount_exceeds_authorization' : null
}

/** Why a refund is declined, or null. */
function refundRefusal(request: SandboxRequest, payment: SandboxPayment): DeclineCode | null {
  if (payment.status !== 'captured') return 'not_captured'
  if (request.currency !== payment.currency) return 'currency_mismatch'
  const leftMinor = payment.capturedMinor - payment.refundedMinor
  if (leftMinor === 0) return 'already_refunded'
  return request.amountMinor > leftMinor ? 'refund_exceeds_capture' : null
}

/** Decides a capture or a refund. Both move money, and both succeed with exactly the requested amount. */
function decideMoney(
  request: SandboxRequest,
  payment: SandboxPayment,
  code: DeclineCode | null,
  change: Partial<SandboxPayment>,
): Decision {
  if (code !== null) return declinedFor(request, code)
  const isLost = request.kind === 'capture' && payment.behaviour === 'capture_timeout_after'
  return {
    answer: succeeded(request.reference, request.amountMinor, request.currency),
    delivery: isLost ? 'never' : 'at_once',
    effect: { payment: { ...payment, ...change }, remember: remembered(request, null), settleInMs: null },
  }
}
