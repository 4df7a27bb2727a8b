/** A payment intent: its shape, its payment method types, and its fields for a publishable key. */
import type { Stripe } from 'stripe'
import { mergedMetadata } from '../api/parameters.ts'
import { invalid } from '../api/refusal.ts'
import { knownCurrency } from '../world/amounts.ts'
import type { World } from '../world/world.ts'
import type { ConfirmParams, CreateParams, MethodOptions, UpdateParams } from './intent-parameters.ts'

const methodTypes = ['card', 'paypal', 'sepa_debit', 'us_bank_account'] as const

export type IntentStatus =
  | 'requires_payment_method'
  | 'requires_confirmation'
  | 'requires_action'
  | 'processing'
  | 'requires_capture'
  | 'canceled'
  | 'succeeded'

/** The currencies of the methods that do not support all currencies. */
const methodCurrencies: Readonly<Record<string, readonly string[]>> = {
  paypal: 'aud cad chf czk dkk eur gbp hkd nok nzd pln sek sgd usd'.split(' '),
  sepa_debit: ['eur'],
  us_bank_account: ['usd'],
}
const automaticOnly: readonly string[] = ['sepa_debit', 'us_bank_account']

/** @throws {StripeRefusal} if a method type does not support the currency or manual capture. */
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
 * The offered method types: of those allowed, or of a Dashboard with everything enabled, those that support the
 * payment. Others are left out without an error.
 */
function offeredTypes(
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
  const {
    allowed_payment_method_types: allowed = null,
    excluded_payment_method_types: excluded = null,
    automatic_payment_methods: automatic,
    capture_method: capture = 'automatic_async',
  } = params
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
    payment_method_options: mergedOptions(null, params.payment_method_options),
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

function shippingOf(given: CreateParams['shipping']): Stripe.PaymentIntent['shipping'] {
  if (given === undefined || given === null) return null
  const { address, carrier = null, name = '', phone = null, tracking_number = null } = given
  return { address: { ...(address as object) } as Stripe.Address, carrier, name, phone, tracking_number }
}

/** Payment method options in Stripe's shape: the given ones, then the existing ones, then the defaults of cards. */
function mergedOptions(
  current: Stripe.PaymentIntent['payment_method_options'],
  given: MethodOptions = {},
): Stripe.PaymentIntent['payment_method_options'] {
  const card = {
    installments: null,
    mandate_options: null,
    network: null,
    request_three_d_secure: 'automatic',
    ...current?.card,
    ...given.card,
  }
  return { ...current, ...given, card } as Stripe.PaymentIntent['payment_method_options']
}

/** The capture method of an intent that is paid with a method of this type. */
export function captureOf(intent: Stripe.PaymentIntent, type: string): string {
  const options = intent.payment_method_options as Readonly<Record<string, { capture_method?: string }>> | null
  return options?.[type]?.capture_method ?? intent.capture_method
}

/** The changes that updates and confirmations share. @throws {StripeRefusal} before any change. */
export function change(intent: Stripe.PaymentIntent, params: Omit<UpdateParams & ConfirmParams, 'expand'>): void {
  const allowed = params.allowed_payment_method_types ?? intent.allowed_payment_method_types
  const { excluded_payment_method_types: excluded = intent.excluded_payment_method_types } = params
  const currency = params.currency === undefined ? intent.currency : knownCurrency(params.currency)
  const capture = params.capture_method ?? intent.capture_method
  const isCardsOnly = allowed === null && intent.automatic_payment_methods === null
  const types = offeredTypes(isCardsOnly ? ['card'] : allowed, excluded, currency, capture)
  Object.assign(intent, {
    allowed_payment_method_types: allowed,
    excluded_payment_method_types: excluded,
    payment_method_types: types,
    capture_method: capture,
    currency,
    payment_method_options: mergedOptions(intent.payment_method_options, params.payment_method_options),
    receipt_email: params.receipt_email === undefined ? intent.receipt_email : params.receipt_email,
    setup_future_usage: params.setup_future_usage === undefined ? intent.setup_future_usage : params.setup_future_usage,
    shipping: params.shipping === undefined ? intent.shipping : shippingOf(params.shipping),
  })
}

/** The fields that a publishable key can see. */
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
