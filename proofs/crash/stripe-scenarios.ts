/** The stories with Stripe as the payment provider: every request of its own is a place to die at, too. */

import type { CallFault } from '../world/faults.ts'
import { noFaults } from '../world/faults.ts'
import { articles } from '../world/shop.ts'
import type { Stage } from './stage.ts'
import { actsAtTheBank, cancelsAfter, one, pays, refunds, type Scenario, waitsTooLong } from './story.ts'

const { plenty, last } = articles
const approve = 'pm_card_visa'

/** How often something has gone wrong on a stage, whoever died meanwhile. */
const fired = new WeakMap<Stage, number>()

/** Something goes wrong with the first requests of an operation. */
const troubled =
  (
    kind: 'authorize' | 'capture' | 'void' | 'refund',
    fault: CallFault,
    play: Scenario['play'],
    times = 1,
  ): Scenario['play'] =>
  async (engine, buyers, stage) => {
    stage.world.faults = {
      ...noFaults,
      onCall(each) {
        const soFar = fired.get(stage) ?? 0
        if (each !== kind || soFar >= times) return null
        fired.set(stage, soFar + 1)
        return fault
      },
    }
    await play(engine, buyers, stage)
  }

const simple = one({ [plenty.sku]: 2 })
const stories: readonly Omit<Scenario, 'provider'>[] = [
  { name: 'purchase', set: simple, play: pays(approve), ends: [{ completed: 1 }] },
  {
    name: 'decline',
    set: simple,
    play: pays('pm_card_visa_chargeDeclined'),
    ends: [{ payment_declined: 1 }],
  },
  {
    name: '3-D Secure, passed',
    set: simple,
    play: actsAtTheBank('approve', 'pm_card_authenticationRequired'),
    ends: [{ completed: 1 }],
  },
  {
    name: '3-D Secure, failed',
    set: simple,
    play: actsAtTheBank('refuse', 'pm_card_authenticationRequired'),
    ends: [{ payment_declined: 1 }],
  },
  {
    name: '3-D Secure, abandoned',
    set: simple,
    play: waitsTooLong({ token: 'pm_card_authenticationRequired' }),
    ends: [{ checkout_expired: 1 }],
  },
  {
    name: 'confirmed in no browser',
    set: simple,
    play: waitsTooLong({ token: null }),
    ends: [{ checkout_expired: 1 }],
  },
  {
    name: 'create answered with 500',
    set: simple,
    play: troubled('authorize', 'error_after', pays(approve)),
    ends: [{ completed: 1 }],
  },
  {
    name: 'create and confirm answered with 500',
    set: simple,
    play: troubled('authorize', 'error_before', pays(approve), 2),
    ends: [{ completed: 1 }],
  },
  {
    name: 'create late',
    set: simple,
    play: troubled('authorize', 'late', pays(approve)),
    ends: [{ completed: 1 }],
  },
  {
    name: 'capture answered with 500, done',
    set: simple,
    play: troubled('capture', 'error_after', pays(approve)),
    ends: [{ completed: 1 }],
  },
  {
    name: 'capture answered with 500, not done',
    set: simple,
    play: troubled('capture', 'error_before', pays(approve)),
    ends: [{ completed: 1 }],
  },
  {
    name: 'capture refused',
    set: simple,
    play: troubled('capture', 'declined', pays(approve)),
    ends: [{ capture_refused: 1 }],
  },
  {
    name: 'capture later',
    set: simple,
    play: async (engine, [buyer]) => {
      const outcome = await buyer?.pay(engine, { token: approve, captureLater: true })
      if (outcome?.status === 'awaiting_capture') await buyer?.ask(() => engine.captureCheckout(outcome.lock.id))
    },
    ends: [{ completed: 1 }],
  },
  {
    name: 'void answered with 500',
    set: simple,
    play: troubled('void', 'error_before', cancelsAfter({ token: approve, captureLater: true })),
    ends: [{ checkout_cancelled: 1 }],
  },
  {
    name: 'cancel at the bank',
    set: simple,
    play: cancelsAfter({ token: 'pm_card_authenticationRequired' }),
    ends: [{ checkout_cancelled: 1 }],
  },
  {
    name: 'two buyers, one unit',
    set: async stage => [await stage.buyer({ [last.sku]: 1 }), await stage.buyer({ [last.sku]: 1 })],
    play: async (engine, buyers) => {
      await Promise.all(buyers.map(buyer => buyer.pay(engine, { token: approve })))
    },
    ends: [{ completed: 1, insufficient_stock: 1 }],
  },
  {
    name: 'refund in parts',
    set: one({ [plenty.sku]: 1 }),
    play: refunds([{ amountMinor: 300 }, {}], approve),
    ends: [{ completed: 1 }],
    orders: 'refunded',
  },
  {
    name: 'refund answered with 500',
    set: one({ [plenty.sku]: 1 }),
    play: troubled('refund', 'error_before', refunds([{}], approve)),
    ends: [{ completed: 1 }],
    orders: 'refunded',
  },
]

export const stripeScenarios: readonly Scenario[] = stories.map(story => ({
  ...story,
  name: `Stripe: ${story.name}`,
  provider: 'stripe',
}))
