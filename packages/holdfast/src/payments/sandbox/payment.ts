/**
 * A payment of the sandbox and the requests about it: what they are, what they answer in each state, and how a payment
 * that waits goes on. Pure; the same payment answers the same however often it is asked.
 */
import {
  type GatewayAnswer,
  type LookupAnswer,
  noCurrency,
  type OperationKind,
  type PaymentMethod,
} from '../gateway.ts'
import { declineMessage } from './declines.ts'
import type { Behaviour } from './tokens.ts'

export type PaymentStatus =
  | 'in_flight'
  | 'action_required'
  | 'pending'
  | 'authorized'
  | 'captured'
  | 'voided'
  | 'declined'

/** One payment of the ledger. */
export interface SandboxPayment {
  /** What callers know it by. */
  reference: string
  checkoutId: string
  status: PaymentStatus
  /** Null where a void fenced it before it came. */
  method: PaymentMethod | null
  behaviour: Behaviour | 'fenced'
  amountMinor: number
  currency: string
  capturedMinor: number
  refundedMinor: number
  declineCode: string | null
  voidFailuresLeft: number
  returnUrl: string | null
  /** Until when it can be captured (ISO 8601). */
  validUntil: string | null
}

/** A call that came in, reduced to what the ledger may keep. */
export interface SandboxRequest {
  kind: OperationKind
  idempotencyKey: string
  checkoutId: string
  reference: string
  /** A void asks for no amount: 0 XXX. */
  amountMinor: number
  currency: string
  /** The parameters that only one kind has: `card/approve` of an authorization, the order of a capture. */
  detail: string
  /** Authorizations only. */
  authorization: { method: PaymentMethod; behaviour: Behaviour; returnUrl: string | null } | null
}

/** A key that was used before, as the ledger remembers it. `declineCode` null: it succeeded. */
export interface EarlierRequest extends Omit<SandboxRequest, 'authorization'> {
  declineCode: string | null
}

/** Durations of the sandbox's world, in milliseconds. */
export interface SandboxTerms {
  validForMs: number
  lateMs: number
  pendingMs: number
}

/** The gateway's settings that answers depend on. */
export interface SandboxSettings {
  terms: SandboxTerms
  actionUrl: (reference: string) => string
}

const voidFailures = 3

/** The payment an authorization with this key makes, or would have made. */
export const referenceOf = (authorizationKey: string): string => `sbx_${authorizationKey}`

export const declined = (code: string, reference?: string): GatewayAnswer => ({
  outcome: 'declined',
  code,
  message: declineMessage(code),
  ...(reference === undefined ? {} : { reference }),
})

export const succeeded = (reference: string, amountMinor: number, currency: string): GatewayAnswer => ({
  outcome: 'succeeded',
  reference,
  amountMinor,
  currency,
})

/** What an authorization answers while its payment is in this state. */
export function authorizationAnswer(payment: SandboxPayment, { terms, actionUrl }: SandboxSettings): GatewayAnswer {
  const { reference } = payment
  switch (payment.status) {
    case 'authorized':
    case 'captured':
      return {
        outcome: 'succeeded',
        reference,
        amountMinor: payment.amountMinor,
        currency: payment.currency,
        ...(payment.validUntil === null ? {} : { validUntil: payment.validUntil }),
      }
    case 'action_required':
      return { outcome: 'action_required', reference, action: { type: 'redirect', url: actionUrl(reference) } }
    case 'pending':
      return { outcome: 'pending', reference, pollAfterMs: terms.pendingMs }
    case 'declined':
      return declined(payment.declineCode ?? 'card_declined', reference)
    case 'voided':
      return declined('voided', reference)
    case 'in_flight':
      return { outcome: 'unknown', message: 'The request is on its way.' }
  }
  return payment.status satisfies never
}

/** What a request other than an authorization answered; its payment tells what a void ended. */
export function earlierAnswer(earlier: EarlierRequest, payment: SandboxPayment | null): GatewayAnswer {
  if (earlier.declineCode !== null) return declined(earlier.declineCode, earlier.reference)
  if (earlier.kind === 'void') {
    return succeeded(earlier.reference, payment?.amountMinor ?? 0, payment?.currency ?? noCurrency)
  }
  return succeeded(earlier.reference, earlier.amountMinor, earlier.currency)
}

export const authorizedAt = (payment: SandboxPayment, nowMs: number, terms: SandboxTerms): SandboxPayment => ({
  ...payment,
  status: 'authorized',
  amountMinor: payment.behaviour === 'wrong_amount' ? payment.amountMinor + 1 : payment.amountMinor,
  voidFailuresLeft: payment.behaviour === 'void_fails' ? voidFailures : 0,
  validUntil: new Date(nowMs + terms.validForMs).toISOString(),
})

/** What a payment that waited becomes when its time has come; null when there is nothing to do any more. */
export function settle(payment: SandboxPayment, nowMs: number, terms: SandboxTerms): SandboxPayment | null {
  const waits = payment.status === 'pending' || (payment.status === 'in_flight' && payment.behaviour === 'late')
  return waits ? authorizedAt(payment, nowMs, terms) : null
}

/** What the buyer's word makes of a payment; null when nobody waits for it any more. */
export function confirm(
  payment: SandboxPayment,
  word: 'approve' | 'refuse',
  nowMs: number,
  terms: SandboxTerms,
): SandboxPayment | null {
  if (payment.status !== 'action_required') return null
  return word === 'approve'
    ? authorizedAt(payment, nowMs, terms)
    : { ...payment, status: 'declined', declineCode: 'authentication_failed' }
}

/** What became of an operation, as it would answer itself. */
export function lookupAnswer(
  asked: { kind: OperationKind; checkoutId: string },
  payment: SandboxPayment | null,
  earlier: EarlierRequest | null,
  settings: SandboxSettings,
): LookupAnswer {
  const notFound: LookupAnswer = { outcome: 'not_found' }
  if (asked.kind === 'authorize') {
    if (payment === null || payment.checkoutId !== asked.checkoutId || payment.status === 'in_flight') return notFound
    return authorizationAnswer(payment, settings)
  }
  const known = earlier?.kind === asked.kind && earlier.checkoutId === asked.checkoutId ? earlier : null
  if (known !== null && known.declineCode === null) return earlierAnswer(known, payment)
  // The payment knows better than a key that was forgotten, or that was refused because it was done before.
  if (payment?.checkoutId === asked.checkoutId && payment.capturedMinor > 0) {
    const { reference, capturedMinor, refundedMinor, currency } = payment
    if (asked.kind === 'capture') return succeeded(reference, capturedMinor, currency)
    if (asked.kind === 'refund' && refundedMinor === capturedMinor) return succeeded(reference, refundedMinor, currency)
  }
  return known === null ? notFound : earlierAnswer(known, payment)
}

/** A payment that will never be: a void came before its authorization. */
export function fencedPayment(request: SandboxRequest): SandboxPayment {
  return {
    reference: request.reference,
    checkoutId: request.checkoutId,
    status: 'voided',
    method: null,
    behaviour: 'fenced',
    amountMinor: 0,
    currency: noCurrency,
    capturedMinor: 0,
    refundedMinor: 0,
    declineCode: null,
    voidFailuresLeft: 0,
    returnUrl: null,
    validUntil: null,
  }
}
