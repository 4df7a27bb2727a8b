/** The scenarios of the crash proof, with the sandbox and with Stripe. */

import { quote } from '../../packages/holdfast/src/domain/pricing.ts'
import { articles } from '../world/shop.ts'
import { actsAtBank, cancelsAfter, one, pays, refunds, type Scenario, waitsForExpiry } from './scenario.ts'
import { stripeScenarios } from './stripe-scenarios.ts'

const { plenty, spread, last } = articles

const sandboxScenarios: readonly Scenario[] = [
  { name: 'simple purchase', set: one({ [plenty.sku]: 2 }), play: pays('tok_approve'), ends: [{ completed: 1 }] },
  {
    name: 'several warehouses',
    set: one({ [spread.sku]: 4, [plenty.sku]: 61 }),
    play: pays('tok_approve'),
    ends: [{ completed: 1 }],
  },
  {
    name: 'coupon with a limit',
    set: async run => [
      await run.buyer({ [plenty.sku]: 1 }, { usesCoupon: true }),
      await run.buyer({ [plenty.sku]: 1 }, { usesCoupon: true }),
      await run.buyer({ [plenty.sku]: 1 }, { usesCoupon: true }),
    ],
    play: async (engine, buyers) => {
      await Promise.all(buyers.map(buyer => buyer.pay(engine, { token: 'tok_approve' })))
    },
    ends: [{ completed: 2, coupon_exhausted: 1 }],
  },
  { name: 'decline', set: one({ [plenty.sku]: 1 }), play: pays('tok_decline'), ends: [{ payment_declined: 1 }] },
  {
    name: 'different amount authorized',
    set: one({ [plenty.sku]: 1 }),
    play: pays('tok_wrong_amount'),
    ends: [{ payment_mismatch: 1 }],
  },
  {
    name: "buyer's action, approved",
    set: one({ [plenty.sku]: 1 }),
    play: actsAtBank('approve'),
    ends: [{ completed: 1 }],
  },
  {
    name: "buyer's action, refused",
    set: one({ [plenty.sku]: 1 }),
    play: actsAtBank('refuse'),
    ends: [{ payment_declined: 1 }],
  },
  { name: 'late confirmation', set: one({ [plenty.sku]: 1 }), play: pays('tok_pending'), ends: [{ completed: 1 }] },
  { name: 'answer lost', set: one({ [plenty.sku]: 1 }), play: pays('tok_timeout_after'), ends: [{ completed: 1 }] },
  {
    name: 'late effect',
    set: one({ [plenty.sku]: 1 }),
    play: pays('tok_late'),
    // If crashes take longer than the authorization timeout, the payment is voided and the checkout fails.
    ends: [{ completed: 1 }, { payment_unsettled: 1 }],
  },
  {
    name: 'late capture',
    set: one({ [spread.sku]: 2 }),
    play: async (engine, [buyer]) => {
      await buyer?.pay(engine, { token: 'tok_approve', captureLater: true })
      const id = buyer?.lockId
      if (id !== undefined && id !== null) await buyer?.request(() => engine.captureCheckout(id))
    },
    ends: [{ completed: 1 }],
  },
  {
    name: 'capture never requested',
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
    name: 'first void fails',
    set: one({ [plenty.sku]: 1 }),
    play: pays('tok_void_fails'),
    ends: [{ capture_refused: 1 }],
  },
  {
    name: 'cancel before payment',
    set: one({ [plenty.sku]: 1 }),
    play: async (engine, [buyer]) => {
      const id = (await buyer?.start(engine)) ?? null
      if (id !== null) await buyer?.request(() => engine.cancelCheckout(id, { sessionId: buyer.sessionId }))
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
  { name: 'expiry', set: one({ [plenty.sku]: 1 }), play: waitsForExpiry(null), ends: [{ checkout_expired: 1 }] },
  {
    name: 'expiry at the bank',
    set: one({ [plenty.sku]: 1 }),
    play: waitsForExpiry({ token: 'tok_action_required' }),
    ends: [{ checkout_expired: 1 }],
  },
  {
    name: 'reserved from the start',
    engine: { config: { holdOn: 'start' } },
    set: one({ [spread.sku]: 3 }),
    play: pays('tok_approve'),
    ends: [{ completed: 1 }],
  },
  {
    name: 'reserved from the start, expired',
    engine: { config: { holdOn: 'start' } },
    set: one({ [spread.sku]: 3 }),
    play: waitsForExpiry(null),
    ends: [{ checkout_expired: 1 }],
  },
  {
    name: 'two buyers, one unit',
    set: async run => [await run.buyer({ [last.sku]: 1 }), await run.buyer({ [last.sku]: 1 })],
    play: async (engine, buyers) => {
      await Promise.all(buyers.map(buyer => buyer.pay(engine, { token: 'tok_approve' })))
    },
    ends: [{ completed: 1, insufficient_stock: 1 }],
  },
  {
    name: 'poisoned member',
    // Three checkouts are prepared in one batch, but one cannot be priced and stays in its state.
    engine: {
      quote: (cart, terms) => {
        if (cart.email === 'session-2@example.com') throw new Error('this cart has no price')
        return quote(cart, terms)
      },
    },
    set: async run => [
      await run.buyer({ [plenty.sku]: 1 }),
      await run.buyer({ [plenty.sku]: 1 }),
      await run.buyer({ [plenty.sku]: 1 }),
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
    // The ten units came from two warehouses; the two refunded units return to both.
    set: one({ [spread.sku]: 10, [plenty.sku]: 1 }),
    play: refunds([{ lines: [{ sku: spread.sku, quantity: 2 }] }]),
    ends: [{ completed: 1 }],
    orders: 'partially_refunded',
    stock: { [spread.sku]: 2, [plenty.sku]: 99 },
  },
]

export const scenarios: readonly Scenario[] = [...sandboxScenarios, ...stripeScenarios]
