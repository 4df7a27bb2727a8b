/**
 * A claim: one worker's right to carry a checkout on, and what it knows of it. The right is the epoch: whoever takes a
 * checkout raises it, every step compares it under the row's lock, and a worker whose epoch is gone was replaced: it
 * stops and touches nothing. Protects A7 and every money invariant against processes that freeze and wake up late.
 */

import type { CheckoutRow } from '../database/checkout-row.ts'
import type { Failure } from '../domain/failure.ts'
import type { Order } from '../domain/order.ts'
import type { GatewayAnswer, OperationKind } from '../payments/gateway.ts'
import type { UndoOperation } from '../phases/4-authorize-payment.ts'

export interface Lease {
  row: CheckoutRow
  /** The operation of this state was intended by us just now and never asked: no need to look it up first. */
  fresh: boolean
  /** Age of that operation when it was read, in ms. */
  ageMs: number
  /** The last that the gateway said of it is that it is not finished: not done, and not unknown. */
  isPending?: boolean
  /** The buyer's token while it is in this process's memory. */
  token: string | null
  /** The gateway's id of the payment, once known. */
  reference: string | null
  orderId: string | null
  /** What is to be asked while rolling back. */
  undo: UndoOperation | null
}

/** An answer of the gateway and the operation it answers, to be recorded with what follows from it. */
export interface Evidence {
  kind: OperationKind
  attempt: number
  answer: GatewayAnswer
}

/** What a step made of a claim. */
export type Next =
  /** Ask the gateway what the new state wants to know. */
  | { kind: 'continues'; lease: Lease }
  | { kind: 'unwinds'; lease: Lease; failure: Failure; evidence: Evidence | null }
  | { kind: 'rests'; row: CheckoutRow; order: Order | null }
  /** Somebody else has taken over; nothing was written. */
  | { kind: 'replaced' }

/** How long it was claimed when `row` was read, in ms, by the database's clock. */
export function leasedForMs(lease: Lease, row: CheckoutRow): number {
  return Math.max(0, Date.parse(row.now) - Date.parse(lease.row.now))
}

/** Whether the row under lock is still what the claim took. */
export function isCurrent(lease: Lease, row: CheckoutRow | undefined): row is CheckoutRow {
  return row !== undefined && row.epoch === lease.row.epoch && row.version === lease.row.version
}
