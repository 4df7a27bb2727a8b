/**
 * The recoverer: resumes checkouts that no worker holds and that are due, because their process died, a retry is due, or
 * they expired. Protects A11 and B1. Every process runs one without a leader: row locks and epochs decide who gets each
 * checkout.
 */

import { createLane } from '../../concurrency/lane.ts'
import { createTasks } from '../../concurrency/tasks.ts'
import { createWorkerLoop } from '../../concurrency/worker-loop.ts'
import { type SagaContext, sleep, traced } from '../context.ts'
import { drive, type Rest, resumeFromState } from '../drive.ts'
import type { Lanes } from '../lanes.ts'
import type { Lease } from '../lease.ts'
import { takeOverDue, takeOverExpired } from '../steps/take-over.ts'
import { createWebhookProcessor } from './webhook-processor.ts'

export interface Recoverer {
  /**
   * Takes over everything that is due. Returns the number of checkouts once they rest, together with all others that
   * this process is resuming.
   */
  runOnce(): Promise<number>
  /**
   * Ends the checkouts that have expired, and resumes the rollbacks of expired ones that are due. Returns how many it
   * ended: their state is `failed`, their code `checkout_expired`.
   */
  expireOnce(): Promise<number>
  start(everyMs: number): void
  /** Starts nothing new, and waits until the checkouts that are being resumed rest. */
  stop(): Promise<void>
}

/** Most checkouts that one process resumes at once. */
const resumedMax = 200
const roundsMax = 50

/** What one pass over the database took over. */
interface Pass {
  taken: number
  /** More may be due. */
  isFull: boolean
  /** Settles when all of it rests. Never rejects. */
  resumed: Promise<unknown>
}

export function createRecoverer(context: SagaContext, lanes: Lanes): Recoverer {
  const resuming = createTasks()
  const resume = (lease: Lease): Promise<Rest | null> => resuming.track(resumeLease(context, lanes, lease))
  const webhooks = createWebhookProcessor({ context, lanes, resume, running: resuming, webhooksMax: resumedMax })
  let isStopping = false
  let everyMs = 0

  /** Takes over what is due and starts to resume it, but does not wait: a slow gateway must not delay other checkouts. */
  async function pass(): Promise<Pass> {
    const room = resumedMax - resuming.size
    const leases = room > 0 ? await takeOverDue(context, room) : []
    for (const { row } of leases) {
      const { id: lockId, cart_id: cartId, state, epoch } = row
      context.log.info('[Checkout] taken over', { lockId, cartId, state, epoch })
    }
    const resumed: Promise<unknown>[] = leases.map(resume)
    resumed.push(...(await webhooks.processOpen()))
    return { taken: resumed.length, isFull: room > 0 && leases.length === room, resumed: Promise.all(resumed) }
  }

  /** One pass at a time. Callers that arrive during a pass share the next one, which sees everything due by then. */
  const passes = createLane<null, Pass>({
    name: 'recover',
    batchMax: 10_000,
    queueMax: 10_000,
    isShared: () => true,
    async run(callers) {
      const shared = await pass()
      return callers.map(() => shared)
    },
  })

  async function runOnce(): Promise<number> {
    let taken = 0
    for (let round = 0; round < roundsMax && !isStopping; round += 1) {
      const { taken: takenNow, isFull } = await passes.submit(null)
      taken += takenNow
      await resuming.settled()
      if (!isFull) break
    }
    return taken
  }

  async function expireOnce(): Promise<number> {
    let ended = 0
    for (let round = 0; round < roundsMax && !isStopping; round += 1) {
      const leases = await takeOverExpired(context, resumedMax)
      const rests = await Promise.all(leases.map(resume))
      ended += rests.filter(isExpired).length
      if (leases.length < resumedMax) break
    }
    return ended
  }

  const loop = createWorkerLoop({
    // If more may be due, the next turn follows as soon as there is room, and after the usual pause at the latest.
    async turn() {
      const { isFull, resumed } = await passes.submit(null)
      if (isFull) await Promise.race([resumed, sleep(context.clock, everyMs)])
      return isFull ? 0 : null
    },
    onError: error => context.log.error('[Checkout] recovery pass failed', { err: error }),
    after: (ms, run) => context.clock.after(ms, run),
    pauseMs: () => everyMs,
  })

  return {
    runOnce,
    expireOnce,
    start(ms) {
      everyMs = ms
      loop.start()
    },
    async stop() {
      isStopping = true
      await loop.stop()
      await passes.drain()
      await resuming.settled()
    },
  }
}

/** Drives a checkout to rest. A failure loses nothing: the lease expires, and the checkout is due again. */
async function resumeLease(context: SagaContext, lanes: Lanes, lease: Lease): Promise<Rest | null> {
  const { id: lockId, state } = lease.row
  try {
    return await traced(context, 'recover', lockId, () => drive(context, lanes, resumeFromState(context, lease)))
  } catch (error) {
    context.log.error('[Checkout] could not resume a checkout; will retry', { lockId, state, err: error })
    return null
  }
}

function isExpired(rest: Rest | null): boolean {
  return rest?.kind === 'rests' && rest.row.state === 'failed' && rest.row.failure?.code === 'checkout_expired'
}
