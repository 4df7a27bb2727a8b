/** Confirmation tokens: the input of a Payment Element, which the server can confirm once. */
import type { Stripe } from 'stripe'
import { anything, choice, flag, hash, text, texts } from '../api/parameters.ts'
import { invalid, missing } from '../api/refusal.ts'
import type { TokenRecord, World } from '../world/world.ts'
import { createMethod, findMethod, methodDataRules } from './payment-methods.ts'

const validForSeconds = 12 * 60 * 60

export const tokenCreateRules = hash({
  payment_method: text,
  payment_method_data: methodDataRules,
  payment_method_options: anything,
  return_url: text,
  setup_future_usage: choice('off_session', 'on_session'),
  shipping: anything,
  mandate_data: anything,
  use_stripe_sdk: flag,
  expand: texts,
  client_context: anything,
  client_attribution_metadata: anything,
  set_as_default_payment_method: flag,
  key: text,
  _stripe_version: text,
})

/** The fields of a payment method without those of a stored object. */
function preview(method: Stripe.PaymentMethod): Stripe.ConfirmationToken['payment_method_preview'] {
  const own = new Set(['id', 'object', 'created', 'livemode', 'metadata'])
  const shown = Object.fromEntries(Object.entries(method).filter(([name]) => !own.has(name)))
  return shown as unknown as Stripe.ConfirmationToken['payment_method_preview']
}

export function createToken(world: World, params: ReturnType<typeof tokenCreateRules>): Stripe.ConfirmationToken {
  const { payment_method: id, payment_method_data: data } = params
  if (id !== undefined && data !== undefined) {
    throw invalid('You may only specify one of these parameters: payment_method, payment_method_data.', {
      code: 'parameters_exclusive',
    })
  }
  if (id === undefined && data === undefined) {
    throw invalid('Missing required param: payment_method_data.', {
      code: 'parameter_missing',
      param: 'payment_method_data',
    })
  }
  const method = data === undefined ? findMethod(world, id ?? '') : createMethod(world, data)
  const token = {
    id: world.id('ctoken'),
    object: 'confirmation_token',
    created: world.now(),
    expires_at: world.now() + validForSeconds,
    livemode: false,
    mandate_data: null,
    metadata: null,
    payment_intent: null,
    payment_method_options: { card: { cvc_token: null } },
    payment_method_preview: preview(method.method),
    return_url: params.return_url ?? null,
    setup_future_usage: params.setup_future_usage ?? null,
    setup_intent: null,
    shipping: null,
    use_stripe_sdk: params.use_stripe_sdk ?? true,
  } satisfies Stripe.ConfirmationToken
  world.tokens.add({ id: token.id, token, method, hasMandate: params.mandate_data !== undefined })
  return token
}

/** The token, if it is still valid for the intent. @throws {StripeRefusal} */
export function usableToken(world: World, id: string, intentId: string): TokenRecord {
  const record = world.tokens.get(id)
  if (record === undefined) throw missing('confirmation_token', id, 'confirmation_token', 400)
  const { token } = record
  if (token.payment_intent !== null && token.payment_intent !== intentId) {
    throw invalid('The provided ConfirmationToken has already been used with another intent.', {
      code: 'token_already_used',
      param: 'confirmation_token',
    })
  }
  if (token.expires_at !== null && token.expires_at <= world.now()) {
    throw invalid('The provided ConfirmationToken has expired.', { param: 'confirmation_token' })
  }
  return record
}
