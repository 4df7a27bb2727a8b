/**
 * The step `takeOver`: leases checkouts whose worker is gone, or that are due (an answer, the buyer, an expiry), so that
 * they continue from the state in which they rest. Each lease raises the epoch. Protects A7 and A11.
 */

import type { CheckoutRow } from '../../database/checkout-row.ts'
import { type CheckoutUpdate, changeRows, lockDueRows, lockExpiredRows, lockRows } from '../../database/checkouts.ts'
import type { Transaction } from '../../database/database.ts'
import type { Order } from '../../domain/order.ts'
import { isFinal } from '../../domain/states.ts'
import { type OperationRow, openAtEnd, readOperations } from '../../payments/operations.ts'
import { authorizePayment, type UndoOperation } from '../../phases/4-authorize-payment.ts'
import { capturePayment } from '../../phases/6-capture-payment.ts'
import { readOrdersOf } from '../../shop/orders/orders.ts'
import { isAtThisGateway } from '../call-gateway.ts'
import type { SagaContext } from '../context.ts'
import type { Lease } from '../lease.ts'

export interface TakeOverItem {
  lockId: string
  /**
   * `capture`: also leases a checkout that awaits capture, and writes the intent to capture. `refund`: also leases a
   * completed checkout, for its refund of unknown outcome.
   */
  want: 'resume' | 'capture' | 'refund'
  /** The epoch of the current lease, if its own worker requests the new one. */
  epoch?: number
}

export type TakeOverResult =
  | { kind: 'absent' }
  /** Not leased: the checkout has ended, a worker holds it, or `want` does not cover its state. */
  | { kind: 'rests'; row: CheckoutRow }
  | { kind: 'leased'; lease: Lease }

/** Leases the named checkouts whose lease is free or has expired. */
export function takeOver(context: SagaContext, items: readonly TakeOverItem[]): Promise<TakeOverResult[]> {
  const ids = [...new Set(items.map(item => item.lockId))]
  const idsFor = (want: TakeOverItem['want']) =>
    new Set(items.filter(item => item.want === want).map(item => item.lockId))
  const capturing = idsFor('capture')
  const refunding = idsFor('refund')
  const isRenewal = (row: CheckoutRow) => items.some(({ lockId, epoch }) => lockId === row.id && epoch === row.epoch)
  const isWanted = (row: CheckoutRow) => isCovered(row, capturing.has(row.id), refunding.has(row.id))
  return context.db.transaction(async tx => {
    const rows = await lockRows(tx, ids)
    const rowById = new Map(rows.map(row => [row.id, row]))
    const free = rows.filter(row => {
      return (isFree(row) || isRenewal(row)) && isAtThisGateway(context, row) && isWanted(row)
    })
    const leases = new Map((await leaseRows(context, tx, free, capturing)).map(lease => [lease.row.id, lease]))
    return items.map((item): TakeOverResult => {
      const lease = leases.get(item.lockId)
      if (lease !== undefined) {
        leases.delete(item.lockId)
        return { kind: 'leased', lease }
      }
      const row = rowById.get(item.lockId)
      return row === undefined ? { kind: 'absent' } : { kind: 'rests', row }
    })
  })
}

/** Leases up to `limit` checkouts that are due. */
export function takeOverDue(context: SagaContext, limit: number): Promise<Lease[]> {
  return context.db.transaction(async tx => {
    const rows = await lockDueRows(tx, limit, context.gateway.name)
    return leaseRows(context, tx, rows, new Set())
  })
}

/** Leases up to `limit` expired checkouts: those to end, and rollbacks whose next attempt is due. */
export function takeOverExpired(context: SagaContext, limit: number): Promise<Lease[]> {
  return context.db.transaction(async tx => {
    const rows = await lockExpiredRows(tx, limit, context.gateway.name)
    return leaseRows(context, tx, rows, new Set())
  })
}

function isFree(row: CheckoutRow): boolean {
  return row.lease_owner === null || row.awake
}

