/**
 * The auditor: compares money, orders, stock and history in one statement, and so in one snapshot of the database, and
 * reports the violations of each invariant.
 */

import { type Database, type Statement, statement } from '../../database/database.ts'
import { wholeTablePlans } from '../../database/planner.ts'
import type { AuditFinding, AuditReport } from '../../engine/checkout-engine.ts'
import { endChecks } from './end-checks.ts'
import { historyChecks } from './history-checks.ts'
import { type Check, type Invariant, invariants } from './invariant.ts'
import { moneyChecks } from './money-checks.ts'
import { stockChecks } from './stock-checks.ts'

/** An answer that a client received, for A9. */
export interface Acknowledged {
  checkoutId: string
  state: 'completed' | 'failed'
  orderId?: string
}

export interface AuditOptions {
  /** Compares with the sandbox gateway's ledger, which is in the same database. Default: no comparison. */
  ledger?: 'sandbox' | undefined
  /** Also checks B1 and B4, which hold only once nothing is in flight. Default false. */
  drained?: boolean | undefined
  /** Answers to compare with the database, for A9. Default none. */
  acknowledged?: readonly Acknowledged[] | undefined
}

const examplesMax = 5
const checks: readonly Check[] = [...historyChecks, ...moneyChecks, ...stockChecks, ...endChecks]

interface CheckRow {
  subject: string
  violations: number
  examples: string[] | null
}

/** One statement for the chosen checks: a row per check, and a row that counts the checkouts. */
function auditStatement(ledger: boolean, drained: boolean): Statement {
  const chosen = checks.filter(({ only }) => only === undefined || (only === 'ledger' ? ledger : drained))
  const parts = chosen.map(
    ({ invariant, text }) => `select '${invariant}' as subject, count(*) as violations,
      array_agg(example) filter (where number <= ${examplesMax}) as examples
      from (select example, row_number() over () as number from (${text}) as found) as numbered`,
  )
  parts.push(`select 'checkouts', count(*), null from holdfast.checkouts`)
  return statement(
    `audit${ledger ? '_with_ledger' : ''}${drained ? '_drained' : ''}`,
    parts.map(part => `(${part})`).join('\nunion all\n'),
  )
}

/**
 * Settings of this transaction: memory for sorts and hashes, no timeout, no JIT, and no nested loops. The planner expects
 * few rows from queries that find nothing, and would scan whole tables repeatedly in nested loops.
 */
const auditSettings = statement(
  'audit_settings',
  `select set_config('work_mem', '96MB', true), set_config('statement_timeout', '0', true), set_config('jit', 'off', true),
     set_config('enable_nestloop', 'off', true), ${wholeTablePlans}`,
)

/**
 * Checks every invariant. May run at any time during live checkouts: it only reads and takes no row locks. It reads the
 * whole history, so it takes seconds per million rows.
 */
export async function audit(database: Database, options: AuditOptions = {}): Promise<AuditReport> {
  const { ledger, drained = false, acknowledged = [] } = options
  const text = auditStatement(ledger === 'sandbox', drained)
  const received = JSON.stringify(
    acknowledged.map(({ checkoutId, state, orderId }) => ({
      checkout_id: checkoutId,
      state,
      order_id: orderId ?? null,
    })),
  )
  const rows = await database.transaction(async tx => {
    tx.send(auditSettings)
    return tx.query<CheckRow>(text, [received])
  })
  const unchecked = new Map<Invariant, string>()
  if (ledger === undefined) {
    for (const check of checks)
      if (check.only === 'ledger') unchecked.set(check.invariant, 'not compared with the gateway')
  }
  if (acknowledged.length === 0) unchecked.set('A9', 'no answers of clients to compare')
  const findings = summarize(rows, drained, unchecked)
  return {
    findings,
    violations: findings.reduce((sum, finding) => sum + finding.violations, 0),
    checkouts: rows.find(row => row.subject === 'checkouts')?.violations ?? 0,
  }
}

/** @param unchecked invariants with checks that did not run, each with the reason. */
function summarize(
  rows: readonly CheckRow[],
  drained: boolean,
  unchecked: ReadonlyMap<Invariant, string>,
): AuditFinding[] {
  const names = (Object.keys(invariants) as Invariant[]).filter(name => drained || (name !== 'B1' && name !== 'B4'))
  return names.map(invariant => {
    const results = rows.filter(row => row.subject === invariant)
    const note = unchecked.get(invariant)
    return {
      invariant,
      title: note === undefined ? invariants[invariant] : `${invariants[invariant]} (${note})`,
      violations: results.reduce((sum, row) => sum + row.violations, 0),
      examples: results.flatMap(row => row.examples ?? []).slice(0, examplesMax),
    }
  })
}
