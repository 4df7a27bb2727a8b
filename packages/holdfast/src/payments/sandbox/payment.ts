/** A payment of the sandbox, the requests about it, and the changes that time and the buyer make to it. Pure. */
import { noCurrency, type OperationKind, type PaymentMethod } from '../gateway.ts'
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
  /** The payment ID that callers use. */
  reference: string
  checkoutId: string
  status: PaymentStatus
  /** Null if a void fenced the payment before its authorization arrived. */
  method: PaymentMethod | null
  behaviour: Behaviour | 'fenced'
  amountMinor: number
  currency: string
  capturedMinor: number
  refundedMinor: number
  declineCode: string | null
  voidFailuresLeft: number
  returnUrl: string | null
  /** The last moment at which the payment can be captured (ISO 8601). */
  validUntil: string | null
}

/** A gateway call, reduced to what the ledger may store. */
export interface SandboxRequest {
  kind: OperationKind
  idempotencyKey: string
  checkoutId: string
  reference: string
  /** A void has no amount: 0 XXX. */
  amountMinor: number
  currency: string
  /** Parameters that only one kind has: `card/approve` for an authorization, the order for a capture. */
  detail: string
  /** Authorizations only. */
  authorization: { method: PaymentMethod; behaviour: Behaviour; returnUrl: string | null } | null
}

/** A stored request under an idempotency key. `declineCode` is null if the request succeeded. */
export interface EarlierRequest extends Omit<SandboxRequest, 'authorization'> {
  declineCode: string | null
}

/** Durations in milliseconds. */
export interface SandboxTerms {
  validForMs: number
  lateMs: number
  pendingMs: number
}

/** The settings that answers depend on. */
export interface SandboxSettings {
  terms: SandboxTerms
  actionUrl: (reference: string) => string
}

const voidFailures = 3

/** The ID of the payment that an authorization with this key creates. */
export const referenceOf = (authorizationKey: string): string => `sbx_${authorizationKey}`

export const authorizedAt = (payment: SandboxPayment, nowMs: number, terms: SandboxTerms): SandboxPayment => ({
  ...payment,
  status: 'authorized',
  amountMinor: payment.behaviour === 'wrong_amount' ? payment.amountMinor + 1 : payment.amountMinor,
  voidFailuresLeft: payment.behaviour === 'void_fails' ? voidFailures : 0,
  validUntil: new Date(nowMs + terms.validForMs).toISOString(),
})

/** Authorizes a payment whose waiting time is over. Returns null if the payment no longer waits. */
export function settle(payment: SandboxPayment, nowMs: number, terms: SandboxTerms): SandboxPayment | null {
  const waits = payment.status === 'pending' || (payment.status === 'in_flight' && payment.behaviour === 'late')
  return waits ? authorizedAt(payment, nowMs, terms) : null
}

/** Applies the buyer's decision. Returns null if the payment does not wait for one. */
export function confirm(
  payment: SandboxPayment,
  decision: 'approve' | 'refuse',
  nowMs: number,
  terms: SandboxTerms,
): SandboxPayment | null {
  if (payment.status !== 'action_required') return null
  return decision === 'approve'
    ? authorizedAt(payment, nowMs, terms)
    : { ...payment, status: 'declined', declineCode: 'authentication_failed' }
}

/** A voided payment that stands in for an authorization that has not arrived, so that it is refused when it does. */
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
