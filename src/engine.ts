/**
 * Composition: `createCheckout({ database, gateway, listeners, config })` puts store, gateway, saga, events and
 * workers together and gives the engine that an application calls.
 */
import { randomBytes, randomUUID } from 'node:crypto'
import { hostname } from 'node:os'
import { CheckoutError } from './checkout/failure.ts'
import { describeLock } from './checkout/lock.ts'
import type { Order } from './checkout/order.ts'
import type { Outcome } from './checkout/outcome.ts'
import { stateName } from './checkout/states.ts'
import type { CheckoutEngine, PaymentInput, StartOptions } from './checkout-engine.ts'
import { type CheckoutConfig, defaultConfig } from './config.ts'
import { createDeliverer } from './events/deliverer.ts'
import { createListeners, type ListenerMap } from './events/listeners.ts'
import { createLive } from './events/live.ts'
import { createOutbox } from './events/outbox.ts'
import { audit } from './observe/audit.ts'
import { diagnose } from './observe/diagnose.ts'
import { health } from './observe/health.ts'
import { type CheckoutLog, silentLog } from './observe/log.ts'
import { statistics } from './observe/statistics.ts'
import { readLastOrderOf, readOrders, readOrdersOf } from './orders/orders.ts'
import type { PaymentGateway } from './payments/gateway.ts'
import { createSandboxGateway } from './payments/sandbox.ts'
import { createSeal } from './payments/seal.ts'
import type { QuoteCart } from './phases/3-lock-prices.ts'
import { recordAdminAction } from './saga/admin-actions.ts'
import type { Next } from './saga/claim.ts'
import type { Clock, SagaContext, SagaNumbers } from './saga/context.ts'
import { carryOn, drive } from './saga/drive.ts'
import { cancelled, released } from './saga/failures.ts'
import { checkPayment, checkStart, checkUuid } from './saga/input.ts'
import { createLanes } from './saga/lanes.ts'
import { outcomeOf } from './saga/outcome.ts'
import { preview } from './saga/preview.ts'
import { createRecoverer } from './saga/recoverer.ts'
import { intendRefund } from './saga/refund.ts'
import { storeWebhook } from './saga/webhooks.ts'
import { type CheckoutRow, lockOf, readHoldersOf, readRows } from './store/checkouts.ts'
import type { Database } from './store/database.ts'
import { LaneFull } from './store/lane.ts'
import { migrate } from './store/migrate.ts'
import { openDatabase } from './store/open.ts'

