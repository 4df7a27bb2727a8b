/**
 * Stripe as a payment gateway, through its official SDK: PaymentIntents with manual capture. An intent is made first,
 * its id is kept, and only then it is confirmed: a call of unknown outcome leaves at most an empty intent behind, and
 * whoever carries on asks for the same intent again. An intent is authorized, captured and canceled once whatever is
 * asked, which makes it its own fence. Protects A2, A3 and A4.
 */
import type Stripe from 'stripe'
import { CheckoutError } from '../../domain/failure.ts'
import type { GatewayAnswer, GatewayPayment, LookupAnswer, LookupRequest, PaymentGateway } from '../gateway.ts'
import { stripeAuthorizations } from './authorize.ts'
import { asked, createStripeClient, known, settled, unsettled } from './client.ts'
import { bookOf, captureOf, type Intent, refundAnswer, voidOf } from './intent.ts'
import { stripeMoney } from './money.ts'
import { bookOfNothing, isNothing, nothingAnswer, nothingFor } from './nothing.ts'
import { answerOfError, isMissing } from './refusals.ts'
import { verifyStripeWebhook } from './webhook.ts'

export interface StripeGatewayOptions {
  /** `sk_…` or a restricted key `rk_…` with write access to PaymentIntents and Refunds, read access to Charges and Disputes. */
  secretKey: string
  /** `whsec_…`: what Stripe signs webhooks with. Two while one is being replaced by the other. Default: none is accepted. */
  webhookSecret?: string | readonly string[]
  /** `pk_…`, for the form in the browser; told to buyers who confirm there. */
  publishableKey?: string | null
  /** One call, in milliseconds; an authorization makes up to three. Default 3,000: together shorter than a lease. */
  timeoutMs?: number
  /** Another address than Stripe's own, a simulator's say. */
  apiUrl?: string
  /** How requests are sent; default the SDK's own way. */
  httpClient?: Stripe.StripeConfig['httpClient']
  /** Milliseconds since 1970, for the age of webhooks. Default the system's clock. */
  now?: () => number
}

/** Buyers are told it: the secret key, given in its place, would be everybody's. It is in no message. */
function refuseSecret(publishableKey: string | null): void {
  if (publishableKey === null || publishableKey.startsWith('pk_')) return
  throw new CheckoutError('invalid_argument', 'publishableKey must be a publishable key of Stripe’s, pk_….')
}

/** Stripe forgets keys after at least 24 hours (docs.stripe.com/api/idempotent_requests); an hour is left for clocks. */
const keyMemoryMs = 23 * 3_600_000
const pageSize = 100

/** @throws {CheckoutError} `invalid_argument` for a publishable key that is none. */
export function createStripeGateway(options: StripeGatewayOptions): PaymentGateway {
  const { now = Date.now, publishableKey = null, timeoutMs = 3_000, secretKey, apiUrl, httpClient } = options
  refuseSecret(publishableKey)
  const client = createStripeClient({ secretKey, timeoutMs, apiUrl, httpClient })
  const { stripe, retrieve } = client
  const intents = stripe.paymentIntents
  const { authorize, told } = stripeAuthorizations(client)
  const { capture, end, refund, findRefund } = stripeMoney(client)
  const secrets = [options.webhookSecret ?? []].flat()

  async function lookup(request: LookupRequest): Promise<LookupAnswer> {
    const { kind, reference, idempotencyKey, checkoutId } = request
    // Nothing is confirmed before its id is kept.
    if (reference === null) return { outcome: 'not_found' }
    const intent = await retrieve(reference)
    if (intent.metadata.checkout_id !== checkoutId) {
      return { outcome: 'unknown', message: 'The payment at Stripe is another checkout’s.' }
    }
    switch (kind) {
      case 'authorize':
        return told(intent, idempotencyKey)
      case 'capture':
        return captureOf(intent, null) ?? { outcome: 'not_found' }
      case 'void':
        return intent.status === 'canceled'
          ? known(voidOf(intent) ?? { outcome: 'not_found' })
          : { outcome: 'not_found' }
      case 'refund': {
        const found = await findRefund(reference, idempotencyKey)
        if (found !== null) return refundAnswer(found, reference)
        const book = bookOf(intent, [])
        if (book.capturedMinor === 0 || book.refundedMinor < book.capturedMinor) return { outcome: 'not_found' }
        return { outcome: 'succeeded', reference, amountMinor: book.refundedMinor, currency: book.currency }
      }
      default:
        return kind satisfies never
    }
  }

  const moved = (reference: string | null, move: () => Promise<GatewayAnswer>): Promise<GatewayAnswer> =>
    isNothing(reference) ? Promise.resolve(nothingAnswer(reference)) : settled(move)

  async function inspect(reference: string): Promise<GatewayPayment | null> {
    if (isNothing(reference)) return bookOfNothing(reference)
    try {
      return await bookWithDisputes(await retrieve(reference))
    } catch (error) {
      if (isMissing(error)) return null
      throw error
    }
  }

  async function bookWithDisputes(intent: Intent): Promise<GatewayPayment> {
    const { latest_charge: charge } = intent
    const isDisputed = typeof charge === 'object' && charge?.disputed === true
    const disputes = isDisputed ? await stripe.disputes.list({ payment_intent: intent.id, limit: pageSize }) : null
    return bookOf(intent, disputes?.data ?? [])
  }

  return {
    name: 'stripe',
    keyMemoryMs,
    confirmsInBrowser: true,
    authorize: request =>
      request.amountMinor === 0
        ? Promise.resolve(nothingAnswer(nothingFor(request.checkoutId, request.currency)))
        : settled(() => authorize(request)),
    capture: request => moved(request.reference, () => capture(request)),
    void: request => moved(request.reference, () => end(request)),
    refund: request => moved(request.reference, () => refund(request)),
    async lookup(request) {
      if (isNothing(request.reference)) return nothingAnswer(request.reference)
      try {
        return await lookup(request)
      } catch (error) {
        return isMissing(error) ? { outcome: 'not_found' } : unsettled(answerOfError(error))
      }
    },
    async confirmation(reference) {
      const { client_secret: clientSecret, next_action: next } = await asked(() => intents.retrieve(reference))
      if (clientSecret === null) throw new Error('Stripe gives no secret for this payment')
      return { redirectUrl: next?.redirect_to_url?.url ?? null, clientSecret, publishableKey }
    },
    verifyWebhook: (headers, rawBody) => verifyStripeWebhook({ stripe, secrets, now }, headers, rawBody),
    inspect: reference => asked(() => inspect(reference)),
    list: ({ since, after }) =>
      asked(async () => {
        const { data } = await intents.list({
          created: { gte: Math.floor(since.getTime() / 1_000) },
          limit: pageSize,
          expand: ['data.latest_charge'],
          ...(after === null ? {} : { starting_after: after }),
        })
        return Promise.all(data.map(bookWithDisputes))
      }),
  }
}
