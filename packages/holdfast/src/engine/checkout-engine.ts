/** The engine's face: what an application calls, and what it gives and gets. `engine.ts` puts it together. */
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

/** What a call may say of the request that it is made for. */
export interface ForRequest {
  /** Names the request in every line of the log that tells of this call's checkout while the call runs. */
  requestId?: string | undefined
}

export interface StartOptions extends ForRequest {
  /** Whose cart it is. The lock belongs to this session; to any other it does not exist. */
  sessionId: string
  userId?: string | null
  /** Time to live; 1 to `CHECKOUT_MAX_TTL_MINUTES`, default `CHECKOUT_TTL_MINUTES`. */
  ttlMinutes?: number
  /** Kept on the lock, told to listeners. */
  metadata?: Record<string, unknown>
}

export interface PaymentInput {
  /** Default `card`; a card needs a token, unless the gateway has it confirmed in the browser (Stripe's Payment Element). */
  method?: PaymentMethod
  token?: string | null
  /** Each of these replaces what the cart says, for this checkout only. */
  email?: string
  shippingAddress?: Address
  /** Default: the shipping address. */
  billingAddress?: Address
  shippingMethod?: string
  notes?: string
  /** What the buyer was shown, in minor units. When it differs, nothing is charged (`cart_changed`). */
  expectedTotalMinor?: number
  /** Where the gateway sends the buyer back after an action. */
  returnUrl?: string
  /**
   * Stop at `awaiting_capture`; `captureCheckout` takes the money. Default as the shop does (`CHECKOUT_CAPTURE`); always
   * where the gateway is paid later.
   */
  captureLater?: boolean
}

export interface RefundOptions extends ForRequest {
  /** Minor units; beside `lines` or `shipping` instead of what these cost, at most that. */
  amountMinor?: number
  /**
   * Units of lines, by number or SKU. They come to what the order says of them, discount and tax included; part of a
   * line to its share, so that all parts together are the whole.
   */
  lines?: readonly RefundLine[]
  /** Also what shipping cost, with its tax; once. Default false. */
  shipping?: boolean
  /**
   * Puts the units that are refunded back in the warehouses they came from. An amount is for no units until it is the
   * last of the order's money, then for all that are left. What was back-ordered came from none. Default false.
   */
  restock?: boolean
  /** Kept for the record, up to 1,000 characters. */
  reason?: string
  /** The caller's name for this refund, up to 255 characters: it is made once, whatever happens in between. */
  key?: string
  /** Who does it: recorded as an action by hand. */
  actor?: string
}

export interface RefundOutcome {
  /** `processing`: the gateway has not answered for certain and is asked again. `failed`: it refused; nothing changed. */
  status: 'refunded' | 'processing' | 'failed'
  order: Order
  refundedMinor: number
  /** The units it is for. */
  lines: RefundedLine[]
  /** One sentence. */
  message: string
}

/** One line of the history of a checkout. */
export interface TimelineEntry {
  version: number
  from: CheckoutState | null
  to: CheckoutState
  epoch: number
  at: string
  durationMs: number | null
  details: Record<string, unknown> | null
}

export interface CheckoutStatus {
  lock: CheckoutLock
  stateName: string
  isExpired: boolean
  canResume: boolean
  /** The frozen amounts once prices are locked, else null. */
  totals: { currency: string; totalMinor: number } | null
  order: Order | null
}

export interface Diagnosis {
  lock: CheckoutLock
  snapshots: Record<string, unknown>[]
  reservations: Record<string, unknown>[]
  operations: Record<string, unknown>[]
  order: Order | null
  deliveries: Record<string, unknown>[]
  timeline: TimelineEntry[]
}

export interface Statistics {
  hours: number
  active: number
  completed: number
  failed: number
  expired: number
  /** completed / (completed + failed), 0 to 1; null when there was none. */
  successRate: number | null
  byState: Record<string, number>
  failureReasons: { code: string; phase: PhaseName | null; count: number }[]
  /** Milliseconds from start to completion. */
  durationMs: { p50: number; p95: number; p99: number } | null
}

export interface HealthCheck {
  status: 'ok' | 'warning' | 'critical'
  count?: number
  message: string
}

