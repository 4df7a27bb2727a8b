/** Builds the events that steps publish in the transaction of the change they describe. */

import type { CheckoutRow, PathStep } from '../database/checkout-row.ts'
import { lockOf } from '../database/checkouts.ts'
import type { Failure } from '../domain/failure.ts'
import type { PhaseName } from '../domain/states.ts'
import { phaseOf } from '../domain/states.ts'
import type { NewEvent } from '../events/outbox.ts'
import type { SagaContext } from './context.ts'

/** `CheckoutFailed`, and beside it `CheckoutExpired` or `CheckoutCancelled` if that is the cause. */
export function failureEvents(row: CheckoutRow, failure: Failure): NewEvent[] {
  const payload = { lock: lockOf(row), failure }
  const events: NewEvent[] = [{ checkoutId: row.id, type: 'CheckoutFailed', payload }]
  if (failure.code === 'checkout_expired') events.push({ checkoutId: row.id, type: 'CheckoutExpired', payload })
  if (failure.code === 'checkout_cancelled' || failure.code === 'checkout_released') {
    events.push({ checkoutId: row.id, type: 'CheckoutCancelled', payload })
  }
  return events
}

/** `OrderAwaitingCapture`. @param row the checkout as the transaction leaves it. */
export function awaitingCapture(row: CheckoutRow, orderId: string | undefined): NewEvent {
  if (orderId === undefined) throw new Error(`checkout ${row.id} awaits capture but has no order`)
  return { checkoutId: row.id, type: 'OrderAwaitingCapture', payload: { lock: lockOf(row), orderId } }
}

/** `PhaseCompleted` for the phases that a step passed; none if no listener subscribes to it. */
export function phaseEvents(context: SagaContext, row: CheckoutRow, phases: readonly PathStep[]): NewEvent[] {
  if (!context.outbox.wants('PhaseCompleted')) return []
  const events: NewEvent[] = []
  for (const step of phases) {
    const phase = phaseOf(step.to)
    if (phase === null) continue
    events.push({
      checkoutId: row.id,
      type: 'PhaseCompleted',
      payload: { lock: lockOf(row), phase, durationMs: (step.durationUs ?? 0) / 1000 },
    })
  }
  return events
}

/** `RollbackStepCompleted` for the undone phases, in order; none if no listener subscribes to it. */
export function rollbackEvents(context: SagaContext, row: CheckoutRow, undone: readonly PhaseName[]): NewEvent[] {
  if (!context.outbox.wants('RollbackStepCompleted')) return []
  return undone.map(phase => ({
    checkoutId: row.id,
    type: 'RollbackStepCompleted',
    payload: { lock: lockOf(row), phase },
  }))
}
