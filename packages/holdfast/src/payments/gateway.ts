/**
 * The payment gateway port: five calls, each answered with a value that says what is known.
 * Protects invariant A4: every call carries the idempotency key of an operation row committed before it.
 *
 * What an answer means (design: "What an answer means"):
 * definite – `succeeded`, `declined`; `action_required` and `pending` are definite about not being finished;
 * `not_executed` – the gateway did not take the request in: the same key may be used again after a pause;
 * `unknown` – it may or may not have happened. A call that throws, or does not answer before `signal` aborts, is unknown.
 */

import type { Transfer } from '../domain/order.ts'
import type { RequiredAction } from '../domain/outcome.ts'

export type OperationKind = 'authorize' | 'capture' | 'void' | 'refund'

/** The currency of nothing (ISO 4217): of a void that ended nothing, and so asked for no amount. */
export const noCurrency = 'XXX'

export type PaymentMethod = 'card' | 'paypal' | 'bank_transfer'

/** What every call carries. */
export interface GatewayCall {
  /** `checkout:kind:attempt`. The gateway executes one key once and answers it the same ever after. */
  idempotencyKey: string
  /** Aborts when the caller stops waiting. The effect may still happen. */
  signal: AbortSignal
}

export interface AuthorizeRequest extends GatewayCall {
  checkoutId: string
  amountMinor: number
  currency: string
  method: PaymentMethod
  /** The buyer's payment token; null for methods without one. Never logged, never stored in the clear. */
  token: string | null
  /** Where the gateway sends the buyer after an action; the gateway may append its own parameters. */
  returnUrl: string | null
  /** The payment's id where one was kept before: then it goes on with that payment, and makes no other. */
  reference: string | null
  /**
   * Keeps the payment's id, durably. A gateway that makes a payment first and authorizes it after calls this in between,
   * so that a call of unknown outcome leaves at most an empty payment behind. Gives the id that counts from now on
   * (another process may have been first), or null where the authorization has been given up meanwhile: then nothing may
   * be authorized any more, and the answer is a decline with code `voided`.
   */
  keep(reference: string): Promise<string | null>
}

export interface CaptureRequest extends GatewayCall {
  checkoutId: string
  orderId: string
  /** The gateway's id of the payment, as `authorize` gave it. */
  reference: string
  amountMinor: number
  currency: string
}

export interface VoidRequest extends GatewayCall {
  checkoutId: string
  /** The authorization to end. Its key is enough: where the gateway never saw it, it must refuse it from now on. */
  authorizationKey: string
  reference: string | null
}

export interface RefundRequest extends GatewayCall {
  checkoutId: string
  reference: string
  amountMinor: number
  currency: string
  /**
   * True where a checkout is undone: all that was taken goes back, which may be less than `amountMinor` where people took
   * a part of it, or gave a part back, at the gateway itself. Default false.
   */
  isRest?: boolean
}

export type GatewayAnswer =
  | {
      outcome: 'succeeded'
      reference: string
      /** What the gateway says it authorized, captured, voided or refunded; compared with what was asked. */
      amountMinor: number
      currency: string
      /** Authorizations: until when it can be captured (ISO 8601). */
      validUntil?: string
      /** Authorizations of a gateway that is paid later: how the buyer pays. Kept with the order, shown to the buyer. */
      transfer?: Transfer
      /** Anything worth keeping for support. Never a token or card number. */
      details?: Record<string, unknown>
    }
  | {
      outcome: 'declined'
      /**
       * The gateway's reason, snake_case: `insufficient_funds`, `expired_card`, `authorization_ended` … Two are asked for:
       * `already_captured` where a capture (or a void) comes after a capture, `already_refunded` where nothing is left of
       * the captured amount.
       */
      code: string
      message: string
      reference?: string
    }
  | { outcome: 'action_required'; reference: string; action: RequiredAction }
  | { outcome: 'pending'; reference: string; pollAfterMs: number }
  | { outcome: 'not_executed'; message: string; retryAfterMs: number }
  | { outcome: 'unknown'; message: string }

/** What a buyer's browser needs to confirm a payment. It is for that buyer alone. */
export interface BrowserConfirmation {
  /** Where the buyer can be sent instead of opening the gateway's form here, 3-D Secure's page say. */
  redirectUrl: string | null
  /** For the gateway's form in the browser. */
  clientSecret: string
  publishableKey: string | null
}

