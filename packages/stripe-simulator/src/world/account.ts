/** The account, which clients read to check their key. */
import type { World } from './world.ts'

const startedAt = 1_700_000_000

/** Captured minus refunded amounts, by currency. */
export function balance(world: World): object {
  const totals = new Map<string, number>([['usd', 0]])
  for (const { kind, currency, amountMinor } of world.effects) {
    const sign = { capture: 1, refund_failed: 1, dispute_won: 1, refund: -1, dispute: -1, authorize: 0, release: 0 }[
      kind
    ]
    totals.set(currency, (totals.get(currency) ?? 0) + sign * amountMinor)
  }
  const entries = [...totals].map(([currency, amount]) => ({ amount, currency, source_types: { card: amount } }))
  const nothing = entries.map(({ currency }) => ({ amount: 0, currency, source_types: { card: 0 } }))
  return {
    object: 'balance',
    available: entries,
    connect_reserved: nothing.map(({ amount, currency }) => ({ amount, currency })),
    livemode: false,
    pending: nothing,
    refund_and_dispute_prefunding: { available: nothing, pending: nothing },
  }
}

export function account(): object {
  const none = { alternatives: [], current_deadline: null, currently_due: [], disabled_reason: null, errors: [] }
  const requirements = { ...none, eventually_due: [], past_due: [], pending_verification: [] }
  return {
    id: 'acct_1SimulatedHoldfast',
    object: 'account',
    business_profile: { mcc: null, name: 'Holdfast simulator', support_email: null, support_phone: null, url: null },
    business_type: null,
    capabilities: { card_payments: 'active', transfers: 'active' },
    charges_enabled: true,
    controller: { type: 'account' },
    country: 'US',
    created: startedAt,
    default_currency: 'usd',
    details_submitted: true,
    email: 'simulator@example.com',
    external_accounts: {
      object: 'list',
      data: [],
      has_more: false,
      url: '/v1/accounts/acct_1SimulatedHoldfast/external_accounts',
    },
    future_requirements: requirements,
    metadata: {},
    payouts_enabled: true,
    requirements,
    settings: { dashboard: { display_name: 'Holdfast simulator', timezone: 'Etc/UTC' } },
    tos_acceptance: { date: null, ip: null, user_agent: null },
    type: 'standard',
  }
}
