/** The events of a checkout: their names and what each tells. */
import type { Failure } from './failure.ts'
import type { CheckoutLock } from './lock.ts'
import type { Order, OrderDispute } from './order.ts'
import type { RequiredAction } from './outcome.ts'
import type { RefundedLine } from './refund.ts'
import type { PhaseName } from './states.ts'

export interface CheckoutEvents {
  CheckoutStarted: { lock: CheckoutLock }
  CheckoutCompleted: { lock: CheckoutLock; order: Order }
  CheckoutFailed: { lock: CheckoutLock; failure: Failure }
  /** Beside `CheckoutFailed`, where time ran out. */
  CheckoutExpired: { lock: CheckoutLock; failure: Failure }
  /** Beside `CheckoutFailed`, where the buyer or the shop cancelled. */
  CheckoutCancelled: { lock: CheckoutLock; failure: Failure }
  PhaseCompleted: { lock: CheckoutLock; phase: PhaseName; durationMs: number }
  RollbackStepCompleted: { lock: CheckoutLock; phase: PhaseName }
  /** A price moved after it was frozen; the snapshot holds. */
  PriceDriftDetected: {
    lock: CheckoutLock
    drifts: { sku: string; frozenMinor: number; currentMinor: number }[]
  }
  PaymentActionRequired: { lock: CheckoutLock; action: RequiredAction }
  /**
   * An order was placed whose money is not in. It waits for a transfer (`order.metadata.transfer` says how to pay), or for
   * the shop's own capture. Where the money is taken at once, `CheckoutCompleted` alone tells of the order.
   */
  OrderAwaitingCapture: { lock: CheckoutLock; order: Order }
  OrderRefunded: {
    lock: CheckoutLock
    order: Order
    refundedMinor: number
    /** The units it was for; none where an amount said nothing of them. */
    lines: RefundedLine[]
    /** It was for the shipping cost too. */
    shipping: boolean
    /** The units stand in their warehouses again. */
    restocked: boolean
  }
  /** A buyer contested the payment at the bank, or such a dispute moved on. */
  OrderDisputed: { lock: CheckoutLock; order: Order; dispute: OrderDispute }
}

export type CheckoutEventName = keyof CheckoutEvents

export const checkoutEventNames = [
  'CheckoutStarted',
  'CheckoutCompleted',
  'CheckoutFailed',
  'CheckoutExpired',
  'CheckoutCancelled',
  'PhaseCompleted',
  'RollbackStepCompleted',
  'PriceDriftDetected',
  'PaymentActionRequired',
  'OrderAwaitingCapture',
  'OrderRefunded',
  'OrderDisputed',
] as const satisfies readonly CheckoutEventName[]

/** One event as a listener gets it. */
export type CheckoutEvent<Name extends CheckoutEventName = CheckoutEventName> = {
  [N in Name]: CheckoutEvents[N] & {
    /** UUIDv7; the same for every delivery of the event, so a listener can tell a repetition. */
    id: string
    type: N
    occurredAt: string
  }
}[Name]
