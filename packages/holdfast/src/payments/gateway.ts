/**
 * The payment gateway port: five calls, each of which returns what is known about its outcome.
 * Protects invariant A4: every call carries the idempotency key of an operation row that was committed before the call.
 */

import type { Transfer } from '../domain/order.ts'
import type { RequiredAction } from '../domain/outcome.ts'

export type OperationKind = 'authorize' | 'capture' | 'void' | 'refund'

/** "No currency" in ISO 4217. Used by a void that found no authorization, and so has no amount. */
export const noCurrency = 'XXX'

export type PaymentMethod = 'card' | 'paypal' | 'bank_transfer'

/** The part that every call has in common. */
export interface GatewayCall {
  /** `checkout:kind:attempt`. The gateway executes a key once and repeats the first answer afterwards. */
  idempotencyKey: string
  /** Aborts when the caller stops waiting. The effect may still happen at the gateway. */
  signal: AbortSignal
}

export interface AuthorizeRequest extends GatewayCall {
  checkoutId: string
  amountMinor: number
  currency: string
  method: PaymentMethod
  /** The buyer's payment token; null for methods without one. Never logged, never stored in plain text. */
  token: string | null
  /** Where the gateway sends the buyer after an action. The gateway may append its own parameters. */
  returnUrl: string | null
  /** The payment ID stored by an earlier call, or null. If set, the gateway continues that payment and creates no other. */
  reference: string | null
  /**
   * Stores the payment ID durably. A gateway that first creates a payment and then authorizes it calls this in between,
   * so an unknown outcome leaves at most an empty payment behind.
   * Returns the ID to use from now on, because another process may have stored one first. Returns null if the checkout
   * has given up the authorization: then the gateway must not authorize anything, and answers `declined` with code `voided`.
   */
  keep(reference: string): Promise<string | null>
}

export interface CaptureRequest extends GatewayCall {
  checkoutId: string
  orderId: string
  /** The gateway's ID of the payment, from the answer to `authorize`. */
  reference: string
  amountMinor: number
  currency: string
}

export interface VoidRequest extends GatewayCall {
  checkoutId: string
  /**
   * The idempotency key of the authorization to end. If the gateway never received that key, it must refuse it from
   * now on.
   */
  authorizationKey: string
  reference: string | null
}

export interface RefundRequest extends GatewayCall {
  checkoutId: string
  reference: string
  amountMinor: number
  currency: string
  /**
   * True when a whole checkout is undone: refund everything that is left. That can be less than `amountMinor` if someone
   * captured or refunded only a part in the gateway's dashboard. Default false.
   */
  isRest?: boolean
}

/**
 * What is known about an operation after a call:
 * `succeeded` and `declined` are final; `action_required` and `pending` mean that the operation is not finished;
 * `not_executed` means that the gateway did not accept the request, so the same key may be sent again after a pause;
 * `unknown` means that the operation may or may not have happened. A call that throws or times out is also unknown.
 */
export type GatewayAnswer =
  | {
      outcome: 'succeeded'
      reference: string
      /** The amount that the gateway authorized, captured, voided, or refunded. Compared with the requested amount. */
      amountMinor: number
      currency: string
      /** For authorizations: the last moment at which the payment can be captured (ISO 8601). */
      validUntil?: string
      /** For authorizations of a `paidLater` gateway: how the buyer pays. Stored with the order and shown to the buyer. */
      transfer?: Transfer
      /** Data worth keeping for support. Never a token or card number. */
      details?: Record<string, unknown>
    }
  | {
      outcome: 'declined'
      /**
       * The gateway's reason in snake_case, such as `insufficient_funds`, `expired_card`, or `authorization_ended`.
       * Two codes are required: `already_captured` if a capture or void follows a capture, and `already_refunded` if
       * nothing is left of the captured amount.
       */
      code: string
      /** The reason in one or two sentences that a buyer understands: "The card has expired. Use another card." */
      message: string
      reference?: string
    }
  | { outcome: 'action_required'; reference: string; action: RequiredAction }
  | { outcome: 'pending'; reference: string; pollAfterMs: number }
  | { outcome: 'not_executed'; message: string; retryAfterMs: number }
  | { outcome: 'unknown'; message: string }

/** The data that a buyer's browser needs to confirm a payment. Only that buyer may receive it. */
export interface BrowserConfirmation {
  /** A page that can replace the gateway's form, such as a 3-D Secure page. */
  redirectUrl: string | null
  /** For the gateway's form in the browser. */
  clientSecret: string
  publishableKey: string | null
}

