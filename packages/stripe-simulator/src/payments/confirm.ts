/** Confirmation: the payment method, the buyer's authentication, and the attempt. */
import type { Stripe } from 'stripe'
import { invalid, unexpectedState } from '../api/refusal.ts'
import type { IntentRecord, MethodRecord, World } from '../world/world.ts'
import { attempt, declined, failIntent } from './attempt.ts'
import { usableToken } from './confirmation-tokens.ts'
import { captureOf, change, type IntentStatus, requireCompatible } from './intent-object.ts'
import type { ConfirmParams } from './intent-parameters.ts'
import { createMethod, findMethod } from './payment-methods.ts'
import { declines } from './test-methods.ts'

/** The parameters of a creation that also apply to its confirmation. */
export type Confirmation = Omit<ConfirmParams, 'expand' | 'client_secret'>

interface Chosen {
  method: MethodRecord
  returnUrl: string | null
  hasMandate: boolean
}

const confirmable: readonly string[] = [
  'requires_payment_method',
  'requires_confirmation',
  'requires_action',
] satisfies IntentStatus[]

/** @throws {StripeRefusal} also if the payment was declined; the intent then waits for another payment method. */
export function confirmIntent(
  world: World,
  record: IntentRecord,
  params: Confirmation,
  { isPublishable }: { isPublishable: boolean },
): void {
  const { intent } = record
  requireConfirmable(intent, isPublishable)
  const wasAuthenticated = record.pending?.isAuthenticated === true && !namesMethod(params)
  const chosen = choose(world, record, params)
  const { method } = chosen
  change(intent, params)
  requireAllowed(intent, method)
  intent.payment_method = method.id
  if (intent.status === 'requires_payment_method') intent.status = 'requires_confirmation'
  requireReturnUrl(intent, chosen, params)
  requireMandate(intent, chosen)
  if (needsAuthentication(intent, method, params) && !wasAuthenticated) {
    demandAuthentication(world, record, chosen, params)
    return
  }
  if (!attempt(world, record, method, { isAuthenticated: wasAuthenticated })) throw declined(record)
}

function requireConfirmable(intent: Stripe.PaymentIntent, isPublishable: boolean): void {
  if (intent.status === 'succeeded') {
    throw unexpectedState(
      'You cannot confirm this PaymentIntent because it has already succeeded after being previously confirmed.',
      intent,
    )
  }
  if (!confirmable.includes(intent.status)) {
    throw unexpectedState(
      `You cannot confirm this PaymentIntent because it has a status of ${intent.status}. Only a PaymentIntent with one of the following statuses may be confirmed: requires_confirmation, requires_action.`,
      intent,
    )
  }
  if (isPublishable && intent.confirmation_method === 'manual') {
    throw invalid(
      'This PaymentIntent cannot be confirmed using your publishable key because its `confirmation_method` is set to `manual`. Please use your secret key instead, or create a PaymentIntent with `confirmation_method` set to `automatic`.',
      { payment_intent: structuredClone(intent) },
    )
  }
}

const namesMethod = ({ payment_method, payment_method_data, confirmation_token }: Confirmation): boolean =>
  payment_method !== undefined || payment_method_data !== undefined || confirmation_token !== undefined

function choose(world: World, { intent }: IntentRecord, params: Confirmation): Chosen {
  const { payment_method: id, payment_method_data: data, confirmation_token: tokenId } = params
  const named = Object.entries({ confirmation_token: tokenId, payment_method: id, payment_method_data: data })
    .filter(([, value]) => value !== undefined)
    .map(([name]) => name)
  if (named.length > 1) {
    throw invalid(`You may only specify one of these parameters: ${named.join(', ')}.`, {
      code: 'parameters_exclusive',
    })
  }
  const given = { returnUrl: params.return_url ?? null, hasMandate: (params.mandate_data ?? null) !== null }
  if (tokenId !== undefined) {
    const { token, method, hasMandate } = usableToken(world, tokenId, intent.id)
    token.payment_intent = intent.id
    return { method, returnUrl: given.returnUrl ?? token.return_url, hasMandate: given.hasMandate || hasMandate }
  }
  if (data !== undefined) return { ...given, method: createMethod(world, data) }
  const current = id ?? intent.payment_method
  if (typeof current === 'string') return { ...given, method: findMethod(world, current) }
  throw unexpectedState(
    "You cannot confirm this PaymentIntent because it's missing a payment method. You can either update the PaymentIntent with a payment method and then confirm it again, or confirm it again directly with a payment method or ConfirmationToken.",
    intent,
  )
}

