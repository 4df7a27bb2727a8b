/**
 * May requests be sent to this process? The database answers, its schema is what this version needs, and the process is
 * not ending. Nothing that another process would suffer from as well: a balancer must not take all of them out for that.
 */

import { type Database, statement } from '../../database/database.ts'
import { knownMigrations } from '../../database/migrate.ts'
import type { HealthCheck, ReadinessReport } from '../../engine/checkout-engine.ts'
import { databaseIsWell, databaseTrouble } from './health.ts'
import { type FreshOptions, keepFresh } from './shared-reading.ts'

const readApplied = statement('read_applied', 'select name, now() as now from holdfast.migrations')

/** @param isEnding whether the process is about to end. What is given never throws. */
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
      return { status: 'critical', message: 'The migrations of this version cannot be read: is its folder there?' }
    }
    const missing = known.filter(name => !applied.has(name)).length
    return missing === 0
      ? { status: 'ok', message: 'The schema is up to date' }
      : { status: 'critical', count: missing, message: 'The schema is not up to date: run holdfast migrate' }
  }

  async function look(): Promise<Pick<ReadinessReport, 'checks' | 'timestamp'>> {
    try {
      const rows = await database.probe<{ name: string; now: string }>(readApplied)
      const schema = await schemaOf(new Set(rows.map(row => row.name)))
      return { checks: { database: databaseIsWell, schema }, timestamp: rows[0]?.now ?? new Date().toISOString() }
    } catch (error) {
      return { checks: { database: databaseTrouble(error) }, timestamp: new Date().toISOString() }
    }
  }

  const read = keepFresh(look, { mayGoAhead: () => !isEnding() })
  return async options => {
    const { checks, timestamp } = isEnding()
      ? { checks: { process: ending }, timestamp: new Date().toISOString() }
      : await read(options)
    const isReady = Object.values(checks).every(check => check.status === 'ok')
    return { status: isReady ? 'ready' : 'not_ready', checks, timestamp }
  }
}

const ending: HealthCheck = { status: 'critical', message: 'The process is ending' }
