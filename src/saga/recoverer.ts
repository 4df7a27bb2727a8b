/**
 * The recoverer: looks for checkouts that nobody works on and carries them on from where they rest: their process
 * died, the gateway's answer is due, their time is over. Protects A11 and B1. Every process runs one; there is no
 * leader, for a row's lock and its epoch decide who has it.
 */
import type { Claim } from './claim.ts'
import type { SagaContext } from './context.ts'
import { carryOn, drive } from './drive.ts'
import type { Lanes } from './lanes.ts'
import { seizeDue } from './seize.ts'
import { markHandled, openWebhooks, type StoredWebhook } from './webhooks.ts'

export interface Recoverer {
  /** One pass over everything that is due; gives how many checkouts it took. */
  runOnce(): Promise<number>
  start(everyMs: number): void
  /** Lets the running pass end. */
  stop(): Promise<void>
}

const passMax = 200

export function createRecoverer(context: SagaContext, lanes: Lanes): Recoverer {
  let running: Promise<number> | null = null
  let stopped = true
  let cancel = (): void => {}

  async function carry(claim: Claim): Promise<void> {
    try {
      await drive(context, lanes, carryOn(context, claim))
    } catch (error) {
      // Its lease runs out, and it is due again: nothing is lost by stopping here.
      context.log.error('[Checkout] could not be carried on', { lockId: claim.row.id, state: claim.row.state, error })
    }
  }

  async function pass(): Promise<number> {
    let taken = 0
    for (let round = 0; round < 50; round += 1) {
      const claims = await seizeDue(context, passMax)
      taken += claims.length
      for (const claim of claims) {
        context.log.info('[Checkout] taken over', {
          lockId: claim.row.id,
          state: claim.row.state,
          epoch: claim.row.epoch,
        })
      }
      await Promise.all(claims.map(carry))
      if (claims.length < passMax) break
    }
    return taken + (await heedWebhooks())
  }

  /** Looks at the checkouts that webhooks spoke of; those that somebody holds right now are left for the next pass. */
  async function heedWebhooks(): Promise<number> {
    const webhooks = await openWebhooks(context.db, passMax)
    const done: StoredWebhook[] = []
    let taken = 0
    await Promise.all(
      webhooks.map(async webhook => {
        if (webhook.checkout_id === null) return
        const seized = await lanes.seize.submit({ lockId: webhook.checkout_id, want: 'carry_on' })
        if (seized.kind === 'claimed') {
          taken += 1
          await carry(seized.claim)
        }
        const busy = seized.kind === 'rests' && seized.row.lease_owner !== null && !seized.row.awake
        if (!busy) done.push(webhook)
      }),
    )
    await markHandled(context.db, done)
    return taken
  }

  function runOnce(): Promise<number> {
    running ??= pass().finally(() => {
      running = null
    })
    return running
  }

  function again(everyMs: number): void {
    if (stopped) return
    cancel = context.clock.after(everyMs, () => {
      runOnce()
        .catch((error: unknown) => context.log.error('[Checkout] recovery pass failed', { error }))
        .finally(() => again(everyMs))
    })
  }

  return {
    runOnce,
    start(everyMs) {
      if (!stopped) return
      stopped = false
      again(everyMs)
    },
    async stop() {
      stopped = true
      cancel()
      await running?.catch(() => 0)
    },
  }
}