export interface CheckoutOptions {
  /** A database, or the address of a PostgreSQL server; default the embedded database in `.holdfast/`. */
  database?: Database | string
  /** Default: the sandbox, with its ledger in the same database server, on connections of its own. */
  gateway?: PaymentGateway
  /** Durable listeners: `{ CheckoutCompleted: [sendOrderConfirmation] }`. */
  listeners?: ListenerMap
  config?: Partial<CheckoutConfig>
  log?: CheckoutLog
  /** Recover, expire and deliver in this process. Default true. */
  workers?: boolean
  /** Bring the schema up to date first. Default true. */
  migrate?: boolean
  /** The pricing port: what a cart costs. Default the built-in: catalog prices, coupons, taxes, flat-rate shipping. */
  quote?: QuoteCart
  clock?: Clock
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
 * Makes an engine. It owns what it opened itself (database by address, sandbox), and closes that with `close`.
 * @throws {DatabaseError} when the database cannot be reached or the embedded directory is taken.
 */
export async function createCheckout(options: CheckoutOptions = {}): Promise<CheckoutEngine> {
  const config: CheckoutConfig = { ...defaultConfig, ...options.config }
  const log = options.log ?? silentLog
  const url = typeof options.database === 'string' ? options.database : (config.databaseUrl ?? undefined)
  const given = typeof options.database === 'object' ? options.database : null
  const db = given ?? (await openDatabase(url === undefined ? {} : { url }))
  if (options.migrate !== false) await migrate(db)
  const own = await sandboxOf(options, db, url)
  const gateway = options.gateway ?? own.gateway
  const listeners = createListeners(options.listeners)
  const live = createLive(db)
  const deliverer = createDeliverer({
    database: db,
    listeners,
    readOrders: ids => readOrders(db, ids),
    onParked: alert => log.error('[Checkout] delivery parked: redeliver it once its listener works', { ...alert }),
    onFailed: alert => log.warn('[Checkout] delivery failed and will be repeated', { ...alert }),
    onError: error => log.error('[Checkout] deliveries are held up', { error }),
  })
  const numbers = {
    baseCurrency: config.currency,
    holdOn: config.holdOn,
    leaseMs: 45_000,
    gatewayTimeoutMs: 10_000,
    authorizationTimeoutMs: config.paymentAuthTimeoutSeconds * 1000,
    captureTimeoutMs: config.paymentCaptureTimeoutSeconds * 1000,
    captureMarginMs: 3_600_000,
    priceDriftToleranceMinor: config.priceDriftToleranceMinor,
    batchMax: 256,
    queueMax: 10_000,
    answerWithinMs: 20_000,
    recoverEveryMs: 1_000,
    ...options.numbers,
  }
  const context: SagaContext = {
    db,
    gateway,
    outbox: createOutbox(listeners),
    log,
    clock: options.clock ?? systemClock,
    seal: createSeal(config.secret ?? randomBytes(32).toString('hex')),
    numbers,
    workerId: `${hostname()}:${process.pid}:${randomUUID().slice(0, 8)}`,
    ...(options.quote === undefined ? {} : { quote: options.quote }),
    announce(rows) {
      live.announce(rows.map(row => ({ checkoutId: row.id, state: row.state })))
      deliverer.nudge()
    },
  }
  const lanes = createLanes(context)
  const recoverer = createRecoverer(context, lanes)
  /** What runs in this process, by checkout: a double click joins the first. */
  const inFlight = new Map<string, Promise<Outcome>>()
  const background = new Set<Promise<unknown>>()
  let closing: Promise<void> | null = null

  if (options.workers !== false) {
    recoverer.start(numbers.recoverEveryMs)
    deliverer.start()
    own.gateway?.start()
  }

  /** Refuses after `close`, and says "come back" where a lane is full. */
  async function guarded<Result>(run: () => Promise<Result>): Promise<Result> {
    if (closing !== null) throw new CheckoutError('closed', 'This checkout engine was closed.')
    try {
      return await run()
    } catch (error) {
      if (!(error instanceof LaneFull)) throw error
      throw new CheckoutError('overloaded', 'Too many checkouts at once. Try again in a moment.', {
        retryable: true,
        cause: error,
      })
    }
  }

  function joined(lockId: string, run: () => Promise<Outcome>): Promise<Outcome> {
    const running = inFlight.get(lockId)
    if (running !== undefined) return running
    const started = run().finally(() => inFlight.delete(lockId))
    inFlight.set(lockId, started)
    return started
  }

  async function outcome(row: CheckoutRow, order: Order | null): Promise<Outcome> {
    const needsOrder = order === null && (row.state === 'completed' || row.state === 'awaiting_capture')
    const found = needsOrder ? ((await readOrdersOf(db, [row.id])).get(row.id) ?? null) : order
    return outcomeOf(row, found)
  }

  /** Drives to rest and tells what came of it; where somebody else took over, waits for theirs. */
  async function driven(lockId: string, next: Next): Promise<Outcome> {
    const rest = await drive(context, lanes, next)
    return rest.kind === 'rests' ? outcome(rest.row, rest.order) : awaited(lockId)
  }

  /** The outcome of a checkout that another process works on: waits a while for it to rest. */
  async function awaited(lockId: string): Promise<Outcome> {
    let left = numbers.answerWithinMs
    for (;;) {
      const change = live.waitFor(lockId, { timeoutMs: Math.min(1_000, Math.max(left, 1)) })
      const [row] = await readRows(db, [lockId])
      if (row === undefined) throw notFound(lockId)
      const busy = row.lease_owner !== null && row.state !== 'completed' && row.state !== 'failed'
      if (!busy || left <= 0) return outcome(row, null)
      const startedAt = performance.now()
      await change
      left -= Math.max(performance.now() - startedAt, 1)
    }
  }

  async function theirs(lockId: string, sessionId: string | undefined): Promise<CheckoutRow> {
    const [row] = await readRows(db, [checkUuid(lockId, 'lock id')])
    if (row === undefined || (sessionId !== undefined && row.session_id !== sessionId)) throw notFound(lockId)
    return row
  }

  function process_(lockId: string, payment: PaymentInput, sessionId: string | undefined): Promise<Outcome> {
    return joined(lockId, async () => {
      const prepared = await lanes.prepare.submit(checkPayment(lockId, payment, sessionId ?? null))
      switch (prepared.kind) {
        case 'absent':
          throw notFound(lockId)
        case 'already':
          return awaited(lockId)
        case 'refused':
          log.info('[Checkout] failed', { lockId, failure: prepared.row.failure })
          return driven(lockId, { kind: 'rests', row: prepared.row, order: null })
        case 'claimed':
          return driven(lockId, { kind: 'goes_on', claim: prepared.claim })
        default:
          return prepared satisfies never
      }
    })
  }

  async function seized(lockId: string, want: 'carry_on' | 'capture'): Promise<Outcome> {
    const taken = await lanes.seize.submit({ lockId, want })
    switch (taken.kind) {
      case 'absent':
        throw notFound(lockId)
      case 'rests':
        return awaited(lockId)
      case 'claimed':
        return driven(lockId, carryOn(context, taken.claim))
      default:
        return taken satisfies never
    }
  }

  async function undone(
    lockId: string,
    failureIn: (row: CheckoutRow) => ReturnType<typeof cancelled>,
  ): Promise<Outcome> {
    const next = await lanes.unwind.submit({ lockId, sessionId: null, failureIn })
    if (next.kind === 'rests' && next.row.lease_owner !== null) return awaited(lockId)
    return driven(lockId, next)
  }

  async function activeLock(cartId: string): Promise<CheckoutRow | null> {
    const [row] = await readHoldersOf(db, [checkUuid(cartId, 'cart id')])
    if (row === undefined || row.state === 'completed') return null
    const idle = row.state === 'pending' || row.state === 'awaiting_action' || row.state === 'rolling_back'
    return row.expired && idle ? null : row
  }

  return {
    listeners,
    deliverer,

    startCheckout: (cartId, startOptions: StartOptions) =>
      guarded(async () => {
        const started = await lanes.start.submit(checkStart(cartId, startOptions, config))
        if (!started.ok) throw started.error
        log.info('[Checkout] started', { lockId: started.row.id, cartId, expiresAt: started.row.expires_at })
        context.announce([started.row])
        return lockOf(started.row)
      }),

    processCheckout: (lockId, payment = {}, { sessionId } = {}) =>
      guarded(async () => {
        const result = await process_(lockId, payment, sessionId)
        if (sessionId !== undefined && result.lock.sessionId !== sessionId) throw notFound(lockId)
        return result
      }),

    resumeCheckout: (lockId, { sessionId } = {}) =>
      guarded(async () => {
        const row = await theirs(lockId, sessionId)
        if (row.state === 'pending' && !row.expired) {
          throw new CheckoutError('checkout_not_active', 'There is nothing to resume yet: send the payment.')
        }
        return joined(lockId, () => seized(lockId, 'carry_on'))
      }),

    cancelCheckout: (lockId, { sessionId, reason } = {}) =>
      guarded(async () => {
        await theirs(lockId, sessionId)
        return undone(lockId, row => cancelled(row.state, reason))
      }),

    releaseCheckout: (lockId, { actor, reason }) =>
      guarded(async () => {
        await theirs(lockId, undefined)
        await recordAdminAction(db, { action: 'release', checkoutId: lockId, actor, details: { reason } })
        return undone(lockId, row => released(row.state, actor, reason))
      }),

    captureCheckout: lockId =>
      guarded(async () => {
        const row = await theirs(lockId, undefined)
        const capturable = ['awaiting_capture', 'capturing', 'completed'].includes(row.state)
        if (!capturable) {
          throw new CheckoutError(
            'not_capturable',
            `This checkout is not waiting for its capture: it is "${stateName(row.state)}".`,
            {
              context: { state: row.state },
            },
          )
        }
        return joined(lockId, () => seized(lockId, 'capture'))
      }),

    refundOrder: (orderId, refund = {}) =>
      guarded(async () => {
        const order = (await readOrders(db, [checkUuid(orderId, 'order id')])).get(orderId)
        if (order === undefined) throw new CheckoutError('order_not_found', 'There is no such order.')
        const { amountMinor, reason, restock = false, key, actor } = refund
        const intent = await intendRefund(context, {
          checkoutId: order.checkoutId,
          amountMinor,
          reason,
          restock,
          key,
          actor,
        })
        if (actor !== undefined && intent.kind === 'claimed') {
          const details = { amountMinor: intent.amountMinor, reason }
          await recordAdminAction(db, { action: 'refund', checkoutId: order.checkoutId, actor, details })
        }
        if (intent.kind === 'claimed') await drive(context, lanes, { kind: 'goes_on', claim: intent.claim })
        const after = (await readOrders(db, [orderId])).get(orderId) ?? order
        const refundedMinor = intent.amountMinor
        if (after.refundedMinor >= intent.order.refundedMinor && intent.kind === 'done') {
          return { status: 'refunded', order: after, refundedMinor, message: 'This refund was made before.' }
        }
        const [row] = await readRows(db, [order.checkoutId])
        if (row?.wake_at !== null) {
          return {
            status: 'processing',
            order: after,
            refundedMinor,
            message: 'The gateway has not confirmed the refund yet.',
          }
        }
        return after.refundedMinor > order.refundedMinor
          ? { status: 'refunded', order: after, refundedMinor, message: 'Refunded.' }
          : { status: 'failed', order: after, refundedMinor: 0, message: 'The gateway refused the refund.' }
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

    getActiveLock: async cartId => {
      const row = await activeLock(cartId)
      return row === null ? null : lockOf(row)
    },
    isCartLocked: async cartId => (await activeLock(cartId)) !== null,
    quoteCart: (cartId, overrides = {}) => preview(context, checkUuid(cartId, 'cart id'), overrides),
    getOrder: async (orderId, { sessionId } = {}) => {
      const order = (await readOrders(db, [checkUuid(orderId, 'order id')])).get(orderId) ?? null
      return order !== null && sessionId !== undefined && order.sessionId !== sessionId ? null : order
    },
    lastOrderOf: sessionId => readLastOrderOf(db, sessionId),
    cleanupExpiredLocks: () => guarded(() => recoverer.runOnce()),
    recover: () => guarded(() => recoverer.runOnce()),
    statistics: (range = {}) => statistics(db, range),
    diagnose: lockId => diagnose(db, lockId),
    audit: (auditOptions = {}) =>
      audit(db, { ...auditOptions, ...(gateway.name === 'sandbox' ? { ledger: 'sandbox' as const } : {}) }),
    health: () => health(db, { captureTimeoutSeconds: config.paymentCaptureTimeoutSeconds }),

    receiveWebhook: (name, headers, rawBody) =>
      guarded(async () => {
        if (name !== gateway.name) return false
        const event = await storeWebhook(db, gateway, headers, rawBody)
        if (event === null) return false
        const pass = recoverer
          .runOnce()
          .catch((error: unknown) => log.error('[Checkout] webhook could not be heeded yet', { error }))
          .finally(() => background.delete(pass))
        background.add(pass)
        return true
      }),

    subscribe: receive => live.subscribe(receive),

    close() {
      closing ??= (async () => {
        await Promise.allSettled([...inFlight.values(), ...background])
        await recoverer.stop()
        await Promise.all(Object.values(lanes).map(lane => lane.drain()))
        await deliverer.stop()
        await live.close()
        await own.close()
        if (given === null) await db.close()
      })()
      return closing
    },
  }
}

interface OwnSandbox {
  gateway: ReturnType<typeof createSandboxGateway>
  close(): Promise<void>
}

/** The sandbox that an engine without a gateway brings along. */
async function sandboxOf(
  options: CheckoutOptions,
  db: Database,
  url: string | undefined,
): Promise<OwnSandbox | { gateway: never; close(): Promise<void> }> {
  if (options.gateway !== undefined) return { gateway: undefined as never, close: async () => {} }
  const ledger = url === undefined || db.kind === 'embedded' ? null : await openDatabase({ url, poolMax: 4 })
  const gateway = createSandboxGateway({ database: ledger ?? db })
  return {
    gateway,
    async close() {
      await gateway.close()
      await ledger?.close()
    },
  }
}

function notFound(lockId: string): CheckoutError {
  return new CheckoutError('checkout_not_found', 'There is no such checkout.', { context: { lock_id: lockId } })
}
