/**
 * Authorizations at Stripe: create an intent, store its ID, and only then confirm it, here or in the buyer's browser. A
 * refused intent is canceled before the decline is returned, so no browser can confirm it later with a different card.
 */
import type Stripe from 'stripe'
import type { AuthorizeRequest, GatewayAnswer, LookupAnswer, PaymentMethod } from '../gateway.ts'
import { fromStripe, toStripe } from './amount.ts'
import { declineToUnknown, orUnknown, type StripeClient, unknownIfAborted } from './client.ts'
import { authorizationOf, type Intent, leftOf } from './intent.ts'
import { answerOfError, isMissing, isWrongState } from './refusals.ts'
import { readToken } from './token.ts'

const methodTypes: Readonly<Record<PaymentMethod, { types: string[]; captures: 'manual' | 'automatic' }>> = {
  card: { types: ['card'], captures: 'manual' },
  paypal: { types: ['paypal'], captures: 'manual' },
  // A bank transfer cannot be authorized first: the money is either sent or not.
  bank_transfer: { types: ['us_bank_account', 'sepa_debit'], captures: 'automatic' },
}

const voided: GatewayAnswer = { outcome: 'declined', code: 'voided', message: 'The authorization has been voided.' }
const wrongPayment: GatewayAnswer = {
  outcome: 'declined',
  code: 'wrong_payment',
  message: 'The payment at Stripe belongs to another checkout or has a different amount.',
}
const invalidToken: GatewayAnswer = {
  outcome: 'declined',
  code: 'invalid_token',
  message: 'The payment token is not one of Stripe’s.',
}

export interface StripeAuthorizations {
  authorize(request: AuthorizeRequest): Promise<GatewayAnswer>
  /** The authorization's answer by the state of its intent; `not_found` if the intent has not been confirmed yet. */
  answerOf(intent: Intent, idempotencyKey: string): Promise<LookupAnswer>
}

