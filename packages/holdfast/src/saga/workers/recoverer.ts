/**
 * The recoverer: looks for checkouts that nobody works on and carries them on from where they rest: their process
 * died, the gateway's answer is due, their time is over. Protects A11 and B1. Every process runs one; there is no
 * leader, for a row's lock and its epoch decide who has it.
 */

import { createLane } from '../../concurrency/lane.ts'
import {
  leaseWebhooks,
  markHandled,
  openWebhooks,
  recordWaitReason,
  type StoredWebhook,
} from '../../payments/webhooks/receive-webhook.ts'
import { type SagaContext, sleep, traced } from '../context.ts'
import { drive, type Rest, resumeFromState } from '../drive.ts'
import type { Lanes } from '../lanes.ts'
import type { Lease } from '../lease.ts'
import { recordGatewaySideRefunds } from '../refunds/gateway-side-refunds.ts'
import { takeOverDue, takeOverExpired } from '../steps/take-over.ts'

export interface Recoverer {
  /**
   * Takes everything that is due; gives how many checkouts it took, once these, and all that others of this process
   * took, have come to rest.
   */
  runOnce(): Promise<number>
  /**
   * Ends the checkouts that have expired, and carries on the roll-backs of expired ones that are due. Returns how many
   * it ended: their state is `failed`, their code `checkout_expired`.
   */
  expireOnce(): Promise<number>
  start(everyMs: number): void
  /** Lets what is being carried on come to rest, and begins nothing new. */
  stop(): Promise<void>
}

/** So many are carried on at once. */
const carriedMax = 200
const roundsMax = 50
/** The gateway's books are looked into for so many checkouts at once. */
const booksMax = 10

/** What one look at the database took. */
interface Look {
  taken: number
  /** There may be more. */
  isFull: boolean
  /** Settles when all of it was carried on, and never fails. */
  carried: Promise<unknown>
}

function isExpired(rest: Rest | null): boolean {
  return rest?.kind === 'rests' && rest.row.state === 'failed' && rest.row.failure?.code === 'checkout_expired'
}

