/** Health, statistics and diagnosis of a store with checkouts in different states. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { explainHealth } from '../../../../../bench/health-plan.ts'
import { diagnose } from '../../../src/observe/diagnosis/diagnose.ts'
import { statistics } from '../../../src/observe/diagnosis/statistics.ts'
import { createHealth, type HealthOptions } from '../../../src/observe/health/health.ts'
import { openTestDatabase, type TestDatabase } from '../../support/test-database.ts'
import { checkoutId, orderId, seedHealthyStore } from '../healthy-store.ts'

let opened: TestDatabase
beforeEach(async () => {
  opened = await openTestDatabase('postgres', { poolMax: 4 })
  await seedHealthyStore(opened.database)
})
afterEach(() => opened?.stop())

const health = (options: Partial<HealthOptions> = {}) => createHealth({ database: opened.database, ...options })()

async function checkAfter(change: string, name: string) {
  await opened.database.execute(change)
  const report = await health()
  return { overall: report.status, ...report.checks[name] }
}

describe('health', () => {
  it('is healthy with every check ok', async () => {
    const report = await health()
    expect(report).toMatchObject({
      status: 'healthy',
      checks: {
        expired_locks: { status: 'ok', count: 0, message: '0 expired locks (normal)' },
        stuck_checkouts: { status: 'ok', count: 0, message: 'No stuck checkouts' },
        rollbacks: { status: 'ok', count: 0 },
        captures: { status: 'ok', count: 0 },
        gateway: { status: 'ok', count: 0, message: 'No calls in the last 3 minutes' },
        deliveries: { status: 'ok', count: 0 },
        webhooks: { status: 'ok', count: 0 },
        database: { status: 'ok', message: 'Database connection healthy' },
      },
    })
    expect(report.timestamp).toMatch(/^\d{4}-\d\d-\d\dT.*Z$/)
  })

  it('warns about a checkout that is active for more than half an hour, but not about one that awaits capture', async () => {
    const old = `update holdfast.checkouts set locked_at = now() - interval '31 minutes'`
    const waits = `update holdfast.checkouts set state = 'awaiting_capture' where id = '${checkoutId.authorizing}'`
    expect(await checkAfter(`${waits}; ${old}`, 'stuck_checkouts')).toMatchObject({ overall: 'degraded', count: 1 })
  })

  it('is unhealthy with ten stuck checkouts', async () => {
    const ten = `insert into holdfast.checkouts (id, cart_id, session_id, state, wake_at, locked_at, expires_at, total_minor, currency)
      select gen_random_uuid(), gen_random_uuid(), 's', 'authorizing', now(), now() - interval '1 hour', now(), 1, 'USD' from generate_series(1, 10)`
    expect(await checkAfter(ten, 'stuck_checkouts')).toMatchObject({
      overall: 'unhealthy',
      status: 'critical',
      count: 10,
    })
  })

  it('is read through indexes of active and waiting rows, and scans no history', async () => {
    const { accesses } = await explainHealth(opened.database)
    const ways = new Set(accesses.map(({ table, how }) => `${table}: ${how.replace(/^.* on /, '')}`))
    expect([...ways].sort()).toEqual([
      'checkouts: checkouts_to_wake',
      'deliveries: deliveries_due',
      'deliveries: deliveries_in_order',
      'deliveries: deliveries_parked',
      'migrations: migrations_once',
      'payment_operations: payment_operations_pkey',
      'reconciliations: reconciliations_in_order',
      'webhooks: webhooks_given_up',
    ])
  })

  describe('of the reconciliation', () => {
    const hourMs = 3_600_000
    const compared = async (everyMs = hourMs) => {
      const report = await health({ reconciles: { gateway: 'sandbox', everyMs } })
      return { overall: report.status, check: report.checks.reconciliation }
    }
    const ran = (hoursAgo: number, differences: number, critical: number, failure: string | null = null) =>
      opened.database.execute(
        `insert into holdfast.reconciliations (id, gateway, hours, started_at, alive_until, ended_at, difference_count, critical_count, failure)
         values (gen_random_uuid(), 'sandbox', 72, now() - ${hoursAgo} * interval '1 hour', now(), now() - ${hoursAgo} * interval '1 hour',
           ${differences}, ${critical}, ${failure === null ? 'null' : `'${failure}'`})`,
      )

    it('is absent if the gateway has no records, or no reconciliation ever ran', async () => {
      expect((await health()).checks).not.toHaveProperty('reconciliation')
      expect((await compared(0)).check).toBeUndefined()
      await ran(500, 0, 0)
      expect(await compared(0)).toMatchObject({ overall: 'healthy', check: { status: 'ok' } })
    })

    it('is ok without differences, warns about differences, and is unhealthy with unaccounted money', async () => {
      await ran(2.5, 0, 0)
      expect(await compared()).toEqual({
        overall: 'healthy',
        check: { status: 'ok', count: 0, message: 'No differences from the gateway’s records' },
      })
      await ran(2, 2, 0)
      expect(await compared()).toMatchObject({ overall: 'degraded', check: { status: 'warning', count: 2 } })
      await ran(1, 3, 1)
      expect(await compared()).toEqual({
        overall: 'unhealthy',
        check: {
          status: 'critical',
          count: 3,
          message: '3 differences from the gateway’s records, 1 of them unaccounted money',
        },
      })
      // A failed run does not count.
      await ran(0, 0, 0, 'no answer')
      expect(await compared()).toMatchObject({ overall: 'unhealthy', check: { count: 3 } })
    })

    it('warns if three runs were missed, also if none ever completed', async () => {
      expect(await compared()).toMatchObject({ overall: 'healthy', check: { message: 'Not yet due' } })
      await opened.database.execute(`update holdfast.migrations set applied_at = now() - interval '4 hours'`)
      expect(await compared()).toMatchObject({ overall: 'degraded', check: { status: 'warning' } })
      await ran(4, 0, 0)
      expect(await compared()).toMatchObject({
        overall: 'degraded',
        check: { status: 'warning', message: 'Not reconciled with the gateway for 4 hours' },
      })
      expect(await compared(2 * hourMs)).toMatchObject({ overall: 'healthy' })
    })
  })
})

describe('statistics', () => {
  it('count the checkouts started in the last hours by their end', async () => {
    // The IDs of this store are old although its times are recent, and rows are found by ID first.
    const figures = await statistics(opened.database, { hours: 8_784 })
    expect(figures.active).toBe(3)
    const fresh = await statistics(opened.database, { hours: 1 })
    expect(fresh).toMatchObject({ hours: 1, active: 3, completed: 0, failed: 0, successRate: null, durationMs: null })
  })

  it('give the success rate, failure reasons and durations', async () => {
    // IDs of today, as the application generates them.
    const today = (Date.now() - 60_000).toString(16).padStart(12, '0')
    await opened.database.execute(
      `update holdfast.checkouts set id = ('${today}' || substr(replace(id::text, '-', ''), 13))::uuid`,
    )
    const figures = await statistics(opened.database)
    expect(figures).toMatchObject({
      hours: 24,
      active: 3,
      completed: 2,
      failed: 1,
      expired: 0,
      successRate: 2 / 3,
      byState: { pending: 1, authorizing: 1, capturing: 1, completed: 2, failed: 1 },
      failureReasons: [{ code: 'capture_refused', phase: 'payment_capture', count: 1 }],
    })
    expect(figures.durationMs?.p50).toBeGreaterThanOrEqual(4_000)
    expect(figures.durationMs?.p50).toBeLessThan(10_000)
  })
})

describe('diagnosis', () => {
  it('returns everything about a checkout', async () => {
    const found = await diagnose(opened.database, checkoutId.failed)
    expect(found).toMatchObject({
      lock: { id: checkoutId.failed, state: 'failed', phase: 'payment_capture', failure: { code: 'capture_refused' } },
      order: { id: orderId('failed'), status: 'cancelled' },
    })
    expect(found?.snapshots).toHaveLength(2)
    expect(found?.reservations).toEqual([
      expect.objectContaining({ sku: 'MUG', location: 'main', quantity: 2, state: 'released' }),
    ])
    expect(found?.operations.map(row => row.kind)).toEqual(expect.arrayContaining(['authorize', 'capture', 'void']))
    expect(found?.deliveries).toHaveLength(2)
    expect(found?.timeline.at(0)).toMatchObject({ version: 1, from: null, to: 'pending' })
    expect(found?.timeline.at(-1)).toMatchObject({ from: 'rolling_back', to: 'failed' })
  })

  it('returns null for an unknown checkout', async () => {
    expect(await diagnose(opened.database, '0192cccc-0000-7000-8000-00000000ffff')).toBeNull()
    expect(await diagnose(opened.database, "' or true --")).toBeNull()
  })
})