function requireAllowed(intent: Stripe.PaymentIntent, { test }: MethodRecord): void {
  const types = intent.payment_method_types
  if (types.includes(test.type)) {
    requireCompatible(test.type, intent.currency, captureOf(intent, test.type))
    return
  }
  throw invalid(
    `The PaymentMethod provided (${test.type}) is not allowed for this PaymentIntent. Please attach a PaymentMethod of one of the following types: ${types.join(', ')}. Alternatively update the allowed payment_method_types for this PaymentIntent to include "${test.type}".`,
    {
      code: 'payment_intent_incompatible_payment_method',
      param: 'payment_method',
      payment_intent: structuredClone(intent),
    },
  )
}

function requireReturnUrl(intent: Stripe.PaymentIntent, { method, returnUrl }: Chosen, params: Confirmation): void {
  const automatic = intent.automatic_payment_methods
  if (automatic !== null && params.error_on_requires_action === true) {
    throw invalid('You cannot use `error_on_requires_action` with automatic payment methods.', {
      param: 'error_on_requires_action',
      payment_intent: structuredClone(intent),
    })
  }
  if (method.test.type === 'paypal' && returnUrl === null) {
    throw invalid('Missing required param: return_url.', {
      code: 'parameter_missing',
      param: 'return_url',
      payment_intent: structuredClone(intent),
    })
  }
  if (automatic?.allow_redirects !== 'always' || returnUrl !== null || params.off_session === true) return
  throw invalid(
    "This PaymentIntent is configured to accept payment methods enabled in your Dashboard. Because some of these payment methods might redirect your customer off of your page, you must provide a `return_url`. If you don't want to accept redirect-based payment methods, set `automatic_payment_methods[enabled]` to `true` and `automatic_payment_methods[allow_redirects]` to `never` when creating Setup Intents and Payment Intents.",
    { payment_intent: structuredClone(intent) },
  )
}

function requireMandate(intent: Stripe.PaymentIntent, { method, hasMandate }: Chosen): void {
  if (method.test.debit === undefined || hasMandate) return
  throw invalid(
    'This PaymentIntent requires a mandate, but no existing mandate was found. Collect mandate acceptance from the customer and try again, providing acceptance data in the mandate_data parameter.',
    { payment_intent: structuredClone(intent) },
  )
}

function needsAuthentication(intent: Stripe.PaymentIntent, { test }: MethodRecord, params: Confirmation): boolean {
  switch (test.authentication) {
    case undefined:
      return false
    case 'required':
      return true
    case 'unless_set_up':
      return test.isSetUp !== true || params.off_session !== true
    case 'on_request': {
      const wish = intent.payment_method_options?.card?.request_three_d_secure
      return wish === 'any' || wish === 'challenge'
    }
  }
  return test.authentication satisfies never
}

function demandAuthentication(world: World, record: IntentRecord, chosen: Chosen, params: Confirmation): void {
  const { intent } = record
  const { method, returnUrl } = chosen
  if (params.off_session === true) {
    failIntent(world, record, method, { type: 'card_error', decline: declines.authenticationRequired, chargeId: null })
    throw declined(record)
  }
  if (params.error_on_requires_action === true) {
    const decline = {
      code: 'authentication_required',
      declineCode: 'authentication_not_handled',
      message:
        "This payment required an authentication action to complete, but `error_on_requires_action` was set. When you're ready, you can upgrade your integration to handle actions at https://stripe.com/docs/payments/payment-intents/upgrade-to-handle-actions.",
    }
    failIntent(world, record, method, { type: 'card_error', decline, chargeId: null })
    throw declined(record)
  }
  const url = `${world.url()}/3ds/${intent.id}`
  record.pending = { method, returnUrl, isAuthenticated: false }
  intent.status = 'requires_action'
  intent.last_payment_error = null
  intent.next_action =
    returnUrl !== null && params.use_stripe_sdk !== true
      ? { type: 'redirect_to_url', redirect_to_url: { return_url: returnUrl, url } }
      : {
          type: 'use_stripe_sdk',
          use_stripe_sdk: { type: 'three_d_secure_redirect', stripe_js: url, source: world.id('src') },
        }
  world.emit('payment_intent.requires_action', intent)
}

/** Applies the result of the buyer's authentication. @throws {StripeRefusal} if none is pending. */
export function authenticate(world: World, record: IntentRecord, word: 'complete' | 'fail'): void {
  const { intent, pending } = record
  if (intent.status !== 'requires_action' || pending === null) {
    throw unexpectedState('This PaymentIntent is not waiting for an authentication.', intent)
  }
  if (word === 'fail') {
    const decline = {
      code: 'payment_intent_authentication_failure',
      message:
        'The provided PaymentMethod has failed authentication. You can provide payment_method_data or a new PaymentMethod to attempt to fulfill this PaymentIntent again.',
    }
    failIntent(world, record, pending.method, { type: 'invalid_request_error', decline, chargeId: null })
    return
  }
  if (intent.confirmation_method === 'manual') {
    record.pending = { ...pending, isAuthenticated: true }
    intent.status = 'requires_confirmation'
    intent.next_action = null
    return
  }
  attempt(world, record, pending.method, { isAuthenticated: true })
}
