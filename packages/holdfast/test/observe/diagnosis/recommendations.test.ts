/** What is recommended: of each matter one sentence with the command to run, the most urgent first. */
import { describe, expect, it } from 'vitest'
import type { HealthCheck, HealthReport } from '../../../src/engine/checkout-engine.ts'
import type { Trouble } from '../../../src/observe/diagnosis/problems.ts'
import { type ConfigFacts, type Facts, quoted, recommend } from '../../../src/observe/diagnosis/recommendations.ts'

const now = '2026-11-22T10:00:00.000Z'
const lock = '01989f0e-5c1a-7000-8000-2f1d7f3a9b10'
const nothing: Trouble = { now, activeCount: 0, rollbacks: [], operations: [], webhooks: [], reconciliation: null }
const config: ConfigFacts = {
  isProduction: true,
  gateway: 'stripe',
  isEmbedded: false,
  hasAdminSecret: true,
  loggingEnabled: true,
  hasNotificationAddress: true,
  wantsNotifications: true,
  sendsMail: true,
  hasWebhookSecret: true,
  reconciles: true,
}
const healthOf = (checks: Record<string, HealthCheck>): HealthReport => ({ status: 'degraded', checks, timestamp: now })
const facts = (some: Partial<Facts>): Facts => ({
  health: healthOf({}),
  trouble: nothing,
  listeners: [],
  config,
  ...some,
})

describe('recommend', () => {
  it('has nothing to say where all is well', () => {
    expect(recommend(facts({ health: healthOf({ database: { status: 'ok', message: 'Well' } }) }))).toEqual([])
  })

  it('leads to the rollback that is in trouble, once', () => {
    const rollback = { id: lock, lockedAt: now, wakeAt: now, tries: 12, code: 'checkout_expired' }
    const operation = {
      checkoutId: lock,
      state: 'rolling_back',
      kind: 'void',
      attempt: 1,
      intendedAt: now,
      wakeAt: now,
    } as const
    const told = recommend(
      facts({
        health: healthOf({ rollbacks: { status: 'warning', count: 1, message: '1 rollback tried 10 times and more' } }),
        trouble: { ...nothing, rollbacks: [rollback], operations: [operation] },
      }),
    )
    expect(told).toEqual([
      {
        urgency: 'act',
        message: expect.stringContaining('tried 12 times'),
        command: `holdfast diagnose --lock ${lock}`,
      },
    ])
  })

  it('leads to payments without a certain answer, but names no hundred of them', () => {
    const operations = Array.from({ length: 100 }, () => ({
      ...{ checkoutId: lock, state: 'capturing', kind: 'capture', attempt: 1, intendedAt: now, wakeAt: now },
    })) as Trouble['operations']
    const told = recommend(facts({ trouble: { ...nothing, operations } }))
    expect(told).toHaveLength(3)
    expect(told[0]).toMatchObject({ urgency: 'look', command: `holdfast retry ${lock}` })
  })

  it('says of each listener that hears nothing what to do, in a command that a shell takes', () => {
    const told = recommend(
      facts({
        listeners: [
          { listener: 'mail', state: 'parked', count: 2 },
          { listener: "it's gone; rm -rf /", state: 'unheard', count: 1 },
          { listener: 'slack', state: 'failing', count: 1 },
        ],
        health: healthOf({ deliveries: { status: 'warning', count: 3, message: '2 given up' } }),
      }),
    )
    expect(told.map(({ urgency, command }) => [urgency, command])).toEqual([
      ['act', 'holdfast deliveries retry --all-parked --listener mail'],
      ['act', `holdfast deliveries --state overdue --listener 'it'\\''s gone; rm -rf /'`],
      ['look', 'holdfast deliveries --state due --listener slack'],
    ])
  })

  it('leads to having webhooks of ours looked at again that were given up', () => {
    const check = {
      status: 'warning',
      count: 2,
      message: '2 webhooks of ours could not be heeded for three days',
    } as const
    const [told, ...more] = recommend(facts({ health: healthOf({ webhooks: check }) }))
    expect(told).toMatchObject({ urgency: 'look', command: 'holdfast webhooks retry --all-given-up --ours' })
    expect(more).toEqual([])
  })

  it('passes on every check that is not ok, also one that it does not know', () => {
    const told = recommend(
      facts({
        health: healthOf({
          moon: { status: 'critical', message: 'The moon is missing' },
          expired_locks: {
            status: 'warning',
            count: 12,
            message: '12 expired locks wait to be cleaned up: does a worker run?',
          },
        }),
      }),
    )
    expect(told).toEqual([
      { urgency: 'act', message: 'The moon is missing.', command: 'holdfast monitor --watch' },
      { urgency: 'look', message: expect.stringContaining('12 expired locks'), command: 'holdfast cleanup' },
    ])
  })

  it.each<[string, Partial<ConfigFacts>, string]>([
    ['the sandbox in production', { gateway: 'sandbox' }, 'STRIPE_SECRET_KEY'],
    ['notifications to nobody', { hasNotificationAddress: false }, 'CHECKOUT_NOTIFICATION_EMAIL'],
    ['nobody who is told', { wantsNotifications: false, hasNotificationAddress: false }, 'CHECKOUT_NOTIFY_ON_FAILURE'],
    ['no admin secret', { hasAdminSecret: false }, 'CHECKOUT_ADMIN_SECRET'],
    ['no log', { loggingEnabled: false }, 'CHECKOUT_LOGGING_ENABLED'],
    ['no mail', { sendsMail: false }, 'SMTP_URL'],
    ['an embedded database in production', { isEmbedded: true }, 'DATABASE_URL'],
    ['webhooks that cannot be checked', { hasWebhookSecret: false }, 'STRIPE_WEBHOOK_SECRET'],
    ['books that are never compared', { reconciles: false }, 'CHECKOUT_RECONCILE_INTERVAL_MINUTES'],
  ])('remarks on %s', (_, change, variable) => {
    const told = recommend(facts({ config: { ...config, ...change } }))
    expect(told).toHaveLength(1)
    expect(told[0]?.command).toContain(`export ${variable}=`)
  })

  it('lets the sandbox be where it is no production', () => {
    expect(recommend(facts({ config: { ...config, gateway: 'sandbox', isProduction: false } }))).toEqual([])
  })
})

describe('quoted', () => {
  it('leaves plain words alone', () => expect(quoted('send-mail:v2')).toBe('send-mail:v2'))
})
