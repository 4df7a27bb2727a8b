/** The facts of a soak: counts from tables, journals, and logs after the run. */

import { statement } from '../../packages/holdfast/src/database/database.ts'
import type { AuditReport } from '../../packages/holdfast/src/engine/checkout-engine.ts'
import type { BuyerRecord } from '../buyers/buyer.ts'
import type { Contradictions } from '../buyers/reconcile-answers.ts'
import type { Comparison } from './comparison.ts'
import type { SoakCoverage } from './coverage.ts'
import type { Books, GatewayName } from './gateway.ts'
import { countsOf, readJournal } from './journal.ts'
import type { Scene } from './scene.ts'

export interface SoakFacts {
  gateway: GatewayName
  seed: number
  /** The events that must have occurred. */
  required: SoakCoverage
  processes: number
  buyers: number
  seconds: number
  drainSeconds: number
  disturbances: Record<string, number>
  faults: Record<string, number>
  calls: Record<string, number>
  webhooks: Record<string, number>
  forged: Record<string, number>
  /** How buyers confirmed, if the gateway requires confirmations. */
  confirmations: Record<string, number>
  checkouts: {
    started: number
    completed: number
    failed: number
    open: number
    carriedOn: number
    expired: number
    failures: Record<string, number>
  }
  records: BuyerRecord[]
  /** Contradictory answers to concurrent clicks. */
  clicks: readonly string[]
  contradictions: Contradictions
  comparison: Comparison
  books: Books
  audit: AuditReport
  /** Deliveries beyond the first one of an event. */
  redelivered: number
  parked: number
  errors: { explained: number; alerts: number; unexpected: string[]; surprises: string[] }
  /** Servers that could not sell after the disturbances ended. */
  unresponsive: string[]
}

export const readCheckouts = statement(
  'soak_checkouts',
  `select count(*) as started, count(*) filter (where state = 'completed') as completed,
     count(*) filter (where state = 'failed') as failed, count(*) filter (where state not in ('completed', 'failed')) as open,
     count(*) filter (where epoch > 1) as "carriedOn", count(*) filter (where failure->>'code' = 'checkout_expired') as expired
   from holdfast.checkouts`,
)
const readFailures = statement(
  'soak_failures',
  `select failure->>'code' as code, count(*) as count from holdfast.checkouts where state = 'failed' group by 1`,
)
const countParked = statement('soak_parked', `select count(*) as count from holdfast.deliveries where state = 'parked'`)

/** Reads the tables, the journal, and the logs. */
export async function factsOf(scene: Scene) {
  const { database, outlets, journal } = scene
  const [checkouts] = await database.query<Omit<SoakFacts['checkouts'], 'failures'>>(readCheckouts)
  if (checkouts === undefined) throw new Error('the database returned no row')
  const failures = await database.query<{ code: string; count: number }>(readFailures)
  const [parked] = await database.query<{ count: number }>(countParked)
  const lines = await readJournal(journal)
  const servers = [scene.gateway.process, ...outlets.map(({ server }) => server)]
  return {
    faults: countsOf(lines, 'fault'),
    calls: countsOf(lines, 'call'),
    webhooks: countsOf(lines, 'webhook'),
    forged: countsOf(lines, 'forged'),
    confirmations: countsOf(lines, 'confirmed'),
    checkouts: { ...checkouts, failures: Object.fromEntries(failures.map(({ code, count }) => [code, count])) },
    parked: parked?.count ?? 0,
    errors: {
      explained: servers.reduce((sum, server) => sum + server.explained, 0) - scene.outages.alerts,
      alerts: scene.outages.alerts,
      unexpected: servers.flatMap(server => server.errors),
      surprises: servers.flatMap(server => server.surprises),
    },
  }
}
