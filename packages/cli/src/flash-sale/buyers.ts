/**
 * The buyers of a sale, each on a journey of its own: start, pay, go to the bank, ask again whenever no answer came.
 * What they are told is kept: it must be what the shop's books say.
 */
import { setMaxListeners } from 'node:events'
import { setTimeout as passed } from 'node:timers/promises'
import type { Acknowledged } from 'holdfast/operations'
import { sessionOf } from './goods.ts'
import type { BuyerPlan } from './plans.ts'
import { type Answer, type Given, NoAnswer, Refused } from './process.ts'
import type { CallName, Told } from './protocol.ts'
import type { Shop } from './shop.ts'

/** Where buyers are: in front of the shop, at it, or at an end. */
export const buyerStates = ['waiting', 'paying', 'paid', 'sold_out', 'declined', 'undone', 'unserved'] as const
export type BuyerState = (typeof buyerStates)[number]

export interface Crowd {
  readonly counts: Readonly<Record<BuyerState, number>>
  /** Checkouts that came to an end before their buyers' eyes. */
  readonly ended: number
  readonly doubleClicks: number
  readonly lostAnswers: number
  /** Double clicks whose two answers were not the same. */
  readonly differing: number
  /** Answers that nobody expects, by code. */
  readonly surprises: ReadonlyMap<string, number>
  /** What buyers were told as last words. */
  acknowledged(): Acknowledged[]
}

export interface CrowdOptions {
  shop: Shop
  plans: readonly BuyerPlan[]
  cartIds: readonly string[]
  /** Buyers try no more when it is aborted; who has begun is served until then. */
  over: AbortSignal
  /** No new attempt is begun once this is true. */
  isClosed(): boolean
  /** All units are sold: nobody tries again. */
  isSoldOut(): boolean
  onEnd(): void
}

const atBankMs = 900
const retryMs = 120
const patienceMs = 1_000

/** Thrown through a journey that the end of the sale cuts off. */
class Over extends Error {}

export function gatherCrowd(options: CrowdOptions): Crowd & { done: Promise<void> } {
  const { shop, plans, cartIds, over, isClosed, isSoldOut } = options
  const counts = Object.fromEntries(buyerStates.map(state => [state, 0])) as Record<BuyerState, number>
  const told = new Map<string, Acknowledged>()
  const surprises = new Map<string, number>()
  const seen = { ended: 0, doubleClicks: 0, lostAnswers: 0, differing: 0 }

  setMaxListeners(0, over)

  async function pause(ms: number): Promise<void> {
    await passed(ms, undefined, { signal: over }).catch(() => {
      throw new Over()
    })
  }

  /** Makes a call, and the same again wherever no answer came. */
  async function insist<Name extends CallName>(name: Name, ...given: Given<Name>): Promise<Answer<Name>> {
    for (;;) {
      if (over.aborted) throw new Over()
      try {
        return await shop.call(name, given)
      } catch (error) {
        const isOpen = error instanceof NoAnswer || (error instanceof Refused && error.again)
        if (!isOpen) throw error
      }
      await pause(retryMs)
    }
  }

  function acknowledge(lockId: string, answer: Told): void {
    if (answer.status === 'paid') told.set(lockId, { checkoutId: lockId, state: 'completed', orderId: answer.orderId })
    if (answer.status === 'failed') told.set(lockId, { checkoutId: lockId, state: 'failed' })
  }

  async function journey(buyer: number, plan: BuyerPlan): Promise<void> {
    const cartId = cartIds[buyer] ?? ''
    const sessionId = sessionOf(buyer)
    let state: BuyerState = 'waiting'
    counts[state] += 1
    const becomes = (next: BuyerState) => {
      counts[state] -= 1
      counts[next] += 1
      state = next
    }

    /** Follows a payment to its last word; null where the buyer went away from the bank's page. */
    async function follow(lockId: string, first: Told): Promise<Told | null> {
      let answer = first
      for (;;) {
        if (answer.status === 'paid' || answer.status === 'failed') return answer
        if (answer.status === 'confirm') {
          await pause(atBankMs)
          if (plan.atBank === 'abandon') {
            await insist('letTimePass', lockId)
            return null
          }
          await insist('confirm', answer.reference, plan.atBank)
        } else {
          await pause(Math.min(answer.pollAfterMs, 1_000))
        }
        answer = await insist('resume', lockId, sessionId)
      }
    }

    const pay = (lockId: string) => insist('pay', lockId, sessionId, plan.token)

    async function payAsPlanned(lockId: string): Promise<Told> {
      if (plan.clicksTwice) {
        seen.doubleClicks += 1
        const [one, other] = await Promise.all([pay(lockId), pay(lockId)])
        const areFinal = [one, other].every(({ status }) => status === 'paid' || status === 'failed')
        if (areFinal && JSON.stringify(one) !== JSON.stringify(other)) seen.differing += 1
        return one.status === 'waits' ? other : one
      }
      if (plan.losesAnswer) {
        seen.lostAnswers += 1
        await pay(lockId)
      }
      return pay(lockId)
    }

    async function attempt(): Promise<BuyerState> {
      const lockId = await insist('start', cartId, sessionId)
      const paying = payAsPlanned(lockId)
      // Awaited below, unless the end of the sale comes first.
      paying.catch(() => {})
      let answer: Told | null
      if (plan.cancelsAfterMs === null) {
        answer = await follow(lockId, await paying)
      } else {
        await pause(plan.cancelsAfterMs)
        const [, cancelled] = await Promise.all([paying, insist('cancel', lockId, sessionId)])
        answer = await follow(lockId, cancelled)
      }
      seen.ended += 1
      options.onEnd()
      if (answer === null) return 'undone'
      acknowledge(lockId, answer)
      return stateAfter(answer)
    }

    try {
      await pause(plan.arrivesMs)
      for (let tries = 0; ; tries += 1) {
        if (isClosed()) return becomes(tries === 0 ? 'unserved' : state)
        becomes('paying')
        becomes(await attempt())
        const again = (state as BuyerState) === 'sold_out' && tries < plan.patience && !isSoldOut()
        if (!again) return
        await pause(patienceMs * Math.min(0.5 + tries, 1.5))
      }
    } catch (error) {
      if (error instanceof Refused) surprises.set(error.code, (surprises.get(error.code) ?? 0) + 1)
      else if (!(error instanceof Over)) throw error
      if (state === 'waiting' || state === 'paying') becomes('unserved')
    }
  }

  const done = Promise.all(plans.map((plan, buyer) => journey(buyer, plan))).then(() => {})
  return {
    counts,
    surprises,
    acknowledged: () => [...told.values()],
    get ended() {
      return seen.ended
    },
    get doubleClicks() {
      return seen.doubleClicks
    },
    get lostAnswers() {
      return seen.lostAnswers
    },
    get differing() {
      return seen.differing
    },
    done,
  }
}

function stateAfter(answer: Told): BuyerState {
  if (answer.status === 'paid') return 'paid'
  if (answer.status !== 'failed') return 'undone'
  switch (answer.code) {
    case 'insufficient_stock':
      return 'sold_out'
    case 'payment_declined':
    case 'capture_refused':
      return 'declined'
    default:
      return 'undone'
  }
}
