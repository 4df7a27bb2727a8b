/**
 * What the sandbox gateway answers and does, as pure functions over one payment and one request. Protects invariants
 * A2 (captured once, within bounds, never after a void) and the second half of A4: one key, one set of parameters,
 * one effect.
 */
import { decideAuthorization } from './authorization.ts'
import { type Decision, declinedFor, noEffect, refused, remembered, serverError } from './decision.ts'
import { endsOnly } from './intake.ts'
import {
  type EarlierRequest,
  earlierAnswer,
  fencedPayment,
  type SandboxPayment,
  type SandboxRequest,
  type SandboxSettings,
  succeeded,
} from './payment.ts'

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

/** Why a capture is refused, or null. */
function captureRefusal(request: SandboxRequest, payment: SandboxPayment, nowMs: number): string | null {
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

function refundRefusal(request: SandboxRequest, payment: SandboxPayment): string | null {
  if (payment.status !== 'captured') return 'not_captured'
  if (request.currency !== payment.currency) return 'currency_mismatch'
  const leftMinor = payment.capturedMinor - payment.refundedMinor
  if (leftMinor === 0) return 'already_refunded'
  return request.amountMinor > leftMinor ? 'refund_exceeds_capture' : null
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

/** Decides a capture or a refund: both move money, both succeed with the amount asked for. */
function decideMoney(
  request: SandboxRequest,
  payment: SandboxPayment,
  code: string | null,
  change: Partial<SandboxPayment>,
): Decision {
  if (code !== null) return declinedFor(request, code)
  const lost = request.kind === 'capture' && payment.behaviour === 'capture_timeout_after'
  return {
    answer: succeeded(request.reference, request.amountMinor, request.currency),
    delivery: lost ? 'never' : 'at_once',
    effect: { payment: { ...payment, ...change }, remember: remembered(request, null), settleInMs: null },
  }
}

/**
 * Answers one request, and says what it changes. `earlier` is what the ledger remembers of its key, `payment` the
 * payment it is about as it stands now, both null where there is none.
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