export interface HealthReport {
  status: 'healthy' | 'degraded' | 'unhealthy'
  checks: Record<string, HealthCheck>
  /** When it was read, by the database's clock where it answered. */
  timestamp: string
}

/** Whether requests may be sent to this process. */
export interface ReadinessReport {
  status: 'ready' | 'not_ready'
  checks: Record<string, HealthCheck>
  timestamp: string
}

/**
 * How a payment at the gateway differs from ours.
 * `orphan_open`: it may charge, and its checkout is at its end without it. `orphan_captured`: money was taken, and no
 * checkout of ours says so. `lost`: we recorded it, and the gateway does not know it. The others name what is another:
 * what is authorized, captured or refunded, its currency, its disputes.
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

export interface Difference {
  kind: DifferenceKind
  /** Money is at stake that nothing here accounts for: people decide, soon. */
  isCritical: boolean
  checkoutId: string
  /** The gateway's id of the payment. */
  reference: string
  /** What we have, in minor units; null: no checkout has this id. */
  ours: {
    state: CheckoutLock['state']
    currency: string | null
    authorizedMinor: number
    capturedMinor: number
    refundedMinor: number
  } | null
  /** What the gateway has; null: nothing. */
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
  /** How far back payments and operations are compared, 1 to 8,784; default 72. What stood the last time is always looked at. */
  hours?: number
  /** Ends orphans that are older than an hour. Default false: they are named. */
  voidOrphans?: boolean
  /** Records refunds and disputes that were made at the gateway alone. Default false: they are named. */
  record?: boolean
  /** Told after each page. */
  onProgress?(progress: { payments: number; checkouts: number }): void
}

export interface ReconcileReport {
  id: string
  gateway: string
  hours: number
  startedAt: string
  endedAt: string
  /** Payments that the gateway listed. */
  payments: number
  /** Checkouts of ours that were looked at. */
  checkouts: number
  /** What stands: up to 1,000 are named. */
  differences: Difference[]
  differenceCount: number
  criticalCount: number
  /** What this run has put right. */
  settled: Difference[]
}

export interface AuditFinding {
  /** "A1" … "B3". */
  invariant: string
  /** What must hold, in one sentence. */
  title: string
  violations: number
  /** Up to 5 of them, for people. */
  examples: string[]
}

export interface AuditReport {
  findings: AuditFinding[]
  violations: number
  /** Checkouts looked at. */
  checkouts: number
}

