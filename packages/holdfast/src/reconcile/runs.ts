/**
 * Stores reconciliations: at most one in progress per database, and the newest hundred results. A run that does not renew
 * its lease in time is ended by the next one, and its later writes match no row (fencing).
 */
import { v7 } from 'uuid'
import { type Database, statement } from '../database/database.ts'
import type { Difference, ReconcileReport } from '../engine/checkout-engine.ts'

const keptMax = 100
/** Most differences that a result lists. All are counted. */
export const namedMax = 1_000

/** Another process has ended this run. Stop and write nothing. */
export class RunReplaced extends Error {
  override readonly name = 'RunReplaced'
  constructor() {
    super('This reconciliation was given up: it did not renew its lease in time.')
  }
}

const endSilentRuns = statement(
  'end_silent_reconciliations',
  `update holdfast.reconciliations set ended_at = clock_timestamp(), failure = 'its process stopped responding'
   where ended_at is null and alive_until <= clock_timestamp()`,
)
const beginRun = statement(
  'begin_reconciliation',
  // After a failed run the next one follows within five minutes.
  `insert into holdfast.reconciliations (id, gateway, hours, alive_until, by_itself)
   select $1::uuid, $2, $3::int, clock_timestamp() + $4::bigint * interval '1 millisecond', $5::bigint is not null
   where not exists (select from holdfast.reconciliations
     where gateway = $2 and by_itself and started_at > clock_timestamp()
       - case when failure is null then $5::bigint else least($5::bigint, 300000) end * interval '1 millisecond')
   on conflict do nothing
   returning started_at as "startedAt", started_at - $3::int * interval '1 hour' as since`,
)
const renewRun = statement(
  'renew_reconciliation',
  `update holdfast.reconciliations
   set alive_until = clock_timestamp() + $2::bigint * interval '1 millisecond', payments = $3::int, checkouts = $4::int
   where id = $1::uuid and ended_at is null returning clock_timestamp() as now`,
)
const endRun = statement(
  'end_reconciliation',
  `update holdfast.reconciliations set ended_at = clock_timestamp(), failure = $2, payments = $3::int, checkouts = $4::int,
     difference_count = $5::int, critical_count = $6::int, differences = $7::jsonb, settled = $8::jsonb
   where id = $1::uuid and ended_at is null returning ended_at as "endedAt"`,
)
const pruneRuns = statement(
  'prune_reconciliations',
  `delete from holdfast.reconciliations where started_at < (
     select started_at from holdfast.reconciliations order by started_at desc offset ${keptMax - 1} limit 1)`,
)
const lastResult = statement(
  'last_reconciliation',
  `select differences from holdfast.reconciliations
   where gateway = $1 and ended_at is not null and failure is null order by started_at desc limit 1`,
)

export interface Run {
  id: string
  startedAt: string
  /** Start of the compared period. */
  since: string
}

export interface Progress {
  payments: number
  checkouts: number
}

export type RunResult = Progress & Pick<ReconcileReport, 'differences' | 'settled'>

/**
 * Begins a run. Returns null while another one is in progress.
 * @param options `pauseMs`: a scheduled run, which begins only if none did within that time; null: a requested run.
 */
export async function begin(
  db: Database,
  options: { gateway: string; hours: number; leaseMs: number; pauseMs: number | null },
): Promise<Run | null> {
  const { gateway, hours, leaseMs, pauseMs } = options
  const id = v7()
  return db.transaction(async tx => {
    tx.send(endSilentRuns)
    const [begun] = await tx.query<Omit<Run, 'id'>>(beginRun, [id, gateway, hours, leaseMs, pauseMs])
    return begun === undefined ? null : { id, ...begun }
  })
}

/** Renews the lease. Returns the database's time. @throws {RunReplaced} */
export async function renew(db: Database, run: Run, leaseMs: number, progress: Progress): Promise<number> {
  const values = [run.id, leaseMs, progress.payments, progress.checkouts]
  const [alive] = await db.query<{ now: string }>(renewRun, values)
  if (alive === undefined) throw new RunReplaced()
  return Date.parse(alive.now)
}

/** Ends a run and stores its result. @throws {RunReplaced} */
export async function end(
  db: Database,
  run: Run,
  result: RunResult,
): Promise<Pick<ReconcileReport, 'endedAt' | 'differenceCount' | 'criticalCount'>> {
  const { differences } = result
  const differenceCount = differences.length
  const criticalCount = differences.filter(({ isCritical }) => isCritical).length
  const endedAt = await finish(db, run, null, result, differenceCount, criticalCount)
  if (endedAt === null) throw new RunReplaced()
  await db.query(pruneRuns)
  return { endedAt, differenceCount, criticalCount }
}

/** Ends a run that failed. Does nothing if the run was replaced. */
export async function fail(db: Database, run: Run, progress: Progress, why: string): Promise<void> {
  await finish(db, run, why, { ...progress, differences: [], settled: [] }, 0, 0)
}

async function finish(
  db: Database,
  { id }: Run,
  failure: string | null,
  { payments, checkouts, differences, settled }: RunResult,
  differenceCount: number,
  criticalCount: number,
): Promise<string | null> {
  const named = [differences, settled].map(list => JSON.stringify(inOrder(list).slice(0, namedMax)))
  const values = [id, failure, payments, checkouts, differenceCount, criticalCount, ...named]
  const [ended] = await db.query<{ endedAt: string }>(endRun, values)
  return ended?.endedAt ?? null
}

/** Critical differences first, otherwise in the order in which they were found. */
export function inOrder(differences: readonly Difference[]): Difference[] {
  return differences.toSorted((a, b) => Number(b.isCritical) - Number(a.isCritical))
}

/** The differences that the last successful run left. */
export async function lastDifferences(db: Database, gateway: string): Promise<Difference[]> {
  const [last] = await db.query<{ differences: Difference[] }>(lastResult, [gateway])
  return last?.differences ?? []
}
