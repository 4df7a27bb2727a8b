/** The interface of the engine: what an application calls, passes, and gets. `create-checkout.ts` composes it. */
import type { Address, Cart } from '../domain/cart.ts'
import type { Failure } from '../domain/failure.ts'
import type { CheckoutLock } from '../domain/lock.ts'
import type { Order } from '../domain/order.ts'
import type { Outcome } from '../domain/outcome.ts'
import type { Quote } from '../domain/quote.ts'
import type { RefundedLine, RefundLine } from '../domain/refund.ts'
import type { CheckoutState, PhaseName } from '../domain/states.ts'
import type { Deliverer } from '../events/deliverer.ts'
import type { Listeners } from '../events/listeners.ts'
import type { BrowserConfirmation, GatewayPayment, PaymentMethod } from '../payments/gateway.ts'
import type { WebhookInbox } from '../payments/webhooks/webhook-inbox.ts'

/** The request that a call is made for. */
export interface ForRequest {
  /** Written in every log line about this call's checkout while the call runs. Default: none. */
  requestId?: string | undefined
}

export interface StartOptions extends ForRequest {
  /** The session of the cart, 1 to 200 characters. The lock belongs to it; other sessions cannot see the lock. */
  sessionId: string
  /** The user who is signed in. Null: a guest. Default null. */
  userId?: string | null
  /** Time to live of the lock, minutes: above 0, up to `config.maxTtlMinutes` (60). Default `config.ttlMinutes` (15). */
  ttlMinutes?: number
  /** Stored on the lock and passed to listeners as JSON. Default: empty. */
  metadata?: Record<string, unknown>
}

export interface PaymentInput {
  /** Default `card`. */
  method?: PaymentMethod
  /**
   * Payment token of the gateway, up to 500 characters. Required for cards, unless the buyer confirms the payment in the
   * browser (Stripe's Payment Element).
   */
  token?: string | null
  /** This and the next four replace what the cart says, for this checkout only. Default: the cart's. */
  email?: string
  shippingAddress?: Address
  /** Default: the shipping address. */
  billingAddress?: Address
  shippingMethod?: string
  notes?: string
  /** The total that the buyer saw, minor units. If the price differs, the checkout fails with `cart_changed`. */
  expectedTotalMinor?: number
  /** Where the gateway sends the buyer after an action: an http(s) URL, or a path of the shop. */
  returnUrl?: string
  /**
   * True: only authorize; `captureCheckout` captures later. Default: as `config.capture` says. Always true with a gateway
   * that is paid later, such as invoices.
   */
  captureLater?: boolean
}

export interface RefundOptions extends ForRequest {
  /** Minor units. With `lines` or `shipping`: replaces their price, and may not exceed it. */
  amountMinor?: number
  /**
   * Units to refund, by line number or SKU. Each unit is refunded at its share of the line's total, including discount
   * and tax. The refunds of all units add up to the line's total.
   */
  lines?: readonly RefundLine[]
  /** Also refund shipping with its tax. Possible once per order. Default false. */
  shipping?: boolean
  /**
   * Return the refunded units to the locations they were taken from; back-ordered units were taken from none. A refund by
   * amount covers no units, until it refunds the rest of the order: then it covers all units left. Default false.
   */
  restock?: boolean
  /** Stored with the refund, up to 1,000 characters. */
  reason?: string
  /** Idempotency key of this refund, up to 255 characters: calls with the same key make one refund. Default: none. */
  key?: string
  /** Who refunds, up to 255 characters. Recorded as an operator action. */
  actor?: string
}

export interface RefundOutcome {
  /**
   * `processing`: the gateway has given no final answer; it is asked again in the background. `failed`: it declined, and
   * nothing changed.
   */
  status: 'refunded' | 'processing' | 'failed'
  order: Order
  /** Minor units of this refund; 0 if it failed. */
  refundedMinor: number
  /** The units that this refund covers. */
  lines: RefundedLine[]
  /** One sentence for an operator. */
  message: string
}

