/** The context of the saga, with its observers: state changes go to log, metrics, and traces after their commit. */
import { randomBytes, randomUUID } from 'node:crypto'
import { hostname } from 'node:os'
import type { CheckoutConfig } from '../config/checkout-config.ts'
import { publishMoves } from '../database/checkout-moves.ts'
import type { Database } from '../database/database.ts'
import type { Deliverer } from '../events/deliverer.ts'
import type { Listeners } from '../events/listeners.ts'
import type { Live } from '../events/live.ts'
import { createOutbox } from '../events/outbox.ts'
import type { GatewayWindow } from '../observe/health/gateway-window.ts'
import { createCheckoutLines } from '../observe/log/checkout-lines.ts'
import type { CheckoutLog } from '../observe/log/log.ts'
import type { MetricsWatch } from '../observe/metrics/port.ts'
import type { Tracing } from '../observe/tracing.ts'
import type { PaymentGateway } from '../payments/gateway.ts'
import { createTokenSeal } from '../payments/token-seal.ts'
import type { QuoteCart } from '../phases/3-lock-prices.ts'
import type { Clock, SagaContext } from '../saga/context.ts'
import type { EngineNumbers } from './settings.ts'

interface ContextParts {
  config: CheckoutConfig
  numbers: EngineNumbers
  database: Database
  gateway: PaymentGateway
  listeners: Listeners
  deliverer: Deliverer
  live: Live
  log: Required<CheckoutLog>
  /** Undefined without metrics. */
  watch: MetricsWatch | undefined
  /** Null without OpenTelemetry. */
  tracing: Tracing | null
  gatewayWindow: GatewayWindow
  quote: QuoteCart | undefined
  clock: Clock | undefined
  random: () => number
}

const systemClock: Clock = {
  after(ms, run) {
    const timer = setTimeout(run, ms)
    return () => clearTimeout(timer)
  },
}

export function createContext(parts: ContextParts): SagaContext {
  const { config, log, watch, tracing, live, deliverer, gatewayWindow, quote } = parts
  return {
    db: observeMoves(parts),
    gateway: parts.gateway,
    outbox: createOutbox(parts.listeners),
    log,
    clock: parts.clock ?? systemClock,
    random: parts.random,
    seal: createTokenSeal(config.secret ?? randomBytes(32).toString('hex')),
    numbers: parts.numbers,
    workerId: `${hostname()}:${process.pid}:${randomUUID().slice(0, 8)}`,
    ...(quote === undefined ? {} : { quote }),
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
}

function observeMoves({ config, database, log, watch, tracing }: ContextParts): Database {
  const logCheckoutLines = createCheckoutLines({
    log,
    allPhases: config.logAllPhases,
    failures: config.logFailures,
    rollbacks: config.logRollbacks,
  })
  const observers = [logCheckoutLines, watch?.observeMoves, tracing?.observeMoves].filter(
    observe => observe !== undefined,
  )
  return publishMoves(database, observers, error =>
    log.error('[Checkout] observing a state change failed', { err: error }),
  )
}
