/** Metrics while the database is down, and the few queries that they need. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Database, Statement, Value } from '../../../src/database/database.ts'
import { DatabaseError, statement } from '../../../src/database/database.ts'
import { createCheckout } from '../../../src/engine/create-checkout.ts'
import { createMetrics, type Metrics } from '../../../src/observe/metrics/metrics.ts'
import { createSandboxGateway } from '../../../src/payments/sandbox/sandbox.ts'
import { openTestDatabase, type TestDatabase } from '../../support/test-database.ts'

const config = { currency: 'USD' }
const echo = statement('test_metrics_echo', 'select $1::integer as number')

describe('metrics of a database', () => {
  let opened: TestDatabase
  const probes: string[] = []
  let isAway = false
  let tooMuch = ''
  let database: Database

  beforeAll(async () => {
    opened = await openTestDatabase('postgres')
    database = {
      ...opened.database,
      async probe<Row>(statement: Statement, values?: readonly Value[]): Promise<Row[]> {
        probes.push(statement.name)
        if (isAway || statement.name === tooMuch) throw new DatabaseError('away', { code: 'connection_lost' })
        return opened.database.probe<Row>(statement, values)
      },
    }
  })
  afterAll(() => opened.stop())

  async function watched<Result>(maxAgeMs: number, work: (metrics: Metrics) => Promise<Result>): Promise<Result> {
    const metrics = createMetrics({ maxAgeMs })
    const gateway = createSandboxGateway({ database: opened.database })
    const engine = await createCheckout({
      database,
      gateways: { card: gateway },
      metrics,
      config,
      workers: false,
      migrate: false,
    })
    try {
      return await work(metrics)
    } finally {
      await engine.close()
      await gateway.close()
    }
  }

  test('show only the process while the database is down, and both once it is back', async () => {
    await watched(0, async metrics => {
      isAway = true
      const { text } = await metrics.render().finally(() => {
        isAway = false
      })
      expect(text).toMatch(/^holdfast_database_up 0$/m)
      expect(text).toMatch(/^process_resident_memory_bytes \d+/m)
      expect(text).toMatch(/^holdfast_checkouts_started_total 0$/m)
      // A missing figure is better than a wrong one.
      expect(text).not.toMatch(/^holdfast_(stuck_checkouts|expired_locks|active_locks|deliveries_due)[ {]/m)
      const back = (await metrics.render()).text
      expect(back).toMatch(/^holdfast_database_up 1$/m)
      expect(back).toMatch(/^holdfast_stuck_checkouts 0$/m)
    })
  })

  test('report a database as up if it is only too busy for all figures', async () => {
    await watched(0, async metrics => {
      tooMuch = 'read_figures'
      const { text } = await metrics.render().finally(() => {
        tooMuch = ''
      })
      expect(text).toMatch(/^holdfast_database_up 1$/m)
      expect(text).not.toMatch(/^holdfast_stuck_checkouts \d/m)
    })
  })

  test('read the database once for a hundred concurrent scrapes, and not again while the reading is fresh', async () => {
    await watched(60_000, async metrics => {
      probes.length = 0
      await Promise.all(Array.from({ length: 100 }, () => metrics.render()))
      await metrics.render()
      expect(probes.toSorted()).toEqual(['read_figures', 'read_health'])
    })
  })

  test('wait for their turn on the connection that health also uses', async () => {
    const warnings: Error[] = []
    const hear = (warning: Error) => void warnings.push(warning)
    process.on('warning', hear)
    const numbers = Array.from({ length: 20 }, (_, index) => index)
    const answers = await Promise.all(numbers.map(number => opened.database.probe(echo, [number])))
    process.off('warning', hear)
    expect(answers).toEqual(numbers.map(number => [{ number }]))
    expect(warnings).toEqual([])
  })

  test('are empty once their engine is closed', async () => {
    const metrics = createMetrics()
    await (await createCheckout({ database, metrics, workers: false, migrate: false })).close()
    const { text } = await metrics.render()
    expect(text).not.toMatch(/^holdfast_database_up/m)
    expect(text).toMatch(/^holdfast_checkouts_completed_total\{currency="[A-Z]{3}"\} 0$/m)
  })

  test('start at 0 where an alert watches for an increase, so that the first event is an increase', async () => {
    await watched(0, async metrics => {
      const { text } = await metrics.render()
      const zeros = [
        'holdfast_checkouts_started_total',
        'holdfast_price_drifts_total',
        'holdfast_checkouts_failed_total{currency="USD",phase="payment_authorization",code="payment_mismatch"}',
        'holdfast_phase_duration_seconds_count{phase="order_creation"}',
        'holdfast_gateway_request_duration_seconds_count{gateway="sandbox",kind="authorize",outcome="unknown"}',
      ]
      for (const zero of zeros) expect(text).toContain(`\n${zero} 0\n`)
    })
  })

  test('are in OpenMetrics if the client accepts it, else in the text format', async () => {
    await watched(0, async metrics => {
      const text = await metrics.render('text/plain')
      expect(text.contentType).toMatch(/^text\/plain; version=0\.0\.4/)
      expect(text.text).toMatch(/^# TYPE holdfast_checkouts_started_total counter$/m)
      const open = await metrics.render('application/openmetrics-text;version=1.0.0,text/plain;q=0.5')
      expect(open.contentType).toMatch(/^application\/openmetrics-text; version=1\.0\.0/)
      expect(open.text).toMatch(/^# TYPE holdfast_checkouts_started counter\nholdfast_checkouts_started_total 0$/m)
      expect(open.text).toMatch(/^# TYPE nodejs_active_handles_total gauge$/m)
      expect(open.text.endsWith('\n# EOF\n')).toBe(true)
      expect(open.text).not.toContain('\n\n')
      // A request for one format does not change the other.
      expect((await metrics.render()).text).toMatch(/^holdfast_checkouts_started_total 0$/m)
    })
  })
})