/** One state change in the history of a checkout. */
export interface TimelineEntry {
  /** From 1, without gaps. */
  version: number
  /** Null for the start. */
  from: CheckoutState | null
  to: CheckoutState
  /** The epoch of the lease under which the change was made. */
  epoch: number
  /** ISO 8601, database time. */
  at: string
  /** How long the phase took, if this change ended one. */
  durationMs: number | null
  details: Record<string, unknown> | null
}

/** The current status of a checkout. */
export interface CheckoutStatus {
  lock: CheckoutLock
  /** The state as text for people: "Authorizing payment". */
  stateName: string
  /** True if the time to live has passed and the checkout has not ended. */
  isExpired: boolean
  /** True if `resumeCheckout` or a payment can continue it. */
  canResume: boolean
  /** The frozen total; null before prices are locked. */
  totals: { currency: string; totalMinor: number } | null
  /** Null before the order is created. */
  order: Order | null
}

/** Everything that the database knows about one checkout, for operators. */
export interface Diagnosis {
  lock: CheckoutLock
  snapshots: Record<string, unknown>[]
  reservations: Record<string, unknown>[]
  operations: Record<string, unknown>[]
  order: Order | null
  deliveries: Record<string, unknown>[]
  timeline: TimelineEntry[]
}

/** Figures of the checkouts that started within the last `hours`. */
export interface Statistics {
  hours: number
  active: number
  completed: number
  failed: number
  expired: number
  /** completed / (completed + failed), 0 to 1; null without an ended checkout. */
  successRate: number | null
  byState: Record<string, number>
  failureReasons: { code: string; phase: PhaseName | null; count: number }[]
  /** Milliseconds from start to completion. */
  durationMs: { p50: number; p95: number; p99: number } | null
}

/** The result of one check. */
export interface HealthCheck {
  status: 'ok' | 'warning' | 'critical'
  /** How many objects the check found, if it counts. */
  count?: number
  /** One sentence for an operator. */
  message: string
}

/** The health of the checkout: `degraded` with a warning, `unhealthy` with a critical check. */
export interface HealthReport {
  status: 'healthy' | 'degraded' | 'unhealthy'
  /** Results by the name of the check, such as `expired_locks`. */
  checks: Record<string, HealthCheck>
  /** When the checks ran, ISO 8601; the database's clock if it answered. */
  timestamp: string
}

/** Whether this process can serve requests. */
export interface ReadinessReport {
  /** `ready` if every check is `ok`. */
  status: 'ready' | 'not_ready'
  checks: Record<string, HealthCheck>
  timestamp: string
}

/**
 * How a payment at the gateway differs from our records.
 * - `orphan_open`: an authorization that can still charge, although its checkout has ended without it.
 * - `orphan_captured`: captured money that no checkout accounts for.
 * - `lost`: a payment that we recorded and the gateway does not know.
 * - `currency`, `authorized`, `captured`, `refunded`, `disputed`: this property differs.
 */
export type DifferenceKind =
  | 'orphan_open'
  | 'orphan_captured'
  | 'lost'
  | 'currency'
  | 'authorized'
  | 'captured'
  | 'refunded'
  | 'disputed'

/** One difference between our records and the gateway's. */
export interface Difference {
  kind: DifferenceKind
  /** True if money is unaccounted for. An operator must decide. */
  isCritical: boolean
  checkoutId: string
  /** The gateway's ID of the payment. */
  reference: string
  /** Our records, amounts in minor units. Null: no checkout has this ID. */
  ours: {
    state: CheckoutLock['state']
    currency: string | null
    authorizedMinor: number
    capturedMinor: number
    refundedMinor: number
  } | null
  /** The gateway's records, amounts in minor units. Null: none. */
  theirs: {
    status: GatewayPayment['status']
    currency: string
    openMinor: number
    capturedMinor: number
    refundedMinor: number
    createdAt: string
  } | null
}

export interface ReconcileOptions {
  /** How far back payments are compared, 1 to 8,784; default 72. Differences of the last run are always compared again. */
  hours?: number
  /** Void orphans that are older than an hour. Default false: they are only reported. */
  voidOrphans?: boolean
  /** Record refunds and disputes that were made at the gateway. Default false: they are only reported. */
  record?: boolean
  /** Called after each page of payments with the counts so far. */
  onProgress?(progress: { payments: number; checkouts: number }): void
}

