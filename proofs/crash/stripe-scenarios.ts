/** The scenarios with Stripe as the payment provider, where each HTTP request to Stripe adds crash points. */

import type { CallFault } from '../world/faults.ts'
import { noFaults } from '../world/faults.ts'
import { articles } from '../world/shop.ts'
import { actsAtBank, cancelsAfter, one, pays, refunds, type Scenario, waitsForExpiry } from './scenario.ts'
import type { ScenarioRun } from './scenario-run.ts'

const { plenty, last } = articles
const approve = 'pm_card_visa'

/** The number of faults in a run, across crashes. */
const fired = new WeakMap<ScenarioRun, number>()

/** Plays a scenario with a fault in the first requests of an operation. */
const withFault =
  (
    kind: 'authorize' | 'capture' | 'void' | 'refund',
    fault: CallFault,
    play: Scenario['play'],
    times = 1,
  ): Scenario['play'] =>
  async (engine, buyers, run) => {
    run.world.faults = {
      ...noFaults,
      onCall(each) {
        const soFar = fired.get(run) ?? 0
        if (each !== kind || soFar >= times) return null
        fired.set(run, soFar + 1)
        return fault
      },
    }
    await play(engine, buyers, run)
  }

const simple = one({ [plenty.sku]: 2 })
const stripeOnly: readonly Omit<Scenario, 'provider'>[] = [
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
    play: actsAtBank('approve', 'pm_card_authenticationRequired'),
    ends: [{ completed: 1 }],
  },
  {
    name: '3-D Secure, failed',
    set: simple,
    play: actsAtBank('refuse', 'pm_card_authenticationRequired'),
    ends: [{ payment_declined: 1 }],
  },
  {
    name: '3-D Secure, abandoned',
    set: simple,
    play: waitsForExpiry({ token: 'pm_card_authenticationRequired' }),
    ends: [{ checkout_expired: 1 }],
  },
  {
    name: 'never confirmed in the browser',
    set: simple,
    play: waitsForExpiry({ token: null }),
    ends: [{ checkout_expired: 1 }],
  },
  {
    name: 'create answered with 500',
    set: simple,
    play: withFault('authorize', 'error_after', pays(approve)),
    ends: [{ completed: 1 }],
  },
  {
    name: 'create and confirm answered with 500',
    set: simple,
    play: withFault('authorize', 'error_before', pays(approve), 2),
    ends: [{ completed: 1 }],
  },
  {
    name: 'create late',
    set: simple,
    play: withFault('authorize', 'late', pays(approve)),
    ends: [{ completed: 1 }],
  },
  {
    name: 'capture executed, answered with 500',
    set: simple,
    play: withFault('capture', 'error_after', pays(approve)),
    ends: [{ completed: 1 }],
  },
  {
    name: 'capture not executed, answered with 500',
    set: simple,
    play: withFault('capture', 'error_before', pays(approve)),
    ends: [{ completed: 1 }],
  },
  {
    name: 'capture refused',
    set: simple,
    play: withFault('capture', 'declined', pays(approve)),
    ends: [{ capture_refused: 1 }],
  },
  {
    name: 'capture later',
    set: simple,
    play: async (engine, [buyer]) => {
      const outcome = await buyer?.pay(engine, { token: approve, captureLater: true })
      if (outcome?.status === 'awaiting_capture') await buyer?.request(() => engine.captureCheckout(outcome.lock.id))
    },
    ends: [{ completed: 1 }],
  },
  {
    name: 'void answered with 500',
    set: simple,
    play: withFault('void', 'error_before', cancelsAfter({ token: approve, captureLater: true })),
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
    set: async run => [await run.buyer({ [last.sku]: 1 }), await run.buyer({ [last.sku]: 1 })],
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
    play: withFault('refund', 'error_before', refunds([{}], approve)),
    ends: [{ completed: 1 }],
    orders: 'refunded',
  },
]

export const stripeScenarios: readonly Scenario[] = stripeOnly.map(scenario => ({
  ...scenario,
  name: `Stripe: ${scenario.name}`,
  provider: 'stripe',
}))
