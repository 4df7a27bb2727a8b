/** What a story with crashes is, and the ways it can go: each can be told again from its beginning by whoever survives. */

import type { CheckoutEngine, RefundOptions } from '../../packages/holdfast/src/engine/checkout-engine.ts'
import type { EngineOptions } from '../world/process.ts'
import type { ProviderName } from '../world/provider.ts'
import { type Buyer, refusalOf, type Stage } from './stage.ts'

export interface Scenario {
  readonly name: string
  /** Who takes the payments; default the sandbox. */
  readonly provider?: ProviderName
  /** How the engines are set up. */
  readonly engine?: Pick<EngineOptions, 'config' | 'quote'>
  /** Fills the carts. */
  set(stage: Stage): Promise<Buyer[]>
  /** Tells the story, or tells it again: every call in it may have been made before by a process that died. */
  play(engine: CheckoutEngine, buyers: readonly Buyer[], stage: Stage): Promise<void>
  /** How its checkouts end: so many completed, so many failed with a code. Of several, one. */
  readonly ends: readonly Readonly<Record<string, number>>[]
  /** What has become of the orders that were paid; default `paid`. */
  readonly orders?: 'paid' | 'partially_refunded' | 'refunded'
  /** Units on hand of some articles, in all warehouses. */
  readonly shelf?: Readonly<Record<string, number>>
}

export const one = (lines: Readonly<Record<string, number>>) => async (stage: Stage) => [await stage.buyer(lines)]

export const pays =
  (token: string): Scenario['play'] =>
  async (engine, [buyer]) => {
    await buyer?.pay(engine, { token })
  }

/** The buyer comes to the bank's page, where `word` is said, and back. */
export const actsAtTheBank =
  (word: 'approve' | 'refuse', token = 'tok_action_required'): Scenario['play'] =>
  async (engine, [buyer], { world }) => {
    const outcome = await buyer?.pay(engine, { token })
    if (buyer?.lockId === undefined || buyer.lockId === null || outcome?.status !== 'action_required') return
    const { lockId: id, sessionId } = buyer
    await world.provider.decide(id, word)
    const back = await buyer.ask(() => engine.resumeCheckout(id, { sessionId }))
    if (back?.status === 'processing') await buyer.pay(engine, { token })
  }

export const cancelsAfter =
  (payment: Parameters<Buyer['pay']>[1]): Scenario['play'] =>
  async (engine, [buyer]) => {
    await buyer?.pay(engine, payment)
    const id = buyer?.lockId
    if (buyer === undefined || id === undefined || id === null) return
    await buyer.ask(() => engine.cancelCheckout(id, { sessionId: buyer.sessionId }))
  }

/** Waits until its time is over, and looks again. */
export const waitsTooLong =
  (payment: Parameters<Buyer['pay']>[1] | null): Scenario['play'] =>
  async (engine, [buyer], stage) => {
    if (payment === null) await buyer?.start(engine, { ttlMinutes: 1 })
    else await buyer?.pay(engine, payment, { ttlMinutes: 1 })
    await stage.pause(61_000)
  }

export const refunds =
  (wishes: readonly RefundOptions[], token = 'tok_approve'): Scenario['play'] =>
  async (engine, [buyer], stage) => {
    const outcome = await buyer?.pay(engine, { token })
    if (outcome?.status !== 'completed') return
    for (const [index, wish] of wishes.entries()) {
      for (let asks = 0; asks < 4; asks += 1) {
        const wanted = { key: `refund-${index}`, restock: true, actor: 'shop', ...wish }
        const made = await engine.refundOrder(outcome.order.id, wanted).catch(refusalOf)
        if (typeof made !== 'string' && made.status === 'refunded') break
        await stage.pause(10_000)
      }
    }
  }
