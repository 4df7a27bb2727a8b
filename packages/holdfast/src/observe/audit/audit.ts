/**
 * The auditor: checks money against orders against stock against history, in one statement and so in one snapshot of
 * the database, and says "0 violations" or which.
 */

import { type Database, type Statement, statement } from '../../database/database.ts'
import { wholeTablePlans } from '../../database/planner.ts'
import type { AuditFinding, AuditReport } from '../../engine/checkout-engine.ts'
import { endChecks } from './audit-ends.ts'
import { historyChecks } from './audit-history.ts'
import { moneyChecks } from './audit-money.ts'
import { stockChecks } from './audit-stock.ts'
import { type Check, type Invariant, invariants } from './invariant.ts'

/** What a client kept of the answers it got, for A9. */
export interface Acknowledged {
  checkoutId: string
  state: 'completed' | 'failed'
  orderId?: string
}

export interface AuditOptions {
  /** Compare with the sandbox gateway's own ledger, which stands in the same database. */
  ledger?: 'sandbox' | undefined
  /** Nothing is in flight any more: check B1 and B4 too. Default false. */
  drained?: boolean | undefined
  acknowledged?: readonly Acknowledged[] | undefined
}

const examplesMax = 5
const checks: readonly Check[] = [...historyChecks, ...moneyChecks, ...stockChecks, ...endChecks]

interface CheckRow {
  subject: string
  violations: number
  examples: string[] | null
}

/** One statement for a set of checks: a row a check, and one that counts the checkouts. */
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
 * For this transaction: room to sort and hash, no time limit, no compiling, and no nested loops: the planner takes the
 * violations it does not find for few rows, and would look through whole tables again and again.
 */
const auditSettings = statement(
  'audit_settings',
  `select set_config('work_mem', '96MB', true), set_config('statement_timeout', '0', true), set_config('jit', 'off', true),
     set_config('enable_nestloop', 'off', true), ${wholeTablePlans}`,
)

/**
 * Checks every invariant. May run at any time beside live checkouts; it only reads, takes no locks, and looks at the
 * whole history, so it takes seconds for each million rows.
 */
export async function audit(database: Database, options: AuditOptions = {}): Promise<AuditReport> {
  const { ledger, drained = false, acknowledged = [] } = options
  const text = auditStatement(ledger === 'sandbox', drained)
  const told = JSON.stringify(
    acknowledged.map(({ checkoutId, state, orderId }) => ({
      checkout_id: checkoutId,
      state,
      order_id: orderId ?? null,
    })),
  )
  const rows = await database.transaction(async tx => {
    tx.send(auditSettings)
    return tx.query<CheckRow>(text, [told])
  })
  const unseen = new Map<Invariant, string>()
  if (ledger === undefined) {
    for (const check of checks)
      if (check.only === 'ledger') unseen.set(check.invariant, 'not compared with the gateway')
  }
  if (acknowledged.length === 0) unseen.set('A9', 'no client’s record was given to compare')
  const findings = summarize(rows, drained, unseen)
  return {
    findings,
    violations: findings.reduce((sum, finding) => sum + finding.violations, 0),
    checkouts: rows.find(row => row.subject === 'checkouts')?.violations ?? 0,
  }
}

/** `unseen`: what was not looked at, for want of something to compare with. */
function summarize(
  rows: readonly CheckRow[],
  drained: boolean,
  unseen: ReadonlyMap<Invariant, string>,
): AuditFinding[] {
  const names = (Object.keys(invariants) as Invariant[]).filter(name => drained || (name !== 'B1' && name !== 'B4'))
  return names.map(invariant => {
    const mine = rows.filter(row => row.subject === invariant)
    const note = unseen.get(invariant)
    return {
      invariant,
      title: note === undefined ? invariants[invariant] : `${invariants[invariant]} (${note})`,
      violations: mine.reduce((sum, row) => sum + row.violations, 0),
      examples: mine.flatMap(row => row.examples ?? []).slice(0, examplesMax),
    }
  })
}
