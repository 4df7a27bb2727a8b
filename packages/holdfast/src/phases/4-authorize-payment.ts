/**
 * Phase 4, `payment_authorization`: asks the gateway to set the frozen total aside. The intent is written with the
 * price lock, before any call; the call itself crosses the network outside every transaction (`saga/call-gateway.ts`); its
 * answer is judged here. Undone by voiding, which also fences: a request still on its way is refused afterwards.
 */

import type { CheckoutRow } from '../database/checkout-row.ts'
import type { Transaction } from '../database/database.ts'
import type { Failure } from '../domain/failure.ts'
import type { GatewayAnswer } from '../payments/gateway.ts'
import { latest, type NewOperation, type OperationRow, recordIntents } from '../payments/operations.ts'
import { refusal } from './phase.ts'

const phase = 'payment_authorization'

/** Intents to authorize the frozen totals of a set. A checkout has exactly one. */
function intendTo(
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

/** What an answer to an authorization means for the checkout. */
export type AuthorizationVerdict =
  | { to: 'place' }
  | { to: 'await_action' }
  /** Not known yet: ask again after so long. */
  | { to: 'wait'; afterMs: number }
  | { to: 'unwind'; failure: Failure }

/** Judges an answer. `afterMs` is how long to wait where the gateway does not say. */
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
  return refusal(
    phase,
    'payment_mismatch',
    'The payment provider authorized another amount than asked. Nothing was charged.',
    {
      asked: row.total_minor,
      authorized: answer.amountMinor,
      asked_currency: row.currency,
      authorized_currency: answer.currency,
    },
  )
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

/** The failure of an authorization that was never settled and is now given up behind a fencing void. */
function unsettled(why: string): Failure {
  return refusal(
    phase,
    'payment_unsettled',
    'The payment provider did not confirm the payment in time. Nothing was charged.',
    { reason: why },
    true,
  )
}

/**
 * Undo: what must still be asked of the gateway before a checkout may let go of everything. Null: nothing is open
 * there, by its own word. A void or refund of unknown outcome is asked again under its own key; a new attempt follows
 * only a definite refusal.
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
  // Where nothing was charged there is nothing to give back.
  if (refund?.status === 'succeeded' || amountMinor === 0) return null
  return { kind: 'refund', ...attemptAfter(refund), amountMinor, currency, reference }
}

/** An open operation is asked about again; a new attempt follows only one that is settled, or none. */
function attemptAfter(last: OperationRow | undefined): Pick<UndoOperation, 'attempt' | 'isNew' | 'ageMs'> {
  if (last?.status === 'intended') return { attempt: last.attempt, isNew: false, ageMs: last.age_ms }
  return { attempt: (last?.attempt ?? 0) + 1, isNew: true, ageMs: 0 }
}

export interface UndoOperation {
  kind: 'void' | 'refund'
  attempt: number
  /** Its intent has to be written first. */
  isNew: boolean
  /** Since it was intended, in milliseconds. */
  ageMs: number
  amountMinor: number
  currency: string
  reference: string | null
}

/** A void refused because the money was taken already: then it has to be given back. */
function saysCaptured(voiding: OperationRow | undefined): boolean {
  return voiding?.answer?.outcome === 'declined' && voiding.answer.code === 'already_captured'
}

export const authorizePayment = { phase, intendTo, decide, unsettled, undo } as const
