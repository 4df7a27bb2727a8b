/** Creates an engine: composes database, gateway, saga, events, and workers. This file holds no logic of its own. */
import type { CheckoutConfig } from '../config/checkout-config.ts'
import { defaultConfig } from '../config/config.ts'
import { refuseShopSettings } from '../config/scope.ts'
import type { Database } from '../database/database.ts'
import type { CheckoutAlert } from '../domain/alert.ts'
import { createListeners, type ListenerMap } from '../events/listeners.ts'
import { createLive } from '../events/live.ts'
import { createGatewayWindow } from '../observe/health/gateway-window.ts'
import { createCorrelation } from '../observe/log/correlation.ts'
import { guardLog } from '../observe/log/guarded-log.ts'
import { type CheckoutLog, silentLog } from '../observe/log/log.ts'
import type { EngineMetrics } from '../observe/metrics/port.ts'
import { raiseAlerts } from '../observe/raise-alert.ts'
import { openTracing } from '../observe/tracing.ts'
import type { PaymentGateway } from '../payments/gateway.ts'
import { type Gateways, onlyGateway } from '../payments/gateways.ts'
import { ownSandbox } from '../payments/sandbox/own-sandbox.ts'
import type { QuoteCart } from '../phases/3-lock-prices.ts'
import { createReconciler } from '../reconcile/reconciler.ts'
import { createConductor } from '../saga/conductor.ts'
import type { Clock } from '../saga/context.ts'
import { createLanes, type Lanes } from '../saga/lanes.ts'
import { createRecoverer } from '../saga/workers/recoverer.ts'
import { createWebhookPruner } from '../saga/workers/webhook-pruner.ts'
import { createAdmission } from './admission.ts'
import { closeEngine, startWorkers } from './background-work.ts'
import { checkOptionNames, type OptionNames } from './check-options.ts'
import { checkoutCalls, checkoutReads } from './checkout-calls.ts'
import type { CheckoutEngine } from './checkout-engine.ts'
import { createContext } from './engine-context.ts'
import { createEngineDeliverer } from './engine-deliverer.ts'
import type { EngineParts } from './engine-parts.ts'
import { openEngineDatabase } from './open-database.ts'
import { operatorCalls } from './operator-calls.ts'
import { orderCalls } from './order-calls.ts'
import { type EngineNumbers, numbersOf } from './settings.ts'
import { webhookCalls } from './webhook-calls.ts'

export interface CheckoutOptions {
  /**
   * A database, or the address of a PostgreSQL server. Default: `config.databaseUrl`, else the embedded database in
   * `.holdfast/`. `close` closes only a database that the engine opened.
   */
  database?: Database | string | undefined
  /**
   * Payment gateways by payment method. For now every method must name the same gateway; it receives all payments.
   * Default: the sandbox, whose ledger is in the same database, on connections of its own.
   */
  gateways?: Gateways
  /** Durable listeners: `{ CheckoutCompleted: [sendOrderConfirmation] }`. Each event is delivered at least once. */
  listeners?: ListenerMap
  /** Settings that differ from the defaults. Settings that only `createShop` honours are refused. */
  config?: Partial<CheckoutConfig>
  /** Receives log lines. Default: no log. */
  log?: CheckoutLog
  /** Metrics created by `createMetrics` for this engine. Default: none. */
  metrics?: EngineMetrics
  /**
   * Receives alerts that need a person, such as a parked delivery or a stuck rollback, each time one is detected. Errors
   * that it throws are logged.
   */
  onAlert?(alert: CheckoutAlert): unknown
  /** Recover, expire, reconcile, and deliver in this process. Default true. */
  workers?: boolean
  /** Bring the database schema up to date first. Default true. */
  migrate?: boolean
  /** Prices a cart. Default: catalog prices, coupons, taxes, and flat-rate shipping. */
  quote?: QuoteCart
  /** Runs timers. Default: the system's. */
  clock?: Clock
  /** Returns a number from 0 up to 1, which spreads retries. Default `Math.random`. */
  random?(): number
  /** Timeouts and batch sizes, for tests and unusual loads. */
  numbers?: Partial<EngineNumbers>
}

