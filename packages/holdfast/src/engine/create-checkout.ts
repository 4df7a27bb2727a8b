/**
 * Composition: `createCheckout({ database, gateway, listeners, config })` puts store, gateway, saga, events and
 * workers together and gives the engine that an application calls.
 */
import { randomBytes, randomUUID } from 'node:crypto'
import { hostname } from 'node:os'
import { LaneFull } from '../concurrency/lane.ts'
import type { CheckoutConfig } from '../config/checkout-config.ts'
import { defaultConfig } from '../config/config.ts'
import { refuseShopSettings } from '../config/scope.ts'
import { publishMoves } from '../database/checkout-moves.ts'
import type { CheckoutRow } from '../database/checkout-row.ts'
import { endAllLeases, lockOf, readHoldersOf, readRows } from '../database/checkouts.ts'
import type { Database } from '../database/database.ts'
import { migrate } from '../database/migrate.ts'
import { openDatabase } from '../database/open.ts'
import type { CheckoutAlert } from '../domain/alert.ts'
import { CheckoutError } from '../domain/failure.ts'
import { describeLock } from '../domain/lock.ts'
import { createDeliverer } from '../events/deliverer.ts'
import { createListeners, type ListenerMap } from '../events/listeners.ts'
import { createLive } from '../events/live.ts'
import { createOutbox } from '../events/outbox.ts'
import { audit } from '../observe/audit/audit.ts'
import { diagnose } from '../observe/diagnosis/diagnose.ts'
import { statistics } from '../observe/diagnosis/statistics.ts'
import { createGatewayWindow } from '../observe/health/gateway-window.ts'
import { createHealth } from '../observe/health/health.ts'
import { createReadiness } from '../observe/health/readiness.ts'
import { createCorrelation, type RequestOn } from '../observe/log/correlation.ts'
import { type CheckoutLog, silentLog } from '../observe/log/log.ts'
import { guardLog } from '../observe/log/log-guard.ts'
import { createMoveLog } from '../observe/log/log-moves.ts'
import { redactText } from '../observe/log/redact.ts'
import type { EngineMetrics } from '../observe/metrics/port.ts'
import { withAlarm } from '../observe/raise-alert.ts'
import { openTracing } from '../observe/tracing.ts'
import type { PaymentGateway } from '../payments/gateway.ts'
import { type Gateways, onlyGateway } from '../payments/gateways.ts'
import { ownSandbox } from '../payments/sandbox/own-sandbox.ts'
import { createTokenSeal } from '../payments/token-seal.ts'
import { storeWebhook } from '../payments/webhooks/receive-webhook.ts'
import { createWebhookInbox } from '../payments/webhooks/webhook-inbox.ts'
import type { QuoteCart } from '../phases/3-lock-prices.ts'
import { createReconciler } from '../reconcile/reconciler.ts'
import { recordAdminAction } from '../saga/admin-actions.ts'
import { checkCartId, checkPayment, checkRefund, checkStart, checkUuid } from '../saga/check-input.ts'
import { createConductor } from '../saga/conductor.ts'
import type { Clock, SagaContext, SagaNumbers } from '../saga/context.ts'
import { cancelled, released } from '../saga/failures.ts'
import { createLanes } from '../saga/lanes.ts'
import { preview } from '../saga/preview.ts'
import { createRecoverer } from '../saga/workers/recoverer.ts'
import { createWebhookPruner } from '../saga/workers/webhook-pruner.ts'
import { readLastOrderOf, readOrders, readOrdersOf } from '../shop/orders/orders.ts'
import type { CheckoutEngine } from './checkout-engine.ts'

