/** Refunds of captured charges, up to the amount that is left. Some test cards settle or fail them later. */
import type { Stripe } from 'stripe'
import { choice, hash, mergedMetadata, metadata, notSimulated, positive, text, texts } from '../api/parameters.ts'
import { invalid, missing } from '../api/refusal.ts'
import { shownAmount } from '../world/amounts.ts'
import type { World } from '../world/world.ts'
import { findIntent } from './intents.ts'

const settledAfterMs = 5_000
const otherDestinations: Readonly<Record<string, string>> = {
  sepa_debit: 'eu_bank_transfer',
  us_bank_account: 'us_bank_transfer',
}

export const refundRules = hash({
  amount: positive,
  charge: text,
  currency: text,
  expand: texts,
  instructions_email: text,
  metadata,
  payment_intent: text,
  reason: choice('duplicate', 'fraudulent', 'requested_by_customer'),
  refund_application_fee: notSimulated,
  reverse_transfer: notSimulated,
  origin: notSimulated,
})

function chargeOf(world: World, params: ReturnType<typeof refundRules>): Stripe.Charge {
  if (params.charge !== undefined) {
    const charge = world.charges.get(params.charge)
    if (charge === undefined) throw missing('charge', params.charge, 'charge', 400)
    return charge
  }
  if (params.payment_intent === undefined) {
    throw invalid('One of the following params should be provided for this request: payment_intent or charge.', {
      code: 'parameter_missing',
      param: 'payment_intent',
    })
  }
  const { intent } = findIntent(world, params.payment_intent, 'payment_intent', 400)
  const charge = world.charges.get(String(intent.latest_charge))
  if (charge === undefined) throw noCharge(intent.id)
  return charge
}

const noCharge = (intentId: string) =>
  invalid(`This PaymentIntent (${intentId}) does not have a successful charge to refund.`, { param: 'payment_intent' })

/** The charge and the amount of a refund. @throws {StripeRefusal} */
function refundable(world: World, params: ReturnType<typeof refundRules>): { charge: Stripe.Charge; amount: number } {
  const charge = chargeOf(world, params)
  if (charge.status !== 'succeeded' || !charge.captured) throw noCharge(String(charge.payment_intent))
  if (charge.disputed && world.disputes.of(String(charge.payment_intent)).some(one => !one.is_charge_refundable)) {
    throw invalid(`Charge ${charge.id} has been charged back; cannot issue a refund.`, { code: 'charge_disputed' })
  }
  const left = charge.amount_captured - charge.amount_refunded
  if (left === 0) {
    throw invalid(`Charge ${charge.id} has already been refunded.`, { code: 'charge_already_refunded' })
  }
  const amount = params.amount ?? left
  if (amount > left) {
    throw invalid(
      `Refund amount (${shownAmount(amount, charge.currency)}) is greater than unrefunded amount on charge (${shownAmount(left, charge.currency)})`,
      { param: 'amount' },
    )
  }
  return { charge, amount }
}

export function createRefund(world: World, params: ReturnType<typeof refundRules>): Stripe.Refund {
  const { charge, amount } = refundable(world, params)
  const { intent } = findIntent(world, String(charge.payment_intent))
  const test = world.methods.get(String(charge.payment_method))?.test
  const isPending = test?.refund === 'pending' || test?.debit !== undefined
  const refund: Stripe.Refund = {
    id: world.id('re'),
    object: 'refund',
    amount,
    balance_transaction: world.id('txn'),
    charge: charge.id,
    created: world.now(),
    currency: charge.currency,
    customer: charge.customer,
    customer_account: null,
    destination_details:
      test?.type === 'card'
        ? {
            card: { reference_status: 'pending', reference_type: 'acquirer_reference_number', type: 'refund' },
            type: 'card',
          }
        : { type: otherDestinations[test?.type ?? 'paypal'] ?? 'paypal' },
    metadata: mergedMetadata({}, params.metadata),
    payment_intent: intent.id,
    payment_method: charge.payment_method,
    ...(isPending ? { pending_reason: 'processing' } : {}),
    reason: params.reason ?? null,
    receipt_number: null,
    source_transfer_reversal: null,
    status: isPending ? 'pending' : 'succeeded',
    transfer_reversal: null,
  }
  world.refunds.add(refund)
  charge.amount_refunded += amount
  charge.refunded = charge.amount_refunded === charge.amount_captured
  world.record('refund', intent, amount, charge.id)
  world.emit('refund.created', refund)
  world.emit('charge.refunded', charge)
  if (test?.refund === 'fails') world.later(settledAfterMs, () => failRefund(world, refund))
  else if (isPending) world.later(settledAfterMs, () => settleRefund(world, refund))
  return refund
}

function settleRefund(world: World, refund: Stripe.Refund): void {
  if (refund.status !== 'pending') return
  refund.status = 'succeeded'
  delete refund.pending_reason
  world.emit('refund.updated', refund)
  world.emit('charge.refund.updated', refund)
}

/** Fails a refund, whose amount can then be refunded again. Returns false if it has already failed. */
export function failRefund(world: World, refund: Stripe.Refund): boolean {
  const charge = world.charges.get(String(refund.charge))
  if (charge === undefined || refund.status === 'failed') return false
  refund.status = 'failed'
  refund.failure_reason = 'expired_or_canceled_card'
  refund.failure_balance_transaction = world.id('txn')
  delete refund.pending_reason
  charge.amount_refunded -= refund.amount
  charge.refunded = false
  world.record('refund_failed', findIntent(world, String(charge.payment_intent)).intent, refund.amount, charge.id)
  world.emit('refund.updated', refund)
  world.emit('charge.refund.updated', refund)
  world.emit('refund.failed', refund)
  return true
}
