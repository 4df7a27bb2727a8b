/**
 * Phase 6, `payment_capture`: captures the authorized amount. The intent to capture is the pivot of a checkout: before it
 * a failure undoes the checkout; after it the checkout only goes forward, unless the gateway definitely declines.
 * Protects A6. There is no undo: after a decline, phase 4's void ends the authorization.
 */

import type { CheckoutRow } from '../database/checkout-row.ts'
import type { Transaction } from '../database/database.ts'
import type { Failure } from '../domain/failure.ts'
import type { GatewayAnswer } from '../payments/gateway.ts'
import { type NewOperation, recordIntents } from '../payments/operations.ts'
import { chargeStatus, notCharged, type Phase } from './phase.ts'

const phase = 'payment_capture'

/** What the answer to a capture means for the checkout. */
export type CaptureVerdict = { to: 'settle' } | { to: 'wait'; afterMs: number } | { to: 'unwind'; failure: Failure }

/** Judges an answer. `afterMs`: how long to wait if the gateway does not say. */
function decide(row: CheckoutRow, answer: GatewayAnswer, afterMs: number): CaptureVerdict {
  switch (answer.outcome) {
    case 'succeeded':
      // A different amount was captured. Money was taken, so nothing is undone; the checkout waits for an operator.
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
  // The shop may have captured the payment at the gateway. Then the rollback refunds it.
  const mayBeCaptured = answer.code === 'authorization_ended' || answer.code === 'already_captured'
  const message = `The payment was refused: ${answer.message}`
  const failure = { phase, code, message, context: { reason: answer.code }, retryable: true } as const
  return notCharged(failure, mayBeCaptured ? chargeStatus.returned : chargeStatus.none)
}

/** Writes the intents to capture the frozen totals of a batch. A checkout has exactly one. */
function write(
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

/** Reads nothing: the saga passes the gateway's answer. */
export const capturePayment = { phase, decide, write } as const satisfies Phase
