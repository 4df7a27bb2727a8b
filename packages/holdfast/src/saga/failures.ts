/**
 * Failures that no phase decides: expiry, cancellation, release by the shop, and the end of an authorization.
 * A checkout that is still `pending` never called the gateway. For any later state the payment may not be undone yet.
 */
import type { Failure } from '../domain/failure.ts'
import { phaseOf, type RestingState } from '../domain/states.ts'
import { chargeStatus } from '../phases/phase.ts'

/** The first sentence of a message: whether the buyer was charged. */
function chargeOf(state: RestingState): string {
  return state === 'pending' ? chargeStatus.none : chargeStatus.returned
}

export function expired(state: RestingState = 'pending'): Failure {
  return {
    phase: phaseOf(state),
    code: 'checkout_expired',
    message: `${chargeOf(state)} This checkout has expired. Start again.`,
    context: {},
    retryable: true,
  }
}

export function cancelled(state: RestingState, reason: string | undefined): Failure {
  return {
    phase: phaseOf(state),
    code: 'checkout_cancelled',
    message: `${chargeOf(state)} This checkout was cancelled.`,
    context: reason === undefined ? {} : { reason },
    retryable: true,
  }
}

export function released(state: RestingState, reason: string | undefined): Failure {
  return {
    phase: phaseOf(state),
    code: 'checkout_released',
    message: `${chargeOf(state)} The shop ended this checkout.`,
    // Buyers see this context. The operator's name is only in the admin actions.
    context: reason === undefined ? {} : { reason },
    retryable: true,
  }
}

/** The shop may have captured a different amount at the gateway, which the rollback refunds. */
export function authorizationEnded(): Failure {
  return {
    phase: 'payment_capture',
    code: 'authorization_ended',
    message: `${chargeStatus.returned} The authorization ended before the payment was captured.`,
    context: {},
    retryable: true,
  }
}
