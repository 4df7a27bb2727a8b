/** A payment intent: its shape, its parameters, and what a publishable key may see of it. */
import type { Stripe } from 'stripe'
import { knownCurrency, requireChargeable } from './amounts.ts'
import {
  anything,
  choice,
  emptyable,
  flag,
  hash,
  mergedMetadata,
  metadata,
  positive,
  type Rule,
  text,
  texts,
} from './parameters.ts'
import { methodDataRules } from './payment-methods.ts'
import { invalid } from './refusal.ts'
import type { World } from './world.ts'

const methodTypes = ['card', 'paypal', 'sepa_debit', 'us_bank_account'] as const
const captureMethod = choice('automatic', 'automatic_async', 'manual')
const futureUsage = choice('off_session', 'on_session')
const shipping = hash({
  address: anything,
  carrier: emptyable(text),
  name: text,
  phone: emptyable(text),
  tracking_number: emptyable(text),
})
const mandateData = emptyable(hash({ customer_acceptance: anything }))
const methodOptions = hash({ card: anything, paypal: anything, sepa_debit: anything, us_bank_account: anything })

const goneMethodTypes: Rule<never> = (_, path) => {
  throw invalid(
    'The parameter `payment_method_types` is no longer supported on this API version. Use dynamic payment methods, or `allowed_payment_method_types` and `excluded_payment_method_types` for more control.',
    { code: 'payment_method_types_no_longer_supported', param: path },
  )
}

/** What creation, update and confirmation all take. */
const shared = {
  allowed_payment_method_types: texts,
  capture_method: captureMethod,
  excluded_payment_method_types: texts,
  expand: texts,
  payment_method: text,
  payment_method_data: methodDataRules,
  payment_method_options: methodOptions,
  payment_method_types: goneMethodTypes,
  receipt_email: emptyable(text),
  setup_future_usage: emptyable(futureUsage),
  shipping: emptyable(shipping),
}
const described = {
  customer: text,
  description: text,
  metadata,
  statement_descriptor: text,
  statement_descriptor_suffix: text,
  transfer_group: text,
}
const confirming = {
  confirmation_token: text,
  error_on_requires_action: flag,
  mandate_data: mandateData,
  off_session: flag,
  radar_options: anything,
  return_url: text,
  use_stripe_sdk: flag,
}

export const createRules = hash(
  {
    ...shared,
    ...described,
    ...confirming,
    amount: positive,
    automatic_payment_methods: hash({ enabled: flag, allow_redirects: choice('always', 'never') }, ['enabled']),
    confirm: flag,
    confirmation_method: choice('automatic', 'manual'),
    currency: text,
  },
  ['amount', 'currency'],
)
export const updateRules = hash({
  ...shared,
  ...described,
  amount: positive,
  currency: text,
})
export const confirmRules = hash({
  ...shared,
  ...confirming,
  // With a publishable key.
  client_secret: text,
  // What Stripe.js tells of the browser.
  client_attribution_metadata: anything,
  client_context: anything,
  expected_payment_method_type: text,
  key: text,
  _stripe_version: text,
})
export type CreateParams = ReturnType<typeof createRules>
export type UpdateParams = ReturnType<typeof updateRules>
export type ConfirmParams = ReturnType<typeof confirmRules>

export type IntentStatus =
  | 'requires_payment_method'
  | 'requires_confirmation'
  | 'requires_action'
  | 'processing'
  | 'requires_capture'
  | 'canceled'
  | 'succeeded'

/** The currencies of the methods that have not all of them. */
const methodCurrencies: Readonly<Record<string, readonly string[]>> = {
  paypal: 'aud cad chf czk dkk eur gbp hkd nok nzd pln sek sgd usd'.split(' '),
  sepa_debit: ['eur'],
  us_bank_account: ['usd'],
}
const automaticOnly: readonly string[] = ['sepa_debit', 'us_bank_account']

/** @throws {StripeRefusal} where a method type cannot pay in this currency, or cannot be captured by hand. */
export function requireCompatible(type: string, currency: string, capture: string): void {
  const currencies = methodCurrencies[type]
  if (currencies?.includes(currency) === false) {
    throw invalid(
      `The currency provided (${currency}) is invalid for one or more payment method types on this PaymentIntent. The payment method type ${type} only supports the following currencies: ${currencies.join(', ')}. Either correct the provided currency, or use a different PaymentIntent to accept this payment method type.`,
      { code: 'payment_intent_invalid_parameter', param: 'currency' },
    )
  }
  if (capture === 'manual' && automaticOnly.includes(type)) {
    throw invalid(`The payment method type ${type} does not support manual capture.`, {
      code: 'payment_intent_invalid_parameter',
      param: 'capture_method',
    })
  }
}

/**
 * The method types that are offered: of those allowed, or of what a Dashboard with everything enabled has, those that
 * can pay this way. What cannot is left out silently.
 */
