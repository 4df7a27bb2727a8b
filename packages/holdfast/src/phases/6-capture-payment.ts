/**
 * Phase 6, `payment_capture`: takes the money that was authorized. The intent to capture is the pivot of a checkout:
 * before it a failure undoes, after it the checkout goes only forward, unless the gateway definitely refuses.
 * There is no undo beside that refusal: then phase 4's void ends the authorization and the rest is unwound.
 */

import type { CheckoutRow } from '../database/checkout-row.ts'
import type { Transaction } from '../database/database.ts'
import type { Failure } from '../domain/failure.ts'
import type { GatewayAnswer } from '../payments/gateway.ts'
import { type NewOperation, recordIntents } from '../payments/operations.ts'
import { refusal } from './phase.ts'

const phase = 'payment_capture'

/** Intents to capture the frozen totals of a set. A checkout has exactly one. */
function intendTo(
  tx: Transaction,
  gateway: string,
  checkouts: readonly { row: CheckoutRow; reference: string | null }[],
): void {
  recordIntents(
    tx,
    checkouts.map(
      ({ row, reference }): NewOperation => ({
        checkoutId: row.id,
        kind: 'capture',
        attempt: 1,
        gateway,
        amountMinor: row.total_minor ?? 0,
        currency: row.currency ?? '',
        reference,
      }),
    ),
  )
}

/** What an answer to a capture means for the checkout. */
export type CaptureVerdict = { to: 'settle' } | { to: 'wait'; afterMs: number } | { to: 'unwind'; failure: Failure }

/** Judges an answer. `afterMs` is how long to wait where the gateway does not say. */
function decide(row: CheckoutRow, answer: GatewayAnswer, afterMs: number): CaptureVerdict {
  switch (answer.outcome) {
    case 'succeeded':
      // Another amount than asked is not undone: money was taken. It stays in sight until it is put right.
      return answer.amountMinor === row.total_minor && answer.currency === row.currency
        ? { to: 'settle' }
        : { to: 'wait', afterMs }
    case 'declined':
      return { to: 'unwind', failure: refused(answer) }
    case 'pending':
      return { to: 'wait', afterMs: answer.pollAfterMs }
    case 'not_executed':
      return { to: 'wait', afterMs: Math.max(answer.retryAfterMs, afterMs) }
    case 'action_required':
    case 'unknown':
      return { to: 'wait', afterMs }
    default:
      return answer satisfies never
  }
}

function refused(answer: { code: string; message: string }): Failure {
  const code = answer.code === 'authorization_ended' ? 'authorization_ended' : 'capture_refused'
  return refusal(phase, code, `The payment could not be taken: ${answer.message}`, { reason: answer.code }, true)
}

export const capturePayment = { phase, intendTo, decide } as const
