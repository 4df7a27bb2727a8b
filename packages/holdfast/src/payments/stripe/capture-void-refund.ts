/**
 * Captures, voids, and refunds at Stripe. Each reads the payment first and after every refusal, because the payment's
 * state decides, not the error of a request.
 */
import type Stripe from 'stripe'
import {
  type CaptureRequest,
  type GatewayAnswer,
  noCurrency,
  type RefundRequest,
  type VoidRequest,
} from '../gateway.ts'
import { toStripe } from './amount.ts'
import { orUnknown, type StripeClient, unknownIfAborted } from './client.ts'
import { captureOf, type Intent, leftOf, refundAnswer, voidOf } from './intent.ts'
import { answerOfError, isWrongState } from './refusals.ts'

const pageSize = 100

export interface CaptureVoidRefund {
  capture(request: CaptureRequest): Promise<GatewayAnswer>
  end(request: VoidRequest): Promise<GatewayAnswer>
  refund(request: RefundRequest): Promise<GatewayAnswer>
  /** Returns the refund that was created under an operation's key, or null. */
  findRefund(reference: string, idempotencyKey: string): Promise<Stripe.Refund | null>
}

export function captureVoidRefund({ stripe, retrieve, keyed }: StripeClient): CaptureVoidRefund {
  const intents = stripe.paymentIntents

  async function capture(request: CaptureRequest): Promise<GatewayAnswer> {
    const { reference, idempotencyKey, orderId } = request
    const amount = toStripe(request.amountMinor, request.currency)
    const before = await retrieve(reference)
    if (before.capture_method !== 'manual') return captureOf(before, null) ?? orUnknown({ outcome: 'not_found' })
    const wrong = captureRefusal(before, request, amount)
    if (wrong !== null) return wrong
    const done = captureOf(before, idempotencyKey)
    if (done !== null) return done
    const stopped = unknownIfAborted(request.signal)
    if (stopped !== null || amount === null) return stopped ?? orUnknown({ outcome: 'not_found' })
    try {
      const parameters: Stripe.PaymentIntentCaptureParams = {
        amount_to_capture: amount,
        metadata: { captured_by: idempotencyKey, order_id: orderId },
        expand: ['latest_charge'],
      }
      const captured = await keyed(
        idempotencyKey,
        keyOptions => intents.capture(reference, parameters, keyOptions),
        async () => {
          const looked = await retrieve(reference)
          return captureOf(looked, idempotencyKey) === null ? null : looked
        },
      )
      return orUnknown(captureOf(captured, idempotencyKey) ?? { outcome: 'not_found' })
    } catch (error) {
      const refused = answerOfError(error)
      if (refused.outcome !== 'declined') return refused
      // A refused request proves nothing about the payment, so the payment's state decides.
      const now = captureOf(await retrieve(reference), idempotencyKey)
      return now ?? (isWrongState(error) ? orUnknown({ outcome: 'not_found' }) : refused)
    }
  }

  async function end(request: VoidRequest): Promise<GatewayAnswer> {
    const { reference, idempotencyKey } = request
    // Without a stored ID no intent was confirmed, and `keep` now refuses to store one. There is nothing to end.
    if (reference === null) return { outcome: 'succeeded', reference: '', amountMinor: 0, currency: noCurrency }
    const done = voidOf(await retrieve(reference))
    if (done !== null) return done
    try {
      const canceled = await keyed(
        idempotencyKey,
        keyOptions => intents.cancel(reference, { cancellation_reason: 'abandoned' }, keyOptions),
        async () => {
          const looked = await retrieve(reference)
          return voidOf(looked) === null ? null : looked
        },
      )
      return orUnknown(voidOf(canceled) ?? { outcome: 'not_found' })
    } catch (error) {
      // A final refusal. The engine sends the void again under a new key.
      if (!isWrongState(error)) return answerOfError(error)
      return orUnknown(voidOf(await retrieve(reference)) ?? { outcome: 'not_found' })
    }
  }

  async function refund(request: RefundRequest): Promise<GatewayAnswer> {
    const { reference, idempotencyKey, checkoutId } = request
    const amount = toStripe(request.amountMinor, request.currency)
    if (amount === null) {
      return {
        outcome: 'declined',
        code: 'amount_not_possible',
        message: `Stripe cannot refund this amount in ${request.currency}.`,
      }
    }
    const metadata = { operation: idempotencyKey, checkout_id: checkoutId }
    const create = async (part: number, key: string) => {
      const made = await keyed(
        key,
        keyOptions => stripe.refunds.create({ payment_intent: reference, amount: part, metadata }, keyOptions),
        () => findRefund(reference, idempotencyKey),
      )
      return refundAnswer(made, reference)
    }
    try {
      return await create(amount, idempotencyKey)
    } catch (error) {
      if (request.isRest !== true || answerOfError(error).outcome !== 'declined') throw error
      const left = leftOf(await retrieve(reference))
      if (left <= 0 || left >= amount) throw error
      // A different amount needs a different key. Stripe never refunds more than was captured, so the first request
      // cannot be refunded in addition.
      return await create(left, `${idempotencyKey}:left:${left}`)
    }
  }

  async function findRefund(reference: string, idempotencyKey: string): Promise<Stripe.Refund | null> {
    for await (const refund of stripe.refunds.list({ payment_intent: reference, limit: pageSize })) {
      if (refund.metadata?.operation === idempotencyKey) return refund
    }
    return null
  }

  return { capture, end, refund, findRefund }
}

/** Why a capture must not be sent, or null. */
function captureRefusal(intent: Intent, request: CaptureRequest, amount: number | null): GatewayAnswer | null {
  if (intent.currency.toUpperCase() !== request.currency) {
    return {
      outcome: 'declined',
      code: 'currency_mismatch',
      message: 'The payment was authorized in a different currency.',
    }
  }
  if (intent.status === 'requires_capture' && (amount === null || amount > intent.amount_capturable)) {
    return {
      outcome: 'declined',
      code: 'amount_exceeds_authorization',
      message: 'The amount exceeds the authorized amount.',
    }
  }
  return null
}
