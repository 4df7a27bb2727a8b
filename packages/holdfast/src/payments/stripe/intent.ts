/**
 * The gateway answers that a PaymentIntent implies for each operation. Pure: the same intent always gives the same
 * answer, which resolves unknown outcomes.
 */
import type Stripe from 'stripe'
import { isCurrency } from '../../domain/money.ts'
import type { GatewayAnswer, GatewayPayment, LookupAnswer } from '../gateway.ts'
import { fromStripe } from './amount.ts'

export type Intent = Stripe.PaymentIntent

/** Pause before an asynchronous payment is checked again. A webhook arrives earlier. */
const pendingMs = 30_000

const notFound: LookupAnswer = { outcome: 'not_found' }
const authenticationFailed = 'The bank could not verify the buyer. Use another card.'
const alreadyCaptured = 'The payment has already been captured.'

const succeeded = (intent: Intent, amount: number, details: Record<string, unknown> = {}): GatewayAnswer => ({
  outcome: 'succeeded',
  reference: intent.id,
  amountMinor: fromStripe(amount, intent.currency),
  currency: intent.currency.toUpperCase(),
  details,
})

const declined = (intent: Intent, code: string, message: string): GatewayAnswer => ({
  outcome: 'declined',
  code,
  message,
  reference: intent.id,
})

/** The charge, if it was requested with the intent. */
function chargeOf({ latest_charge: charge }: Intent): Stripe.Charge | null {
  return typeof charge === 'object' ? charge : null
}

/** True if the buyer confirms the intent in the browser, where several cards may be tried. */
const isConfirmedInBrowser = (intent: Intent): boolean => intent.metadata.confirmed_in === 'browser'

/** Why the last attempt was refused; null if none was. */
function refusedReason({ last_payment_error: error }: Intent): { code: string; message: string } | null {
  if (error === null) return null
  if (error.code === 'payment_intent_authentication_failure') {
    return { code: 'authentication_failed', message: authenticationFailed }
  }
  return {
    code: (error.decline_code ?? error.code ?? 'card_declined').toLowerCase(),
    message: error.type === 'card_error' && error.message ? error.message : 'The payment was declined.',
  }
}

/** The answer to an authorization. `not_found`: the intent has not been confirmed yet. */
export function authorizationOf(intent: Intent): LookupAnswer {
  switch (intent.status) {
    case 'requires_capture': {
      const captureBefore = chargeOf(intent)?.payment_method_details?.card?.capture_before
      const validUntil =
        captureBefore === undefined ? {} : { validUntil: new Date(captureBefore * 1_000).toISOString() }
      return { ...succeeded(intent, intent.amount_capturable, chargeDetails(intent)), ...validUntil } as GatewayAnswer
    }
    case 'succeeded':
      return succeeded(intent, intent.amount, chargeDetails(intent))
    case 'requires_action':
      return confirmation(intent)
    case 'processing':
      return { outcome: 'pending', reference: intent.id, pollAfterMs: pendingMs }
    case 'canceled': {
      const { code, message } = refusedReason(intent) ?? endedReason(intent)
      return declined(intent, code, message)
    }
    case 'requires_payment_method': {
      if (isConfirmedInBrowser(intent)) return confirmation(intent)
      const refused = refusedReason(intent)
      return refused === null ? notFound : declined(intent, refused.code, refused.message)
    }
    case 'requires_confirmation':
      return isConfirmedInBrowser(intent) ? confirmation(intent) : notFound
    default:
      return { outcome: 'unknown', message: `Stripe reports an unknown payment status.` }
  }
}

const confirmation = (intent: Intent): GatewayAnswer => ({
  outcome: 'action_required',
  reference: intent.id,
  action: { type: 'confirm', payment: intent.id },
})

function chargeDetails(intent: Intent): Record<string, unknown> {
  const charge = chargeOf(intent)
  if (charge === null) return {}
  const card = charge.payment_method_details?.card
  return { charge: charge.id, ...(card ? { brand: card.brand, last4: card.last4 } : {}) }
}

