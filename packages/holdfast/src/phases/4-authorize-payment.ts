/**
 * Phase 4, `payment_authorization`: the gateway authorizes the frozen total. The intent is written with the price lock.
 * The call runs after that commit, outside every transaction (`saga/call-gateway.ts`); its answer is judged here. Protects
 * A2: the undo is a void, which is also a fence: the gateway refuses an authorization that arrives after it.
 */

import type { CheckoutRow } from '../database/checkout-row.ts'
import type { Transaction } from '../database/database.ts'
import type { Failure } from '../domain/failure.ts'
import type { GatewayAnswer } from '../payments/gateway.ts'
import { latest, type NewOperation, type OperationRow, recordIntents } from '../payments/operations.ts'
import { chargeStatus, notCharged, type Phase, refusal } from './phase.ts'

const phase = 'payment_authorization'

/** What the answer to an authorization means for the checkout. */
export type AuthorizationVerdict =
  | { to: 'place' }
  | { to: 'await_action' }
  /** No final answer yet: ask again after this many milliseconds. */
  | { to: 'wait'; afterMs: number }
  | { to: 'unwind'; failure: Failure }

/** Judges an answer. `afterMs`: how long to wait if the gateway does not say. */
function decide(row: CheckoutRow, answer: GatewayAnswer, afterMs: number): AuthorizationVerdict {
  switch (answer.outcome) {
    case 'succeeded':
      return answer.amountMinor === row.total_minor && answer.currency === row.currency
        ? { to: 'place' }
        : { to: 'unwind', failure: mismatch(row, answer) }
    case 'declined':
      return { to: 'unwind', failure: declined(answer) }
    case 'action_required':
      return { to: 'await_action' }
    case 'pending':
      return { to: 'wait', afterMs: answer.pollAfterMs }
    case 'not_executed':
      return { to: 'wait', afterMs: Math.max(answer.retryAfterMs, afterMs) }
    case 'unknown':
      return { to: 'wait', afterMs }
    default:
      return answer satisfies never
  }
}

function mismatch(row: CheckoutRow, answer: { amountMinor: number; currency: string }): Failure {
  const message = 'The payment provider authorized a different amount than we requested.'
  const context = {
    asked: row.total_minor,
    authorized: answer.amountMinor,
    asked_currency: row.currency,
    authorized_currency: answer.currency,
  }
  const failure = { phase, code: 'payment_mismatch', message, context, retryable: false } as const
  // With some payment methods the gateway captures as it authorizes. Then the rollback refunds it.
  return notCharged(failure, chargeStatus.returned)
}

function declined(answer: { code: string; message: string }): Failure {
  return refusal(
    phase,
    'payment_declined',
    `The payment was declined: ${answer.message}`,
    { reason: answer.code },
    true,
  )
}

/** The failure of an authorization that got no final answer and is now ended by a fencing void. */
export function unsettledAuthorization(why: string): Failure {
  const message = 'The payment provider did not confirm the payment in time. Try again.'
  const failure = { phase, code: 'payment_unsettled', message, context: { reason: why }, retryable: true } as const
  return notCharged(failure, chargeStatus.returned)
}

/** Writes the intents to authorize the frozen totals of a batch. A checkout has exactly one. */
function write(
  tx: Transaction,
  gateway: string,
  frozen: readonly { checkoutId: string; totalMinor: number; currency: string }[],
): void {
  recordIntents(
    tx,
    frozen.map(
      ({ checkoutId, totalMinor, currency }): NewOperation => ({
        checkoutId,
        kind: 'authorize',
        attempt: 1,
        gateway,
        amountMinor: totalMinor,
        currency,
      }),
    ),
  )
}

/**
 * Undo: the operation that the gateway must still confirm before the checkout may release stock, coupon, and cart. Null:
 * the gateway has confirmed that nothing is open. A void or refund of unknown outcome is repeated under its own key; a
 * new attempt follows only a definite refusal.
 */
function undo(operations: readonly OperationRow[]): UndoOperation | null {
  const authorization = latest(operations, 'authorize')
  if (authorization === undefined || authorization.status === 'declined') return null
  const capture = latest(operations, 'capture')
  const voiding = latest(operations, 'void')
  const reference = authorization.reference ?? voiding?.reference ?? null
  const amountMinor = authorization.amount_minor
  const currency = authorization.currency
  const captured = capture?.status === 'succeeded' || saysCaptured(voiding)
  if (!captured) {
    if (voiding?.status === 'succeeded') return null
    return { kind: 'void', ...attemptAfter(voiding), amountMinor, currency, reference }
  }
  const refund = latest(operations, 'refund')
  // A free order was never charged, so there is nothing to refund.
  if (refund?.status === 'succeeded' || amountMinor === 0) return null
  return { kind: 'refund', ...attemptAfter(refund), amountMinor, currency, reference }
}

/** Repeats an attempt without a final answer; otherwise starts the next one. */
function attemptAfter(last: OperationRow | undefined): Pick<UndoOperation, 'attempt' | 'isNew' | 'ageMs'> {
  if (last?.status === 'intended') return { attempt: last.attempt, isNew: false, ageMs: last.age_ms }
  return { attempt: (last?.attempt ?? 0) + 1, isNew: true, ageMs: 0 }
}

export interface UndoOperation {
  kind: 'void' | 'refund'
  attempt: number
  /** Its intent must be written first. */
  isNew: boolean
  /** Age of its intent, milliseconds. */
  ageMs: number
  amountMinor: number
  currency: string
  reference: string | null
}

/** True for a void that was declined because the payment is already captured. Then it must be refunded. */
function saysCaptured(voiding: OperationRow | undefined): boolean {
  return voiding?.answer?.outcome === 'declined' && voiding.answer.code === 'already_captured'
}

/** Reads nothing: the saga passes the operations and the gateway's answer. */
export const authorizePayment = { phase, decide, write, undo } as const satisfies Phase
