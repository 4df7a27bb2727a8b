/**
 * Reconciliation: compares our payments with the gateway's, in both directions, and lists the differences. Each suspect
 * is then examined alone, and differs only if our records did not change while the gateway answered. It changes nothing
 * unless requested: orphaned authorizations are voided by intents (A4), and refunds and disputes from the gateway are
 * recorded under the checkout's lock (A2).
 */

import { validate as isUuid } from 'uuid'
import type { Difference, DifferenceKind, ReconcileOptions } from '../engine/checkout-engine.ts'
import type { GatewayPayment } from '../payments/gateway.ts'
import type { SagaContext } from '../saga/context.ts'
import { drive } from '../saga/drive.ts'
import type { Lanes } from '../saga/lanes.ts'
import { intendOrphanVoid } from '../saga/orphaned-authorization.ts'
import { recordGatewaySideRefunds } from '../saga/refunds/gateway-side-refunds.ts'
import {
  callWithRetries,
  fingerprintOf,
  firstCursor,
  nextOperations,
  type OpenBooks,
  readOurs,
  referenceOf,
} from './books.ts'
import {
  type ComparisonClock,
  differencesOf,
  hasSucceeded,
  kindsOfUnknown,
  type Ours,
  referencesOf,
} from './compare.ts'
import { lastDifferences, type Progress, type Run, type RunResult, renew } from './runs.ts'

/** A run that does not renew its lease for this long has failed. It renews with every page and every examination. */
export const runLeaseMs = 120_000
/** More pages than any shop has in a year. A gateway that lists more is not read further. */
const pagesMax = 100_000
/** Suspects that are examined at once. */
const examinationsMax = 4

/** A payment to examine. */
interface Suspect {
  checkoutId: string
  reference: string
}

/** One examination of a suspect. No kinds: no difference. */
interface Finding {
  ours: Ours | null
  theirs: GatewayPayment | null
  kinds: DifferenceKind[]
}

const keyOf = ({ checkoutId, reference }: Suspect) => `${checkoutId} ${reference}`
const criticalKinds: ReadonlySet<DifferenceKind> = new Set(['orphan_captured', 'lost'])

export interface Comparison {
  context: SagaContext
  lanes: Lanes
  books: OpenBooks
  run: Run
  options: Pick<ReconcileOptions, 'voidOrphans' | 'record' | 'onProgress'>
  progress: Progress
}

/** Compares both sides. Returns what differs and what was settled. @throws {RunReplaced}; whatever the gateway throws. */
export async function compare(comparison: Comparison): Promise<RunResult> {
  const { context, books, progress } = comparison
  const listed = new Set<string>()
  const suspects = new Map<string, Suspect>()
  // The differences of the last run are examined until they are gone, however old they are.
  for (const { checkoutId, reference } of await lastDifferences(context.db, books.name)) {
    suspects.set(keyOf({ checkoutId, reference }), { checkoutId, reference })
  }
  await comparePayments(comparison, listed, suspects)
  await compareOperations(comparison, listed, suspects)
  const differences: Difference[] = []
  const settled: Difference[] = []
  const queue = [...suspects.values()]
  for (let next = 0; next < queue.length; next += examinationsMax) {
    await renewRun(comparison)
    const batch = queue.slice(next, next + examinationsMax).map(suspect => settleSuspect(comparison, suspect))
    for (const result of await Promise.all(batch)) {
      differences.push(...result.differences)
      settled.push(...result.settled)
    }
  }
  return { ...progress, differences, settled }
}

/** Renews the lease of the run and reports its progress. */
async function renewRun({ context, run, options, progress }: Comparison): Promise<ComparisonClock> {
  const nowMs = await renew(context.db, run, runLeaseMs, progress)
  options.onProgress?.({ ...progress })
  return { nowMs, leaseMs: context.numbers.leaseMs }
}

/** Reads the gateway's payments, newest first, and compares each with ours. */
async function comparePayments(comparison: Comparison, listed: Set<string>, suspects: Map<string, Suspect>) {
  const { context, books, run, progress } = comparison
  const since = new Date(run.since)
  let after: string | null = null
  for (let page = 0; page < pagesMax; page += 1) {
    const clock = await renewRun(comparison)
    const last: string | null = after
    const payments: readonly GatewayPayment[] = await callWithRetries(context, signal =>
      books.list({ since, after: last, signal }),
    )
    const final = payments.at(-1)
    if (final === undefined) return
    // Other applications may use the same account, with checkout IDs of a different form.
    const named = payments.filter(({ checkoutId }) => checkoutId !== null && isUuid(checkoutId))
    const ours = await readOurs(context, [...new Set(named.flatMap(({ checkoutId }) => checkoutId ?? []))])
    for (const payment of payments) listed.add(payment.reference)
    for (const payment of named) {
      const suspect = suspectOf(payment)
      const own = ours.get(suspect.checkoutId) ?? null
      if (differencesOf(own, payment, clock).length > 0) suspects.set(keyOf(suspect), suspect)
    }
    progress.payments += payments.length
    after = final.reference
  }
  throw new Error(`gateway "${books.name}" lists payments without an end`)
}

