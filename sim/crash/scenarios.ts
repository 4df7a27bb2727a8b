/** What is played with crashes: each scenario is a story that can be told again from its beginning by whoever survives. */

import { quote } from '../../src/checkout/pricing.ts'
import type { CheckoutEngine, RefundOptions } from '../../src/checkout-engine.ts'
import type { EngineOptions } from '../world/process.ts'
import { articles } from '../world/shop.ts'
import { type Buyer, refusalOf, type Stage } from './stage.ts'

export interface Scenario {
  readonly name: string
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

const { plenty, spread, last } = articles

const one = (lines: Readonly<Record<string, number>>) => async (stage: Stage) => [await stage.buyer(lines)]

const pays =
  (token: string): Scenario['play'] =>
  async (engine, [buyer]) => {
    await buyer?.pay(engine, { token })
  }

/** The buyer comes to the bank's page, where `word` is said, and back. */
const actsAtTheBank =
  (word: 'approve' | 'refuse'): Scenario['play'] =>
  async (engine, [buyer], { world }) => {
    const outcome = await buyer?.pay(engine, { token: 'tok_action_required' })
    if (buyer?.lockId === undefined || buyer.lockId === null || outcome?.status !== 'action_required') return
    const { lockId: id, sessionId } = buyer
    await world.gateway[word](`sbx_${id}:authorize:1`)
    const back = await buyer.ask(() => engine.resumeCheckout(id, { sessionId }))
    if (back?.status === 'processing') await buyer.pay(engine, { token: 'tok_action_required' })
  }

const cancelsAfter =
  (payment: Parameters<Buyer['pay']>[1]): Scenario['play'] =>
  async (engine, [buyer]) => {
    await buyer?.pay(engine, payment)
    const id = buyer?.lockId
    if (buyer === undefined || id === undefined || id === null) return
    await buyer.ask(() => engine.cancelCheckout(id, { sessionId: buyer.sessionId }))
  }

/** Waits until its time is over, and looks again. */
const waitsTooLong =
  (payment: Parameters<Buyer['pay']>[1] | null): Scenario['play'] =>
  async (engine, [buyer], stage) => {
    if (payment === null) await buyer?.start(engine, { ttlMinutes: 1 })
    else await buyer?.pay(engine, payment, { ttlMinutes: 1 })
    await stage.pause(61_000)
  }

const refunds =
  (wishes: readonly RefundOptions[]): Scenario['play'] =>
  async (engine, [buyer], stage) => {
    const outcome = await buyer?.pay(engine, { token: 'tok_approve' })
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

export const scenarios: readonly Scenario[] = [
  { name: 'simple purchase', set: one({ [plenty.sku]: 2 }), play: pays('tok_approve'), ends: [{ completed: 1 }] },
  {
    name: 'several warehouses',
    set: one({ [spread.sku]: 4, [plenty.sku]: 61 }),
    play: pays('tok_approve'),
    ends: [{ completed: 1 }],
  },
  {
    name: 'coupon with a limit',
    set: async stage => [
      await stage.buyer({ [plenty.sku]: 1 }, { usesCoupon: true }),
      await stage.buyer({ [plenty.sku]: 1 }, { usesCoupon: true }),
      await stage.buyer({ [plenty.sku]: 1 }, { usesCoupon: true }),
    ],
    play: async (engine, buyers) => {
      await Promise.all(buyers.map(buyer => buyer.pay(engine, { token: 'tok_approve' })))
    },
    ends: [{ completed: 2, coupon_exhausted: 1 }],
  },
  { name: 'decline', set: one({ [plenty.sku]: 1 }), play: pays('tok_decline'), ends: [{ payment_declined: 1 }] },
  {
    name: 'another amount authorized',
    set: one({ [plenty.sku]: 1 }),
    play: pays('tok_wrong_amount'),
    ends: [{ payment_mismatch: 1 }],
  },
  {
    name: "buyer's action, approved",
    set: one({ [plenty.sku]: 1 }),
    play: actsAtTheBank('approve'),
    ends: [{ completed: 1 }],
  },
  {
    name: "buyer's action, refused",
    set: one({ [plenty.sku]: 1 }),
    play: actsAtTheBank('refuse'),
    ends: [{ payment_declined: 1 }],
  },
  { name: 'late confirmation', set: one({ [plenty.sku]: 1 }), play: pays('tok_pending'), ends: [{ completed: 1 }] },
  { name: 'answer lost', set: one({ [plenty.sku]: 1 }), play: pays('tok_timeout_after'), ends: [{ completed: 1 }] },
  {
    name: 'late effect',
    set: one({ [plenty.sku]: 1 }),
    play: pays('tok_late'),
    // Where crashes take longer than an authorization may, it is given up behind a void.
    ends: [{ completed: 1 }, { payment_unsettled: 1 }],
  },
  {
    name: 'late capture',
    set: one({ [spread.sku]: 2 }),
    play: async (engine, [buyer]) => {
      await buyer?.pay(engine, { token: 'tok_approve', captureLater: true })
      const id = buyer?.lockId
      if (id !== undefined && id !== null) await buyer?.ask(() => engine.captureCheckout(id))
    },
    ends: [{ completed: 1 }],
  },
  {
    name: 'capture never asked for',
    set: one({ [spread.sku]: 2 }),
    play: async (engine, [buyer]) => {
      await buyer?.pay(engine, { token: 'tok_approve', captureLater: true })
    },
    ends: [{ authorization_ended: 1 }],
  },
  {
    name: 'capture refused',
    set: one({ [plenty.sku]: 1 }),
    play: pays('tok_capture_decline'),
    ends: [{ capture_refused: 1 }],
  },
  {
    name: 'capture of unknown outcome',
    set: one({ [plenty.sku]: 1 }),
    play: pays('tok_capture_timeout_after'),
    ends: [{ completed: 1 }],
  },
  {
    name: 'void failing first',
    set: one({ [plenty.sku]: 1 }),
    play: pays('tok_void_fails'),
    ends: [{ capture_refused: 1 }],
  },
  {
    name: 'cancel before payment',
    set: one({ [plenty.sku]: 1 }),
    play: async (engine, [buyer]) => {
      const id = (await buyer?.start(engine)) ?? null
      if (id !== null) await buyer?.ask(() => engine.cancelCheckout(id, { sessionId: buyer.sessionId }))
    },
    ends: [{ checkout_cancelled: 1 }],
  },
  {
    name: 'cancel at the bank',
    set: one({ [plenty.sku]: 1 }),
    play: cancelsAfter({ token: 'tok_action_required' }),
    ends: [{ checkout_cancelled: 1 }],
  },
  {
    name: 'cancel before capture',
    set: one({ [plenty.sku]: 1 }),
    play: cancelsAfter({ token: 'tok_approve', captureLater: true }),
    ends: [{ checkout_cancelled: 1 }],
  },
  { name: 'expiry', set: one({ [plenty.sku]: 1 }), play: waitsTooLong(null), ends: [{ checkout_expired: 1 }] },
  {
    name: 'expiry at the bank',
    set: one({ [plenty.sku]: 1 }),
    play: waitsTooLong({ token: 'tok_action_required' }),
    ends: [{ checkout_expired: 1 }],
  },
  {
    name: 'held from the start',
    engine: { config: { holdOn: 'start' } },
    set: one({ [spread.sku]: 3 }),
    play: pays('tok_approve'),
    ends: [{ completed: 1 }],
  },
  {
    name: 'held from the start, expired',
    engine: { config: { holdOn: 'start' } },
    set: one({ [spread.sku]: 3 }),
    play: waitsTooLong(null),
    ends: [{ checkout_expired: 1 }],
  },
  {
    name: 'two buyers, one unit',
    set: async stage => [await stage.buyer({ [last.sku]: 1 }), await stage.buyer({ [last.sku]: 1 })],
    play: async (engine, buyers) => {
      await Promise.all(buyers.map(buyer => buyer.pay(engine, { token: 'tok_approve' })))
    },
    ends: [{ completed: 1, insufficient_stock: 1 }],
  },
  {
    name: 'poisoned member',
    // One of three that are prepared together cannot be: its price is not made, and it stays where it was.
    engine: {
      quote: (cart, terms) => {
        if (cart.email === 'session-2@example.com') throw new Error('this cart has no price')
        return quote(cart, terms)
      },
    },
    set: async stage => [
      await stage.buyer({ [plenty.sku]: 1 }),
      await stage.buyer({ [plenty.sku]: 1 }),
      await stage.buyer({ [plenty.sku]: 1 }),
    ],
    play: async (engine, buyers) => {
      await Promise.all(
        buyers.map(buyer => buyer.pay(engine, { token: 'tok_approve' }, { ttlMinutes: 1 }).catch(() => null)),
      )
    },
    ends: [{ completed: 2, checkout_expired: 1 }],
  },
  {
    name: 'refund',
    set: one({ [plenty.sku]: 1 }),
    play: refunds([{}]),
    ends: [{ completed: 1 }],
    orders: 'refunded',
  },
  {
    name: 'refund in parts',
    set: one({ [plenty.sku]: 1 }),
    play: refunds([{ amountMinor: 300 }, {}]),
    ends: [{ completed: 1 }],
    orders: 'refunded',
  },
  {
    name: 'refund of a line, restocked',
    // All ten came from two warehouses, one from the near one: two go back, one to each.
    set: one({ [spread.sku]: 10, [plenty.sku]: 1 }),
    play: refunds([{ lines: [{ sku: spread.sku, quantity: 2 }] }]),
    ends: [{ completed: 1 }],
    orders: 'partially_refunded',
    shelf: { [spread.sku]: 2, [plenty.sku]: 99 },
  },
]
