/**
 * The sandbox gateway: a payment provider for tests and demonstrations that runs in this process but keeps a ledger of
 * its own. Every answer is durable before it is returned. Calls that arrive together share one transaction.
 */
import { setMaxListeners } from 'node:events'
import { createLane, LaneFull } from '../../concurrency/lane.ts'
import { type Database, DatabaseError } from '../../database/database.ts'
import type { GatewayAnswer, LookupAnswer, LookupRequest, OperationKind, PaymentGateway } from '../gateway.ts'
import { inspectSandbox, listSandbox } from './books.ts'
import { refused } from './decide.ts'
import { executeRequests, lookUpRequests, type Reply } from './execute.ts'
import { busy, noAnswer, type SandboxFaults, serverError, slowly, unlessAborted, unreachable } from './faults.ts'
import { intake, isReference } from './intake.ts'
import { changePayments, createJobWorker, type DeliverWebhook, runDueSandboxJobs } from './jobs.ts'
import { findPayments, ledgerNow, lockBatch, type SandboxClock, transact } from './ledger.ts'
import { confirm, type SandboxPayment, type SandboxRequest } from './payment.ts'
import { sandboxWebhooks } from './webhooks.ts'

export interface SandboxOptions {
  /**
   * The database of the ledger (schema `holdfast_sandbox`). On PostgreSQL, use a separate pool, so the ledger never waits
   * for the application's connections. The embedded database may be shared. The caller closes it.
   */
  database: Database
  /**
   * Signs webhooks. With several secrets, the first signs and each is accepted. Default: a random secret of this
   * process.
   */
  webhookSecret?: string | readonly string[]
  /** Sends a webhook. If it throws, the webhook is sent again. Default: webhooks are dropped. */
  deliverWebhook?: DeliverWebhook
  /** The URL of a payment's confirmation page. Default `/sandbox/pay/<reference>`. */
  actionUrl?: (reference: string) => string
  /** Faults of single calls, in addition to those that tokens select. Default: none. */
  faults?: SandboxFaults
  /** The ledger's time in milliseconds since 1970. Default: the database's clock. */
  clock?: () => number
  /** All in milliseconds. */
  delays?: {
    /** Until `tok_late` takes effect. Default 60,000. */
    lateMs?: number
    /** Until `tok_pending` and bank transfers are confirmed. Default 5,000. */
    pendingMs?: number
    /** Until `tok_slow` answers. Default 5,000. */
    slowMs?: number
    /** How long an authorization can be captured. Default seven days. */
    validForMs?: number
    /** Pause between two searches for due jobs after `start`. Default 250. */
    pollMs?: number
  }
}

export interface SandboxGateway extends PaymentGateway {
  /** Approves a payment as its buyer. Returns the payment afterwards, or null if it does not exist. */
  approve(reference: string): Promise<SandboxPayment | null>
  /** Refuses a payment as its buyer. Returns the payment afterwards, or null if it does not exist. */
  refuse(reference: string): Promise<SandboxPayment | null>
  payment(reference: string): Promise<SandboxPayment | null>
  /** Settles waiting payments and sends due webhooks. Returns how many jobs succeeded. */
  runDueJobs(): Promise<number>
  /** Runs due jobs in the background until `close`. */
  start(): void
  verifyWebhook: NonNullable<PaymentGateway['verifyWebhook']>
  inspect: NonNullable<PaymentGateway['inspect']>
  list: NonNullable<PaymentGateway['list']>
  /** Waits for running work, and ends calls that would never be answered. */
  close(): Promise<void>
}

const dayMs = 24 * 60 * 60_000
const batchMax = 512
const queueMax = 20_000
/** Two sets at once: one is decided here while the database writes the other. */
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
  // Every call that never gets an answer adds a listener.
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
    run: wanted => lookUpRequests(database, wanted, settings),
    batchMax,
    queueMax,
    isShared: isOutage,
  })

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
      reply = await unlessAborted(calls.submit(request), [signal])
    } catch (error) {
      if (error instanceof LaneFull) return busy
      throw error
    }
    if (fault === 'timeout_after' || reply.delivery === 'never') return noAnswer(waits)
    if (fault === 'error_after') return serverError
    if (reply.delivery === 'slowly') await slowly(slowMs, waits)
    return reply.answer
  }

  async function decideAsBuyer(reference: string, decision: 'approve' | 'refuse'): Promise<SandboxPayment | null> {
    if (!isReference(reference)) return null
    const payment = await transact(database, async tx => {
      const batch = await lockBatch(tx, [reference], [], clock)
      changePayments(tx, batch, (waiting, nowMs) => confirm(waiting, decision, nowMs, terms))
      return batch.payments.get(reference) ?? null
    })
    worker.wake()
    return payment
  }

  const runDueJobs = () => runDueSandboxJobs({ database, clock, terms, send: webhooks.send })
  const worker = createJobWorker(runDueJobs, pollMs)

  return {
    name: 'sandbox',
    // The ledger forgets no key. This is the time that callers may rely on.
    keyMemoryMs: dayMs,
    authorize: request => call('authorize', request, intake.authorize(request)),
    capture: request => call('capture', request, intake.capture(request)),
    void: request => call('void', request, intake.void(request)),
    refund: request => call('refund', request, intake.refund(request)),
    lookup: request => unlessAborted(lookups.submit(request), [request.signal]),
    verifyWebhook: webhooks.verify,
    inspect: async (reference, signal) =>
      isReference(reference) ? unlessAborted(inspectSandbox(database, reference, clock), [signal]) : null,
    list: ({ signal, ...page }) => unlessAborted(listSandbox(database, page, clock), [signal]),
    approve: reference => decideAsBuyer(reference, 'approve'),
    refuse: reference => decideAsBuyer(reference, 'refuse'),
    payment: async reference =>
      isReference(reference) ? ((await findPayments(database, [reference])).get(reference) ?? null) : null,
    runDueJobs,
    start: worker.start,
    async close() {
      closing.abort(new Error('The sandbox gateway was closed.'))
      await Promise.all([worker.stop(), calls.drain(), lookups.drain()])
    },
  }
}
