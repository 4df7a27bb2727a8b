/**
 * Is all well now? Cheap enough to be asked every second by many: what was read within the last second is given at once.
 * And never a lie: a database that does not answer is told of within five seconds, whatever was read before
 * (a second of freshness, and at most two questions that end after `probeMs` each).
 * It also watches over A11 and B4: what nobody looks at any more, and events that were given up, show here.
 */

import { type Database, DatabaseError } from '../../database/database.ts'
import type { HealthCheck, HealthReport } from '../../engine/checkout-engine.ts'
import { checksOf, reconciliationOf } from './checks.ts'
import { createGatewayWindow, type GatewayWindow } from './gateway-window.ts'
import { readHealth } from './reading.ts'
import { type FreshOptions, keepFresh } from './shared-reading.ts'

export interface HealthOptions {
  database: Database
  /** How long a capture may be of unknown outcome, seconds. Default 3,600. */
  captureTimeoutSeconds?: number
  /** A gateway with books to compare with, and how often that is done by itself, milliseconds; 0: only when asked. */
  reconciles?: { gateway: string; everyMs: number } | null
  /** What was seen of the gateway's calls; default: nothing. */
  gatewayWindow?: GatewayWindow
  /** Whether who asks is about to end: then nothing is read but what is asked for. Default: never. */
  isEnding?: () => boolean
}

/** What is wrong with the database, said without its own words: those may name anything. */
export function databaseTrouble(error: unknown): HealthCheck {
  const code = error instanceof DatabaseError ? error.code : 'connection_lost'
  // undefined table, column or schema
  const isBehind = code === '42P01' || code === '42703' || code === '3F000'
  const message = isBehind
    ? 'The schema is not up to date: run holdfast migrate'
    : /^[0-9A-Z]{5}$/.test(code)
      ? `The database refuses to answer (${code})`
      : 'The database does not answer'
  return { status: 'critical', message }
}

export const databaseIsWell: HealthCheck = { status: 'ok', message: 'Database connection healthy' }

/** Gives the health of the checkout, for as long as the database is open. What it gives never throws. */
export function createHealth(options: HealthOptions): (options?: FreshOptions) => Promise<HealthReport> {
  const { database, captureTimeoutSeconds = 3_600, reconciles = null, gatewayWindow = createGatewayWindow() } = options
  const { isEnding = () => false } = options

  async function look(): Promise<Pick<HealthReport, 'checks' | 'timestamp'>> {
    try {
      const reading = await readHealth(database, { captureTimeoutSeconds, gateway: reconciles?.gateway ?? null })
      const reconciliation = reconciles === null ? null : reconciliationOf(reading, reconciles.everyMs)
      const checks = {
        ...checksOf(reading, gatewayWindow.sight()),
        ...(reconciliation === null ? {} : { reconciliation }),
        database: databaseIsWell,
      }
      return { checks, timestamp: reading.now }
    } catch (error) {
      return { checks: { database: databaseTrouble(error) }, timestamp: new Date().toISOString() }
    }
  }

  async function judge(): Promise<HealthReport> {
    const { checks, timestamp } = await look()
    const statuses = Object.values(checks).map(check => check.status)
    const status = statuses.includes('critical') ? 'unhealthy' : statuses.includes('warning') ? 'degraded' : 'healthy'
    return { status, checks, timestamp }
  }

  return keepFresh(judge, { mayGoAhead: () => !isEnding() })
}