export interface LookupRequest {
  checkoutId: string
  /** The operation whose outcome is wanted. */
  kind: OperationKind
  idempotencyKey: string
  /** The payment's id where it is known. */
  reference: string | null
  signal: AbortSignal
}

/**
 * What the gateway knows of one operation: an answer as that operation would have given, `not_found` (which proves
 * nothing: it may be on its way), or unknown.
 */
export type LookupAnswer = GatewayAnswer | { outcome: 'not_found' }

/** A webhook that was checked: which checkout to look at again. A hint, never a fact. */
export interface WebhookEvent {
  id: string
  /** In the gateway's own words. */
  type: string
  /**
   * What to look at: the payment on its way (default), money that was given back, or what the buyer contested at the bank.
   * The last two may have happened at the gateway alone; they are seen by `inspect`.
   */
  about?: 'payment' | 'money_back' | 'dispute'
  /** Null, or none of ours yet: it is found by `reference`, or kept until it is known. */
  checkoutId: string | null
  reference: string | null
  /** The event without secrets, kept for support. */
  payload: Record<string, unknown>
}

/** A payment as the gateway's own books have it, whatever we recorded: for reconciliation. */
export interface GatewayPayment {
  reference: string
  /** The checkout it was made for, by what we gave the gateway to keep with it; null: none of ours is named. */
  checkoutId: string | null
  /** `unconfirmed`: it holds no money and takes none by itself. `ended`: voided, or its time is over. */
  status: 'unconfirmed' | 'authorized' | 'captured' | 'ended'
  currency: string
  /** Authorized and neither captured nor voided, in minor units. */
  openMinor: number
  capturedMinor: number
  refundedMinor: number
  /** What buyers contested at their bank. */
  disputes: readonly { id: string; status: string; reason: string; amountMinor: number }[]
  /** ISO 8601. */
  createdAt: string
}

export interface PaymentGateway {
  /** Short lower-case name: part of `/webhooks/:gateway` and of operation rows. */
  readonly name: string
  authorize(request: AuthorizeRequest): Promise<GatewayAnswer>
  capture(request: CaptureRequest): Promise<GatewayAnswer>
  /**
   * Ends an authorization and fences: after success the gateway refuses it for ever, also one still on its way.
   * `declined` with code `already_captured` when there is nothing to void any more.
   */
  void(request: VoidRequest): Promise<GatewayAnswer>
  refund(request: RefundRequest): Promise<GatewayAnswer>
  /**
   * What became of an operation. It looks at the payment, not only at what is remembered of the key: a capture is found
   * wherever the payment was captured, a refund of the whole wherever all of it was given back.
   */
  lookup(request: LookupRequest): Promise<LookupAnswer>
  /** How long the gateway remembers a key: within it, repeating a key is safe. Milliseconds. */
  readonly keyMemoryMs: number
  /**
   * True when the buyer may also confirm in the browser, in the gateway's form: then a card needs no token, and an
   * authorization without one answers with the action `confirm`. Default false.
   */
  readonly confirmsInBrowser?: boolean
  /**
   * True where an authorization is a promise and the money comes by itself, in days: an invoice. Then every checkout rests
   * in `awaiting_capture` with its order until somebody who knows of the money calls `captureCheckout`, and when the
   * authorization ends the gateway is asked to capture one last time: it says whether the money came. A capture that comes
   * too early answers `pending`. Default false.
   */
  readonly paidLater?: boolean
  /** What the buyer's browser needs where the action is `confirm`. Never stored or logged. */
  confirmation?(reference: string, signal: AbortSignal): Promise<BrowserConfirmation>
  /** Checks a webhook's signature on the raw body; null when it is not genuine. */
  verifyWebhook?(headers: Headers, rawBody: string): Promise<WebhookEvent | null>
  /** One payment by its id, null where there is none. A gateway without it cannot be reconciled. */
  inspect?(reference: string, signal: AbortSignal): Promise<GatewayPayment | null>
  /** Payments made at or after `since`, newest first, page by page: `after` is the last reference of the page before. */
  list?(request: { since: Date; after: string | null; signal: AbortSignal }): Promise<readonly GatewayPayment[]>
  close?(): Promise<void>
}
