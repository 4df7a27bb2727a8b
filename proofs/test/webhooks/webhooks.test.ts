/** The short webhook proof: journeys through Stripe's simulator with two processes on one database. */
import { afterAll, beforeAll, expect, inject, test } from 'vitest'
import { createTestDatabase, dropTestDatabase } from '../../../packages/testing/src/postgres/test-postgres.ts'
import { proveWebhooks } from '../../webhooks/prove-webhooks.ts'
import { webhookJourneys } from '../../webhooks/webhook-journeys.ts'

let databaseUrl: string
beforeAll(async () => {
  databaseUrl = await createTestDatabase(inject('postgresUrl'))
})
afterAll(() => dropTestDatabase(inject('postgresUrl'), databaseUrl))

test('20 sequences of shuffled, repeated, lost, and forged webhooks end like the ordered one', async () => {
  const report = await proveWebhooks({ databaseUrl, sequences: 20, seed: 1 })
  expect(report).toMatchObject({ wrong: [], differing: 0, unhandled: 0, violations: 0 })
  expect(report.schedules).toBeGreaterThan(18)
  expect(Object.keys(report.journeys).sort()).toEqual(Object.keys(webhookJourneys).sort())
  for (const kind of ['lost', 'again', 'forged'] as const) expect(report.events[kind]).toBeGreaterThan(50)
  expect(report.events.forgedRefused).toBe(report.events.forged)
})
