/**
 * Orphaned authorizations: payments that are open at the gateway while their checkout has ended without them. They are
 * voided like every payment: intent, call, record. Protects A4 and B3 (nothing stays open for a failed checkout).
 */

import type { CheckoutRow } from '../database/checkout-row.ts'
import { changeRows, lockRows } from '../database/checkouts.ts'
import { statement } from '../database/database.ts'
import { isFinal } from '../domain/states.ts'
import type { GatewayPayment } from '../payments/gateway.ts'
import {
  latest,
  openAtEnd,
  orphanReason,
  readOperations,
  recordAnswers,
  recordIntents,
} from '../payments/operations.ts'
import { isAtThisGateway } from './call-gateway.ts'
import type { SagaContext } from './context.ts'
import { type Evidence, isCurrent, type Lease, type Next, releaseAtEnd } from './lease.ts'
import { transaction } from './transaction.ts'

/** A younger payment may still become known to its checkout. By the database's clock. */
export const orphanAgeMinMs = 3_600_000
/** After this many definite refusals of one payment an operator must decide. */
const refusalsMax = 3

const readOtherUse = statement(
  'read_other_use_of_payment',
  `select checkout_id from holdfast.payment_operations
   where kind = 'authorize' and reference = $1 and checkout_id <> $2::uuid limit 1`,
)

/**
 * Writes the intent to void an orphaned authorization and leases its checkout for the call. Returns null and writes
 * nothing if the payment is not orphaned, too young, or was refused too often.
 * @param orphan the payment as the gateway returned it just now.
 */
export function intendOrphanVoid(
  context: SagaContext,
  checkoutId: string,
  orphan: GatewayPayment,
): Promise<Lease | null> {
  return context.db.transaction(async tx => {
    const [[row], operations, [otherUse]] = await Promise.all([
      lockRows(tx, [checkoutId]),
      readOperations(tx, [checkoutId]),
      tx.query(readOtherUse, [orphan.reference, checkoutId]),
    ])
    // The host may have assigned the payment to another checkout since.
    if (orphan.checkoutId !== checkoutId || otherUse !== undefined) return null
    if (row === undefined || !isFinal(row.state) || !isAtThisGateway(context, row) || !isOldOrphan(row, orphan))
      return null
    const { currency } = row
    // Without a currency the checkout has no prices and never called the gateway.
    if (currency === null || (row.lease_owner !== null && !row.awake)) return null
    const authorization = latest(operations, 'authorize')
    // The payment of a completed checkout is never orphaned, whatever its state.
    if (row.state === 'completed' && authorization?.reference === orphan.reference) return null
    const earlier = operations.filter(({ kind, reference }) => kind === 'void' && reference === orphan.reference)
    const refusals = earlier.filter(({ status }) => status === 'declined').length
    if (openAtEnd(operations) !== undefined || refusals >= refusalsMax) return null
    const attempt = (latest(operations, 'void')?.attempt ?? 0) + 1
    const { reference } = orphan
    // All operations of a checkout use its currency, so an amount in a different currency cannot be recorded.
    const amountMinor = orphan.currency === currency ? orphan.openMinor : 0
    const gateway = row.gateway ?? context.gateway.name
    const purpose = { reason: orphanReason }
    recordIntents(tx, [{ checkoutId, kind: 'void', attempt, gateway, amountMinor, currency, reference, purpose }])
    const lease = { epoch: row.epoch + 1, leaseOwner: context.workerId, wakeInMs: context.numbers.leaseMs, tries: 0 }
    const [after] = changeRows(tx, [{ row, path: [], ...lease }])
    if (after === undefined)
      throw new Error(`the intent to void an orphaned authorization of checkout ${row.id} changed no row`)
    const undo = { kind: 'void', attempt, isNew: true, ageMs: 0, amountMinor, currency, reference } as const
    return { row: after, fresh: true, ageMs: 0, token: null, reference, orderId: null, undo }
  })
}

function isOldOrphan({ now }: CheckoutRow, { status, createdAt }: GatewayPayment): boolean {
  const isOpen = status === 'unconfirmed' || status === 'authorized'
  return isOpen && Date.parse(now) - Date.parse(createdAt) >= orphanAgeMinMs
}

/** Records the answer to the void of an orphaned authorization. */
export function settleOrphanVoid(context: SagaContext, item: { lease: Lease; evidence: Evidence }): Promise<Next> {
  const { lease, evidence } = item
  const ids = [lease.row.id]
  return transaction(context, async (tx, context): Promise<Next> => {
    const [[row], operations] = await Promise.all([lockRows(tx, ids), readOperations(tx, ids)])
    const operation = operations.find(({ kind, attempt }) => kind === 'void' && attempt === evidence.attempt)
    if (!isCurrent(lease, row) || operation?.status !== 'intended') return { kind: 'replaced' }
    recordAnswers(tx, [{ checkoutId: row.id, ...evidence }])
    const { outcome } = evidence.answer
    if (outcome === 'succeeded') {
      const { reference } = operation
      context.log.info('[Checkout] payment voided', { lockId: row.id, cartId: row.cart_id, reference })
    }
    const isLast = openAtEnd(operations.filter(each => each !== operation)) === undefined
    const isDefinite = outcome === 'succeeded' || outcome === 'declined'
    const [after] = changeRows(tx, [releaseAtEnd(context, row, { isDefinite, isLast })])
    return after === undefined ? { kind: 'replaced' } : { kind: 'rests', row: after, order: null }
  })
}
