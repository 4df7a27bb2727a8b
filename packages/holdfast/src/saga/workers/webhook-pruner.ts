/**
 * The webhook pruner: deletes handled webhooks older than `webhookRetentionDays`. Until then they identify repetitions,
 * which gateways send for days. Unhandled webhooks are never deleted. Every process runs one; none waits for another.
 */
import { spreadMs } from '../../concurrency/backoff.ts'
import { createTasks } from '../../concurrency/tasks.ts'
import { createWorkerLoop } from '../../concurrency/worker-loop.ts'
import { type Database, statement } from '../../database/database.ts'
import type { SagaContext } from '../context.ts'

/** Webhooks deleted in one transaction, which takes a few milliseconds. */
const batchMax = 1_000
/** Batches of one run; the next run continues. */
const batchesMax = 1_000

const pruneWebhooks = statement(
  'prune_webhooks',
  `with pruned as (
     delete from holdfast.webhooks where ctid = any(array(
       select ctid from holdfast.webhooks where handled_at < now() - $1::int * interval '1 day'
       order by handled_at limit ${batchMax} for update skip locked))
     returning 1)
   select count(*) as count from pruned`,
)

export interface WebhookPruner {
  /** Deletes the webhooks whose retention has ended. Returns how many. */
  runOnce(): Promise<number>
  start(everyMs: number): void
  /** Starts no further batch, and waits for the current one. */
  stop(): Promise<void>
}

export function createWebhookPruner(
  { db, clock, log, random }: Pick<SagaContext, 'clock' | 'log' | 'random'> & { db: Database },
  retentionDays: number,
): WebhookPruner {
  const running = createTasks()
  let isStopping = false
  let everyMs = 0

  async function prune(): Promise<number> {
    let total = 0
    for (let batch = 0; batch < batchesMax && !isStopping; batch += 1) {
      const [row] = await db.query<{ count: number }>(pruneWebhooks, [retentionDays])
      const count = row?.count ?? 0
      total += count
      if (count < batchMax) break
    }
    return total
  }

  const runOnce = () => running.track(prune())

  const loop = createWorkerLoop({
    async turn() {
      await runOnce()
      return null
    },
    onError(error) {
      if (!isStopping) log.error('[Checkout] could not delete old webhooks', { err: error })
    },
    after: (ms, run) => clock.after(ms, run),
    // Spread, so that many processes do not query at the same moment.
    pauseMs: () => spreadMs(everyMs, random),
  })

  return {
    runOnce,
    start(ms) {
      everyMs = ms
      loop.start()
    },
    async stop() {
      isStopping = true
      await Promise.all([loop.stop(), running.settled()])
    },
  }
}
