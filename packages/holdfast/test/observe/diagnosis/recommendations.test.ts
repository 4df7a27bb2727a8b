/** Each problem leads to one sentence and one command, the most urgent first. */
import { describe, expect, it } from 'vitest'
import type { HealthCheck, HealthReport } from '../../../src/engine/checkout-engine.ts'
import type { Problems } from '../../../src/observe/diagnosis/problems.ts'
import { type ConfigFacts, type Facts, quoted, recommend } from '../../../src/observe/diagnosis/recommendations.ts'

const now = '2026-11-22T10:00:00.000Z'
const lock = '01989f0e-5c1a-7000-8000-2f1d7f3a9b10'
const nothing: Problems = { now, activeCount: 0, rollbacks: [], operations: [], webhooks: [], reconciliation: null }
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
  problems: nothing,
  listeners: [],
  config,
  ...some,
})

describe('recommend', () => {
  it('recommends nothing if all is well', () => {
    expect(recommend(facts({ health: healthOf({ database: { status: 'ok', message: 'Ok' } }) }))).toEqual([])
  })

  it('names a stuck rollback once', () => {
    const rollback = { id: lock, lockedAt: now, wakeAt: now, tries: 12, code: 'checkout_expired' }
    const operation = {
      checkoutId: lock,
      state: 'rolling_back',
      kind: 'void',
      attempt: 1,
      intendedAt: now,
      wakeAt: now,
    } as const
    const found = recommend(
      facts({
        health: healthOf({ rollbacks: { status: 'warning', count: 1, message: '1 stuck rollback' } }),
        problems: { ...nothing, rollbacks: [rollback], operations: [operation] },
      }),
    )
    expect(found).toEqual([
      {
        urgency: 'act',
        message: expect.stringContaining('after 12 attempts'),
        command: `holdfast diagnose --lock ${lock}`,
      },
    ])
  })

  it('names payments with an unknown outcome, but at most three', () => {
    const operations = Array.from({ length: 100 }, () => ({
      ...{ checkoutId: lock, state: 'capturing', kind: 'capture', attempt: 1, intendedAt: now, wakeAt: now },
    })) as Problems['operations']
    const found = recommend(facts({ problems: { ...nothing, operations } }))
    expect(found).toHaveLength(3)
    expect(found[0]).toMatchObject({ urgency: 'look', command: `holdfast retry ${lock}` })
  })

  it('gives a command per listener with undelivered events, quoted for a shell', () => {
    const found = recommend(
      facts({
        listeners: [
          { listener: 'mail', state: 'parked', count: 2 },
          { listener: "it's gone; rm -rf /", state: 'overdue', count: 1 },
          { listener: 'slack', state: 'failing', count: 1 },
        ],
        health: healthOf({ deliveries: { status: 'warning', count: 3, message: '2 parked deliveries' } }),
      }),
    )
    expect(found.map(({ urgency, command }) => [urgency, command])).toEqual([
      ['act', 'holdfast deliveries retry --all-parked --listener mail'],
      ['act', `holdfast deliveries --state overdue --listener 'it'\\''s gone; rm -rf /'`],
      ['look', 'holdfast deliveries --state due --listener slack'],
    ])
  })

  it('recommends to retry webhooks for known checkouts that were given up', () => {
    const check = {
      status: 'warning',
      count: 2,
      message: '2 webhooks for known checkouts not processed for three days',
    } as const
    const [found, ...more] = recommend(facts({ health: healthOf({ webhooks: check }) }))
    expect(found).toMatchObject({ urgency: 'look', command: 'holdfast webhooks retry --all-given-up --ours' })
    expect(more).toEqual([])
  })

  it('passes on every check that is not ok, even an unknown one', () => {
    const found = recommend(
      facts({
        health: healthOf({
          moon: { status: 'critical', message: 'The moon is missing' },
          expired_locks: {
            status: 'warning',
            count: 12,
            message: '12 expired locks waiting for cleanup; check that a worker is running',
          },
        }),
      }),
    )
    expect(found).toEqual([
      { urgency: 'act', message: 'The moon is missing.', command: 'holdfast monitor --watch' },
      { urgency: 'look', message: expect.stringContaining('12 expired locks'), command: 'holdfast cleanup' },
    ])
  })

  it.each<[string, Partial<ConfigFacts>, string]>([
    ['the sandbox in production', { gateway: 'sandbox' }, 'STRIPE_SECRET_KEY'],
    ['notifications without a recipient', { hasNotificationAddress: false }, 'CHECKOUT_NOTIFICATION_EMAIL'],
    [
      'missing notifications',
      { wantsNotifications: false, hasNotificationAddress: false },
      'CHECKOUT_NOTIFY_ON_FAILURE',
    ],
    ['a missing admin secret', { hasAdminSecret: false }, 'CHECKOUT_ADMIN_SECRET'],
    ['disabled logging', { loggingEnabled: false }, 'CHECKOUT_LOGGING_ENABLED'],
    ['a missing mail server', { sendsMail: false }, 'SMTP_URL'],
    ['an embedded database in production', { isEmbedded: true }, 'DATABASE_URL'],
    ['webhooks without a secret', { hasWebhookSecret: false }, 'STRIPE_WEBHOOK_SECRET'],
    ['missing reconciliation', { reconciles: false }, 'CHECKOUT_RECONCILE_INTERVAL_MINUTES'],
  ])('comments on %s', (_, change, variable) => {
    const found = recommend(facts({ config: { ...config, ...change } }))
    expect(found).toHaveLength(1)
    expect(found[0]?.command).toContain(`export ${variable}=`)
  })

  it('accepts the sandbox outside production', () => {
    expect(recommend(facts({ config: { ...config, gateway: 'sandbox', isProduction: false } }))).toEqual([])
  })
})

describe('quoted', () => {
  it('leaves plain words unquoted', () => expect(quoted('send-mail:v2')).toBe('send-mail:v2'))
})
