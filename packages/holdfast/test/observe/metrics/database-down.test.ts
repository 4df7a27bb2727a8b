/** Metrics while the database is away, and how little they ask of it. */
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

  test('tell of the process alone when the database does not answer, and of both again when it does', async () => {
    await watched(0, async metrics => {
      isAway = true
      const { text } = await metrics.render().finally(() => {
        isAway = false
      })
      expect(text).toMatch(/^holdfast_database_up 0$/m)
      expect(text).toMatch(/^process_resident_memory_bytes \d+/m)
      expect(text).toMatch(/^holdfast_checkouts_started_total 0$/m)
      // No figure is better than a wrong one.
      expect(text).not.toMatch(/^holdfast_(stuck_checkouts|expired_locks|active_locks|deliveries_due)[ {]/m)
      const back = (await metrics.render()).text
      expect(back).toMatch(/^holdfast_database_up 1$/m)
      expect(back).toMatch(/^holdfast_stuck_checkouts 0$/m)
    })
  })

  test('say that a database answers that is too busy for all the figures', async () => {
    await watched(0, async metrics => {
      tooMuch = 'read_figures'
      const { text } = await metrics.render().finally(() => {
        tooMuch = ''
      })
      expect(text).toMatch(/^holdfast_database_up 1$/m)
      expect(text).not.toMatch(/^holdfast_stuck_checkouts \d/m)
    })
  })

  test('ask the database once for a hundred scrapes at the same time, and not again while the answer is fresh', async () => {
    await watched(60_000, async metrics => {
      probes.length = 0
      await Promise.all(Array.from({ length: 100 }, () => metrics.render()))
      await metrics.render()
      expect(probes.toSorted()).toEqual(['read_figures', 'read_health'])
    })
  })

  test('wait for their turn on the connection that health asks on too', async () => {
    const warnings: Error[] = []
    const hear = (warning: Error) => void warnings.push(warning)
    process.on('warning', hear)
    const numbers = Array.from({ length: 20 }, (_, index) => index)
    const answers = await Promise.all(numbers.map(number => opened.database.probe(echo, [number])))
    process.off('warning', hear)
    expect(answers).toEqual(numbers.map(number => [{ number }]))
    expect(warnings).toEqual([])
  })

  test('show nothing of an engine that was closed', async () => {
    const metrics = createMetrics()
    await (await createCheckout({ database, metrics, workers: false, migrate: false })).close()
    const { text } = await metrics.render()
    expect(text).not.toMatch(/^holdfast_database_up/m)
    expect(text).toMatch(/^holdfast_checkouts_completed_total\{currency="[A-Z]{3}"\} 0$/m)
  })

  test('begin at 0 wherever an alert looks for a rise, so that the first one is a rise', async () => {
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

  test('are written in OpenMetrics for who asks for it, and in text for everybody else', async () => {
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
      // Asking for the one spoils nothing of the other.
      expect((await metrics.render()).text).toMatch(/^holdfast_checkouts_started_total 0$/m)
    })
  })
})
