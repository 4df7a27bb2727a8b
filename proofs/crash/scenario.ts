/** A scenario of the crash proof, and the steps of scenarios. A surviving process can repeat a scenario from its start. */

import type { CheckoutEngine, RefundOptions } from '../../packages/holdfast/src/engine/checkout-engine.ts'
import type { EngineOptions } from '../world/process.ts'
import type { ProviderName } from '../world/provider.ts'
import { type Buyer, refusalOf, type ScenarioRun } from './scenario-run.ts'

export interface Scenario {
  readonly name: string
  /** The payment provider. Default: the sandbox. */
  readonly provider?: ProviderName
  /** Options of the engines. */
  readonly engine?: Pick<EngineOptions, 'config' | 'quote'>
  /** Fills the carts. */
  set(run: ScenarioRun): Promise<Buyer[]>
  /** Plays the scenario, perhaps again: each call may have been made before, by a process that died. */
  play(engine: CheckoutEngine, buyers: readonly Buyer[], run: ScenarioRun): Promise<void>
  /** The possible endings: how many checkouts are completed, and how many failed with which code. */
  readonly ends: readonly Readonly<Record<string, number>>[]
  /** The status of the paid orders at the end. Default: `paid`. */
  readonly orders?: 'paid' | 'partially_refunded' | 'refunded'
  /** Expected units on hand of some articles, in all warehouses. */
  readonly stock?: Readonly<Record<string, number>>
}

export const one = (lines: Readonly<Record<string, number>>) => async (run: ScenarioRun) => [await run.buyer(lines)]

export const pays =
  (token: string): Scenario['play'] =>
  async (engine, [buyer]) => {
    await buyer?.pay(engine, { token })
  }

/** The buyer confirms (`approve`) or rejects the payment on the bank's page, and returns. */
export const actsAtBank =
  (decision: 'approve' | 'refuse', token = 'tok_action_required'): Scenario['play'] =>
  async (engine, [buyer], { world }) => {
    const outcome = await buyer?.pay(engine, { token })
    if (buyer?.lockId === undefined || buyer.lockId === null || outcome?.status !== 'action_required') return
    const { lockId: id, sessionId } = buyer
    await world.provider.decide(id, decision)
    const back = await buyer.request(() => engine.resumeCheckout(id, { sessionId }))
    if (back?.status === 'processing') await buyer.pay(engine, { token })
  }

export const cancelsAfter =
  (payment: Parameters<Buyer['pay']>[1]): Scenario['play'] =>
  async (engine, [buyer]) => {
    await buyer?.pay(engine, payment)
    const id = buyer?.lockId
    if (buyer === undefined || id === undefined || id === null) return
    await buyer.request(() => engine.cancelCheckout(id, { sessionId: buyer.sessionId }))
  }

/** The buyer waits until the checkout has expired. */
export const waitsForExpiry =
  (payment: Parameters<Buyer['pay']>[1] | null): Scenario['play'] =>
  async (engine, [buyer], run) => {
    if (payment === null) await buyer?.start(engine, { ttlMinutes: 1 })
    else await buyer?.pay(engine, payment, { ttlMinutes: 1 })
    await run.pause(61_000)
  }

export const refunds =
  (requests: readonly RefundOptions[], token = 'tok_approve'): Scenario['play'] =>
  async (engine, [buyer], run) => {
    const outcome = await buyer?.pay(engine, { token })
    if (outcome?.status !== 'completed') return
    for (const [index, request] of requests.entries()) {
      for (let attempt = 0; attempt < 4; attempt += 1) {
        const wanted = { key: `refund-${index}`, restock: true, actor: 'shop', ...request }
        const made = await engine.refundOrder(outcome.order.id, wanted).catch(refusalOf)
        if (typeof made !== 'string' && made.status === 'refunded') break
        await run.pause(10_000)
      }
    }
  }
