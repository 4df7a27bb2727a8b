/**
 * Reconciliation: compares our payments with the gateway's own books, in both directions, and names what differs. It
 * goes through the gateway's payments and through our operations of the same time; whatever seems to differ, and
 * whatever the gateway did not list, is looked at by itself, and is a difference only when nothing happened here between
 * two readings of ours around the gateway's word. It changes nothing unless asked to: orphans are ended by intents
 * (A4), and what was made at the gateway alone is recorded under the checkout's lock (A2).
 */

import { validate as isUuid } from 'uuid'
import type { Difference, DifferenceKind, ReconcileOptions } from '../engine/checkout-engine.ts'
import type { GatewayPayment } from '../payments/gateway.ts'
import type { SagaContext } from '../saga/context.ts'
import { drive } from '../saga/drive.ts'
import type { Lanes } from '../saga/lanes.ts'
import { intendOrphanVoid } from '../saga/orphaned-authorization.ts'
import { recordGatewaySideRefunds } from '../saga/refunds/gateway-side-refunds.ts'
import { firstCursor, nextOperations, type OpenBooks, patiently, readOurs, referenceOf, standingOf } from './books.ts'
import { type Clockwork, differencesOf, hasSucceeded, kindsOfUnknown, type Ours, referencesOf } from './compare.ts'
import { type Progress, type Run, type RunResult, renew, standing } from './runs.ts'

/** A comparison that is silent for so long is taken for dead. It shows a sign of life with every page and every look. */
export const runLeaseMs = 120_000
/** More pages than any shop has in a year; a gateway that never comes to an end is not followed further. */
const pagesMax = 100_000
/** Looks at single payments at once. */
const looksMax = 4

/** A payment to be looked at by itself. */
interface Suspect {
  checkoutId: string
  reference: string
}

const idOf = ({ checkoutId, reference }: Suspect) => `${checkoutId} ${reference}`
const criticalKinds: ReadonlySet<DifferenceKind> = new Set(['orphan_captured', 'lost'])

export interface Comparison {
  context: SagaContext
  lanes: Lanes
  books: OpenBooks
  run: Run
  options: Pick<ReconcileOptions, 'voidOrphans' | 'record' | 'onProgress'>
  progress: Progress
}

/** Compares and gives what stands. @throws {RunReplaced}; what the gateway throws. */
export async function compare(comparison: Comparison): Promise<RunResult> {
  const { context, books, progress } = comparison
  const seen = new Set<string>()
  const suspects = new Map<string, Suspect>()
  // What stood the last time is looked at until it is gone, however old.
  for (const { checkoutId, reference } of await standing(context.db, books.name)) {
    suspects.set(idOf({ checkoutId, reference }), { checkoutId, reference })
  }
  await goThroughPayments(comparison, seen, suspects)
  await goThroughOperations(comparison, seen, suspects)
  const differences: Difference[] = []
  const settled: Difference[] = []
  const queue = [...suspects.values()]
  for (let next = 0; next < queue.length; next += looksMax) {
    await alive(comparison)
    const looks = queue.slice(next, next + looksMax).map(suspect => lookAt(comparison, suspect))
    for (const { stands, done } of await Promise.all(looks)) {
      differences.push(...stands)
      settled.push(...done)
    }
  }
  return { ...progress, differences, settled }
}

async function alive({ context, run, options, progress }: Comparison): Promise<Clockwork> {
  const nowMs = await renew(context.db, run, runLeaseMs, progress)
  options.onProgress?.({ ...progress })
  return { nowMs, leaseMs: context.numbers.leaseMs }
}

/** The gateway's payments, newest first: what each says, against ours. */
async function goThroughPayments(comparison: Comparison, seen: Set<string>, suspects: Map<string, Suspect>) {
  const { context, books, run, progress } = comparison
  const since = new Date(run.since)
  let after: string | null = null
  for (let page = 0; page < pagesMax; page += 1) {
    const clock = await alive(comparison)
    const last: string | null = after
    const payments: readonly GatewayPayment[] = await patiently(context, signal =>
      books.list({ since, after: last, signal }),
    )
    const final = payments.at(-1)
    if (final === undefined) return
    // Other applications on the account may give their payments ids of their own.
    const named = payments.filter(({ checkoutId }) => checkoutId !== null && isUuid(checkoutId))
    const ours = await readOurs(context, [...new Set(named.flatMap(({ checkoutId }) => checkoutId ?? []))])
    for (const payment of payments) seen.add(payment.reference)
    for (const payment of named) {
      const suspect = suspectOf(payment)
      const own = ours.get(suspect.checkoutId) ?? null
      if (differencesOf(own, payment, clock).length > 0) suspects.set(idOf(suspect), suspect)
    }
    progress.payments += payments.length
    after = final.reference
  }
  throw new Error('The gateway lists payments without an end.')
}

