/**
 * Orphans: payments that stand open at the gateway for a checkout that is at its end without them. They are ended like
 * anything else is done there: an intent, the call, its record. Protects A4, and B3 (nothing open for a failed checkout).
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
import { backoffMs, type SagaContext } from './context.ts'
import { type Evidence, isCurrent, type Lease, type Next } from './lease.ts'
import { transaction } from './transaction.ts'

/** Who is younger may still be on its way to its checkout. By the database's clock. */
export const orphanAgeMinMs = 3_600_000
/** Definite refusals of one orphan; then people decide. */
const refusalsMax = 3

const readCounting = statement(
  'read_counting',
  `select checkout_id from holdfast.payment_operations
   where kind = 'authorize' and reference = $1 and checkout_id <> $2::uuid limit 1`,
)

/**
 * Writes the intent to end an orphan and claims its checkout for that. Null where it is none (any more), is too young,
 * or was refused too often: nothing was written. `orphan` is what the gateway just said of it.
 */
export function intendOrphanVoid(
  context: SagaContext,
  checkoutId: string,
  orphan: GatewayPayment,
): Promise<Lease | null> {
  return context.db.transaction(async tx => {
    const [[row], operations, [counted]] = await Promise.all([
      lockRows(tx, [checkoutId]),
      readOperations(tx, [checkoutId]),
      tx.query(readCounting, [orphan.reference, checkoutId]),
    ])
    // The host may have named it for another checkout since, which counts on it.
    if (orphan.checkoutId !== checkoutId || counted !== undefined) return null
    if (row === undefined || !isFinal(row.state) || !isAtThisGateway(context, row) || !isOldOrphan(row, orphan))
      return null
    const { currency } = row
    // Without prices nothing was ever asked for.
    if (currency === null || (row.lease_owner !== null && !row.awake)) return null
    const authorization = latest(operations, 'authorize')
    // What a completed checkout was paid with is no orphan, whatever became of it.
    if (row.state === 'completed' && authorization?.reference === orphan.reference) return null
    const earlier = operations.filter(({ kind, reference }) => kind === 'void' && reference === orphan.reference)
    const refusals = earlier.filter(({ status }) => status === 'declined').length
    if (openAtEnd(operations) !== undefined || refusals >= refusalsMax) return null
    const attempt = (latest(operations, 'void')?.attempt ?? 0) + 1
    const { reference } = orphan
    // All operations of a checkout are in its currency: what an orphan holds in another one is no amount of it.
    const amountMinor = orphan.currency === currency ? orphan.openMinor : 0
    const gateway = row.gateway ?? context.gateway.name
    const purpose = { reason: orphanReason }
    recordIntents(tx, [{ checkoutId, kind: 'void', attempt, gateway, amountMinor, currency, reference, purpose }])
    const lease = { epoch: row.epoch + 1, leaseOwner: context.workerId, wakeInMs: context.numbers.leaseMs, tries: 0 }
    const [after] = changeRows(tx, [{ row, path: [], ...lease }])
    if (after === undefined) throw new Error('the intent to end an orphan changed no row')
    const undo = { kind: 'void', attempt, isNew: true, ageMs: 0, amountMinor, currency, reference } as const
    return { row: after, fresh: true, ageMs: 0, token: null, reference, orderId: null, undo }
  })
}

function isOldOrphan({ now }: CheckoutRow, { status, createdAt }: GatewayPayment): boolean {
  const isOpen = status === 'unconfirmed' || status === 'authorized'
  return isOpen && Date.parse(now) - Date.parse(createdAt) >= orphanAgeMinMs
}

/** Records what the gateway said of the end of an orphan. */
export function settleOrphanVoid(context: SagaContext, item: { lease: Lease; evidence: Evidence }): Promise<Next> {
  const { lease, evidence } = item
  const ids = [lease.row.id]
  return transaction(context, async (tx, context): Promise<Next> => {
    const [[row], operations] = await Promise.all([lockRows(tx, ids), readOperations(tx, ids)])
    const operation = operations.find(({ kind, attempt }) => kind === 'void' && attempt === evidence.attempt)
    if (!isCurrent(lease, row) || operation?.status !== 'intended') return { kind: 'replaced' }
    recordAnswers(tx, [{ checkoutId: row.id, ...evidence }])
    const { outcome } = evidence.answer
    const definite = outcome === 'succeeded' || outcome === 'declined'
    if (outcome === 'succeeded') {
      const { reference } = operation
      context.log.info('[Checkout] payment voided', { lockId: row.id, cartId: row.cart_id, reference })
    }
    const isLast = openAtEnd(operations.filter(each => each !== operation)) === undefined
    const [after] = changeRows(tx, [
      definite
        ? { row, path: [], leaseOwner: null, wakeInMs: isLast ? null : 0, tries: 0 }
        : { row, path: [], leaseOwner: null, wakeInMs: backoffMs(context, row.tries), tries: row.tries + 1 },
    ])
    return after === undefined ? { kind: 'replaced' } : { kind: 'rests', row: after, order: null }
  })
}
