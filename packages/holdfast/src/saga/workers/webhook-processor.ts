/**
 * Processes stored webhooks: resumes the checkout that each concerns, or records what happened at the gateway only. A
 * webhook stays open until its checkout was leased or needs nothing, so a crash or a busy checkout loses none.
 */

import { createTasks, type Tasks } from '../../concurrency/tasks.ts'
import {
  leaseWebhooks,
  markHandled,
  openWebhooks,
  recordWaitReason,
  type StoredWebhook,
} from '../../payments/webhooks/receive-webhook.ts'
import type { SagaContext } from '../context.ts'
import type { Lanes } from '../lanes.ts'
import type { Lease } from '../lease.ts'
import { recordGatewaySideRefunds } from '../refunds/gateway-side-refunds.ts'

/** Most payments that are read from the gateway at once. */
const readsMax = 10

export interface WebhookProcessor {
  /** Starts to process the open webhooks. Returns the work in progress, which never rejects. */
  processOpen(): Promise<Promise<unknown>[]>
}

export interface WebhookProcessorOptions {
  context: SagaContext
  lanes: Lanes
  /** Resumes a leased checkout. Never rejects. */
  resume(lease: Lease): Promise<unknown>
  /** Receives the work in progress. */
  running: Tasks
  /** Most webhooks per call. */
  webhooksMax: number
}

export function createWebhookProcessor(options: WebhookProcessorOptions): WebhookProcessor {
  const { context, lanes, resume, running, webhooksMax } = options
  const { db, log } = context
  const reading = createTasks()

  /**
   * Starts to read payments from the gateway, for checkouts to which something may have happened there only. Their
   * webhooks are postponed first and marked as handled afterwards: after a crash, or without an answer, they are due again.
   */
  async function startReads(webhooks: readonly StoredWebhook[]): Promise<Promise<unknown>[]> {
    const room = Math.max(0, readsMax - reading.size)
    const leased = await leaseWebhooks(db, webhooks.slice(0, room))
    return leased.map(webhook => running.track(reading.track(read(webhook))))
  }

  async function read(webhook: StoredWebhook): Promise<void> {
    const lockId = webhook.checkout_id
    try {
      // The webhook may concern our own refund that is still open.
      const taken = await lanes.takeOver.submit({ lockId, want: 'refund' })
      if (taken.kind === 'leased') await resume(taken.lease)
      const result = await recordGatewaySideRefunds(context, lockId)
      if (result === 'busy') await recordWaitReason(db, webhook, 'the checkout or a refund of it is still in progress')
      else await markHandled(db, [webhook])
    } catch (error) {
      log.warn('[Checkout] reading a payment from the gateway failed; will retry', { lockId, err: error })
      // If the database is unavailable, the line above has already reported it.
      await recordWaitReason(db, webhook, String(error)).catch(() => {})
    }
  }

  return {
    async processOpen() {
      const webhooks = await openWebhooks(db, webhooksMax, readsMax)
      const started = await startReads(webhooks.filter(({ about }) => about !== 'payment'))
      const handled: StoredWebhook[] = []
      // Once its checkout is leased a webhook is handled, because recovery continues the checkout until it is settled.
      // While another worker holds the checkout, the webhook stays open for the next call.
      async function takeOver(webhook: StoredWebhook): Promise<void> {
        const taken = await lanes.takeOver.submit({ lockId: webhook.checkout_id, want: 'resume' })
        if (taken.kind === 'leased') started.push(resume(taken.lease))
        const isBusy = taken.kind === 'rests' && taken.row.lease_owner !== null && !taken.row.awake
        if (!isBusy) handled.push(webhook)
      }
      const results = await Promise.allSettled(webhooks.filter(({ about }) => about === 'payment').map(takeOver))
      const failed = results.find(result => result.status === 'rejected')
      if (failed !== undefined) {
        log.error('[Checkout] processing a webhook failed; will retry', { err: failed.reason })
      }
      await markHandled(db, handled)
      return started
    },
  }
}
