/**
 * Compares a payment in the gateway's books with our records of it. Pure. While a checkout is in progress, what its open
 * operations could have done is not a difference: recovery settles them (A11).
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

/** The time limits of a comparison. */
export interface ComparisonClock {
  /** The database's clock. */
  nowMs: number
  /** An operation of an ended checkout that stays open for longer has no worker, in milliseconds. */
  leaseMs: number
}

const ofKind = (operations: readonly OperationRow[], kind: OperationKind) =>
  operations.filter(operation => operation.kind === kind && operation.purpose?.reason !== orphanReason)

function sumOf(operations: readonly OperationRow[]): number {
  return operations.reduce((sum, { amount_minor }) => sum + amount_minor, 0)
}

/** The amount that we recorded, and the amounts that the gateway may show without a difference. */
function recordedAmounts({ row, operations }: Ours, kind: OperationKind, { leaseMs }: ComparisonClock) {
  const own = ofKind(operations, kind)
  const recordedMinor = sumOf(own.filter(({ status }) => status === 'succeeded'))
  const open = own.filter(({ status, age_ms }) => status === 'intended' && (!isFinal(row.state) || age_ms < leaseMs))
  return {
    recordedMinor,
    explained: new Set([recordedMinor, recordedMinor + sumOf(open)]),
    isRequested: own.length > 0,
  }
}

/** The gateway's IDs of the checkout's own payment. Orphaned authorizations do not count. */
export function referencesOf({ operations }: Pick<Ours, 'operations'>): Set<string> {
  const own = operations.filter(({ purpose }) => purpose?.reason !== orphanReason)
  return new Set(own.flatMap(({ reference }) => reference ?? []))
}

/** True if we recorded a successful operation on the checkout's own payment. */
export function hasSucceeded({ operations }: Pick<Ours, 'operations'>): boolean {
  return operations.some(({ kind, status, purpose }) => {
    return kind !== 'void' && status === 'succeeded' && purpose?.reason !== orphanReason
  })
}

/** The difference if the gateway does not know a payment. It is lost only if we recorded a success. */
export function kindsOfUnknown(ours: Ours | null, reference: string): DifferenceKind[] {
  return ours !== null && referencesOf(ours).has(reference) && hasSucceeded(ours) ? ['lost'] : []
}

/** @param ours null if there is no such checkout. */
export function differencesOf(ours: Ours | null, theirs: GatewayPayment, clock: ComparisonClock): DifferenceKind[] {
  if (ours === null) return orphanKinds(theirs, clock)
  const references = referencesOf(ours)
  const isEnded = isFinal(ours.row.state)
  if (!references.has(theirs.reference))
    return isEnded ? orphanKinds(theirs, clock) : unrecordedKinds(ours, theirs, clock)
  if (ours.row.state === 'failed') return kindsOfFailed(ours, theirs, clock)
  return isEnded ? kindsOfCompleted(ours, theirs, clock) : kindsInProgress(ours, theirs, clock)
}

/** A payment that its checkout did not record. Captured money that was refunded is not a difference. */
function orphanKinds(theirs: GatewayPayment, { nowMs }: ComparisonClock): DifferenceKind[] {
  if (theirs.capturedMinor > theirs.refundedMinor) return ['orphan_captured']
  if (theirs.status === 'authorized') return ['orphan_open']
  const isOld = nowMs - Date.parse(theirs.createdAt) >= orphanAgeMinMs
  return theirs.status === 'unconfirmed' && isOld ? ['orphan_open'] : []
}

/** An unrecorded payment of a checkout in progress: the checkout may be about to record it. */
function unrecordedKinds(ours: Ours, theirs: GatewayPayment, clock: ComparisonClock): DifferenceKind[] {
  const isRequested = recordedAmounts(ours, 'capture', clock).isRequested
  return theirs.capturedMinor > theirs.refundedMinor && !isRequested ? ['orphan_captured'] : []
}

/** The refunded amount by the gateway's answers. A rollback refunds less than requested if less had been captured. */
function answeredRefundMinor({ operations }: Ours): number {
  return ofKind(operations, 'refund').reduce(
    (sum, { answer }) => sum + (answer?.outcome === 'succeeded' ? answer.amountMinor : 0),
    0,
  )
}

function kindsOfFailed(ours: Ours, theirs: GatewayPayment, clock: ComparisonClock): DifferenceKind[] {
  const netMinor = theirs.capturedMinor - theirs.refundedMinor
  // A capture whose answer was lost shows only in its refund, and the shop may have refunded more at the gateway.
  const kinds: DifferenceKind[] = netMinor > 0 ? ['orphan_captured'] : orphanKinds(theirs, clock)
  if (theirs.refundedMinor < answeredRefundMinor(ours)) kinds.push('refunded')
  if (theirs.capturedMinor < recordedAmounts(ours, 'capture', clock).recordedMinor) kinds.push('captured')
  return kinds
}

function kindsOfCompleted(ours: Ours, theirs: GatewayPayment, clock: ComparisonClock): DifferenceKind[] {
  if (theirs.currency !== ours.row.currency) return ['currency']
  const kinds: DifferenceKind[] = []
  if (!recordedAmounts(ours, 'capture', clock).explained.has(theirs.capturedMinor)) kinds.push('captured')
  if (!recordedAmounts(ours, 'refund', clock).explained.has(theirs.refundedMinor)) kinds.push('refunded')
  const known = new Map(ours.disputes.map(dispute => [dispute.id, dispute]))
  if (theirs.disputes.some(dispute => !isSame(known.get(dispute.id), disputeOf(dispute)))) kinds.push('disputed')
  return kinds
}

function kindsInProgress(ours: Ours, theirs: GatewayPayment, clock: ComparisonClock): DifferenceKind[] {
  // A rollback is retried until the gateway has confirmed the void or refund.
  if (ours.row.state === 'rolling_back') return []
  const authorized = recordedAmounts(ours, 'authorize', clock)
  const kinds: DifferenceKind[] = []
  if (authorized.recordedMinor > 0) {
    if (theirs.currency !== ours.row.currency) return ['currency']
    const heldMinor = theirs.openMinor + theirs.capturedMinor
    if (heldMinor !== authorized.recordedMinor) kinds.push('authorized')
  }
  if (!recordedAmounts(ours, 'capture', clock).explained.has(theirs.capturedMinor)) kinds.push('captured')
  if (!recordedAmounts(ours, 'refund', clock).explained.has(theirs.refundedMinor)) kinds.push('refunded')
  return kinds
}
