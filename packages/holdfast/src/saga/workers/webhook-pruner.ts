/**
 * The forgetter: deletes webhooks that have been done for long. They are kept so that one that comes again is known;
 * gateways repeat theirs for days, and looking once more than needed changes nothing. What is not done is never deleted.
 * Every process runs one, and none waits for another.
 */
import { type Database, statement } from '../../database/database.ts'
import type { SagaContext } from '../context.ts'

/** Deleted in one transaction, in a few milliseconds. */
const batchMax = 1_000
/** Of one pass; the next goes on. */
const batchesMax = 1_000

const pruneWebhooks = statement(
  'forget_webhooks',
  `with forgotten as (
     delete from holdfast.webhooks where ctid = any(array(
       select ctid from holdfast.webhooks where handled_at < now() - $1::int * interval '1 day'
       order by handled_at limit ${batchMax} for update skip locked))
     returning 1)
   select count(*) as count from forgotten`,
)

export interface WebhookPruner {
  /** Deletes what is done for longer than is kept; gives how many. */
  runOnce(): Promise<number>
  start(everyMs: number): void
  /** Lets the batch end that is under way. */
  stop(): Promise<void>
}

export function createWebhookPruner(
  { db, clock, log, random }: Pick<SagaContext, 'clock' | 'log' | 'random'> & { db: Database },
  keptDays: number,
): WebhookPruner {
  const running = new Set<Promise<number>>()
  let ending = false
  let cancel = (): void => {}

  async function forget(): Promise<number> {
    let total = 0
    for (let batch = 0; batch < batchesMax && !ending; batch += 1) {
      const [row] = await db.query<{ count: number }>(pruneWebhooks, [keptDays])
      const count = row?.count ?? 0
      total += count
      if (count < batchMax) break
    }
    return total
  }

  function runOnce(): Promise<number> {
    const run = forget().finally(() => running.delete(run))
    running.add(run)
    return run
  }

  function again(everyMs: number): void {
    if (ending) return
    // Spread, so that many processes do not all look at once.
    cancel = clock.after(Math.round(everyMs * (0.75 + random() / 2)), () => void turn(everyMs))
  }

  async function turn(everyMs: number): Promise<void> {
    try {
      await runOnce()
    } catch (error) {
      if (!ending) log.error('[Checkout] could not delete old webhooks', { err: error })
    }
    again(everyMs)
  }

  return {
    runOnce,
    start: again,
    async stop() {
      ending = true
      cancel()
      await Promise.allSettled(running)
    },
  }
}
