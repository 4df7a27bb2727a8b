/**
 * What a phase is. The seven files beside this one each hold one: what it reads, what it decides, what it writes, and
 * how it is undone, for a set of checkouts at a time. They hold no control flow: `saga/` calls them, in the three
 * transactions prepare (1, 2, 3 and the intent of 4), place (5 and the intent of 6) and settle (7).
 *
 * `read` sends its statements without waiting, so that the reads of all phases of a step travel in one round trip;
 * the checkouts' rows are locked by the step before, and whatever else is locked is locked in the order
 * stock by (variant, location), then coupons by id.
 */
import type { CheckoutErrorCode, Failure } from '../domain/failure.ts'
import type { PhaseName } from '../domain/states.ts'

/** The failure of a phase. */
export function refusal(
  phase: PhaseName,
  code: CheckoutErrorCode,
  message: string,
  context: Record<string, unknown> = {},
  retryable = false,
): Failure {
  return { phase, code, message, context, retryable }
}
