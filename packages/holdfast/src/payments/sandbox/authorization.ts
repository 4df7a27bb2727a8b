/**
 * How the sandbox decides an authorization: each token's behaviour at its first call, and at the calls that repeat its
 * key. A key that a void fenced is declined for ever.
 */
import type { PaymentMethod } from '../gateway.ts'
import { type Decision, noEffect, refused, remembered, serverError } from './decision.ts'
import {
  authorizationAnswer,
  authorizedAt,
  type EarlierRequest,
  fencedPayment,
  type SandboxPayment,
  type SandboxRequest,
  type SandboxSettings,
  type SandboxTerms,
} from './payment.ts'
import type { Behaviour } from './tokens.ts'

/** What a first authorization makes of its payment, and how its answer travels. */
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

export function decideAuthorization(
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
  // A void came first, or the key came before and is answered as its payment stands.
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
