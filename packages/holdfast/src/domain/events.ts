/** The events of a checkout: their names and payloads. */
import type { Failure } from './failure.ts'
import type { CheckoutLock } from './lock.ts'
import type { Order, OrderDispute } from './order.ts'
import type { RequiredAction } from './outcome.ts'
import type { RefundedLine } from './refund.ts'
import type { PhaseName } from './states.ts'

/** The payload of each event, by name. An event is published in the transaction of the change that it reports. */
export interface CheckoutEvents {
  /** A cart was locked. */
  CheckoutStarted: { lock: CheckoutLock }
  /** The payment was captured and the order is paid. */
  CheckoutCompleted: { lock: CheckoutLock; order: Order }
  /** A checkout ended without an order, and everything was undone. */
  CheckoutFailed: { lock: CheckoutLock; failure: Failure }
  /** Published with `CheckoutFailed` if the checkout expired. */
  CheckoutExpired: { lock: CheckoutLock; failure: Failure }
  /** Published with `CheckoutFailed` if the buyer or the shop cancelled. */
  CheckoutCancelled: { lock: CheckoutLock; failure: Failure }
  /** A phase has ended. `durationMs`: milliseconds that it took. */
  PhaseCompleted: { lock: CheckoutLock; phase: PhaseName; durationMs: number }
  /** A phase was undone. */
  RollbackStepCompleted: { lock: CheckoutLock; phase: PhaseName }
  /** Live prices changed after they were frozen. The order keeps the frozen prices. Amounts in minor units. */
  PriceDriftDetected: {
    lock: CheckoutLock
    drifts: { sku: string; frozenMinor: number; currentMinor: number }[]
  }
  /** The buyer must act before the payment can continue. */
  PaymentActionRequired: { lock: CheckoutLock; action: RequiredAction }
  /**
   * An order was placed whose payment is not captured yet. It waits for a bank transfer (`order.metadata.transfer` says
   * how to pay) or for a capture by the shop. Not published if payments are captured with the order.
   */
  OrderAwaitingCapture: { lock: CheckoutLock; order: Order }
  /** Money was refunded. */
  OrderRefunded: {
    lock: CheckoutLock
    /** The order after the refund. */
    order: Order
    /** Minor units of this refund. */
    refundedMinor: number
    /** The units that it covers; empty for a refund by amount that leaves a rest. */
    lines: RefundedLine[]
    /** It includes shipping. */
    shipping: boolean
    /** The units were returned to their locations. */
    restocked: boolean
  }
  /** A dispute about the payment was opened, or its status changed. */
  OrderDisputed: { lock: CheckoutLock; order: Order; dispute: OrderDispute }
}

/** The name of an event. */
export type CheckoutEventName = keyof CheckoutEvents

/** Every event name. */
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

/** One event as a listener receives it. */
export type CheckoutEvent<Name extends CheckoutEventName = CheckoutEventName> = {
  [N in Name]: CheckoutEvents[N] & {
    /** UUIDv7. The same in every delivery of the event, so a listener can recognize a repeated delivery. */
    id: string
    type: N
    /** ISO 8601, database time. */
    occurredAt: string
  }
}[Name]
