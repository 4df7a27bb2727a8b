/**
 * A PaymentIntent as the answer to each of our operations. Pure: the same intent answers the same however often it is
 * looked at, which is what an unknown outcome is settled by.
 */
import type Stripe from 'stripe'
import { isCurrency } from '../../domain/money.ts'
import type { GatewayAnswer, GatewayPayment, LookupAnswer } from '../gateway.ts'
import { fromStripe } from './amount.ts'

export type Intent = Stripe.PaymentIntent

/** Of a payment that is confirmed later: how soon to look again; a webhook tells earlier. */
const pendingMs = 30_000

const notFound: LookupAnswer = { outcome: 'not_found' }

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

/** The charge, where it was asked for along with the intent. */
function chargeOf({ latest_charge: charge }: Intent): Stripe.Charge | null {
  return typeof charge === 'object' ? charge : null
}

/** The buyer confirms it in the browser, and may try one card after another there. */
const isConfirmedInBrowser = (intent: Intent): boolean => intent.metadata.confirmed_in === 'browser'

/** It was tried, and what was tried was refused. */
function refusedReason({ last_payment_error: error }: Intent): { code: string; message: string } | null {
  if (error === null) return null
  if (error.code === 'payment_intent_authentication_failure') {
    return { code: 'authentication_failed', message: 'The bank could not confirm the buyer.' }
  }
  return {
    code: (error.decline_code ?? error.code ?? 'card_declined').toLowerCase(),
    message: error.type === 'card_error' && error.message ? error.message : 'The payment was refused.',
  }
}

/** As the authorization would answer. `not_found`: nothing was confirmed yet, so it is still to be done. */
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
      return { outcome: 'unknown', message: `Stripe gives the payment a status that is not known here.` }
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

/** Why a canceled intent ended: by us, or because its time was over. */
function endedReason({ cancellation_reason: reason }: Intent): { code: string; message: string } {
  return reason === 'automatic' || reason === 'expired'
    ? { code: 'authorization_ended', message: 'The authorization has ended.' }
    : { code: 'voided', message: 'The authorization was voided.' }
}

/** As the capture with this key would answer, or null where it can still be captured. */
export function captureOf(intent: Intent, idempotencyKey: string | null): GatewayAnswer | null {
  switch (intent.status) {
    case 'succeeded': {
      // Nobody's by name: captured at Stripe itself, in its dashboard say. The money is there as it was asked for.
      const capturedBy = intent.metadata.captured_by ?? idempotencyKey
      return idempotencyKey === null || capturedBy === idempotencyKey
        ? succeeded(intent, intent.amount_received, chargeDetails(intent))
        : declined(intent, 'already_captured', 'The payment was captured before.')
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
      return declined(intent, 'not_authorized', 'The payment is not authorized.')
  }
}

/** As a void would answer, or null where it is still to be voided. */
export function voidOf(intent: Intent): GatewayAnswer | null {
  switch (intent.status) {
    case 'canceled':
      return succeeded(intent, intent.amount)
    case 'succeeded':
      return declined(intent, 'already_captured', 'The payment was captured before.')
    case 'processing':
      return {
        outcome: 'not_executed',
        message: 'A payment that is being processed cannot be canceled.',
        retryAfterMs: pendingMs,
      }
    default:
      return null
  }
}

/** What was taken and not given back, as Stripe counts it. */
export function leftOf(intent: Intent): number {
  return intent.amount_received - (chargeOf(intent)?.amount_refunded ?? 0)
}

/** A refund as the answer to the operation that asked for it. */
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
        message: 'The bank did not take the money back.',
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

/** What Stripe's books say of a payment, with its charge and the disputes about it. */
export function bookOf(intent: Intent, disputes: readonly Stripe.Dispute[]): GatewayPayment {
  // In a currency that is none of ours it is no payment of ours.
  const isOurs = isCurrency(intent.currency.toUpperCase())
  const minor = (amount: number) => (isOurs ? fromStripe(amount, intent.currency) : amount)
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
