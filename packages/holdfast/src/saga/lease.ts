/**
 * A lease: one worker's right to work on a checkout, and what the worker knows of it. Each lease raises the checkout's
 * epoch, and every step compares it under the row's lock; a worker with an old epoch stops and changes nothing.
 * Protects A7, and all money invariants against processes that freeze and continue later.
 */

import type { CheckoutRow } from '../database/checkout-row.ts'
import type { CheckoutUpdate } from '../database/checkouts.ts'
import type { Failure } from '../domain/failure.ts'
import type { Order } from '../domain/order.ts'
import type { GatewayAnswer, OperationKind } from '../payments/gateway.ts'
import type { UndoOperation } from '../phases/4-authorize-payment.ts'
import { backoffMs, type SagaContext } from './context.ts'

export interface Lease {
  row: CheckoutRow
  /** The intent of the state's operation was written just now and the gateway was not called: no lookup is needed. */
  fresh: boolean
  /** Age of that operation when it was read, in milliseconds. */
  ageMs: number
  /** The gateway's last answer was `pending`: the operation is known to be in progress. */
  isPending?: boolean
  /** The buyer's token, while this process has it in memory. */
  token: string | null
  /** The gateway's ID of the payment, if known. */
  reference: string | null
  orderId: string | null
  /** The operation to call next during a rollback, or the open one of an ended checkout. */
  undo: UndoOperation | null
}

/** A gateway answer with the operation that it answers. It is recorded in the transaction of its consequences. */
export interface Evidence {
  kind: OperationKind
  attempt: number
  answer: GatewayAnswer
}

/** The result of a step for one lease. */
export type Next =
  /** Call the gateway for the operation of the new state. */
  | { kind: 'continues'; lease: Lease }
  | { kind: 'unwinds'; lease: Lease; failure: Failure; evidence: Evidence | null }
  | { kind: 'rests'; row: CheckoutRow; order: Order | null }
  /** Another worker has taken over, or nothing is to be written. This worker is done. */
  | { kind: 'replaced' }

/** Milliseconds from the start of the lease to the reading of `row`, by the database's clock. */
export function leasedForMs(lease: Lease, row: CheckoutRow): number {
  return Math.max(0, Date.parse(row.now) - Date.parse(lease.row.now))
}

/** True if the locked row has not changed since it was leased. */
export function isCurrent(lease: Lease, row: CheckoutRow | undefined): row is CheckoutRow {
  return row !== undefined && row.epoch === lease.row.epoch && row.version === lease.row.version
}

/**
 * Releases the lease of an ended checkout after an answer to its open operation. It is due again after the backoff if the
 * answer was not definite, and at once if another operation is still open.
 */
export function releaseAtEnd(
  context: Pick<SagaContext, 'random'>,
  row: CheckoutRow,
  { isDefinite, isLast }: { isDefinite: boolean; isLast: boolean },
): CheckoutUpdate {
  return isDefinite
    ? { row, path: [], leaseOwner: null, wakeInMs: isLast ? null : 0, tries: 0 }
    : { row, path: [], leaseOwner: null, wakeInMs: backoffMs(context, row.tries), tries: row.tries + 1 }
}