const suspectOf = ({ checkoutId, reference }: GatewayPayment): Suspect => ({ checkoutId: checkoutId ?? '', reference })

/** Our operations of the same time: whatever succeeded and was not listed is asked for. */
async function goThroughOperations(comparison: Comparison, seen: Set<string>, suspects: Map<string, Suspect>) {
  const { context, books, run, progress } = comparison
  const looked = new Set<string>()
  let cursor: ReturnType<typeof firstCursor> | null = firstCursor(run.since)
  while (cursor !== null) {
    await alive(comparison)
    const page = await nextOperations(context, books.name, cursor)
    const ours = await readOurs(
      context,
      page.checkoutIds.filter(id => !looked.has(id)),
    )
    for (const [checkoutId, own] of ours) {
      looked.add(checkoutId)
      const reference = referenceOf(own)
      if (reference === null || seen.has(reference) || !hasSucceeded(own)) continue
      suspects.set(idOf({ checkoutId, reference }), { checkoutId, reference })
    }
    progress.checkouts = looked.size
    cursor = page.cursor
  }
}

interface Look {
  ours: Ours | null
  theirs: GatewayPayment | null
  kinds: DifferenceKind[]
}

/** Ours, the gateway's word, and ours again: a difference where nothing moved here in between. */
async function look({ context, books, run }: Comparison, { checkoutId, reference }: Suspect): Promise<Look> {
  const mine = async () => (await readOurs(context, [checkoutId])).get(checkoutId) ?? null
  const before = await mine()
  const theirs = await patiently(context, signal => books.inspect(reference, signal))
  const ours = await mine()
  if (standingOf(before) !== standingOf(ours)) return { ours, theirs, kinds: [] }
  if (theirs === null) return { ours, theirs, kinds: kindsOfUnknown(ours, reference) }
  if (isAnothers(ours, checkoutId, theirs)) return { ours, theirs, kinds: [] }
  const nowMs = Date.parse(ours?.row.now ?? run.startedAt)
  return { ours, theirs, kinds: differencesOf(ours, theirs, { nowMs, leaseMs: context.numbers.leaseMs }) }
}

/** Named for another checkout since it was suspected: the comparison comes to it there. */
function isAnothers(ours: Ours | null, checkoutId: string, theirs: GatewayPayment): boolean {
  return theirs.checkoutId !== checkoutId && (ours === null || !referencesOf(ours).has(theirs.reference))
}

async function lookAt(comparison: Comparison, suspect: Suspect): Promise<{ stands: Difference[]; done: Difference[] }> {
  const first = await look(comparison, suspect)
  if (first.kinds.length === 0) return { stands: [], done: [] }
  const isMended = await mend(comparison, suspect, first)
  const second = isMended ? await look(comparison, suspect) : first
  const stands = differencesIn(suspect, second)
  const left = new Set(second.kinds)
  return { stands, done: differencesIn(suspect, first).filter(({ kind }) => !left.has(kind)) }
}

/** Puts right what may be, where that was asked for; true where anything was tried. */
async function mend(
  { context, lanes, options }: Comparison,
  { checkoutId }: Suspect,
  { theirs, kinds }: Look,
): Promise<boolean> {
  if (theirs === null) return false
  if (options.voidOrphans && kinds.includes('orphan_open')) {
    const lease = await intendOrphanVoid(context, checkoutId, theirs)
    if (lease === null) return false
    context.log.warn('[Checkout] voiding an orphaned authorization', {
      lockId: checkoutId,
      reference: theirs.reference,
    })
    await drive(context, lanes, { kind: 'continues', lease })
    return true
  }
  if (options.record && (kinds.includes('refunded') || kinds.includes('disputed'))) {
    return (await recordGatewaySideRefunds(context, checkoutId)) === 'recorded'
  }
  return false
}

function differencesIn({ checkoutId, reference }: Suspect, { ours, theirs, kinds }: Look): Difference[] {
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
