/**
 * The sandbox gateway: a payment provider for tests, demonstrations and benches, in this process and yet an outside
 * world. Its ledger is its own and is durable before it answers; calls that come together share one transaction.
 */
import { setMaxListeners } from 'node:events'
import { createLane, LaneFull } from '../../concurrency/lane.ts'
import { type Database, DatabaseError } from '../../database/database.ts'
import type { GatewayAnswer, LookupAnswer, LookupRequest, OperationKind, PaymentGateway } from '../gateway.ts'
import { inspectSandbox, listSandbox } from './books.ts'
import { refused, serverError } from './decision.ts'
import { busy, inTime, noAnswer, passed, type SandboxFaults, unreachable } from './delivery.ts'
import { executeRequests, type Reply } from './execute.ts'
import { intake, isReference } from './intake.ts'
import { changePayments, type DeliverWebhook, runDueSandboxJobs } from './jobs.ts'
import { findPayments, findRequests, ledgerNow, lockSet, type SandboxClock, transact } from './ledger.ts'
import { confirm, lookupAnswer, referenceOf, type SandboxPayment, type SandboxRequest } from './payment.ts'
import { sandboxWebhooks } from './webhooks.ts'

export interface SandboxOptions {
  /**
   * Where the ledger is (schema `holdfast_sandbox`). On PostgreSQL give it connections of its own, so that it never
   * waits for those of the application; the embedded database may be shared. It is the caller's to close.
   */
  database: Database
  /** Signs webhooks; of several the first signs and each is accepted. Default: a random one of this process. */
  webhookSecret?: string | readonly string[]
  /** Sends a webhook; throws to have it sent again. Default: nowhere. */
  deliverWebhook?: DeliverWebhook
  /** The buyer's confirmation page for a payment. Default `/sandbox/pay/<reference>`. */
  actionUrl?: (reference: string) => string
  /** What goes wrong with which call, beside what tokens ask for. Default: nothing. */
  faults?: SandboxFaults
  /** The ledger's time in milliseconds since 1970. Default: the database's clock. */
  clock?: () => number
  delays?: {
    /** Until `tok_late` takes effect. Default 60,000. */
    lateMs?: number
    /** Until `tok_pending` and bank transfers are confirmed. Default 5,000. */
    pendingMs?: number
    /** Until `tok_slow` answers. Default 5,000. */
    slowMs?: number
    /** How long an authorization can be captured. Default seven days. */
    validForMs?: number
    /** How often `start` looks for due jobs. Default 250. */
    pollMs?: number
  }
}

export interface SandboxGateway extends PaymentGateway {
  /** The buyer approves a payment that waits for it. Gives the payment as it is then, null where there is none. */
  approve(reference: string): Promise<SandboxPayment | null>
  /** The buyer refuses it. */
  refuse(reference: string): Promise<SandboxPayment | null>
  payment(reference: string): Promise<SandboxPayment | null>
  /** Settles what waited and sends what is due; gives how many jobs were done. */
  runDueJobs(): Promise<number>
  /** Runs due jobs by itself from now on, until `close`. */
  start(): void
  verifyWebhook: NonNullable<PaymentGateway['verifyWebhook']>
  inspect: NonNullable<PaymentGateway['inspect']>
  list: NonNullable<PaymentGateway['list']>
  /** Stops, after what is running; calls whose answers never come end now. */
  close(): Promise<void>
}

const dayMs = 24 * 60 * 60_000
const batchMax = 512
const queueMax = 20_000
/** Two sets at once: one is decided here while the other is written there. */
const setsAtOnce = 2

const isOutage = (error: unknown): boolean =>
  error instanceof DatabaseError && (error.code === 'connection_lost' || error.code === 'pool_exhausted')

