/**
 * Readiness: whether a load balancer may send requests to this process. The database answers, its schema fits this
 * version, and the process is not shutting down. Problems that all processes share, such as a failing gateway, do not
 * count, because the balancer would then remove every process.
 */

import { type Database, statement } from '../../database/database.ts'
import { knownMigrations } from '../../database/migrate.ts'
import type { HealthCheck, ReadinessReport } from '../../engine/checkout-engine.ts'
import { databaseOk, databaseProblem } from './health.ts'
import { type FreshOptions, keepFresh } from './shared-reading.ts'

const readApplied = statement('read_applied', 'select name, now() as now from holdfast.migrations')

/** @param isEnding true while the process is shutting down. The returned function never rejects. */
export function createReadiness(
  database: Database,
  isEnding: () => boolean,
  readKnown: () => Promise<string[]> = knownMigrations,
): (options?: FreshOptions) => Promise<ReadinessReport> {
  let known: string[] | null = null

  async function schemaOf(applied: ReadonlySet<string>): Promise<HealthCheck> {
    try {
      known ??= await readKnown()
    } catch {
      return {
        status: 'critical',
        message: 'Cannot read the migrations of this version; check that its migrations folder exists',
      }
    }
    const missing = known.filter(name => !applied.has(name)).length
    return missing === 0
      ? { status: 'ok', message: 'Database schema up to date' }
      : { status: 'critical', count: missing, message: 'Database schema out of date; run holdfast migrate' }
  }

  async function runChecks(): Promise<Pick<ReadinessReport, 'checks' | 'timestamp'>> {
    try {
      const rows = await database.probe<{ name: string; now: string }>(readApplied)
      const schema = await schemaOf(new Set(rows.map(row => row.name)))
      return { checks: { database: databaseOk, schema }, timestamp: rows[0]?.now ?? new Date().toISOString() }
    } catch (error) {
      return { checks: { database: databaseProblem(error) }, timestamp: new Date().toISOString() }
    }
  }

  const read = keepFresh(runChecks, { mayReadAhead: () => !isEnding() })
  return async options => {
    if (isEnding()) return shutdownReport()
    const { checks, timestamp } = await read(options)
    const isReady = Object.values(checks).every(check => check.status === 'ok')
    return { status: isReady ? 'ready' : 'not_ready', checks, timestamp }
  }
}

/** The report of a process that is shutting down. Reads nothing. */
export function shutdownReport(): ReadinessReport {
  const process: HealthCheck = { status: 'critical', message: 'Process is shutting down' }
  return { status: 'not_ready', checks: { process }, timestamp: new Date().toISOString() }
}
