/** A buyer for the checks of a payment gateway: complete requests, of which a check may change single fields. */
import assert from 'node:assert/strict'
import type {
  AuthorizeRequest,
  CaptureRequest,
  GatewayAnswer,
  LookupRequest,
  OperationKind,
  PaymentGateway,
  PaymentMethod,
  RefundRequest,
  VoidRequest,
} from 'holdfast'
import { v7 } from 'uuid'

/** What the provider has recorded for one checkout, read without using the gateway's answers. */
export interface GatewayBooks {
  /** All authorizations that ever succeeded. */
  authorizations: number
  /** Authorized, but neither captured nor voided. */
  openMinor: number
  capturedMinor: number
  refundedMinor: number
}

export interface GatewayTokens {
  /** Can be authorized and captured. Null if the payment method needs no token. */
  approve: string | null
  /** Is declined at authorization. */
  decline?: string
  /** Can be authorized, but its capture is definitely refused. */
  captureDecline?: string
}

export interface GatewayUnderTest {
  gateway: PaymentGateway
  tokens: GatewayTokens
  /** The payment method of all checks. Default: `card`. */
  method?: PaymentMethod
  /** Lets the money arrive, for methods with which the buyer pays later. Called once after each authorization. */
  pays?(reference: string, money: { amountMinor: number; currency: string }): Promise<unknown>
  books(checkoutId: string): Promise<GatewayBooks>
}

type Succeeded = Extract<GatewayAnswer, { outcome: 'succeeded' }>
type Declined = Extract<GatewayAnswer, { outcome: 'declined' }>

export const amountMinor = 4_999
export const currency = 'EUR'
const timeoutMs = 20_000

export function expectSucceeded(answer: GatewayAnswer, what: string): Succeeded {
  assert.equal(answer.outcome, 'succeeded', `${what}: ${JSON.stringify(answer)}`)
  return answer as Succeeded
}

export function expectDeclined(answer: GatewayAnswer, what: string): Declined {
  assert.equal(answer.outcome, 'declined', `${what}: ${JSON.stringify(answer)}`)
  assert.match((answer as Declined).code, /^[a-z0-9_]+$/, `${what}: the code is in snake_case`)
  return answer as Declined
}

/** The gateway calls of one buyer, for one new checkout. */
export function buyer({ gateway, tokens, method = 'card', pays }: GatewayUnderTest) {
  const checkoutId = v7()
  const key = (kind: OperationKind, attempt = 1) => `${checkoutId}:${kind}:${attempt}`
  const common = (kind: OperationKind) => ({
    checkoutId,
    idempotencyKey: key(kind),
    signal: AbortSignal.timeout(timeoutMs),
  })
  // Like the engine, the buyer keeps the first reference of a payment until the authorization is given up.
  let kept: string | null = null
  let isGivenUp = false
  const authorize = (change: Partial<AuthorizeRequest> = {}) =>
    gateway.authorize({
      ...common('authorize'),
      amountMinor,
      currency,
      method,
      token: tokens.approve,
      returnUrl: null,
      reference: null,
      async keep(reference) {
        if (isGivenUp) return null
        kept ??= reference
        return kept
      },
      ...change,
    })
  const money = (reference: string) => ({ reference, amountMinor, currency })
  return {
    checkoutId,
    key,
    authorize,
    async authorized(change: Partial<AuthorizeRequest> = {}): Promise<string> {
      const answer = expectSucceeded(await authorize(change), 'authorize')
      await pays?.(answer.reference, answer)
      return answer.reference
    },
    capture: (reference: string, change: Partial<CaptureRequest> = {}) =>
      gateway.capture({ ...common('capture'), orderId: checkoutId, ...money(reference), ...change }),
    void(reference: string | null, change: Partial<VoidRequest> = {}) {
      isGivenUp = true
      return gateway.void({
        ...common('void'),
        authorizationKey: key('authorize'),
        reference: reference ?? kept,
        ...change,
      })
    },
    refund: (reference: string, change: Partial<RefundRequest> = {}) =>
      gateway.refund({ ...common('refund'), ...money(reference), ...change }),
    lookup: (kind: OperationKind, change: Partial<LookupRequest> = {}) =>
      gateway.lookup({ ...common(kind), kind, ...change, reference: change.reference ?? kept }),
  }
}