export interface CheckoutOptions {
  /** A database, or the address of a PostgreSQL server; default the embedded database in `.holdfast/`. */
  database?: Database | string
  /**
   * Payment gateways by payment method. For now every method must name the same gateway; it receives all payments.
   * Default: the sandbox, with its ledger in the same database server, on connections of its own.
   */
  gateways?: Gateways
  /** Durable listeners: `{ CheckoutCompleted: [sendOrderConfirmation] }`. */
  listeners?: ListenerMap
  config?: Partial<CheckoutConfig>
  log?: CheckoutLog
  /** Made by `createMetrics` for this engine. */
  metrics?: EngineMetrics
  /**
   * Told what people must look at (a delivery that was given up, a rollback that stays stuck) as often as it is seen.
   * What it throws is logged.
   */
  onAlert?(alert: CheckoutAlert): unknown
  /** Recover, expire and deliver in this process. Default true. */
  workers?: boolean
  /** Bring the schema up to date first. Default true. */
  migrate?: boolean
  /** The pricing port: what a cart costs. Default the built-in: catalog prices, coupons, taxes, flat-rate shipping. */
  quote?: QuoteCart
  clock?: Clock
  /** From 0 up to 1: spreads retries. Default `Math.random`. */
  random?(): number
  /** Numbers of the machinery; the defaults are right for nearly everybody. */
  numbers?: Partial<SagaNumbers & { answerWithinMs: number; recoverEveryMs: number }>
}

const systemClock: Clock = {
  after(ms, run) {
    const timer = setTimeout(run, ms)
    return () => clearTimeout(timer)
  },
}

/**
 * Makes an engine. It honours the settings of `config` that concern checkouts; `createShop` honours all.
 * @throws {ConfigError} for a setting that only `createShop` honours, such as a mail server;
 * {CheckoutError} `invalid_argument` for two different gateways; {DatabaseError} if the database cannot be reached or
 * the embedded directory is taken.
 */
export async function createCheckout(options: CheckoutOptions = {}): Promise<CheckoutEngine> {
  const { gateways, log, config = {} } = options
  const gateway = onlyGateway(gateways)
  refuseShopSettings(config, { gateways: gateway !== undefined, log: log !== undefined })
  return composeEngine(options, gateway)
}

/**
 * Makes an engine. It owns what it opened itself (database by address, sandbox), and closes that with `close`.
 * @throws {DatabaseError} when the database cannot be reached or the embedded directory is taken.
 */
