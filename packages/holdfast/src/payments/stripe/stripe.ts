/**
 * Stripe as a payment gateway, through its official SDK: PaymentIntents with manual capture. Protects A2, A3, and A4:
 * the ID of an intent is stored before it is confirmed, so an unknown outcome leaves at most an empty intent, and a
 * process that takes over continues the same one. An intent is authorized, captured, and canceled at most once.
 */
import type Stripe from 'stripe'
import { CheckoutError } from '../../domain/failure.ts'
import type { GatewayAnswer, LookupAnswer, LookupRequest, PaymentGateway } from '../gateway.ts'
import { stripeAuthorizations } from './authorize.ts'
import { stripeBooks } from './books.ts'
import { captureVoidRefund } from './capture-void-refund.ts'
import { createStripeClient, declineToUnknown, orUnknown, withErrorsAsAnswers, withSafeErrors } from './client.ts'
import { freeOrderAnswer, freeOrderReference, isFreeOrder } from './free-order.ts'
import { bookOf, captureOf, refundAnswer, voidOf } from './intent.ts'
import { answerOfError, isMissing } from './refusals.ts'
import { verifyStripeWebhook } from './webhook.ts'

export interface StripeGatewayOptions {
  /** `sk_…` or a restricted key `rk_…` with write access to PaymentIntents and Refunds, read access to Charges and Disputes. */
  secretKey: string
  /** `whsec_…`, the signing secret of webhooks; two during a rotation. Default: no webhook is accepted. */
  webhookSecret?: string | readonly string[]
  /** `pk_…`, for the form in the browser. Sent to buyers who confirm there. */
  publishableKey?: string | null
  /** Time limit per call in milliseconds. Default 3,000: an authorization makes up to three calls within one lease. */
  timeoutMs?: number
  /** Replaces Stripe's URL, for example by that of a simulator. */
  apiUrl?: string
  /** Sends the requests. Default: the SDK's own client. */
  httpClient?: Stripe.StripeConfig['httpClient']
  /** Milliseconds since 1970, for the age of webhooks. Default: the system's clock. */
  now?: () => number
}

/** Buyers receive this key, so a secret key in its place would become public. The message does not quote it. */
function checkPublishableKey(publishableKey: string | null): void {
  if (publishableKey === null || publishableKey.startsWith('pk_')) return
  throw new CheckoutError('invalid_argument', 'publishableKey must be a publishable key of Stripe (pk_…)')
}

/** Stripe keeps keys for at least 24 hours (docs.stripe.com/api/idempotent_requests). One hour is left for clock skew. */
const keyMemoryMs = 23 * 3_600_000

/** @throws {CheckoutError} `invalid_argument` if `publishableKey` is not a publishable key. */
export function createStripeGateway(options: StripeGatewayOptions): PaymentGateway {
  const { now = Date.now, publishableKey = null, timeoutMs = 3_000, secretKey, apiUrl, httpClient } = options
  checkPublishableKey(publishableKey)
  const client = createStripeClient({ secretKey, timeoutMs, apiUrl, httpClient })
  const { stripe, retrieve } = client
  const intents = stripe.paymentIntents
  const { authorize, answerOf } = stripeAuthorizations(client)
  const { capture, end, refund, findRefund } = captureVoidRefund(client)
  const secrets = [options.webhookSecret ?? []].flat()

  async function lookup(request: LookupRequest): Promise<LookupAnswer> {
    const { kind, reference, idempotencyKey, checkoutId } = request
    // An intent is confirmed only after its ID is stored.
    if (reference === null) return { outcome: 'not_found' }
    const intent = await retrieve(reference)
    if (intent.metadata.checkout_id !== checkoutId) {
      return { outcome: 'unknown', message: 'The payment at Stripe belongs to another checkout.' }
    }
    switch (kind) {
      case 'authorize':
        return answerOf(intent, idempotencyKey)
      case 'capture':
        return captureOf(intent, null) ?? { outcome: 'not_found' }
      case 'void':
        return intent.status === 'canceled'
          ? orUnknown(voidOf(intent) ?? { outcome: 'not_found' })
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

  const unlessFree = (reference: string | null, run: () => Promise<GatewayAnswer>): Promise<GatewayAnswer> =>
    isFreeOrder(reference) ? Promise.resolve(freeOrderAnswer(reference)) : withErrorsAsAnswers(run)

  return {
    name: 'stripe',
    keyMemoryMs,
    confirmsInBrowser: true,
    authorize: request =>
      request.amountMinor === 0
        ? Promise.resolve(freeOrderAnswer(freeOrderReference(request.checkoutId, request.currency)))
        : withErrorsAsAnswers(() => authorize(request)),
    capture: request => unlessFree(request.reference, () => capture(request)),
    void: request => unlessFree(request.reference, () => end(request)),
    refund: request => unlessFree(request.reference, () => refund(request)),
    async lookup(request) {
      if (isFreeOrder(request.reference)) return freeOrderAnswer(request.reference)
      try {
        return await lookup(request)
      } catch (error) {
        return isMissing(error) ? { outcome: 'not_found' } : declineToUnknown(answerOfError(error))
      }
    },
    async confirmation(reference) {
      const { client_secret: clientSecret, next_action: next } = await withSafeErrors(() => intents.retrieve(reference))
      if (clientSecret === null) throw new Error('Stripe returned no client secret for this payment')
      return { redirectUrl: next?.redirect_to_url?.url ?? null, clientSecret, publishableKey }
    },
    verifyWebhook: (headers, rawBody) => verifyStripeWebhook({ stripe, secrets, now }, headers, rawBody),
    ...stripeBooks(client),
  }
}