/** True if a request for a capture, a refund, or neither covers the state of the checkout. */
function isCovered(row: CheckoutRow, capture: boolean, refund: boolean): boolean {
  switch (row.state) {
    case 'pending':
      return row.expired
    case 'awaiting_capture':
      return capture || row.awake
    case 'authorizing':
    case 'awaiting_action':
    case 'capturing':
    case 'rolling_back':
      return true
    case 'completed':
      return refund
    case 'failed':
      return false
    default:
      return row.state satisfies never
  }
}

async function leaseRows(
  context: SagaContext,
  tx: Transaction,
  rows: readonly CheckoutRow[],
  capturing: ReadonlySet<string>,
): Promise<Lease[]> {
  if (rows.length === 0) return []
  const ids = rows.map(row => row.id)
  const [operations, orders] = await Promise.all([readOperations(tx, ids), readOrdersOf(tx, ids)])
  // If the buyer pays later, a capture finds out whether the money has arrived, before anything is undone.
  const mayCapture = ({ id }: CheckoutRow) => capturing.has(id) || context.gateway.paidLater === true
  const nowCapturing = rows.filter(row => row.state === 'awaiting_capture' && mayCapture(row))
  capturePayment.write(
    tx,
    context.gateway.name,
    nowCapturing.map(row => ({ row, reference: referenceOf(row, operations) })),
  )
  const changes = rows.map((row): CheckoutUpdate => {
    if (hasNothingOpen(row, operations)) return { row, path: [], leaseOwner: null, wakeInMs: null }
    const captures = nowCapturing.includes(row)
    const hasReturned = row.state === 'awaiting_action' && !row.expired
    return {
      row,
      path: captures ? [{ to: 'capturing' }] : hasReturned ? [{ to: 'authorizing' }] : [],
      epoch: row.epoch + 1,
      leaseOwner: context.workerId,
      wakeInMs: context.numbers.leaseMs,
    }
  })
  const fresh = new Set(nowCapturing.map(row => row.id))
  return changeRows(tx, changes)
    .filter(row => row.lease_owner !== null)
    .map(row => leaseOf(row, operations, orders, fresh.has(row.id)))
}

/** True if the checkout has ended and no operation is open: it needs no lease, whatever made it due. */
function hasNothingOpen(row: CheckoutRow, operations: readonly OperationRow[]): boolean {
  return isFinal(row.state) && openOperation(operations.filter(operation => operation.checkout_id === row.id)) === null
}

function leaseOf(
  row: CheckoutRow,
  operations: readonly OperationRow[],
  orders: Map<string, Order>,
  fresh: boolean,
): Lease {
  const own = operations.filter(operation => operation.checkout_id === row.id)
  const undo = row.state === 'rolling_back' ? authorizePayment.undo(own) : openOperation(own)
  const kind = row.state === 'capturing' ? 'capture' : 'authorize'
  const about = own.find(operation =>
    undo === null ? operation.kind === kind : operation.kind === undo.kind && operation.attempt === undo.attempt,
  )
  return {
    row,
    fresh,
    ageMs: about?.age_ms ?? 0,
    isPending: about?.answer?.outcome === 'pending',
    token: null,
    // An orphaned authorization is a different payment from the checkout's own.
    reference: (isFinal(row.state) ? undo?.reference : null) ?? referenceOf(row, own),
    orderId: orders.get(row.id)?.id ?? null,
    undo,
  }
}

/** The open refund, or the open void of an orphaned authorization, of an ended checkout. */
function openOperation(operations: readonly OperationRow[]): UndoOperation | null {
  const open = openAtEnd(operations)
  if (open === undefined) return null
  const { attempt, amount_minor: amountMinor, currency, reference, age_ms: ageMs } = open
  const kind = open.kind === 'void' ? 'void' : 'refund'
  return { kind, attempt, isNew: false, ageMs, amountMinor, currency, reference }
}

function referenceOf(row: CheckoutRow, operations: readonly OperationRow[]): string | null {
  const authorization = operations.find(operation => operation.checkout_id === row.id && operation.kind === 'authorize')
  return authorization?.reference ?? null
}