export function createSandboxGateway(options: SandboxOptions): SandboxGateway {
  const { database, delays = {}, faults } = options
  const clock: SandboxClock = options.clock ?? null
  const { lateMs = 60_000, pendingMs = 5_000, slowMs = 5_000, validForMs = 7 * dayMs, pollMs = 250 } = delays
  const terms = { lateMs, pendingMs, validForMs }
  const settings = {
    terms,
    actionUrl: options.actionUrl ?? (reference => `/sandbox/pay/${encodeURIComponent(reference)}`),
  }
  const closing = new AbortController()
  // Every call whose answer never comes waits for it.
  setMaxListeners(0, closing.signal)
  const webhooks = sandboxWebhooks({
    secrets: [options.webhookSecret ?? []].flat(),
    deliver: options.deliverWebhook ?? (async () => {}),
    now: () => ledgerNow(database, clock),
  })
  const calls = createLane<SandboxRequest, Reply>({
    name: 'sandbox',
    run: requests => executeRequests(database, requests, settings, clock),
    batchMax,
    queueMax,
    parallel: setsAtOnce,
    isShared: isOutage,
  })
  const lookups = createLane<LookupRequest, LookupAnswer>({
    name: 'sandbox_lookup',
    run: lookUp,
    batchMax,
    queueMax,
    isShared: isOutage,
  })

  async function lookUp(asked: readonly LookupRequest[]): Promise<LookupAnswer[]> {
    const requests = await findRequests(
      database,
      asked.flatMap(({ kind, idempotencyKey }) => (kind === 'authorize' ? [] : [idempotencyKey])),
    )
    const referenceFor = ({ kind, idempotencyKey, reference }: LookupRequest) =>
      kind === 'authorize'
        ? (reference ?? referenceOf(idempotencyKey))
        : (requests.get(idempotencyKey)?.reference ?? reference)
    const payments = await findPayments(
      database,
      asked.flatMap(one => referenceFor(one) ?? []),
    )
    return asked.map(one => {
      const payment = payments.get(referenceFor(one) ?? '') ?? null
      return lookupAnswer(one, payment, requests.get(one.idempotencyKey) ?? null, settings)
    })
  }

  async function call(
    kind: OperationKind,
    { idempotencyKey, signal }: { idempotencyKey: string; signal: AbortSignal },
    request: SandboxRequest | null,
  ): Promise<GatewayAnswer> {
    if (request === null) return refused('invalid_request').answer
    const waits = [signal, closing.signal]
    const fault = faults?.({ kind, idempotencyKey }) ?? null
    if (fault === 'unreachable') return unreachable
    if (fault === 'error_before') return serverError
    if (fault === 'timeout_before' || signal.aborted || closing.signal.aborted) return noAnswer(waits)
    let reply: Reply
    try {
      reply = await inTime(calls.submit(request), [signal])
    } catch (error) {
      if (error instanceof LaneFull) return busy
      throw error
    }
    if (fault === 'timeout_after' || reply.delivery === 'never') return noAnswer(waits)
    if (fault === 'error_after') return serverError
    if (reply.delivery === 'slowly') await passed(slowMs, waits)
    return reply.answer
  }

  async function hearBuyer(reference: string, word: 'approve' | 'refuse'): Promise<SandboxPayment | null> {
    if (!isReference(reference)) return null
    const payment = await transact(database, async tx => {
      const set = await lockSet(tx, [reference], [], clock)
      changePayments(tx, set, (waiting, nowMs) => confirm(waiting, word, nowMs, terms))
      return set.payments.get(reference) ?? null
    })
    if (timer !== null) wake()
    return payment
  }

  let working: Promise<number> | null = null
  let timer: NodeJS.Timeout | null = null
  let wokenAgain = false

  function runDueJobs(): Promise<number> {
    return runDueSandboxJobs({ database, clock, terms, send: webhooks.send })
  }

  function wake(): void {
    if (closing.signal.aborted) return
    if (working !== null) {
      wokenAgain = true
      return
    }
    working = runDueJobs()
      // The jobs are still there: the next look finds them.
      .catch(() => 0)
      .finally(() => {
        working = null
        if (wokenAgain) {
          wokenAgain = false
          wake()
        }
      })
  }

  return {
    name: 'sandbox',
    // The ledger forgets nothing; this is what callers may rely on.
    keyMemoryMs: dayMs,
    authorize: request => call('authorize', request, intake.authorize(request)),
    capture: request => call('capture', request, intake.capture(request)),
    void: request => call('void', request, intake.void(request)),
    refund: request => call('refund', request, intake.refund(request)),
    lookup: request => inTime(lookups.submit(request), [request.signal]),
    verifyWebhook: webhooks.verify,
    inspect: async (reference, signal) =>
      isReference(reference) ? inTime(inspectSandbox(database, reference, clock), [signal]) : null,
    list: ({ signal, ...page }) => inTime(listSandbox(database, page, clock), [signal]),
    approve: reference => hearBuyer(reference, 'approve'),
    refuse: reference => hearBuyer(reference, 'refuse'),
    payment: async reference =>
      isReference(reference) ? ((await findPayments(database, [reference])).get(reference) ?? null) : null,
    runDueJobs,
    start() {
      if (timer !== null || closing.signal.aborted) return
      timer = setInterval(wake, pollMs)
      timer.unref()
    },
    async close() {
      closing.abort(new Error('The sandbox gateway was closed.'))
      if (timer !== null) clearInterval(timer)
      timer = null
      wokenAgain = false
      await Promise.all([working, calls.drain(), lookups.drain()])
    },
  }
}