export function offeredTypes(
  allowed: readonly string[] | null,
  excluded: readonly string[] | null,
  currency: string,
  capture: string,
): string[] {
  const types = methodTypes.filter(
    type =>
      allowed?.includes(type) !== false &&
      excluded?.includes(type) !== true &&
      methodCurrencies[type]?.includes(currency) !== false &&
      !(capture === 'manual' && automaticOnly.includes(type)),
  )
  if (types.length > 0) return types
  throw invalid(
    'No valid payment method types for this Payment Intent. Please ensure that you have activated payment methods compatible with your chosen currency in your dashboard (https://dashboard.stripe.com/account/payments/settings).',
    { code: 'payment_intent_invalid_parameter', param: 'allowed_payment_method_types' },
  )
}

/** An intent that waits for a payment method. @throws {StripeRefusal} */
export function newIntent(world: World, params: CreateParams): Stripe.PaymentIntent {
  const currency = knownCurrency(params.currency)
  requireChargeable(params.amount, currency)
  const {
    allowed_payment_method_types: allowed = null,
    excluded_payment_method_types: excluded = null,
    automatic_payment_methods: automatic,
  } = params
  const exclusive = [
    'allowed_payment_method_types',
    'automatic_payment_methods',
    'excluded_payment_method_types',
  ] as const
  if (allowed !== null && (automatic !== undefined || excluded !== null)) {
    const named = exclusive.filter(name => params[name] !== undefined)
    throw invalid(`You may only specify one of these parameters: ${named.join(', ')}.`, {
      code: 'parameters_exclusive',
      param: named[0] ?? '',
    })
  }
  const capture = params.capture_method ?? 'automatic_async'
  const isAutomatic = allowed === null && automatic?.enabled !== false
  const id = world.id('pi')
  return {
    id,
    object: 'payment_intent',
    allowed_payment_method_types: allowed,
    amount: params.amount,
    amount_capturable: 0,
    amount_details: { tip: {} },
    amount_received: 0,
    application: null,
    application_fee_amount: null,
    automatic_payment_methods: isAutomatic
      ? { allow_redirects: automatic?.allow_redirects ?? 'always', enabled: true }
      : null,
    canceled_at: null,
    cancellation_reason: null,
    capture_method: capture,
    client_secret: `${id}_secret_${world.id('s').slice(2)}`,
    confirmation_method: params.confirmation_method ?? 'automatic',
    created: world.now(),
    currency,
    customer: params.customer ?? null,
    customer_account: null,
    description: params.description ?? null,
    excluded_payment_method_types: excluded,
    last_payment_error: null,
    latest_charge: null,
    livemode: false,
    managed_payments: { enabled: false },
    metadata: mergedMetadata({}, params.metadata),
    next_action: null,
    on_behalf_of: null,
    payment_method: null,
    payment_method_configuration_details: isAutomatic ? { id: 'pmc_simulated', parent: null } : null,
    payment_method_options: optionsOf(params.payment_method_options),
    payment_method_types: offeredTypes(isAutomatic ? null : (allowed ?? ['card']), excluded, currency, capture),
    payment_record: null,
    processing: null,
    receipt_email: params.receipt_email ?? null,
    review: null,
    setup_future_usage: params.setup_future_usage ?? null,
    shipping: shippingOf(params.shipping),
    source: null,
    statement_descriptor: params.statement_descriptor ?? null,
    statement_descriptor_suffix: params.statement_descriptor_suffix ?? null,
    status: 'requires_payment_method',
    transfer_data: null,
    transfer_group: params.transfer_group ?? null,
  }
}

export function shippingOf(given: CreateParams['shipping']): Stripe.PaymentIntent['shipping'] {
  if (given === undefined || given === null) return null
  const { address, carrier = null, name = '', phone = null, tracking_number = null } = given
  return { address: { ...(address as object) } as Stripe.Address, carrier, name, phone, tracking_number }
}

/** Options as Stripe shows them: those that were given, beside the card's defaults. */
function optionsOf(given: CreateParams['payment_method_options'] = {}): Stripe.PaymentIntent['payment_method_options'] {
  const card = {
    installments: null,
    mandate_options: null,
    network: null,
    request_three_d_secure: 'automatic',
    ...(typeof given.card === 'object' ? given.card : {}),
  }
  return { ...given, card } as unknown as Stripe.PaymentIntent['payment_method_options']
}

/** Fields that are also shown to a publishable key. */
const publicFields = [
  'id',
  'object',
  'amount',
  'amount_details',
  'automatic_payment_methods',
  'canceled_at',
  'cancellation_reason',
  'capture_method',
  'client_secret',
  'confirmation_method',
  'created',
  'currency',
  'description',
  'excluded_payment_method_types',
  'last_payment_error',
  'livemode',
  'next_action',
  'payment_method',
  'payment_method_configuration_details',
  'payment_method_types',
  'processing',
  'receipt_email',
  'setup_future_usage',
  'shipping',
  'source',
  'status',
] as const satisfies readonly (keyof Stripe.PaymentIntent)[]

export const publicView = (intent: Stripe.PaymentIntent): Partial<Stripe.PaymentIntent> =>
  Object.fromEntries(publicFields.map(name => [name, intent[name]]))