export async function composeEngine(
  options: CheckoutOptions,
  payments: PaymentGateway | undefined,
): Promise<CheckoutEngine> {
  const config: CheckoutConfig = { ...defaultConfig, ...options.config }
  const correlation = createCorrelation()
  const written = guardLog((config.loggingEnabled ? options.log : null) ?? silentLog, correlation.requestOf)
  const log = options.onAlert === undefined ? written : withAlarm(written, options.onAlert)
  const url = typeof options.database === 'string' ? options.database : (config.databaseUrl ?? undefined)
  const given = typeof options.database === 'object' ? options.database : null
  const db = given ?? (await openDatabase(url === undefined ? {} : { url }))
  if (options.migrate !== false) await migrate(db)
  // One process has the embedded database: what stands there as being worked on was left by one that died.
  if (given === null && db.kind === 'embedded') await endAllLeases(db)
  const own = await ownSandbox(payments, db, url, async (headers, body) => {
    if (!(await engine.receiveWebhook('sandbox', headers, body))) throw new Error('a webhook was not accepted')
  })
  const gateway = payments ?? own.gateway
  const { random = Math.random } = options
  const listeners = createListeners(options.listeners)
  const tracing = await openTracing()
  const watch = options.metrics?.watch({
    database: db,
    gateway: gateway.name,
    currency: config.currency,
    captureTimeoutSeconds: config.paymentCaptureTimeoutSeconds,
    listenerNames: () => listeners.all().map(({ name }) => name),
    laneSizes: () => Object.fromEntries(Object.entries(lanes).map(([name, { size }]) => [name, size])),
  })
  const live = createLive(db)
  const deliverer = createDeliverer({
    database: db,
    listeners,
    readOrders: ids => readOrders(db, ids),
    onParked({ checkoutId: lockId, ...delivery }) {
      const parked = { alert: 'delivery_parked', lockId, ...delivery }
      log.error('[Checkout] delivery parked: redeliver it once its listener works', parked)
    },
    onResult: (listener, outcome) => watch?.observeDelivery(listener, outcome),
    onFailed: ({ checkoutId: lockId, ...delivery }) =>
      log.warn('[Checkout] delivery failed and will be repeated', { lockId, ...delivery }),
    onError: error => log.error('[Checkout] deliveries are held up', { err: error }),
    redact: redactText,
    random,
  })
  const numbers = {
    baseCurrency: config.currency,
    holdOn: config.holdOn,
    preventConcurrent: config.preventConcurrent,
    leaseMs: config.leaseSeconds * 1000,
    // One visit asks up to four times; all of it must fit into the lease.
    gatewayTimeoutMs: Math.min(10_000, config.leaseSeconds * 250),
    authorizationTimeoutMs: config.paymentAuthTimeoutSeconds * 1000,
    captureTimeoutMs: config.paymentCaptureTimeoutSeconds * 1000,
    captureMarginMs: 3_600_000,
    priceDriftToleranceMinor: config.priceDriftToleranceMinor,
    batchMax: 96,
    queueMax: 10_000,
    answerWithinMs: 20_000,
    recoverEveryMs: 1_000,
    ...options.numbers,
  }
  const gatewayWindow = createGatewayWindow()
  const logMoves = createMoveLog({
    log,
    allPhases: config.logAllPhases,
    failures: config.logFailures,
    rollbacks: config.logRollbacks,
  })
  const hearers = [logMoves, watch?.observeMoves, tracing?.observeMoves].filter(hear => hear !== undefined)
  const context: SagaContext = {
    db: publishMoves(db, hearers, error => log.error('[Checkout] a move could not be told', { err: error })),
    gateway,
    outbox: createOutbox(listeners),
    log,
    clock: options.clock ?? systemClock,
    random,
    seal: createTokenSeal(config.secret ?? randomBytes(32).toString('hex')),
    numbers,
    workerId: `${hostname()}:${process.pid}:${randomUUID().slice(0, 8)}`,
    ...(options.quote === undefined ? {} : { quote: options.quote }),
    announce(rows) {
      live.announce(rows.map(row => ({ checkoutId: row.id, state: row.state })))
      deliverer.nudge()
    },
    ...(tracing === null ? {} : { trace: tracing }),
    observeGateway(question, outcome, durationMs) {
      gatewayWindow.note(outcome)
      watch?.observeGateway(question, outcome, durationMs)
    },
    observeLane: (lane, size, durationMs) => watch?.observeLane(lane, size, durationMs),
  }
  const lanes = createLanes(context)
  const recoverer = createRecoverer(context, lanes)
  const reconciler = createReconciler(context, lanes)
  const webhookPruner = createWebhookPruner(context, config.webhookRetentionDays)
  const reconcileEveryMs = config.reconcileIntervalMinutes * 60_000
  const hasBooks = gateway.list !== undefined && gateway.inspect !== undefined
  const conductor = createConductor({
    context,
    lanes,
    waitFor: (id, wait) => live.waitFor(id, wait),
    answerWithinMs: numbers.answerWithinMs,
  })
  const background = new Set<Promise<unknown>>()
  /** Calls that were let in and have not been answered yet: closing waits for them. */
  const calls = new Set<Promise<unknown>>()
  let closing: Promise<void> | null = null

  if (options.workers !== false) {
    recoverer.start(numbers.recoverEveryMs)
    if (reconcileEveryMs > 0) reconciler.start(reconcileEveryMs)
    webhookPruner.start(config.cleanupIntervalMinutes * 60_000)
    deliverer.start()
    own.gateway?.start()
  }

  /** Refuses after `close`, and says "come back" where a lane is full. */
  async function guarded<Result>(run: () => Promise<Result>): Promise<Result> {
    if (closing !== null) throw new CheckoutError('closed', 'This checkout engine was closed.')
    const running = run()
    calls.add(running)
    try {
      return await running
    } catch (error) {
      if (!(error instanceof LaneFull)) throw error
      throw new CheckoutError('overloaded', 'Too many checkouts at once. Try again in a moment.', {
        retryable: true,
        cause: error,
      })
    } finally {
      calls.delete(running)
    }
  }

  const about = <Result>(request: RequestOn, run: () => Promise<Result>) =>
    guarded(() => correlation.during(request, run))

  async function activeLock(cartId: string): Promise<CheckoutRow | null> {
    const [row] = await readHoldersOf(db, [checkCartId(cartId)])
    if (row === undefined || row.state === 'completed') return null
    const idle = row.state === 'pending' || row.state === 'awaiting_action' || row.state === 'rolling_back'
    return row.expired && idle ? null : row
  }

  const isEnding = () => closing !== null
  const engine: CheckoutEngine = {
    listeners,
    deliverer,

    startCheckout: (cartId, startOptions) =>
      about([cartId, startOptions?.requestId], async () => {
        const started = await lanes.start.submit(checkStart(cartId, startOptions, config))
        if (!started.ok) throw started.error
        context.announce([started.row])
        return lockOf(started.row)
      }),

    processCheckout: (lockId, payment = {}, { sessionId, requestId } = {}) =>
      about([lockId, requestId], () => {
        const item = checkPayment(lockId, payment, sessionId ?? null, gateway, config.capture === 'later')
        return conductor.process(item)
      }),

    resumeCheckout: (lockId, { sessionId, requestId } = {}) =>
      about([lockId, requestId], async () => {
        const row = await conductor.rowOf(checkUuid(lockId, 'lock id'), sessionId)
        if (row.state === 'pending' && !row.expired) {
          throw new CheckoutError('checkout_not_active', 'There is nothing to resume yet: send the payment.')
        }
        return conductor.resume(row.id)
      }),

    cancelCheckout: (lockId, { sessionId, reason, requestId } = {}) =>
      about([lockId, requestId], async () => {
        const { id } = await conductor.rowOf(checkUuid(lockId, 'lock id'), sessionId)
        return conductor.undo(id, row => cancelled(row.state, reason))
      }),

    releaseCheckout: (lockId, { actor, reason, requestId }) =>
      about([lockId, requestId], async () => {
        const { id } = await conductor.rowOf(checkUuid(lockId, 'lock id'), undefined)
        await recordAdminAction(db, { action: 'release', checkoutId: id, actor, details: { reason } })
        return conductor.undo(id, row => released(row.state, reason))
      }),

    captureCheckout: (lockId, { actor, requestId } = {}) =>
      about([lockId, requestId], async () => {
        const { id } = await conductor.rowOf(checkUuid(lockId, 'lock id'), undefined)
        if (actor !== undefined) await recordAdminAction(db, { action: 'capture', checkoutId: id, actor, details: {} })
        return conductor.capture(id)
      }),

    refundOrder: (orderId, refundOptions = {}) =>
      guarded(async () => {
        const id = checkUuid(orderId, 'order id')
        const order = (await readOrders(db, [id])).get(id)
        if (order === undefined) throw new CheckoutError('order_not_found', 'There is no such order.')
        const { checkoutId } = order
        const item = checkRefund(checkoutId, refundOptions)
        return correlation.during([checkoutId, refundOptions.requestId], () => conductor.refund(item))
      }),

    getCheckoutStatus: async (lockId, { sessionId } = {}) => {
      const [row] = await readRows(db, [checkUuid(lockId, 'lock id')])
      if (row === undefined || (sessionId !== undefined && row.session_id !== sessionId)) return null
      const lock = lockOf(row)
      const status = describeLock(lock, new Date(row.now))
      const { currency, total_minor: totalMinor } = row
      return {
        lock,
        stateName: status.stateName,
        isExpired: status.isExpired,
        canResume: status.isResumable,
        totals: currency === null || totalMinor === null ? null : { currency, totalMinor },
        order: (await readOrdersOf(db, [row.id])).get(row.id) ?? null,
      }
    },

    getConfirmation: (lockId, { sessionId } = {}) =>
      guarded(async () => {
        const row = await conductor.rowOf(checkUuid(lockId, 'lock id'), sessionId)
        // While the gateway is asked about it, at a webhook say, the buyer may confirm as before.
        const isOpen = row.state === 'awaiting_action' || row.state === 'authorizing'
        if (!isOpen || row.action?.type !== 'confirm') return null
        const signal = AbortSignal.timeout(numbers.gatewayTimeoutMs)
        return (await gateway.confirmation?.(row.action.payment, signal)) ?? null
      }),

    getActiveLock: async cartId => {
      const row = await activeLock(cartId)
      return row === null ? null : lockOf(row)
    },
    isCartLocked: async cartId => (await activeLock(cartId)) !== null,
    quoteCart: (cartId, overrides = {}) => preview(context, checkCartId(cartId), overrides),
    getOrder: async (orderId, { sessionId } = {}) => {
      const order = (await readOrders(db, [checkUuid(orderId, 'order id')])).get(orderId) ?? null
      return order !== null && sessionId !== undefined && order.sessionId !== sessionId ? null : order
    },
    lastOrderOf: sessionId => readLastOrderOf(db, sessionId),
    cleanupExpiredLocks: () => guarded(() => recoverer.expireOnce()),
    pruneWebhooks: () => guarded(() => webhookPruner.runOnce()),
    recover: () => guarded(() => recoverer.runOnce()),
    statistics: (range = {}) => statistics(db, range),
    diagnose: lockId => diagnose(db, lockId),
    audit: (auditOptions = {}) =>
      audit(db, { ...auditOptions, ...(gateway.name === 'sandbox' ? { ledger: 'sandbox' as const } : {}) }),
    health: createHealth({
      database: db,
      captureTimeoutSeconds: config.paymentCaptureTimeoutSeconds,
      reconciles: hasBooks ? { gateway: gateway.name, everyMs: reconcileEveryMs } : null,
      gatewayWindow,
      isEnding,
    }),
    readiness: createReadiness(db, isEnding),
    reconcile: reconcileOptions => guarded(() => reconciler.reconcile(reconcileOptions)),

    receiveWebhook: (name, headers, rawBody, { requestId } = {}) =>
      guarded(async () => {
        if (name !== gateway.name) return false
        const event = await storeWebhook(db, gateway, headers, rawBody)
        if (event === null) {
          log.warn('[Checkout] webhook refused: its signature is missing, not ours, or too old', {
            gateway: name,
            requestId,
          })
          return false
        }
        const { id: eventId, type, reference, checkoutId: lockId } = event
        log.info('[Checkout] webhook received', { gateway: name, eventId, type, reference, lockId, requestId })
        const pass = correlation
          .during([lockId ?? '', requestId], () => recoverer.runOnce())
          .catch((error: unknown) => log.error('[Checkout] webhook could not be heeded yet', { err: error }))
          .finally(() => background.delete(pass))
        background.add(pass)
        return true
      }),

    webhooks: createWebhookInbox(db, redactText),

    subscribe: receive => live.subscribe(receive),

    close() {
      closing ??= (async () => {
        await Promise.allSettled([reconciler.stop(), webhookPruner.stop(), ...calls, ...background, recoverer.stop()])
        await Promise.all(Object.values(lanes).map(lane => lane.drain()))
        await deliverer.stop()
        watch?.stop()
        await live.close()
        await own.close()
        if (given === null) await db.close()
      })()
      return closing
    },
  }
  return engine
}
