/**
 * The health of the checkout. Many callers may ask every second, because a reading up to a second old is returned at
 * once. A database that stops answering is reported within five seconds: a second of freshness, then at most two queries
 * that end after `probeMs` each. Checkouts that no worker resumes (A11) and parked events (B4) show here.
 */

import { type Database, DatabaseError } from '../../database/database.ts'
import type { HealthCheck, HealthReport } from '../../engine/checkout-engine.ts'
import { checksOf, reconciliationOf } from './checks.ts'
import { createGatewayWindow, type GatewayWindow } from './gateway-window.ts'
import { readHealth } from './reading.ts'
import { type FreshOptions, keepFresh } from './shared-reading.ts'

export interface HealthOptions {
  database: Database
  /** How long the outcome of a capture may be unknown, seconds. Default 3,600. */
  captureTimeoutSeconds?: number
  /** A gateway that supports reconciliation, and the interval of automatic runs in milliseconds (0: only on request). */
  reconciles?: { gateway: string; everyMs: number } | null
  /** This process's recent gateway calls. Default: none. */
  gatewayWindow?: GatewayWindow
  /** True while the process is shutting down; then nothing is read ahead. Default: always false. */
  isEnding?: () => boolean
}

/** The check for a failed query. The database's own message is not shown, because it may contain any data. */
export function databaseProblem(error: unknown): HealthCheck {
  const code = error instanceof DatabaseError ? error.code : 'connection_lost'
  // undefined table, column or schema
  const isBehind = code === '42P01' || code === '42703' || code === '3F000'
  const message = isBehind
    ? 'Database schema out of date; run holdfast migrate'
    : /^[0-9A-Z]{5}$/.test(code)
      ? `Database query failed (${code})`
      : 'Database does not respond'
  return { status: 'critical', message }
}

export const databaseOk: HealthCheck = { status: 'ok', message: 'Database connection healthy' }

/** Returns a function that reads the health and never rejects. It works as long as the database is open. */
export function createHealth(options: HealthOptions): (options?: FreshOptions) => Promise<HealthReport> {
  const { database, captureTimeoutSeconds = 3_600, reconciles = null, gatewayWindow = createGatewayWindow() } = options
  const { isEnding = () => false } = options

  async function runChecks(): Promise<Pick<HealthReport, 'checks' | 'timestamp'>> {
    try {
      const reading = await readHealth(database, { captureTimeoutSeconds, gateway: reconciles?.gateway ?? null })
      const reconciliation = reconciles === null ? null : reconciliationOf(reading, reconciles.everyMs)
      const checks = {
        ...checksOf(reading, gatewayWindow.sight()),
        ...(reconciliation === null ? {} : { reconciliation }),
        database: databaseOk,
      }
      return { checks, timestamp: reading.now }
    } catch (error) {
      return { checks: { database: databaseProblem(error) }, timestamp: new Date().toISOString() }
    }
  }

  async function report(): Promise<HealthReport> {
    const { checks, timestamp } = await runChecks()
    const statuses = Object.values(checks).map(check => check.status)
    const status = statuses.includes('critical') ? 'unhealthy' : statuses.includes('warning') ? 'degraded' : 'healthy'
    return { status, checks, timestamp }
  }

  return keepFresh(report, { mayReadAhead: () => !isEnding() })
}
