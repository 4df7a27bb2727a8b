/** The failures that no phase says: time, and people. */
import type { Failure } from '../domain/failure.ts'
import { phaseOf, type RestingState } from '../domain/states.ts'

export function expired(state: RestingState = 'pending'): Failure {
  return {
    phase: phaseOf(state),
    code: 'checkout_expired',
    message: 'The time for this checkout is over. Nothing was charged; start again.',
    context: {},
    retryable: true,
  }
}

export function cancelled(state: RestingState, reason: string | undefined): Failure {
  return {
    phase: phaseOf(state),
    code: 'checkout_cancelled',
    message: 'The checkout was cancelled. Nothing was charged.',
    context: reason === undefined ? {} : { reason },
    retryable: true,
  }
}

export function released(state: RestingState, reason: string | undefined): Failure {
  return {
    phase: phaseOf(state),
    code: 'checkout_released',
    message: 'The checkout was ended by the shop. Nothing was charged.',
    // Who ended it stands with the admin's actions: buyers see this.
    context: reason === undefined ? {} : { reason },
    retryable: true,
  }
}

export function authorizationEnded(): Failure {
  return {
    phase: 'payment_capture',
    code: 'authorization_ended',
    message: 'The authorization ended before the payment was captured. Nothing was charged.',
    context: {},
    retryable: true,
  }
}
