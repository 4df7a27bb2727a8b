/** What the saga works with: its ports and its numbers, in one plain object that the engine puts together. */

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
  /** `alert`: people must look at it, and are told. */
  error(message: string, fields?: Record<string, unknown> & { alert?: AlertCode }): void
}

/** Time, as far as the saga uses it: to wait. What the time is, the database says. */
export interface Clock {
  /** Calls `run` after `ms`; gives the way to call it off. */
  after(ms: number, run: () => void): () => void
}

export interface SagaNumbers {
  baseCurrency: string
  holdOn: 'process' | 'start'
  /** Another session of the same user is refused while a cart is locked; else it takes a pending lock over. */
  preventConcurrent: boolean
  /** How long whoever works on a checkout may be silent before another takes over. */
  leaseMs: number
  /** How long one call to the gateway may take; shorter than the lease. */
  gatewayTimeoutMs: number
  /** How long an authorization may stay unsettled before it is given up behind a fencing void. */
  authorizationTimeoutMs: number
  /** A capture this long unsettled is logged as needing attention. It is never given up. */
  captureTimeoutMs: number
  /** How long before its end an authorization that waits for capture is let go. */
  captureMarginMs: number
  priceDriftToleranceMinor: number
  batchMax: number
  /** Checkouts that may be under way in this process at once; beyond it callers are told to come back. */
  queueMax: number
}

export interface SagaContext {
  db: Database
  gateway: PaymentGateway
  outbox: Outbox
  log: SagaLog
  clock: Clock
  /** From 0 up to 1; spreads retries, decides nothing. */
  random(): number
  seal: TokenSeal
  numbers: SagaNumbers
  /** Names this process in leases. */
  workerId: string
  /** The pricing port; default the built-in quote. */
  quote?: QuoteCart
  /** Told every checkout that came to rest, after the commit. */
  announce(rows: readonly CheckoutRow[]): void
  /** Told every gateway call. */
  observeGateway?(call: ObservedCall, outcome: LookupAnswer['outcome'], durationMs: number): void
  /** Told every set that a lane ran. */
  observeLane?(lane: string, size: number, durationMs: number): void
  /** Where somebody traces: what belongs together. */
  trace?: SagaTrace
}

/** What is asked of a gateway; a lookup asks what became of the operation. */
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
  /** Runs work on one checkout; what becomes of that checkout meanwhile is part of it. */
  work<Result>(name: TracedWork, lockId: string, run: () => Promise<Result>): Promise<Result>
  /** Runs one call to the gateway. */
  call<Answer extends LookupAnswer>(call: ObservedCall, run: () => Promise<Answer>): Promise<Answer>
}

/** What is asked of a checkout; `recover`: nobody asked, its time had come. */
export type TracedWork = 'process' | 'resume' | 'capture' | 'undo' | 'refund' | 'recover'

/** Runs `work` as part of a trace, where somebody traces. */
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

/** The gateway took longer than any call may. */
export class GatewayTimeout extends Error {
  override readonly name = 'GatewayTimeout'
}

/**
 * Asks the gateway something, for as long as any call may take.
 * @throws {GatewayTimeout} when it does not answer in that time, and whatever `call` throws before.
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
      reject(new GatewayTimeout('The gateway did not answer in time.'))
    })
  })
  try {
    return await Promise.race([call(controller.signal), late])
  } finally {
    cancel()
  }
}

/** Doubles from half a second to a minute, the upper half of it random so that crowds spread. */
export function backoffMs({ random }: Pick<SagaContext, 'random'>, tries: number): number {
  const full = Math.min(60_000, 500 * 2 ** Math.min(tries, 10))
  return Math.round(full * (0.5 + random() / 2))
}