const suspectOf = ({ checkoutId, reference }: GatewayPayment): Suspect => ({ checkoutId: checkoutId ?? '', reference })

/** Reads our operations of the same period. Checkouts with a success that the gateway did not list become suspects. */
async function compareOperations(comparison: Comparison, listed: Set<string>, suspects: Map<string, Suspect>) {
  const { context, books, run, progress } = comparison
  const compared = new Set<string>()
  let cursor: ReturnType<typeof firstCursor> | null = firstCursor(run.since)
  while (cursor !== null) {
    await renewRun(comparison)
    const page = await nextOperations(context, books.name, cursor)
    const ours = await readOurs(
      context,
      page.checkoutIds.filter(id => !compared.has(id)),
    )
    for (const [checkoutId, own] of ours) {
      compared.add(checkoutId)
      const reference = referenceOf(own)
      if (reference === null || listed.has(reference) || !hasSucceeded(own)) continue
      suspects.set(keyOf({ checkoutId, reference }), { checkoutId, reference })
    }
    progress.checkouts = compared.size
    cursor = page.cursor
  }
}

/** Reads our side, the payment at the gateway, and our side again. There is no difference if ours changed in between. */
async function examine({ context, books, run }: Comparison, { checkoutId, reference }: Suspect): Promise<Finding> {
  const read = async () => (await readOurs(context, [checkoutId])).get(checkoutId) ?? null
  const before = await read()
  const theirs = await callWithRetries(context, signal => books.inspect(reference, signal))
  const ours = await read()
  if (fingerprintOf(before) !== fingerprintOf(ours)) return { ours, theirs, kinds: [] }
  if (theirs === null) return { ours, theirs, kinds: kindsOfUnknown(ours, reference) }
  if (isReassigned(ours, checkoutId, theirs)) return { ours, theirs, kinds: [] }
  const nowMs = Date.parse(ours?.row.now ?? run.startedAt)
  return { ours, theirs, kinds: differencesOf(ours, theirs, { nowMs, leaseMs: context.numbers.leaseMs }) }
}

/** True if the payment now belongs to another checkout, with which it is compared. */
function isReassigned(ours: Ours | null, checkoutId: string, theirs: GatewayPayment): boolean {
  return theirs.checkoutId !== checkoutId && (ours === null || !referencesOf(ours).has(theirs.reference))
}

/** Examines a suspect, repairs what may be repaired, and examines it again then. */
async function settleSuspect(
  comparison: Comparison,
  suspect: Suspect,
): Promise<{ differences: Difference[]; settled: Difference[] }> {
  const first = await examine(comparison, suspect)
  if (first.kinds.length === 0) return { differences: [], settled: [] }
  const isRepaired = await repair(comparison, suspect, first)
  const second = isRepaired ? await examine(comparison, suspect) : first
  const left = new Set(second.kinds)
  return {
    differences: differencesIn(suspect, second),
    settled: differencesIn(suspect, first).filter(({ kind }) => !left.has(kind)),
  }
}

/** Repairs what the options allow. Returns true if a repair was attempted. */
async function repair(
  { context, lanes, options }: Comparison,
  { checkoutId }: Suspect,
  { theirs, kinds }: Finding,
): Promise<boolean> {
  if (theirs === null) return false
  if (options.voidOrphans && kinds.includes('orphan_open')) {
    const lease = await intendOrphanVoid(context, checkoutId, theirs)
    if (lease === null) return false
    const { reference } = theirs
    context.log.warn('[Checkout] voiding an orphaned authorization', { lockId: checkoutId, reference })
    await drive(context, lanes, { kind: 'continues', lease })
    return true
  }
  if (options.record && (kinds.includes('refunded') || kinds.includes('disputed'))) {
    return (await recordGatewaySideRefunds(context, checkoutId)) === 'recorded'
  }
  return false
}

function differencesIn({ checkoutId, reference }: Suspect, { ours, theirs, kinds }: Finding): Difference[] {
  return kinds.map(kind => ({
    kind,
    isCritical: criticalKinds.has(kind),
    checkoutId,
    reference,
    ours: ours === null ? null : amountsOf(ours),
    theirs: theirs === null ? null : booksOf(theirs),
  }))
}

function amountsOf({ row, operations }: Ours): NonNullable<Difference['ours']> {
  const sum = (kind: string) =>
    operations
      .filter(operation => operation.kind === kind && operation.status === 'succeeded')
      .reduce((total, { amount_minor }) => total + amount_minor, 0)
  return {
    state: row.state,
    currency: row.currency,
    authorizedMinor: sum('authorize'),
    capturedMinor: sum('capture'),
    refundedMinor: sum('refund'),
  }
}

function booksOf(payment: GatewayPayment): NonNullable<Difference['theirs']> {
  const { status, currency, openMinor, capturedMinor, refundedMinor, createdAt } = payment
  return { status, currency, openMinor, capturedMinor, refundedMinor, createdAt }
}