export function createRecoverer(context: SagaContext, lanes: Lanes): Recoverer {
  const carrying = new Set<Promise<unknown>>()
  const looking = new Set<Promise<void>>()
  let stopped = true
  let ending = false
  let cancel = (): void => {}

  function carry(lease: Lease): Promise<Rest | null> {
    const carried = (async () => {
      try {
        return await traced(context, 'recover', lease.row.id, () =>
          drive(context, lanes, resumeFromState(context, lease)),
        )
      } catch (error) {
        // Its lease runs out, and it is due again: nothing is lost by stopping here.
        const { id, state } = lease.row
        context.log.error('[Checkout] could not resume a checkout; will retry', { lockId: id, state, err: error })
        return null
      }
    })().finally(() => carrying.delete(carried))
    carrying.add(carried)
    return carried
  }

  /**
   * Takes what is due and what webhooks speak of, and begins to carry it on, but waits for none of it: what a gateway
   * does not answer holds up nothing else.
   */
  async function look(): Promise<Look> {
    const room = carriedMax - carrying.size
    const leases = room > 0 ? await takeOverDue(context, room) : []
    for (const { row } of leases) {
      context.log.info('[Checkout] taken over', {
        lockId: row.id,
        cartId: row.cart_id,
        state: row.state,
        epoch: row.epoch,
      })
    }
    const carried: Promise<unknown>[] = leases.map(carry)
    carried.push(...(await heedWebhooks()))
    return { taken: carried.length, isFull: room > 0 && leases.length === room, carried: Promise.all(carried) }
  }

  /** One at a time; who comes while one runs gets the next, which sees what was there when they came. */
  const looks = createLane<null, Look>({
    name: 'recover',
    batchMax: 10_000,
    queueMax: 10_000,
    isShared: () => true,
    async run(callers) {
      const seen = await look()
      return callers.map(() => seen)
    },
  })

  /**
   * Looks at the checkouts that webhooks spoke of. Once one is taken its webhook is done with, for from then on it is
   * asked about until it is settled; those that somebody holds right now are left for the next look.
   */
  async function heedWebhooks(): Promise<Promise<unknown>[]> {
    const webhooks = await openWebhooks(context.db, carriedMax, booksMax)
    const done: StoredWebhook[] = []
    const carried = await lookIntoBooks(webhooks.filter(({ about }) => about !== 'payment'))
    async function heed(webhook: StoredWebhook): Promise<void> {
      const taken = await lanes.takeOver.submit({ lockId: webhook.checkout_id, want: 'resume' })
      if (taken.kind === 'leased') carried.push(carry(taken.lease))
      const busy = taken.kind === 'rests' && taken.row.lease_owner !== null && !taken.row.awake
      if (!busy) done.push(webhook)
    }
    const failed = (await Promise.allSettled(webhooks.filter(({ about }) => about === 'payment').map(heed))).find(
      result => result.status === 'rejected',
    )
    if (failed !== undefined) {
      context.log.error('[Checkout] processing a webhook failed; will retry', { err: failed.reason })
    }
    await markHandled(context.db, done)
    return carried
  }

  /**
   * Looks into the gateway's books for checkouts to which something may have happened there alone. Their webhooks are
   * put off first and done with afterwards: should this process die, or the gateway not answer, they come again.
   */
  async function lookIntoBooks(webhooks: readonly StoredWebhook[]): Promise<Promise<unknown>[]> {
    const room = Math.max(0, booksMax - looking.size)
    const mine = await leaseWebhooks(context.db, webhooks.slice(0, room))
    return mine.map(webhook => {
      const look = heedBooks(webhook)
        .catch(async (error: unknown) => {
          context.log.warn('[Checkout] reading a payment from the gateway failed; will retry', {
            lockId: webhook.checkout_id,
            err: error,
          })
          // Where the database is away, too, the line above has said it.
          await recordWaitReason(context.db, webhook, String(error)).catch(() => {})
        })
        .finally(() => {
          carrying.delete(look)
          looking.delete(look)
        })
      carrying.add(look)
      looking.add(look)
      return look
    })
  }

  async function heedBooks(webhook: StoredWebhook): Promise<void> {
    // A refund of ours may be what it tells of.
    const taken = await lanes.takeOver.submit({ lockId: webhook.checkout_id, want: 'refund' })
    if (taken.kind === 'leased') await carry(taken.lease)
    const made = await recordGatewaySideRefunds(context, webhook.checkout_id)
    if (made === 'busy')
      await recordWaitReason(context.db, webhook, 'its checkout, or a refund of it, is still under way')
    else await markHandled(context.db, [webhook])
  }

  async function runOnce(): Promise<number> {
    let taken = 0
    for (let round = 0; round < roundsMax && !ending; round += 1) {
      const seen = await looks.submit(null)
      taken += seen.taken
      await Promise.all(carrying)
      if (!seen.isFull) break
    }
    return taken
  }

  async function expireOnce(): Promise<number> {
    let ended = 0
    for (let round = 0; round < roundsMax && !ending; round += 1) {
      const leases = await takeOverExpired(context, carriedMax)
      const rests = await Promise.all(leases.map(carry))
      ended += rests.filter(isExpired).length
      if (leases.length < carriedMax) break
    }
    return ended
  }

  /** Where there may be more, on as soon as there is room, and in any case after the usual pause. */
  async function turn(everyMs: number): Promise<void> {
    try {
      const seen = await looks.submit(null)
      if (seen.isFull) await Promise.race([seen.carried, sleep(context.clock, everyMs)])
      again(seen.isFull ? 0 : everyMs, everyMs)
    } catch (error) {
      context.log.error('[Checkout] recovery pass failed', { err: error })
      again(everyMs, everyMs)
    }
  }

  function again(afterMs: number, everyMs: number): void {
    if (stopped) return
    cancel = context.clock.after(afterMs, () => void turn(everyMs))
  }

  return {
    runOnce,
    expireOnce,
    start(everyMs) {
      if (!stopped) return
      stopped = false
      again(everyMs, everyMs)
    },
    async stop() {
      stopped = true
      ending = true
      cancel()
      await looks.drain()
      await Promise.all(carrying)
    },
  }
}
