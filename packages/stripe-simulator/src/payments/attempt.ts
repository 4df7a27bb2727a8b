/**
 * One attempt to pay an intent: a charge that succeeds, fails, or is pending, and the new state of the intent. The only
 * place that creates authorizations.
 */
import type { Stripe } from 'stripe'
import { cardError, docUrl, type StripeRefusal } from '../api/refusal.ts'
import type { IntentRecord, MethodRecord, World } from '../world/world.ts'
import { addCharge, authorizationSeconds } from './charge-object.ts'
import { openDispute } from './disputes.ts'
import { captureOf } from './intent-object.ts'
import type { Decline } from './test-methods.ts'

/** The duration of a debit: seconds by default, Stripe's three minutes for slow ones. */
const debitMs = 5_000
const slowDebitMs = 3 * 60_000

type Failure = { type: 'card_error' | 'invalid_request_error'; decline: Decline; chargeId: string | null }

/** Makes the intent wait for another payment method, with the reason. */
export function failIntent(world: World, record: IntentRecord, method: MethodRecord, failure: Failure): void {
  const { intent } = record
  const { decline, chargeId, type } = failure
  record.pending = null
  intent.status = 'requires_payment_method'
  intent.payment_method = null
  intent.next_action = null
  intent.last_payment_error = {
    ...(chargeId === null ? {} : { charge: chargeId }),
    code: decline.code as Stripe.PaymentIntent.LastPaymentError.Code,
    ...(decline.declineCode === undefined ? {} : { decline_code: decline.declineCode }),
    doc_url: docUrl(decline.code),
    message: decline.message,
    ...(decline.param === undefined ? {} : { param: decline.param }),
    payment_method: structuredClone(method.method),
    payment_method_type: method.test.type,
    type,
  }
  world.emit('payment_intent.payment_failed', intent)
}

/** The API's answer to a declined attempt. */
export function declined({ intent }: IntentRecord): StripeRefusal {
  const {
    message = '',
    charge,
    code,
    decline_code,
    param,
    payment_method,
    payment_method_type,
  } = intent.last_payment_error ?? {}
  return cardError(message, {
    ...(code === undefined ? {} : { code }),
    ...(charge === undefined ? {} : { charge }),
    ...(decline_code === undefined ? {} : { decline_code }),
    ...(param === undefined ? {} : { param }),
    payment_intent: structuredClone(intent),
    ...(payment_method === undefined ? {} : { payment_method }),
    ...(payment_method_type === undefined ? {} : { payment_method_type }),
  })
}

/** Returns false if the attempt was declined. */
export function attempt(
  world: World,
  record: IntentRecord,
  method: MethodRecord,
  { isAuthenticated = false }: { isAuthenticated?: boolean } = {},
): boolean {
  const { intent } = record
  record.pending = null
  intent.next_action = null
  intent.last_payment_error = null
  if (method.test.debit !== undefined) {
    startDebit(world, record, method)
    return true
  }
  const { decline } = method.test
  const terms = { intent, method, isAuthenticated }
  if (decline !== undefined) {
    const charge = addCharge(world, { ...terms, decline, status: 'failed', isCaptured: false })
    world.emit('charge.failed', charge)
    failIntent(world, record, method, { type: 'card_error', decline, chargeId: charge.id })
    return false
  }
  const isManual = captureOf(intent, method.test.type) === 'manual'
  const charge = addCharge(world, { ...terms, decline: null, status: 'succeeded', isCaptured: !isManual })
  world.record('authorize', intent, intent.amount, charge.id)
  if (isManual) hold(world, record, charge)
  else receive(world, record, method, charge)
  return true
}

function hold(world: World, record: IntentRecord, charge: Stripe.Charge): void {
  const { intent } = record
  intent.status = 'requires_capture'
  intent.amount_capturable = intent.amount
  world.emit('charge.succeeded', charge)
  world.emit('payment_intent.amount_capturable_updated', intent)
  world.later(authorizationSeconds * 1_000, () => expireAuthorization(world, record, charge))
}

function receive(world: World, record: IntentRecord, method: MethodRecord, charge: Stripe.Charge): void {
  const { intent } = record
  intent.status = 'succeeded'
  intent.amount_received = charge.amount_captured
  world.record('capture', intent, charge.amount_captured, charge.id)
  world.emit('charge.succeeded', charge)
  world.emit('payment_intent.succeeded', intent)
  disputeLater(world, method, charge)
}

/** Disputes a captured charge if its test card requires it. */
export function disputeLater(world: World, { test }: MethodRecord, charge: Stripe.Charge): void {
  const kind = test.dispute ?? (test.debit?.dispute === true ? 'fraudulent' : null)
  if (kind !== null) world.later(1_000, () => openDispute(world, charge, kind))
}

/** Expires an authorization that was not captured or released. Returns whether it did. */
export function expireAuthorization(world: World, { intent }: IntentRecord, charge: Stripe.Charge): boolean {
  if (intent.status !== 'requires_capture' || intent.latest_charge !== charge.id) return false
  world.record('release', intent, intent.amount_capturable, charge.id)
  intent.status = 'canceled'
  intent.cancellation_reason = 'expired'
  intent.canceled_at = world.now()
  intent.amount_capturable = 0
  world.emit('charge.expired', charge)
  world.emit('payment_intent.canceled', intent)
  return true
}

function startDebit(world: World, record: IntentRecord, method: MethodRecord): void {
  const { intent } = record
  const charge = addCharge(world, {
    intent,
    method,
    decline: null,
    status: 'pending',
    isCaptured: true,
    isAuthenticated: false,
  })
  intent.status = 'processing'
  world.emit('charge.pending', charge)
  world.emit('payment_intent.processing', intent)
  const { failure = null, slow = false } = method.test.debit ?? {}
  world.later(slow ? slowDebitMs : debitMs, () => settleDebit(world, record, method, charge, failure))
}

function settleDebit(
  world: World,
  record: IntentRecord,
  method: MethodRecord,
  charge: Stripe.Charge,
  failure: string | null,
): void {
  const { intent } = record
  if (intent.status !== 'processing' || intent.latest_charge !== charge.id) return
  if (failure === null) {
    charge.status = 'succeeded'
    charge.paid = true
    charge.balance_transaction = world.id('txn')
    world.record('authorize', intent, charge.amount, charge.id)
    receive(world, record, method, charge)
    return
  }
  charge.status = 'failed'
  charge.captured = false
  charge.amount_captured = 0
  charge.failure_code = failure
  charge.failure_message = `The debit failed: ${failure.replaceAll('_', ' ')}.`
  world.emit('charge.failed', charge)
  const decline = {
    code: 'payment_intent_payment_attempt_failed',
    message: `The payment failed. The customer's bank said: ${failure.replaceAll('_', ' ')}.`,
  }
  failIntent(world, record, method, { type: 'invalid_request_error', decline, chargeId: charge.id })
}