/** The result of one reconciliation. */
export interface ReconcileReport {
  id: string
  gateway: string
  hours: number
  startedAt: string
  endedAt: string
  /** How many payments the gateway listed. */
  payments: number
  /** How many of our checkouts were compared. */
  checkouts: number
  /** Open differences, at most 1,000; `differenceCount` counts all. */
  differences: Difference[]
  differenceCount: number
  criticalCount: number
  /** Differences that this run settled. */
  settled: Difference[]
}

/** The result of checking one guarantee. */
export interface AuditFinding {
  /** "A1" to "B4", as in docs/guarantees.md. */
  invariant: string
  /** The guarantee in one sentence. */
  title: string
  violations: number
  /** Up to 5 violations, as text for people. */
  examples: string[]
}

/** The result of checking all guarantees against the database. */
export interface AuditReport {
  findings: AuditFinding[]
  violations: number
  /** How many checkouts were checked. */
  checkouts: number
}

/** A checkout engine. Every call that takes a `sessionId` treats the checkouts of other sessions as absent. */
export interface CheckoutEngine {
  /**
   * Locks a cart for a checkout. A session that starts again gets its existing lock.
   * @throws {CheckoutError} `cart_not_found` (also for another session's cart), `cart_locked`, `cart_ordered`,
   * `cart_empty`, `insufficient_stock` (with `holdOn: 'start'`), `overloaded`, `invalid_argument`.
   */
  startCheckout(cartId: string, options: StartOptions): Promise<CheckoutLock>
  /**
   * Runs the seven phases of a checkout. A repeated call, concurrent or later, returns the same outcome and never charges
   * twice.
   * @throws {CheckoutError} `checkout_not_found`, `overloaded`, `invalid_argument`.
   */
  processCheckout(
    lockId: string,
    payment?: PaymentInput,
    options?: { sessionId?: string } & ForRequest,
  ): Promise<Outcome>
  /**
   * Continues after a buyer's action, a pending answer, or a lost response, by asking the gateway.
   * @throws {CheckoutError} `checkout_not_found`, `checkout_not_active` before a payment was sent, `overloaded`.
   */
  resumeCheckout(lockId: string, options?: { sessionId?: string } & ForRequest): Promise<Outcome>
  /**
   * Cancels a checkout and undoes its phases. A checkout that is being captured or has ended is not changed; its outcome
   * is returned.
   * @throws {CheckoutError} `checkout_not_found`, `overloaded`.
   */
  cancelCheckout(lockId: string, options?: { sessionId?: string; reason?: string } & ForRequest): Promise<Outcome>
  /** Cancels a checkout of any session as `cancelCheckout` does, and records the operator. */
  releaseCheckout(lockId: string, options: { actor: string; reason?: string } & ForRequest): Promise<Outcome>
  /**
   * Captures the payment of a checkout in `awaiting_capture`. With `actor` it is recorded as an operator action.
   * @throws {CheckoutError} `checkout_not_found`, `not_capturable`, `overloaded`.
   */
  captureCheckout(lockId: string, options?: { actor?: string } & ForRequest): Promise<Outcome>
  /**
   * Refunds an order: an amount, lines, or by default all that is left. A second call with the same `key` returns the
   * first refund; without a key each call is a new refund. Never refunds more than was captured.
   * @throws {CheckoutError} `order_not_found`; `not_refundable`, whose context says what can be refunded, also for a key
   * that was used for another refund; `invalid_argument`.
   */
  refundOrder(orderId: string, options?: RefundOptions): Promise<RefundOutcome>
  /**
   * What the buyer's browser needs to confirm a payment (action `confirm`). Null if nothing waits for a confirmation.
   * It is secret: send it only to this buyer and do not store it.
   * @throws {CheckoutError} `checkout_not_found`; errors of the gateway unchanged.
   */
  getConfirmation(lockId: string, options?: { sessionId?: string }): Promise<BrowserConfirmation | null>
  /** The status of a checkout. Null if there is none, or it belongs to another session than `sessionId`. */
  getCheckoutStatus(lockId: string, options?: { sessionId?: string }): Promise<CheckoutStatus | null>
  /** The lock that holds a cart. Null if the cart is free; an expired lock counts only while its payment is open. */
  getActiveLock(cartId: string): Promise<CheckoutLock | null>
  /** True if `getActiveLock` finds a lock. */
  isCartLocked(cartId: string): Promise<boolean>
  /**
   * The quote that `processCheckout` would freeze now: prices, discounts, tax, and shipping; or the failure. Null if there
   * is no such cart.
   */
  quoteCart(
    cartId: string,
    overrides?: Pick<PaymentInput, 'shippingAddress' | 'shippingMethod'>,
  ): Promise<{ cart: Cart; quote: Quote | null; failure: Failure | null } | null>
  /** An order. Null if there is none, or it belongs to another session than `sessionId`. */
  getOrder(orderId: string, options?: { sessionId?: string }): Promise<Order | null>
  /** The newest order of a session, null without one. Serves retries after a lost response. */
  lastOrderOf(sessionId: string): Promise<Order | null>
  /**
   * Ends the locks that have expired, and retries the rollbacks of expired locks that are due. Returns how many locks
   * it ended. A lock whose payment the gateway has not voided yet is not counted; it is retried.
   */
  cleanupExpiredLocks(): Promise<number>
  /** Deletes processed webhooks older than `config.webhookRetentionDays`. Returns how many. */
  pruneWebhooks(): Promise<number>
  /**
   * Runs one recovery pass: takes over every checkout that is due, because its process died, an answer of the gateway
   * is due, or it has expired, and processes new webhooks. Returns how many checkouts it took over.
   */
  recover(): Promise<number>
  /** Figures of the checkouts started in the last `hours`, 1 to 8,784, default 24. */
  statistics(options?: { hours?: number }): Promise<Statistics>
  /** Everything known about a checkout. Null if there is none. */
  diagnose(lockId: string): Promise<Diagnosis | null>
  /** Checks the guarantees against the database. `drained`: also B1 and B4, which hold once nothing is under way. */
  audit(options?: { drained?: boolean }): Promise<AuditReport>
  /**
   * Checks whether checkouts work. Never throws. A result up to `maxAgeMs` old (default 1,000; 0: none) is returned again,
   * so calls are cheap. An unreachable database is reported within five seconds.
   */
  health(options?: { maxAgeMs?: number }): Promise<HealthReport>
  /** Checks whether this process can serve: the database answers, its schema is current, and `close` was not called. */
  readiness(options?: { maxAgeMs?: number }): Promise<ReadinessReport>
  /**
   * Compares our payments with the gateway's records, in both directions, and stores the result.
   * @throws {CheckoutError} `invalid_argument` if the gateway cannot list payments; `overloaded` while another process
   * reconciles; errors of the gateway unchanged.
   */
  reconcile(options?: ReconcileOptions): Promise<ReconcileReport>
  /**
   * Stores a webhook of the gateway and processes it in the background. `rawBody`: the body exactly as received. Returns
   * false, and stores nothing, if the gateway is unknown or the signature is invalid.
   */
  receiveWebhook(gateway: string, headers: Headers, rawBody: string, options?: ForRequest): Promise<boolean>
  /**
   * Calls `receive` when a checkout changes its resting state, in this or another process. Best effort: a change may be
   * missed. Returns a function that unsubscribes.
   */
  subscribe(receive: (change: CheckoutChange) => void): () => void
  /** The durable listeners. More can be added at any time. */
  readonly listeners: Listeners
  /** Delivers events to durable listeners; lists, parks, and redelivers them. */
  readonly deliverer: Deliverer
  /** The webhooks received from the gateway: lists, retries, and dismisses them. */
  readonly webhooks: WebhookInbox
  /** Finishes calls under way, stops the workers, and closes what the engine opened. Later calls are refused. Idempotent. */
  close(): Promise<void>
}

/** A checkout has changed its resting state. */
export interface CheckoutChange {
  checkoutId: string
  state: CheckoutLock['state']
}
