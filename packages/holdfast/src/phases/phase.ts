/**
 * The shape of a phase. Each of the seven files beside this one exports one: what it reads, decides, and writes for a batch
 * of checkouts, and how it is undone. Phases hold no control flow: `saga/` runs them in three transactions: prepare (1,
 * 2, 3, and the intent of 4), place (5 and the intent of 6), and settle (7).
 */
import type { CheckoutErrorCode, Failure } from '../domain/failure.ts'
import type { PhaseName } from '../domain/states.ts'

export interface Phase {
  readonly phase: PhaseName
  /**
   * Sends its statements before it waits, so the reads of all phases of a step take one round trip. Locks in this order:
   * the step has locked the checkouts; then stock by variant and location; then coupons by ID.
   */
  readonly read?: (...given: never[]) => Promise<unknown>
  /** Decides about one checkout. Changes none of its arguments. */
  readonly decide?: (...given: never[]) => unknown
  /** Sends the statements that record what was decided for a batch. */
  readonly write?: (...given: never[]) => unknown
  /** Sends the statements that undo the phase for a batch; phase 4 returns the operation to ask of the gateway. */
  readonly undo?: (...given: never[]) => unknown
}

/** How a message to a buyer starts: nothing was captured, or the gateway may have captured and the undo returns it. */
export const chargeStatus = {
  none: 'You have not been charged.',
  returned: 'You will not be charged, and any amount already taken will be returned.',
} as const

/** A failure of a phase before any money was captured. */
export function refusal(
  phase: PhaseName,
  code: CheckoutErrorCode,
  message: string,
  context: Record<string, unknown> = {},
  retryable = false,
): Failure {
  return notCharged({ phase, code, message, context, retryable })
}

/** The failure, with a message that says first whether the buyer was charged. */
export function notCharged(failure: Failure, charge: string = chargeStatus.none): Failure {
  return { ...failure, message: `${charge} ${failure.message}` }
}
