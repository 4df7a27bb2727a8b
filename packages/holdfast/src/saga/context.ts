/** The ports and settings that the saga works with, composed by the engine into one plain object. */

import { type Backoff, backoffDelayMs } from '../concurrency/backoff.ts'
import type { CheckoutRow } from '../database/checkout-row.ts'
import type { Database } from '../database/database.ts'
import type { AlertCode } from '../domain/alert.ts'
import type { Outbox } from '../events/outbox.ts'
import type { LookupAnswer, OperationKind, PaymentGateway } from '../payments/gateway.ts'
import type { TokenSeal } from '../payments/token-seal.ts'
import type { QuoteCart } from '../phases/3-lock-prices.ts'

export interface SagaLog {
  info(message: string, fields?: Record<string, unknown>): void
  warn(message: string, fields?: Record<string, unknown>): void
  /** `alert`: an operator must act; the line is also sent as an alert. */
  error(message: string, fields?: Record<string, unknown> & { alert?: AlertCode }): void
}

/** Waiting, as a port. The current time is always the database's. */
export interface Clock {
  /** Calls `run` after `ms` milliseconds. Returns a function that cancels the timer. */
  after(ms: number, run: () => void): () => void
}

export interface SagaNumbers {
  baseCurrency: string
  holdOn: 'process' | 'start'
  /** True: while a cart is locked, other sessions of its user are refused. False: they take over a pending lock. */
  preventConcurrent: boolean
  /** How long a worker may be silent before another takes over its checkout. */
  leaseMs: number
  /** Timeout of one gateway call. Must be shorter than the lease. */
  gatewayTimeoutMs: number
  /** How long an authorization may stay unsettled before it is abandoned behind a fencing void. */
  authorizationTimeoutMs: number
  /** A capture that is unsettled for this long raises an alert. It is never abandoned. */
  captureTimeoutMs: number
  /** How long before its expiry an authorization that awaits capture is released. */
  captureMarginMs: number
  priceDriftToleranceMinor: number
  batchMax: number
  /** Most checkouts in progress in this process; beyond it, requests are refused as overloaded. */
  queueMax: number
}

export interface SagaContext {
  db: Database
  gateway: PaymentGateway
  outbox: Outbox
  log: SagaLog
  clock: Clock
  /** From 0 up to 1. Only spreads retries; no decision depends on it. */
  random(): number
  seal: TokenSeal
  numbers: SagaNumbers
  /** The name of this process in leases. */
  workerId: string
  /** The pricing port. Default: the built-in quote. */
  quote?: QuoteCart
  /** Receives every checkout that changed its state, after the commit. */
  announce(rows: readonly CheckoutRow[]): void
  /** Receives every gateway call. */
  observeGateway?(call: ObservedCall, outcome: LookupAnswer['outcome'], durationMs: number): void
  /** Receives every batch that a lane ran. */
  observeLane?(lane: string, size: number, durationMs: number): void
  /** Present if tracing is on. */
  trace?: SagaTrace
}

/** A gateway call as metrics and traces see it. A lookup queries the outcome of an operation. */
export interface ObservedCall {
  gateway: string
  operation: OperationKind | 'lookup'
  lockId: string
  state: CheckoutRow['state']
  currency: string | null
  /** Of the checkout; minor units. */
  totalMinor: number | null
}

export interface SagaTrace {
  /** Runs work on one checkout. State changes of that checkout during the work belong to the same trace. */
  work<Result>(name: TracedWork, lockId: string, run: () => Promise<Result>): Promise<Result>
  /** Runs one call to the gateway. */
  call<Answer extends LookupAnswer>(call: ObservedCall, run: () => Promise<Answer>): Promise<Answer>
}

/** The request that the work serves. `recover`: none; a worker found the checkout due. */
export type TracedWork = 'process' | 'resume' | 'capture' | 'undo' | 'refund' | 'recover'

/** Runs `work` as part of a trace if tracing is on. */
export function traced<Result>(
  { trace }: Pick<SagaContext, 'trace'>,
  name: TracedWork,
  lockId: string,
  work: () => Promise<Result>,
): Promise<Result> {
  return trace === undefined ? work() : trace.work(name, lockId, work)
}

export function sleep(clock: Clock, ms: number): Promise<void> {
  return new Promise(resolve => clock.after(ms, resolve))
}

/** The gateway did not answer within `gatewayTimeoutMs`. */
export class GatewayTimeout extends Error {
  override readonly name = 'GatewayTimeout'
}

/**
 * Runs a gateway call for at most `gatewayTimeoutMs`, then aborts its signal. The timer is the context's clock and not
 * the system's, so that a simulation controls it.
 * @throws {GatewayTimeout} after the timeout; before it, whatever `call` throws.
 */
export async function callWithin<Result>(
  { clock, numbers }: Pick<SagaContext, 'clock' | 'numbers'>,
  call: (signal: AbortSignal) => Promise<Result>,
): Promise<Result> {
  const controller = new AbortController()
  let cancel = (): void => {}
  const late = new Promise<never>((_, reject) => {
    cancel = clock.after(numbers.gatewayTimeoutMs, () => {
      controller.abort()
      reject(new GatewayTimeout(`The gateway did not answer within ${numbers.gatewayTimeoutMs} ms.`))
    })
  })
  try {
    return await Promise.race([call(controller.signal), late])
  } finally {
    cancel()
  }
}

/** Pauses before a checkout is due again. */
const retryBackoff: Backoff = { baseMs: 500, capMs: 60_000 }

/** Milliseconds until a checkout is due again, after `tries` earlier retries (0 and up). */
export function backoffMs({ random }: Pick<SagaContext, 'random'>, tries: number): number {
  return backoffDelayMs(retryBackoff, tries + 1, random)
}
