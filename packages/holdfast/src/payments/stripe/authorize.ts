/**
 * Authorizations: an intent is made, its id is kept, and only then it is confirmed, by us or in the buyer's browser. One
 * that was refused is canceled before that is told, so that no browser confirms it with another card afterwards.
 */
import type Stripe from 'stripe'
import type { AuthorizeRequest, GatewayAnswer, LookupAnswer, PaymentMethod } from '../gateway.ts'
import { fromStripe, toStripe } from './amount.ts'
import { gaveUp, known, type StripeClient, unsettled } from './client.ts'
import { authorizationOf, type Intent, leftOf } from './intent.ts'
import { answerOfError, isMissing, isWrongState } from './refusals.ts'
import { readToken } from './token.ts'

const methodTypes: Readonly<Record<PaymentMethod, { types: string[]; captures: 'manual' | 'automatic' }>> = {
  card: { types: ['card'], captures: 'manual' },
  paypal: { types: ['paypal'], captures: 'manual' },
  // Banks know no authorization: what they send is there, or it is not.
  bank_transfer: { types: ['us_bank_account', 'sepa_debit'], captures: 'automatic' },
}

const voided: GatewayAnswer = { outcome: 'declined', code: 'voided', message: 'The authorization was given up.' }
const wrongPayment: GatewayAnswer = {
  outcome: 'declined',
  code: 'wrong_payment',
  message: 'The payment at Stripe is not this checkout’s, or not of its amount.',
}
const invalidToken: GatewayAnswer = {
  outcome: 'declined',
  code: 'invalid_token',
  message: 'This token is nothing that Stripe gives out.',
}

export interface StripeAuthorizations {
  authorize(request: AuthorizeRequest): Promise<GatewayAnswer>
  /** What an intent says of its authorization; `not_found` where it is still to be confirmed. */
  told(intent: Intent, idempotencyKey: string): Promise<LookupAnswer>
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

  /** Unless the intent is this checkout's, as asked, it is not touched. */
  function isAsAsked(intent: Intent, request: AuthorizeRequest): boolean {
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
      const message = `Stripe cannot take this amount of ${request.currency}.`
      return { outcome: 'declined', code: 'amount_not_possible', message }
    }
    const found = await findOrCreate(
      request,
      amount,
      token.kind === 'intent' ? token.id : null,
      token.kind === 'browser',
    )
    if ('outcome' in found) return found
    if (!isAsAsked(found, request)) return wrongPayment
    const intent = token.kind === 'intent' ? await nowOurs(found, request) : found
    const answer = await told(intent, request.idempotencyKey)
    if (answer.outcome !== 'not_found') return answer
    if (token.kind !== 'method') return { outcome: 'pending', reference: found.id, pollAfterMs: 5_000 }
    return gaveUp(request.signal) ?? confirm(intent, request, token.parameters)
  }

  /** The one intent that counts: kept before, adopted, or made now and kept. */
  async function findOrCreate(
    request: AuthorizeRequest,
    amount: number,
    adopted: string | null,
    isInBrowser: boolean,
  ): Promise<Intent | GatewayAnswer> {
    if (request.reference !== null) return retrieve(request.reference)
    const made = adopted === null ? await create(request, amount, isInBrowser) : await find(adopted)
    if (made === null) return invalidToken
    if (adopted !== null && !isAsAsked(made, request)) return made
    // Money that was taken and given back, or a part of it, pays for nothing more.
    if (adopted !== null && made.status === 'succeeded' && leftOf(made) !== made.amount) return wrongPayment
    const kept = await request.keep(made.id)
    if (kept === made.id) return made
    // Nobody will ever confirm it: it holds nothing.
    if (adopted === null) await cancel(made.id, `${request.idempotencyKey}:leftover:${made.id}`).catch(() => {})
    return kept === null ? voided : retrieve(kept)
  }

  /** An intent that only a token names: null where there is none. */
  async function find(id: string): Promise<Intent | null> {
    try {
      return await retrieve(id)
    } catch (error) {
      if (isMissing(error)) return null
      throw error
    }
  }

  /** Made elsewhere for this checkout: from now on it is treated as if it had been made here. */
  async function nowOurs(intent: Intent, { idempotencyKey }: AuthorizeRequest): Promise<Intent> {
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
      return known(await told(confirmed, idempotencyKey))
    } catch (error) {
      const refused = answerOfError(error)
      // Where the intent itself can say what it is in, it is asked: a refusal of the request is no word on the payment.
      if (refused.outcome !== 'declined') return refused
      const answer = await told(await retrieve(intent.id), idempotencyKey)
      if (answer.outcome !== 'not_found') return answer
      return refused.code === 'idempotency_mismatch' ? refused : abandon(intent.id, idempotencyKey, refused)
    }
  }

  /** What an intent says, once it can say nothing else: a refused one is canceled first, so that nobody confirms it again. */
  async function told(intent: Intent, idempotencyKey: string): Promise<LookupAnswer> {
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
      if (!isWrongState(error)) return unsettled(answerOfError(error))
      // It went on meanwhile: what it is now counts.
      const now = await retrieve(reference)
      return now.status === 'canceled' ? refusal : known(authorizationOf(now))
    }
  }

  return { authorize, told }
}