/** Why a canceled intent ended: it expired, or it was voided. */
function endedReason({ cancellation_reason: reason }: Intent): { code: string; message: string } {
  return reason === 'automatic' || reason === 'expired'
    ? { code: 'authorization_ended', message: 'The authorization has expired.' }
    : { code: 'voided', message: 'The authorization has been voided.' }
}

/** The answer to a capture with this key; null if the payment can still be captured. */
export function captureOf(intent: Intent, idempotencyKey: string | null): GatewayAnswer | null {
  switch (intent.status) {
    case 'succeeded': {
      // Without `captured_by` the payment was captured at Stripe itself, for example in its dashboard.
      const capturedBy = intent.metadata.captured_by ?? idempotencyKey
      return idempotencyKey === null || capturedBy === idempotencyKey
        ? succeeded(intent, intent.amount_received, chargeDetails(intent))
        : declined(intent, 'already_captured', alreadyCaptured)
    }
    case 'canceled': {
      const { code, message } = endedReason(intent)
      return declined(intent, code === 'voided' ? 'already_voided' : code, message)
    }
    case 'requires_capture':
      return null
    case 'processing':
      return { outcome: 'pending', reference: intent.id, pollAfterMs: pendingMs }
    default:
      return declined(intent, 'not_authorized', 'The payment has not been authorized.')
  }
}

/** The answer to a void; null if the payment can still be voided. */
export function voidOf(intent: Intent): GatewayAnswer | null {
  switch (intent.status) {
    case 'canceled':
      return succeeded(intent, intent.amount)
    case 'succeeded':
      return declined(intent, 'already_captured', alreadyCaptured)
    case 'processing':
      return {
        outcome: 'not_executed',
        message: 'Stripe cannot cancel a payment while it is processing.',
        retryAfterMs: pendingMs,
      }
    default:
      return null
  }
}

/** The captured amount that has not been refunded, in Stripe's units. */
export function leftOf(intent: Intent): number {
  return intent.amount_received - (chargeOf(intent)?.amount_refunded ?? 0)
}

/** The answer to a refund operation. */
export function refundAnswer(refund: Stripe.Refund, reference: string): GatewayAnswer {
  switch (refund.status) {
    case 'succeeded':
      return {
        outcome: 'succeeded',
        reference,
        amountMinor: fromStripe(refund.amount, refund.currency),
        currency: refund.currency.toUpperCase(),
        details: { refund: refund.id },
      }
    case 'failed':
    case 'canceled':
      return {
        outcome: 'declined',
        code: 'refund_failed',
        message: 'The buyer’s bank rejected the refund.',
        reference,
      }
    default:
      return { outcome: 'pending', reference, pollAfterMs: pendingMs }
  }
}

const stages: Readonly<Record<string, GatewayPayment['status']>> = {
  requires_capture: 'authorized',
  succeeded: 'captured',
  canceled: 'ended',
}

/** A payment in Stripe's books, with its charge and its disputes. */
export function bookOf(intent: Intent, disputes: readonly Stripe.Dispute[]): GatewayPayment {
  // A currency outside ISO 4217 means that the payment belongs to another application.
  const isKnown = isCurrency(intent.currency.toUpperCase())
  const minor = (amount: number) => (isKnown ? fromStripe(amount, intent.currency) : amount)
  return {
    reference: intent.id,
    checkoutId: intent.metadata.checkout_id ?? null,
    status: stages[intent.status] ?? 'unconfirmed',
    currency: intent.currency.toUpperCase(),
    openMinor: minor(intent.amount_capturable),
    capturedMinor: minor(intent.amount_received),
    refundedMinor: minor(chargeOf(intent)?.amount_refunded ?? 0),
    disputes: disputes.map(({ id, status, reason, amount }) => ({ id, status, reason, amountMinor: minor(amount) })),
    createdAt: new Date(intent.created * 1_000).toISOString(),
  }
}
