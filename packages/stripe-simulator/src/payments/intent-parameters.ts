/** The parameters of the payment intent endpoints, and those that contradict each other. */

import {
  anything,
  choice,
  either,
  emptyable,
  flag,
  hash,
  metadata,
  notSimulated,
  positive,
  type Rule,
  text,
  texts,
} from '../api/parameters.ts'
import { invalid } from '../api/refusal.ts'
import { knownCurrency, requireChargeable } from '../world/amounts.ts'
import { methodDataRules } from './payment-methods.ts'

const captureMethod = choice('automatic', 'automatic_async', 'manual')
const futureUsage = choice('off_session', 'on_session')
const shipping = hash({
  address: anything,
  carrier: emptyable(text),
  name: text,
  phone: emptyable(text),
  tracking_number: emptyable(text),
})
const mandateData = emptyable(hash({ customer_acceptance: anything }, ['customer_acceptance']))
const cardOptions = hash({
  capture_method: emptyable(choice('manual')),
  cvc_token: text,
  installments: notSimulated,
  mandate_options: notSimulated,
  moto: flag,
  network: text,
  request_extended_authorization: notSimulated,
  request_incremental_authorization: notSimulated,
  request_multicapture: notSimulated,
  request_overcapture: notSimulated,
  request_three_d_secure: choice('any', 'automatic', 'challenge'),
  require_cvc_recollection: flag,
  setup_future_usage: emptyable(futureUsage),
  statement_descriptor_suffix_kana: emptyable(text),
  statement_descriptor_suffix_kanji: emptyable(text),
})
const otherOptions = hash({ capture_method: emptyable(choice('manual')), setup_future_usage: emptyable(text) })
const debitOptions = hash({ setup_future_usage: emptyable(text), verification_method: text })
const methodOptions = hash({
  card: cardOptions,
  paypal: otherOptions,
  sepa_debit: debitOptions,
  us_bank_account: debitOptions,
})
export type MethodOptions = ReturnType<typeof methodOptions>

const goneMethodTypes: Rule<never> = (_, path) => {
  throw invalid(
    'The parameter `payment_method_types` is no longer supported on this API version. Use dynamic payment methods, or `allowed_payment_method_types` and `excluded_payment_method_types` for more control.',
    { code: 'payment_method_types_no_longer_supported', param: path },
  )
}

/** The common parameters of creation, update, and confirmation. */
const shared = {
  allowed_payment_method_types: texts,
  amount_details: anything,
  capture_method: captureMethod,
  excluded_payment_method_types: emptyable(texts),
  expand: texts,
  hooks: notSimulated,
  payment_details: anything,
  payment_method: text,
  payment_method_data: methodDataRules,
  payment_method_options: methodOptions,
  payment_method_types: goneMethodTypes,
  receipt_email: emptyable(text),
  setup_future_usage: emptyable(futureUsage),
  shipping: emptyable(shipping),
}
const described = {
  application_fee_amount: notSimulated,
  customer: text,
  customer_account: notSimulated,
  description: text,
  metadata,
  payment_method_configuration: notSimulated,
  statement_descriptor: text,
  statement_descriptor_suffix: text,
  transfer_data: notSimulated,
  transfer_group: text,
}
const confirming = {
  confirmation_token: text,
  error_on_requires_action: flag,
  mandate: notSimulated,
  mandate_data: mandateData,
  off_session: either(flag, () => true),
  radar_options: anything,
  return_url: text,
  use_stripe_sdk: flag,
}

const createFields = hash(
  {
    ...shared,
    ...described,
    ...confirming,
    amount: positive,
    automatic_payment_methods: hash({ enabled: flag, allow_redirects: choice('always', 'never') }, ['enabled']),
    confirm: flag,
    confirmation_method: choice('automatic', 'manual'),
    currency: text,
    on_behalf_of: notSimulated,
  },
  ['amount', 'currency'],
)
export const updateRules = hash({ ...shared, ...described, amount: positive, currency: text })
export const confirmRules = hash({
  ...shared,
  ...confirming,
  amount_to_confirm: notSimulated,
  // Only with a publishable key.
  client_secret: text,
  // Browser data from Stripe.js.
  client_attribution_metadata: anything,
  client_context: anything,
  expected_payment_method_type: text,
  key: text,
  _stripe_version: text,
})
export type CreateParams = ReturnType<typeof createFields>
export type UpdateParams = ReturnType<typeof updateRules>
export type ConfirmParams = ReturnType<typeof confirmRules>

const exclusive = [
  'allowed_payment_method_types',
  'automatic_payment_methods',
  'excluded_payment_method_types',
] as const
const onlyConfirming = [
  'confirmation_token',
  'error_on_requires_action',
  'mandate_data',
  'off_session',
  'return_url',
] as const

/** Validates a creation before Stripe would execute it. */
export const createRules: Rule<CreateParams> = (value, path) => {
  const params = createFields(value, path)
  requireChargeable(params.amount, knownCurrency(params.currency))
  const named = exclusive.filter(name => params[name] !== undefined)
  if (named.length > 1 && params.allowed_payment_method_types !== undefined) {
    throw invalid(`You may only specify one of these parameters: ${named.join(', ')}.`, {
      code: 'parameters_exclusive',
      param: named[0] ?? '',
    })
  }
  const early = onlyConfirming.find(name => params[name] !== undefined && params.confirm !== true)
  if (early !== undefined) {
    throw invalid(
      `The parameter \`${early}\` cannot be passed when creating a PaymentIntent unless \`confirm\` is set to true.`,
      { param: early },
    )
  }
  return params
}