export interface LookupRequest {
  checkoutId: string
  /** The operation to look up. */
  kind: OperationKind
  idempotencyKey: string
  /** The payment's ID, if known. */
  reference: string | null
  signal: AbortSignal
}

/**
 * What the gateway knows about one operation: the answer that the operation would return, or `not_found`. `not_found`
 * proves nothing, because the request may still be under way.
 */
export type LookupAnswer = GatewayAnswer | { outcome: 'not_found' }

/** A verified webhook. It says which checkout to check again and is never taken as a fact. */
export interface WebhookEvent {
  id: string
  /** The gateway's own name for the event. */
  type: string
  /**
   * What to check: the payment (default), a refund, or a dispute. Refunds and disputes can be made at the gateway without
   * the engine, so they are read with `inspect`.
   */
  about?: 'payment' | 'money_back' | 'dispute'
  /** Null or unknown: the checkout is found by `reference`, or the webhook is kept until the checkout is known. */
  checkoutId: string | null
  reference: string | null
  /** The event without secrets, stored for support. */
  payload: Record<string, unknown>
}

/** A payment in the gateway's own books, independent of what the engine recorded. Used for reconciliation. */
export interface GatewayPayment {
  reference: string
  /** The checkout in the metadata that the engine sent with the payment; null if there is none. */
  checkoutId: string | null
  /** `unconfirmed`: the payment holds no money and cannot take any by itself. `ended`: voided or expired. */
  status: 'unconfirmed' | 'authorized' | 'captured' | 'ended'
  currency: string
  /** Authorized and neither captured nor voided, in minor units. */
  openMinor: number
  capturedMinor: number
  refundedMinor: number
  /** Chargebacks and inquiries at the buyer's bank. */
  disputes: readonly { id: string; status: string; reason: string; amountMinor: number }[]
  /** ISO 8601. */
  createdAt: string
}

export interface PaymentGateway {
  /** Short lower-case name, used in `/webhooks/:gateway` and in operation rows. */
  readonly name: string
  authorize(request: AuthorizeRequest): Promise<GatewayAnswer>
  capture(request: CaptureRequest): Promise<GatewayAnswer>
  /**
   * Ends an authorization and fences it: after success the gateway refuses that authorization forever, even one that is
   * still under way. Answers `declined` with code `already_captured` after a capture.
   */
  void(request: VoidRequest): Promise<GatewayAnswer>
  refund(request: RefundRequest): Promise<GatewayAnswer>
  /**
   * Returns the outcome of an operation. The state of the payment decides, not only the memory of the key: a captured
   * payment answers a capture, and a fully refunded payment answers a refund, whoever made them.
   */
  lookup(request: LookupRequest): Promise<LookupAnswer>
  /** How long the gateway remembers an idempotency key, in milliseconds. Within that time, repeating a key is safe. */
  readonly keyMemoryMs: number
  /**
   * True if the buyer can confirm in the gateway's form in the browser. A card then needs no token, and an authorization
   * without a token answers with the action `confirm`. Default false.
   */
  readonly confirmsInBrowser?: boolean
  /**
   * True if an authorization is a promise to pay within days, such as an invoice. Every checkout then waits in
   * `awaiting_capture` with its order until `captureCheckout` is called. When the authorization ends, the engine calls
   * `capture` one last time, and the answer says whether the money came. A capture that comes too early answers
   * `pending`. Default false.
   */
  readonly paidLater?: boolean
  /** Returns the data that the buyer's browser needs for the action `confirm`. Never stored or logged. */
  confirmation?(reference: string, signal: AbortSignal): Promise<BrowserConfirmation>
  /** Verifies a webhook's signature over the raw body. Returns null for an invalid signature. */
  verifyWebhook?(headers: Headers, rawBody: string): Promise<WebhookEvent | null>
  /** Returns one payment by its ID, or null. A gateway without `inspect` cannot be reconciled. */
  inspect?(reference: string, signal: AbortSignal): Promise<GatewayPayment | null>
  /** Lists payments created at or after `since`, newest first. `after` is the last reference of the previous page. */
  list?(request: { since: Date; after: string | null; signal: AbortSignal }): Promise<readonly GatewayPayment[]>
  close?(): Promise<void>
}