export interface CheckoutEngine {
  /**
   * Locks a cart. The same session that starts again gets its lock back.
   * @throws {CheckoutError} `cart_not_found` (also for another session's cart), `cart_locked`, `cart_ordered`,
   * `cart_empty`, `insufficient_stock` (with `holdOn: 'start'`), `overloaded`, `invalid_argument`.
   */
  startCheckout(cartId: string, options: StartOptions): Promise<CheckoutLock>
  /**
   * Takes a lock through the seven phases. Calling it again, at once or later, gives the same answer and charges once.
   * @throws {CheckoutError} `checkout_not_found`, `overloaded`, `invalid_argument`.
   */
  processCheckout(
    lockId: string,
    payment?: PaymentInput,
    options?: { sessionId?: string } & ForRequest,
  ): Promise<Outcome>
  /** Goes on after a buyer's action, a pending answer or a lost response; asks the gateway, never guesses. */
  resumeCheckout(lockId: string, options?: { sessionId?: string } & ForRequest): Promise<Outcome>
  /** Cancels: undoes what was done. A checkout past the decision to capture is not cancelled but told as it is. */
  cancelCheckout(lockId: string, options?: { sessionId?: string; reason?: string } & ForRequest): Promise<Outcome>
  /** The shop's hand: like cancel, for any session, recorded with its actor. */
  releaseCheckout(lockId: string, options: { actor: string; reason?: string } & ForRequest): Promise<Outcome>
  /** Takes the money of a checkout in `awaiting_capture`. */
  captureCheckout(lockId: string, options?: { actor?: string } & ForRequest): Promise<Outcome>
  /**
   * Gives money back: an amount, lines of the order, or by default all that is left of it. The same `key` again gives
   * the same refund; without one each call is a new refund.
   * @throws {CheckoutError} `order_not_found`; `not_refundable`, with what can be refunded (never over what was captured,
   * never more units than were sold), also for a key that was used for another refund; `invalid_argument`.
   */
  refundOrder(orderId: string, options?: RefundOptions): Promise<RefundOutcome>
  /**
   * What the buyer's browser needs where the action is `confirm`. Null where nothing is to be confirmed so. It is that
   * buyer's alone: show it to nobody else, keep it nowhere.
   * @throws {CheckoutError} `checkout_not_found`; what the gateway's call throws.
   */
  getConfirmation(lockId: string, options?: { sessionId?: string }): Promise<BrowserConfirmation | null>
  /** Null when there is none (or it is another session's, where `sessionId` is given). */
  getCheckoutStatus(lockId: string, options?: { sessionId?: string }): Promise<CheckoutStatus | null>
  /** The lock that holds a cart now, null when it is free. Expired ones that hold nothing up do not count. */
  getActiveLock(cartId: string): Promise<CheckoutLock | null>
  isCartLocked(cartId: string): Promise<boolean>
  /**
   * What `processCheckout` would freeze now: prices, discounts, tax, shipping; or why it would not. Null when there is
   * no such cart.
   */
  quoteCart(
    cartId: string,
    overrides?: Pick<PaymentInput, 'shippingAddress' | 'shippingMethod'>,
  ): Promise<{ cart: Cart; quote: Quote | null; failure: Failure | null } | null>
  /** One order; null when there is none (or it is another session's, where `sessionId` is given). */
  getOrder(orderId: string, options?: { sessionId?: string }): Promise<Order | null>
  /** The newest order of a session, null when it has none: what a retry after a lost response asks for. */
  lastOrderOf(sessionId: string): Promise<Order | null>
  /**
   * Ends the locks that have expired, and retries the roll-backs of expired locks that are due. Returns how many locks
   * it ended. A lock whose payment the gateway has not voided yet is not counted; it is retried.
   */
  cleanupExpiredLocks(): Promise<number>
  /** Deletes webhooks that have been done for longer than `webhookRetentionDays`. Gives how many. */
  pruneWebhooks(): Promise<number>
  /**
   * Runs one recovery pass: takes over every checkout that is due, because its process died, an answer of the gateway
   * is due, or it has expired, and processes new webhooks. Returns how many checkouts it took over.
   */
  recover(): Promise<number>
  statistics(options?: { hours?: number }): Promise<Statistics>
  diagnose(lockId: string): Promise<Diagnosis | null>
  audit(options?: { drained?: boolean }): Promise<AuditReport>
  /**
   * Whether checkouts work. Never throws, and is cheap to ask for: what was read at most `maxAgeMs` before (default 1,000;
   * 0: read now) is given again. A database that does not answer shows within five seconds.
   */
  health(options?: { maxAgeMs?: number }): Promise<HealthReport>
  /** Whether this process can serve: the database answers, its schema is up to date, `close` was not called. As `health`. */
  readiness(options?: { maxAgeMs?: number }): Promise<ReadinessReport>
  /**
   * Compares our payments with the gateway's own books, in both directions, and keeps the result.
   * @throws {CheckoutError} `invalid_argument` where the gateway has no books to look into; `overloaded` while another
   * process compares; whatever the gateway throws.
   */
  reconcile(options?: ReconcileOptions): Promise<ReconcileReport>
  /** Stores a webhook that the gateway signed, and looks at its checkout. False when it is not genuine. */
  receiveWebhook(gateway: string, headers: Headers, rawBody: string, options?: ForRequest): Promise<boolean>
  /** Live events of this and every other process on the database, best effort; gives the way to stop. */
  subscribe(receive: (change: CheckoutChange) => void): () => void
  /** The durable listeners: more can be added at any time. */
  readonly listeners: Listeners
  /** Brings events to durable listeners; parks, lists and redelivers. */
  readonly deliverer: Deliverer
  /** What the gateways' webhooks told: lists it, has it looked at again, is done with it. */
  readonly webhooks: WebhookInbox
  /** Finishes what is in flight, stops the workers, lets go of the database. Idempotent. */
  close(): Promise<void>
}

/** A checkout came to rest in another state. */
export interface CheckoutChange {
  checkoutId: string
  state: CheckoutLock['state']
}
