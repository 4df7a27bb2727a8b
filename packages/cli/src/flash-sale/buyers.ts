/**
 * The simulated buyers of a sale. Each starts a checkout, pays, visits its bank, and repeats a call that got no answer.
 * Final answers are recorded, because they must match the shop's records.
 */
import { setMaxListeners } from 'node:events'
import { setTimeout as passed } from 'node:timers/promises'
import type { Acknowledged } from 'holdfast/operations'
import type { BuyerPlan } from './buyer-plans.ts'
import type { BuyerAnswer, CallName } from './protocol.ts'
import { sessionOf } from './sale-store.ts'
import type { Shop } from './shop.ts'
import { type CallArguments, type CallResult, NoAnswer, Refused } from './shop-process.ts'

/** State of a buyer: before the checkout, in it, or after it. */
export const buyerStates = ['waiting', 'paying', 'paid', 'sold_out', 'declined', 'undone', 'unserved'] as const
export type BuyerState = (typeof buyerStates)[number]

export interface Crowd {
  readonly counts: Readonly<Record<BuyerState, number>>
  /** Checkouts whose end their buyers saw. */
  readonly ended: number
  readonly doubleClicks: number
  readonly lostAnswers: number
  /** Double clicks with two different answers. */
  readonly differing: number
  /** Unexpected refusals, by code. */
  readonly surprises: ReadonlyMap<string, number>
  /** Final answers that buyers received. */
  acknowledged(): Acknowledged[]
}

export interface CrowdOptions {
  shop: Shop
  plans: readonly BuyerPlan[]
  cartIds: readonly string[]
  /** Stops all buyers. */
  over: AbortSignal
  /** True once no new attempt may start. */
  isClosed(): boolean
  /** True once all units are sold; buyers then do not retry. */
  isSoldOut(): boolean
  onEnd(): void
}

const atBankMs = 900
const retryMs = 120
const patienceMs = 1_000

/** Thrown to stop a buyer when the sale ends. */
class Over extends Error {}

export function gatherCrowd(options: CrowdOptions): Crowd & { done: Promise<void> } {
  const { shop, plans, cartIds, over, isClosed, isSoldOut } = options
  const counts = Object.fromEntries(buyerStates.map(state => [state, 0])) as Record<BuyerState, number>
  const finalAnswers = new Map<string, Acknowledged>()
  const surprises = new Map<string, number>()
  const seen = { ended: 0, doubleClicks: 0, lostAnswers: 0, differing: 0 }

  setMaxListeners(0, over)

  async function pause(ms: number): Promise<void> {
    await passed(ms, undefined, { signal: over }).catch(() => {
      throw new Over()
    })
  }

  /** Makes a call and repeats it until an answer arrives. */
  async function callUntilAnswered<Name extends CallName>(
    name: Name,
    ...given: CallArguments<Name>
  ): Promise<CallResult<Name>> {
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

  function acknowledge(lockId: string, answer: BuyerAnswer): void {
    if (answer.status === 'paid')
      finalAnswers.set(lockId, { checkoutId: lockId, state: 'completed', orderId: answer.orderId })
    if (answer.status === 'failed') finalAnswers.set(lockId, { checkoutId: lockId, state: 'failed' })
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

    /** Follows a payment to its final answer; null if the buyer leaves the bank's page. */
    async function follow(lockId: string, first: BuyerAnswer): Promise<BuyerAnswer | null> {
      let answer = first
      for (;;) {
        if (answer.status === 'paid' || answer.status === 'failed') return answer
        if (answer.status === 'confirm') {
          await pause(atBankMs)
          if (plan.atBank === 'abandon') {
            await callUntilAnswered('expireLocks', lockId)
            return null
          }
          await callUntilAnswered('confirm', answer.reference, plan.atBank)
        } else {
          await pause(Math.min(answer.pollAfterMs, 1_000))
        }
        answer = await callUntilAnswered('resume', lockId, sessionId)
      }
    }

    const pay = (lockId: string) => callUntilAnswered('pay', lockId, sessionId, plan.token)

    async function payAsPlanned(lockId: string): Promise<BuyerAnswer> {
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
      const lockId = await callUntilAnswered('start', cartId, sessionId)
      const paying = payAsPlanned(lockId)
      // Awaited below, unless the sale ends first.
      paying.catch(() => {})
      let answer: BuyerAnswer | null
      if (plan.cancelsAfterMs === null) {
        answer = await follow(lockId, await paying)
      } else {
        await pause(plan.cancelsAfterMs)
        const [, cancelled] = await Promise.all([paying, callUntilAnswered('cancel', lockId, sessionId)])
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
    acknowledged: () => [...finalAnswers.values()],
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

function stateAfter(answer: BuyerAnswer): BuyerState {
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
