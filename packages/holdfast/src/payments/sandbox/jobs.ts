/**
 * The sandbox's background jobs: settling payments that waited, and delivering webhooks. Each job runs at least once
 * and in one process at a time. The payment's row lock orders a late effect and a void.
 */
import { createLane } from '../../concurrency/lane.ts'
import { within } from '../../concurrency/timeout.ts'
import { backgroundTimer, createWorkerLoop } from '../../concurrency/worker-loop.ts'
import { type Database, statement, type Transaction } from '../../database/database.ts'
import {
  type LedgerBatch,
  ledgerNow,
  lockBatch,
  type SandboxClock,
  type SandboxJob,
  transact,
  writeBatch,
} from './ledger.ts'
import { type SandboxPayment, type SandboxTerms, settle } from './payment.ts'

/** Sends one webhook. If it throws, the webhook is sent again later. */
export type DeliverWebhook = (headers: Headers, body: string) => Promise<void>

const batchMax = 50
/** A webhook that is refused this many times stays in the ledger and is not sent again. */
const triesMax = 20
/** Time limit of a delivery. Another process may try it afterwards. */
const deliveryMs = 15_000

const takeSettlements = statement(
  'sandbox_take_settlements',
  `delete from holdfast_sandbox.jobs where id in (
    select id from holdfast_sandbox.jobs
    where kind = 'settle' and due_at <= coalesce($1::timestamptz, now())
    order by due_at limit $2 for update skip locked)
  returning payment_id as reference`,
)

const leaseWebhooks = statement(
  'sandbox_lease_webhooks',
  `update holdfast_sandbox.jobs
  set tries = tries + 1, due_at = coalesce($1::timestamptz, now()) + $3 * interval '1 millisecond'
  where id in (
    select id from holdfast_sandbox.jobs
    where kind = 'webhook' and due_at <= coalesce($1::timestamptz, now())
    order by due_at limit $2 for update skip locked)
  returning id, payload, tries`,
)

const deleteJobs = statement('sandbox_delete_jobs', 'delete from holdfast_sandbox.jobs where id = any($1::uuid[])')

const postponeJobs = statement(
  'sandbox_postpone_jobs',
  `update holdfast_sandbox.jobs
  set due_at = case when tries < $3 then coalesce($2::timestamptz, now()) + least(300, power(2, tries)) * interval '1 second'
    else 'infinity' end
  where id = any($1::uuid[])`,
)

interface WebhookJob {
  id: string
  payload: Record<string, unknown>
  tries: number
}

const timestamp = (clock: SandboxClock) => (clock === null ? null : new Date(clock()).toISOString())

/** The webhook about a payment's new state. */
function webhookOf(payment: SandboxPayment, nowMs: number): SandboxJob {
  return {
    kind: 'webhook',
    reference: payment.reference,
    payload: {
      type: `payment.${payment.status}`,
      created: Math.floor(nowMs / 1_000),
      data: {
        reference: payment.reference,
        checkout_id: payment.checkoutId,
        status: payment.status,
        amount_minor: payment.amountMinor,
        currency: payment.currency,
        decline_code: payment.declineCode,
      },
    },
    dueAtMs: nowMs,
  }
}

/** Changes the locked payments and schedules their webhooks. `change` returns null to leave a payment as it is. */
export function changePayments(
  tx: Transaction,
  { payments, nowMs }: LedgerBatch,
  change: (payment: SandboxPayment, nowMs: number) => SandboxPayment | null,
): void {
  const changed = [...payments.values()].flatMap(payment => change(payment, nowMs) ?? [])
  writeBatch(tx, { created: [], changed, requests: [], jobs: changed.map(payment => webhookOf(payment, nowMs)), nowMs })
  for (const payment of changed) payments.set(payment.reference, payment)
}

async function settleDue(database: Database, clock: SandboxClock, terms: SandboxTerms): Promise<number> {
  return transact(database, async tx => {
    const taken = await tx.query<{ reference: string }>(takeSettlements, [timestamp(clock), batchMax])
    if (taken.length > 0) {
      const references = [...new Set(taken.map(job => job.reference))]
      const batch = await lockBatch(tx, references, [], clock)
      changePayments(tx, batch, (payment, nowMs) => settle(payment, nowMs, terms))
    }
    return taken.length
  })
}

const notAccepted = () => new Error(`the webhook was not accepted within ${deliveryMs} ms`)

async function deliverDue(
  database: Database,
  clock: SandboxClock,
  send: (id: string, payload: Record<string, unknown>, nowMs: number) => Promise<void>,
): Promise<number> {
  const jobs = await database.query<WebhookJob>(leaseWebhooks, [timestamp(clock), batchMax, deliveryMs])
  if (jobs.length === 0) return 0
  const nowMs = await ledgerNow(database, clock)
  const results = await Promise.allSettled(
    jobs.map(async job => within(send(job.id, job.payload, nowMs), deliveryMs, notAccepted)),
  )
  const ids = (status: 'fulfilled' | 'rejected') =>
    jobs.filter((_, index) => results[index]?.status === status).map(job => job.id)
  const [delivered, failed] = [ids('fulfilled'), ids('rejected')]
  if (delivered.length > 0) await database.query(deleteJobs, [delivered])
  if (failed.length > 0) await database.query(postponeJobs, [failed, timestamp(clock), triesMax])
  return delivered.length
}

const roundsMax = 100

/** Runs all due jobs and returns how many succeeded. A failed job is tried again after a pause. */
export async function runDueSandboxJobs(options: {
  database: Database
  clock: SandboxClock
  terms: SandboxTerms
  send: (id: string, payload: Record<string, unknown>, nowMs: number) => Promise<void>
}): Promise<number> {
  const { database, clock, terms, send } = options
  let done = 0
  for (let round = 0; round < roundsMax; round += 1) {
    const settled = await settleDue(database, clock, terms)
    const delivered = await deliverDue(database, clock, send)
    if (settled + delivered === 0) break
    done += settled + delivered
  }
  return done
}

export interface JobWorker {
  /** Runs due jobs every `pollMs` from now on. Does nothing after `stop`. */
  start(): void
  /** Runs due jobs at once, if started. */
  wake(): void
  /** Waits for running jobs. */
  stop(): Promise<void>
}

export function createJobWorker(runDueJobs: () => Promise<number>, pollMs: number): JobWorker {
  let isStarted = false
  let isStopped = false
  /** One run at a time. Requests that arrive during a run share the next one. */
  const runs = createLane<null, number>({
    name: 'sandbox_jobs',
    run: async waiting => Array<number>(waiting.length).fill(await runDueJobs()),
    batchMax: Number.POSITIVE_INFINITY,
    queueMax: Number.POSITIVE_INFINITY,
    isShared: () => true,
  })
  const loop = createWorkerLoop({
    async turn() {
      await runs.submit(null)
      return null
    },
    // The jobs stay in the ledger, and the next turn finds them.
    onError: () => {},
    after: backgroundTimer,
    pauseMs: () => pollMs,
  })
  return {
    start() {
      if (isStopped) return
      isStarted = true
      loop.start()
    },
    wake() {
      if (isStarted) runs.submit(null).catch(() => {})
    },
    async stop() {
      isStarted = false
      isStopped = true
      await Promise.all([loop.stop(), runs.drain()])
    },
  }
}
