/**
 * What differs between a payment as the gateway's books have it and as ours have it. Pure. What an operation that is
 * still open could have done is no difference while its checkout is under way: somebody looks at it again (A11).
 */

import type { CheckoutRow } from '../database/checkout-row.ts'
import type { OrderDispute } from '../domain/order.ts'
import { isFinal } from '../domain/states.ts'
import type { DifferenceKind } from '../engine/checkout-engine.ts'
import type { GatewayPayment, OperationKind } from '../payments/gateway.ts'
import { type OperationRow, orphanReason } from '../payments/operations.ts'
import { orphanAgeMinMs } from '../saga/orphaned-authorization.ts'
import { disputeOf, isSame } from '../saga/refunds/gateway-side-refunds.ts'

/** Our side of a checkout. */
export interface Ours {
  row: CheckoutRow
  operations: readonly OperationRow[]
  disputes: readonly OrderDispute[]
}

export interface Clockwork {
  /** The database's clock. */
  nowMs: number
  /** So long an operation may be open before nobody works on it any more. */
  leaseMs: number
}

const ofKind = (operations: readonly OperationRow[], kind: OperationKind) =>
  operations.filter(operation => operation.kind === kind && operation.purpose?.reason !== orphanReason)

function sumOf(operations: readonly OperationRow[]): number {
  return operations.reduce((sum, { amount_minor }) => sum + amount_minor, 0)
}

/** What ours say was done, and the amounts that the gateway may name without differing from it. */
function doneBy({ row, operations }: Ours, kind: OperationKind, { leaseMs }: Clockwork) {
  const own = ofKind(operations, kind)
  const doneMinor = sumOf(own.filter(({ status }) => status === 'succeeded'))
  const open = own.filter(({ status, age_ms }) => status === 'intended' && (!isFinal(row.state) || age_ms < leaseMs))
  return { doneMinor, explained: new Set([doneMinor, doneMinor + sumOf(open)]), isAsked: own.length > 0 }
}

/** The ids that the gateway gave the checkout's own payment. */
export function referencesOf({ operations }: Pick<Ours, 'operations'>): Set<string> {
  const own = operations.filter(({ purpose }) => purpose?.reason !== orphanReason)
  return new Set(own.flatMap(({ reference }) => reference ?? []))
}

/** True where ours say that something was done with the checkout's payment. */
export function hasSucceeded({ operations }: Pick<Ours, 'operations'>): boolean {
  return operations.some(({ kind, status, purpose }) => {
    return kind !== 'void' && status === 'succeeded' && purpose?.reason !== orphanReason
  })
}

/** Nothing is lost that was never ours. */
export function kindsOfUnknown(ours: Ours | null, reference: string): DifferenceKind[] {
  return ours !== null && referencesOf(ours).has(reference) && hasSucceeded(ours) ? ['lost'] : []
}

/** `ours` null: there is no such checkout. */
export function differencesOf(ours: Ours | null, theirs: GatewayPayment, clock: Clockwork): DifferenceKind[] {
  if (ours === null) return orphanKinds(theirs, clock)
  const references = referencesOf(ours)
  const isEnded = isFinal(ours.row.state)
  if (!references.has(theirs.reference)) return isEnded ? orphanKinds(theirs, clock) : strayKinds(ours, theirs, clock)
  if (ours.row.state === 'failed') return kindsOfFailed(ours, theirs, clock)
  return isEnded ? kindsOfCompleted(ours, theirs, clock) : kindsUnderWay(ours, theirs, clock)
}

/** A payment that its checkout knows nothing of. Money that people gave back is none any more. */
function orphanKinds(theirs: GatewayPayment, { nowMs }: Clockwork): DifferenceKind[] {
  if (theirs.capturedMinor > theirs.refundedMinor) return ['orphan_captured']
  if (theirs.status === 'authorized') return ['orphan_open']
  const isOld = nowMs - Date.parse(theirs.createdAt) >= orphanAgeMinMs
  return theirs.status === 'unconfirmed' && isOld ? ['orphan_open'] : []
}

/** Beside a checkout that is under way: its payment may be about to become known. */
function strayKinds(ours: Ours, theirs: GatewayPayment, clock: Clockwork): DifferenceKind[] {
  const isAsked = doneBy(ours, 'capture', clock).isAsked
  return theirs.capturedMinor > theirs.refundedMinor && !isAsked ? ['orphan_captured'] : []
}

/** What the gateway said it gave back: of a checkout that is undone less than asked, where less had been taken. */
function toldRefunded({ operations }: Ours): number {
  return ofKind(operations, 'refund').reduce(
    (sum, { answer }) => sum + (answer?.outcome === 'succeeded' ? answer.amountMinor : 0),
    0,
  )
}

function kindsOfFailed(ours: Ours, theirs: GatewayPayment, clock: Clockwork): DifferenceKind[] {
  const netMinor = theirs.capturedMinor - theirs.refundedMinor
  // A capture whose answer was lost is known by its refund alone, and people may have given more back.
  const kinds: DifferenceKind[] = netMinor > 0 ? ['orphan_captured'] : orphanKinds(theirs, clock)
  if (theirs.refundedMinor < toldRefunded(ours)) kinds.push('refunded')
  if (theirs.capturedMinor < doneBy(ours, 'capture', clock).doneMinor) kinds.push('captured')
  return kinds
}

function kindsOfCompleted(ours: Ours, theirs: GatewayPayment, clock: Clockwork): DifferenceKind[] {
  if (theirs.currency !== ours.row.currency) return ['currency']
  const kinds: DifferenceKind[] = []
  if (!doneBy(ours, 'capture', clock).explained.has(theirs.capturedMinor)) kinds.push('captured')
  if (!doneBy(ours, 'refund', clock).explained.has(theirs.refundedMinor)) kinds.push('refunded')
  const known = new Map(ours.disputes.map(dispute => [dispute.id, dispute]))
  if (theirs.disputes.some(dispute => !isSame(known.get(dispute.id), disputeOf(dispute)))) kinds.push('disputed')
  return kinds
}

function kindsUnderWay(ours: Ours, theirs: GatewayPayment, clock: Clockwork): DifferenceKind[] {
  // What is being undone is asked about until the gateway has let go of it.
  if (ours.row.state === 'rolling_back') return []
  const authorized = doneBy(ours, 'authorize', clock)
  const kinds: DifferenceKind[] = []
  if (authorized.doneMinor > 0) {
    if (theirs.currency !== ours.row.currency) return ['currency']
    const heldMinor = theirs.openMinor + theirs.capturedMinor
    if (heldMinor !== authorized.doneMinor) kinds.push('authorized')
  }
  if (!doneBy(ours, 'capture', clock).explained.has(theirs.capturedMinor)) kinds.push('captured')
  if (!doneBy(ours, 'refund', clock).explained.has(theirs.refundedMinor)) kinds.push('refunded')
  return kinds
}
