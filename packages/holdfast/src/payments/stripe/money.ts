/**
 * Captures, voids and refunds. Each looks at the payment first and after every refusal: what the payment is decides, not
 * what was said of a request.
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
import { gaveUp, known, type StripeClient } from './client.ts'
import { captureOf, type Intent, leftOf, refundAnswer, voidOf } from './intent.ts'
import { answerOfError, isWrongState } from './refusals.ts'

const pageSize = 100

export interface StripeMoney {
  capture(request: CaptureRequest): Promise<GatewayAnswer>
  end(request: VoidRequest): Promise<GatewayAnswer>
  refund(request: RefundRequest): Promise<GatewayAnswer>
  /** The refund that an operation of ours made. */
  findRefund(reference: string, idempotencyKey: string): Promise<Stripe.Refund | null>
}

export function stripeMoney({ stripe, retrieve, keyed }: StripeClient): StripeMoney {
  const intents = stripe.paymentIntents

  async function capture(request: CaptureRequest): Promise<GatewayAnswer> {
    const { reference, idempotencyKey, orderId } = request
    const amount = toStripe(request.amountMinor, request.currency)
    const before = await retrieve(reference)
    if (before.capture_method !== 'manual') return captureOf(before, null) ?? known({ outcome: 'not_found' })
    const wrong = captureRefusal(before, request, amount)
    if (wrong !== null) return wrong
    const done = captureOf(before, idempotencyKey)
    if (done !== null) return done
    const stopped = gaveUp(request.signal)
    if (stopped !== null || amount === null) return stopped ?? known({ outcome: 'not_found' })
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
      return known(captureOf(captured, idempotencyKey) ?? { outcome: 'not_found' })
    } catch (error) {
      const refused = answerOfError(error)
      if (refused.outcome !== 'declined') return refused
      // A refusal of the request is no word on the payment, which says itself what became of it.
      const now = captureOf(await retrieve(reference), idempotencyKey)
      return now ?? (isWrongState(error) ? known({ outcome: 'not_found' }) : refused)
    }
  }

  async function end(request: VoidRequest): Promise<GatewayAnswer> {
    const { reference, idempotencyKey } = request
    // Without an id nothing was ever confirmed, and from now on no id is kept: there is nothing to end.
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
      return known(voidOf(canceled) ?? { outcome: 'not_found' })
    } catch (error) {
      // Refused for good: it is asked for anew, under another key.
      if (!isWrongState(error)) return answerOfError(error)
      return known(voidOf(await retrieve(reference)) ?? { outcome: 'not_found' })
    }
  }

  async function refund(request: RefundRequest): Promise<GatewayAnswer> {
    const { reference, idempotencyKey, checkoutId } = request
    const amount = toStripe(request.amountMinor, request.currency)
    if (amount === null) {
      return { outcome: 'declined', code: 'amount_not_possible', message: 'Stripe cannot give this amount back.' }
    }
    const metadata = { operation: idempotencyKey, checkout_id: checkoutId }
    const give = async (given: number, key: string) => {
      const made = await keyed(
        key,
        keyOptions => stripe.refunds.create({ payment_intent: reference, amount: given, metadata }, keyOptions),
        () => findRefund(reference, idempotencyKey),
      )
      return refundAnswer(made, reference)
    }
    try {
      return await give(amount, idempotencyKey)
    } catch (error) {
      if (request.isRest !== true || answerOfError(error).outcome !== 'declined') throw error
      const left = leftOf(await retrieve(reference))
      if (left <= 0 || left >= amount) throw error
      // Another amount needs another key; Stripe gives no more back than was taken, whatever became of the first.
      return await give(left, `${idempotencyKey}:left:${left}`)
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

/** Why a capture must not even be asked for. */
function captureRefusal(intent: Intent, request: CaptureRequest, amount: number | null): GatewayAnswer | null {
  if (intent.currency.toUpperCase() !== request.currency) {
    return { outcome: 'declined', code: 'currency_mismatch', message: 'It was authorized in another currency.' }
  }
  if (intent.status === 'requires_capture' && (amount === null || amount > intent.amount_capturable)) {
    return { outcome: 'declined', code: 'amount_exceeds_authorization', message: 'Less was authorized than that.' }
  }
  return null
}