export function stripeAuthorizations({ stripe, retrieve, keyed }: StripeClient): StripeAuthorizations {
  const intents = stripe.paymentIntents

  async function create(request: AuthorizeRequest, amount: number, isInBrowser: boolean): Promise<Intent> {
    const { types, captures } = methodTypes[request.method]
    const parameters: Stripe.PaymentIntentCreateParams = {
      amount,
      currency: request.currency.toLowerCase(),
      capture_method: captures,
      allowed_payment_method_types: types,
      metadata: {
        checkout_id: request.checkoutId,
        operation: request.idempotencyKey,
        ...(isInBrowser ? { confirmed_in: 'browser' } : {}),
      },
    }
    return keyed(request.idempotencyKey, keyOptions => intents.create(parameters, keyOptions))
  }

  /** An intent of another checkout, or with a different amount, must not be changed. */
  function isAsRequested(intent: Intent, request: AuthorizeRequest): boolean {
    return (
      intent.metadata.checkout_id === request.checkoutId &&
      fromStripe(intent.amount, intent.currency) === request.amountMinor &&
      intent.currency.toUpperCase() === request.currency &&
      intent.capture_method === methodTypes[request.method].captures
    )
  }

  async function authorize(request: AuthorizeRequest): Promise<GatewayAnswer> {
    const token = request.method === 'card' ? readToken(request.token) : { kind: 'browser' as const }
    if (token === null) return invalidToken
    const amount = toStripe(request.amountMinor, request.currency)
    if (amount === null) {
      const message = `Stripe cannot charge this amount in ${request.currency}.`
      return { outcome: 'declined', code: 'amount_not_possible', message }
    }
    const found = await findOrCreate(
      request,
      amount,
      token.kind === 'intent' ? token.id : null,
      token.kind === 'browser',
    )
    if ('outcome' in found) return found
    if (!isAsRequested(found, request)) return wrongPayment
    const intent = token.kind === 'intent' ? await adopt(found, request) : found
    const answer = await answerOf(intent, request.idempotencyKey)
    if (answer.outcome !== 'not_found') return answer
    if (token.kind !== 'method') return { outcome: 'pending', reference: found.id, pollAfterMs: 5_000 }
    return unknownIfAborted(request.signal) ?? confirm(intent, request, token.parameters)
  }

  /** Returns the checkout's intent: stored before, adopted from a token, or created and stored now. */
  async function findOrCreate(
    request: AuthorizeRequest,
    amount: number,
    adopted: string | null,
    isInBrowser: boolean,
  ): Promise<Intent | GatewayAnswer> {
    if (request.reference !== null) return retrieve(request.reference)
    const made = adopted === null ? await create(request, amount, isInBrowser) : await find(adopted)
    if (made === null) return invalidToken
    if (adopted !== null && !isAsRequested(made, request)) return made
    // A payment that was refunded, even in part, cannot pay for an order.
    if (adopted !== null && made.status === 'succeeded' && leftOf(made) !== made.amount) return wrongPayment
    const kept = await request.keep(made.id)
    if (kept === made.id) return made
    // A different intent counts. This one holds no money, so a failed cancel is harmless.
    if (adopted === null) await cancel(made.id, `${request.idempotencyKey}:leftover:${made.id}`).catch(() => {})
    return kept === null ? voided : retrieve(kept)
  }

  /** Returns the intent that a token names, or null. */
  async function find(id: string): Promise<Intent | null> {
    try {
      return await retrieve(id)
    } catch (error) {
      if (isMissing(error)) return null
      throw error
    }
  }

  /** Marks an intent of the host's own server as if it had been created here. */
  async function adopt(intent: Intent, { idempotencyKey }: AuthorizeRequest): Promise<Intent> {
    const { outcome } = authorizationOf(intent)
    const isOpen = outcome === 'not_found' || (outcome === 'declined' && intent.status !== 'canceled')
    if (!isOpen) return intent
    const metadata = { operation: idempotencyKey, confirmed_in: 'browser' }
    return keyed(`${idempotencyKey}:adopt`, keyOptions => intents.update(intent.id, { metadata }, keyOptions))
  }

  async function confirm(
    intent: Intent,
    { idempotencyKey, returnUrl }: AuthorizeRequest,
    parameters: Stripe.PaymentIntentConfirmParams,
  ): Promise<GatewayAnswer> {
    const sent: Stripe.PaymentIntentConfirmParams = {
      ...parameters,
      expand: ['latest_charge'],
      ...(returnUrl !== null && /^https?:/.test(returnUrl) ? { return_url: returnUrl } : {}),
    }
    try {
      const confirmed = await keyed(
        `${idempotencyKey}:confirm`,
        keyOptions => intents.confirm(intent.id, sent, keyOptions),
        async () => {
          const looked = await retrieve(intent.id)
          return authorizationOf(looked).outcome === 'not_found' ? null : looked
        },
      )
      return orUnknown(await answerOf(confirmed, idempotencyKey))
    } catch (error) {
      const refused = answerOfError(error)
      // The intent's state decides: a refused request proves nothing about the payment.
      if (refused.outcome !== 'declined') return refused
      const answer = await answerOf(await retrieve(intent.id), idempotencyKey)
      if (answer.outcome !== 'not_found') return answer
      return refused.code === 'idempotency_mismatch' ? refused : abandon(intent.id, idempotencyKey, refused)
    }
  }

  /** A refused intent is canceled before the decline is returned, so that it cannot be confirmed again. */
  async function answerOf(intent: Intent, idempotencyKey: string): Promise<LookupAnswer> {
    const answer = authorizationOf(intent)
    return answer.outcome === 'declined' && intent.status !== 'canceled'
      ? abandon(intent.id, idempotencyKey, answer)
      : answer
  }

  const cancel = (reference: string, key: string): Promise<Intent> =>
    keyed(key, keyOptions => intents.cancel(reference, {}, keyOptions))

  async function abandon(reference: string, idempotencyKey: string, refusal: GatewayAnswer): Promise<GatewayAnswer> {
    try {
      await cancel(reference, `${idempotencyKey}:abandon`)
      return refusal
    } catch (error) {
      if (!isWrongState(error)) return declineToUnknown(answerOfError(error))
      // The intent has changed in the meantime, so its current state decides.
      const now = await retrieve(reference)
      return now.status === 'canceled' ? refusal : orUnknown(authorizationOf(now))
    }
  }

  return { authorize, answerOf }
}
