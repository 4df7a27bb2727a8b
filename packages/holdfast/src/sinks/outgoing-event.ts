/**
 * The event format for other systems, with the names of the HTTP API, the same for webhooks and streams. It has what
 * fulfilment and accounting need, including addresses and email, but no secrets (A12): no session, no token, no
 * confirmation page, and no gateway data except IDs.
 */
import type { CheckoutEvent, CheckoutEventName } from '../domain/events.ts'
import { checkoutEventNames } from '../domain/events.ts'
import type { CheckoutLock } from '../domain/lock.ts'
import type { Order } from '../domain/order.ts'
import { presentFailure, presentOrder } from '../domain/present.ts'

export interface OutgoingEvent {
  /** UUIDv7, the same for each repetition. */
  id: string
  type: CheckoutEventName
  checkout_id: string
  /** ISO 8601 UTC. */
  occurred_at: string
  data: Record<string, unknown>
}

/** All events except the single steps of a checkout, which are stored only if a listener is registered for them. */
export const outgoingEventNames: readonly CheckoutEventName[] = checkoutEventNames.filter(
  name => name !== 'PhaseCompleted' && name !== 'RollbackStepCompleted',
)

/** Leaves out the shop's metadata and the gateway's answers. */
function lockData(lock: CheckoutLock) {
  return {
    id: lock.id,
    cart_id: lock.cartId,
    user_id: lock.userId,
    state: lock.state,
    phase: lock.phase,
    locked_at: lock.lockedAt,
    expires_at: lock.expiresAt,
    completed_at: lock.completedAt,
    failed_at: lock.failedAt,
  }
}

function orderData(order: Order) {
  const { payment } = order.metadata
  return {
    ...presentOrder(order),
    user_id: order.userId,
    payment:
      payment === undefined
        ? null
        : {
            authorization_id: payment.authorization_id,
            capture_id: payment.capture_id,
            amount: payment.amount,
            currency: payment.currency,
            captured_at: payment.captured_at,
          },
  }
}

/** The data of an event besides its lock. */
function eventData(event: CheckoutEvent): Record<string, unknown> {
  switch (event.type) {
    case 'CheckoutStarted':
      return {}
    case 'CheckoutCompleted':
    case 'OrderAwaitingCapture':
      return { order: orderData(event.order) }
    case 'CheckoutFailed':
    case 'CheckoutExpired':
    case 'CheckoutCancelled':
      return { failure: presentFailure(event.failure) }
    case 'PhaseCompleted':
      return { phase: event.phase, duration_ms: event.durationMs }
    case 'RollbackStepCompleted':
      return { phase: event.phase }
    case 'PriceDriftDetected':
      return {
        drifts: event.drifts.map(({ sku, frozenMinor, currentMinor }) => ({
          sku,
          frozen: frozenMinor,
          current: currentMinor,
        })),
      }
    case 'PaymentActionRequired':
      // Anyone with the page's URL can confirm the payment, and Stripe's URL contains a client secret.
      return { action: { type: event.action.type } }
    case 'OrderRefunded':
      return {
        order: orderData(event.order),
        refunded: event.refundedMinor,
        lines: event.lines.map(({ lineNo, sku, quantity }) => ({ line_no: lineNo, sku, quantity })),
        shipping: event.shipping,
        restocked: event.restocked,
      }
    case 'OrderDisputed': {
      const { id, status, reason, amount } = event.dispute
      return { order: orderData(event.order), dispute: { id, status, reason, amount } }
    }
    default:
      return event satisfies never
  }
}

export function outgoingEvent(event: CheckoutEvent): OutgoingEvent {
  return {
    id: event.id,
    type: event.type,
    checkout_id: event.lock.id,
    occurred_at: event.occurredAt,
    data: { lock: lockData(event.lock), ...eventData(event) },
  }
}