const optionNames: OptionNames<CheckoutOptions> = {
  database: true,
  gateways: true,
  listeners: true,
  config: true,
  log: true,
  metrics: true,
  onAlert: true,
  workers: true,
  migrate: true,
  quote: true,
  clock: true,
  random: true,
  numbers: true,
}

/**
 * Creates an engine. It honours the settings of `config` that concern checkouts; `createShop` honours all.
 * @throws {CheckoutError} `invalid_argument` for an unknown option or two different gateways; {ConfigError} for a setting
 * that only `createShop` honours, such as a mail server; {DatabaseError} if the database cannot be reached or the
 * embedded directory is taken.
 */
export async function createCheckout(options: CheckoutOptions = {}): Promise<CheckoutEngine> {
  checkOptionNames('createCheckout', options, optionNames)
  const { gateways, log, config = {} } = options
  const gateway = onlyGateway(gateways)
  refuseShopSettings(config, { gateways: gateway !== undefined, log: log !== undefined })
  return composeEngine(options, gateway)
}

/**
 * Creates an engine with any settings, for `createShop`, which honours the others itself.
 * @param payments receives all payments; undefined: a sandbox of the engine's own.
 * @throws {DatabaseError} if the database cannot be reached or the embedded directory is taken.
 */
export async function composeEngine(
  options: CheckoutOptions,
  payments: PaymentGateway | undefined,
): Promise<CheckoutEngine> {
  const config: CheckoutConfig = { ...defaultConfig, ...options.config }
  const numbers = numbersOf(config, options.numbers)
  const { random = Math.random } = options
  const correlation = createCorrelation()
  const guarded = guardLog((config.loggingEnabled ? options.log : null) ?? silentLog, correlation.requestOf)
  const log = options.onAlert === undefined ? guarded : raiseAlerts(guarded, options.onAlert)

  const opened = await openEngineDatabase(options.database, config, options.migrate !== false)
  const { database } = opened
  const sandbox = await ownSandbox(payments, database, opened.url, async (headers, body) => {
    if (!(await engine.receiveWebhook('sandbox', headers, body))) throw new Error('the engine refused the webhook')
  })
  const gateway = payments ?? sandbox.gateway
  const listeners = createListeners(options.listeners)
  const tracing = await openTracing()
  const watch = options.metrics?.watch({
    database,
    gateway: gateway.name,
    currency: config.currency,
    captureTimeoutSeconds: config.paymentCaptureTimeoutSeconds,
    listenerNames: () => listeners.all().map(({ name }) => name),
    laneSizes: () => sizesOf(lanes),
  })
  const live = createLive(database)
  const deliverer = createEngineDeliverer({ database, listeners, log, watch, random })
  const gatewayWindow = createGatewayWindow()
  const { quote, clock } = options
  const observed = { log, watch, tracing, gatewayWindow }
  const context = createContext({
    ...{ config, numbers, database, gateway, listeners, deliverer, live },
    ...{ ...observed, quote, clock, random },
  })
  const lanes = createLanes(context)
  const parts: EngineParts = {
    config,
    database,
    log,
    admission: createAdmission(correlation),
    correlation,
    context,
    lanes,
    conductor: createConductor({
      context,
      lanes,
      waitFor: (id, wait) => live.waitFor(id, wait),
      answerWithinMs: numbers.answerWithinMs,
    }),
    recoverer: createRecoverer(context, lanes),
    reconciler: createReconciler(context, lanes),
    webhookPruner: createWebhookPruner(context, config.webhookRetentionDays),
    gatewayWindow,
  }
  if (options.workers !== false) startWorkers(parts, { deliverer, sandbox: sandbox.gateway ?? null }, numbers)

  let closing: Promise<void> | null = null
  const engine: CheckoutEngine = {
    listeners,
    deliverer,
    ...checkoutCalls(parts),
    ...checkoutReads(parts),
    ...orderCalls(parts),
    ...webhookCalls(parts),
    ...operatorCalls(parts),
    subscribe: receive => live.subscribe(receive),
    close() {
      closing ??= closeEngine(parts, { deliverer, watch, live, owned: [sandbox, opened] })
      return closing
    },
  }
  return engine
}

function sizesOf(lanes: Lanes): Record<string, number> {
  return Object.fromEntries(Object.entries(lanes).map(([name, { size }]) => [name, size]))
}
