/** Payment intents: creation, changes, capture, and cancellation, each in the states that allow it. */
import type { Stripe } from 'stripe'
import { anything, choice, flag, hash, mergedMetadata, metadata, positive, text, texts } from '../api/parameters.ts'
import { invalid, missing, unexpectedState } from '../api/refusal.ts'
import { knownCurrency, requireChargeable } from '../world/amounts.ts'
import type { IntentRecord, MethodRecord, World } from '../world/world.ts'
import { disputeLater } from './attempt.ts'
import { confirmIntent } from './confirm.ts'
import { change, type IntentStatus, newIntent } from './intent-object.ts'
import type { CreateParams, UpdateParams } from './intent-parameters.ts'
import { createMethod, findMethod } from './payment-methods.ts'

export function findIntent(world: World, id: string, param = 'intent', status = 404): IntentRecord {
  const found = world.intents.get(id)
  if (found === undefined) throw missing('payment_intent', id, param, status)
  return found
}

/** Creates an intent, and confirms it on request. A declined confirmation keeps the intent. */
export function createIntent(world: World, params: CreateParams): IntentRecord {
  const intent = newIntent(world, params)
  const method = namedMethod(world, params)
  if (method !== null) requireType(intent, method)
  const record: IntentRecord = { id: intent.id, intent, pending: null }
  if (method !== null) {
    intent.payment_method = method.id
    intent.status = 'requires_confirmation'
  }
  world.intents.add(record)
  world.emit('payment_intent.created', intent)
  if (params.confirm === true) {
    const { payment_method: _, payment_method_data: __, ...confirmation } = params
    confirmIntent(world, record, confirmation, { isPublishable: false })
  }
  return record
}

function namedMethod(world: World, params: CreateParams | UpdateParams): MethodRecord | null {
  const { payment_method: id, payment_method_data: data } = params
  if (data !== undefined) return createMethod(world, data)
  return id === undefined ? null : findMethod(world, id)
}

function requireType(intent: Stripe.PaymentIntent, { test }: MethodRecord): void {
  if (intent.payment_method_types.includes(test.type)) return
  throw invalid(
    `The PaymentMethod provided (${test.type}) is not allowed for this PaymentIntent. Please attach a PaymentMethod of one of the following types: ${intent.payment_method_types.join(', ')}. Alternatively update the allowed payment_method_types for this PaymentIntent to include "${test.type}".`,
    { code: 'payment_intent_incompatible_payment_method', param: 'payment_method' },
  )
}

const changeable: readonly string[] = [
  'requires_payment_method',
  'requires_confirmation',
  'requires_action',
] satisfies IntentStatus[]
/** Fields that can change in every state of the payment. */
const alwaysChangeable = new Set(['metadata', 'description', 'receipt_email', 'expand', 'shipping', 'transfer_group'])
const described = [
  'customer',
  'description',
  'statement_descriptor',
  'statement_descriptor_suffix',
  'transfer_group',
] as const

export function updateIntent(world: World, record: IntentRecord, params: UpdateParams): void {
  const { intent } = record
  const firm = Object.keys(params).find(name => !alwaysChangeable.has(name))
  if (firm !== undefined && !changeable.includes(intent.status)) {
    throw unexpectedState(
      `This PaymentIntent's ${firm} could not be updated because it has a status of ${intent.status}. You may only update the ${firm} of a PaymentIntent with one of the following statuses: ${changeable.join(', ')}.`,
      intent,
      { param: firm },
    )
  }
  const amount = params.amount ?? intent.amount
  if (firm !== undefined) requireChargeable(amount, knownCurrency(params.currency ?? intent.currency))
  const changed = { ...intent, amount, metadata: mergedMetadata(intent.metadata, params.metadata) }
  change(changed, params)
  const method = namedMethod(world, params)
  if (method !== null) requireType(changed, method)
  Object.assign(intent, changed)
  for (const name of described) if (params[name] !== undefined) Object.assign(intent, { [name]: params[name] })
  if (method !== null) intent.payment_method = method.id
  if (firm !== undefined && (method !== null || intent.status === 'requires_action')) {
    intent.status = 'requires_confirmation'
    intent.next_action = null
    record.pending = null
  }
  world.remember(intent)
}

export const captureRules = hash({
  amount_to_capture: positive,
  expand: texts,
  final_capture: flag,
  metadata,
  payment_details: anything,
  statement_descriptor: text,
  statement_descriptor_suffix: text,
})

/** Captures the authorized amount, or a part of it and releases the rest. Possible once. */
export function captureIntent(world: World, { intent }: IntentRecord, params: ReturnType<typeof captureRules>): void {
  if (intent.status === 'succeeded') {
    throw unexpectedState('This PaymentIntent could not be captured because it has already been captured.', intent)
  }
  if (intent.status !== 'requires_capture') {
    throw unexpectedState(
      `This PaymentIntent could not be captured because it has a status of ${intent.status}. Only a PaymentIntent with one of the following statuses may be captured: requires_capture.`,
      intent,
    )
  }
  if (params.final_capture === false) {
    throw invalid('This payment cannot be captured more than once: `final_capture` has to be true.', {
      code: 'payment_intent_invalid_parameter',
      param: 'final_capture',
      payment_intent: structuredClone(intent),
    })
  }
  const amount = params.amount_to_capture ?? intent.amount_capturable
  if (amount > intent.amount_capturable) {
    throw invalid(
      'The payment could not be captured because the requested capture amount is greater than the amount you can capture for this charge. Contact us via https://support.stripe.com/contact/ for help.',
      { code: 'amount_too_large', param: 'amount_to_capture', payment_intent: structuredClone(intent) },
    )
  }
  intent.metadata = mergedMetadata(intent.metadata, params.metadata)
  const charge = world.charges.get(String(intent.latest_charge))
  if (charge === undefined) throw new Error(`the charge of ${intent.id} is gone`)
  const rest = intent.amount_capturable - amount
  charge.captured = true
  charge.amount_captured = amount
  charge.balance_transaction = world.id('txn')
  delete charge.payment_method_details?.card?.capture_before
  intent.amount_capturable = 0
  intent.amount_received = amount
  intent.status = 'succeeded'
  world.record('capture', intent, amount, charge.id)
  if (rest > 0) world.record('release', intent, rest, charge.id)
  world.emit('charge.captured', charge)
  world.emit('payment_intent.succeeded', intent)
  const method = world.methods.get(String(charge.payment_method))
  if (method !== undefined) disputeLater(world, method, charge)
}

export const cancelRules = hash({
  cancellation_reason: choice('duplicate', 'fraudulent', 'requested_by_customer', 'abandoned'),
  expand: texts,
})

/** Cancels an intent for good: its authorization is released, and it can never be paid. */
export function cancelIntent(world: World, record: IntentRecord, params: ReturnType<typeof cancelRules>): void {
  const { intent } = record
  if (!changeable.includes(intent.status) && intent.status !== 'requires_capture') {
    throw unexpectedState(
      `You cannot cancel this PaymentIntent because it has a status of ${intent.status}. Only a PaymentIntent with one of the following statuses may be canceled: requires_payment_method, requires_capture, requires_confirmation, requires_action.`,
      intent,
    )
  }
  if (intent.amount_capturable > 0) {
    world.record('release', intent, intent.amount_capturable, String(intent.latest_charge))
  }
  record.pending = null
  intent.status = 'canceled'
  intent.amount_capturable = 0
  intent.canceled_at = world.now()
  intent.cancellation_reason = params.cancellation_reason ?? null
  intent.next_action = null
  world.emit('payment_intent.canceled', intent)
}
