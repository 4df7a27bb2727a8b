/** Reads both sides of a reconciliation in bounded pages: the gateway's payments and our operations. */

import { readRows } from '../database/checkouts.ts'
import { statement } from '../database/database.ts'
import { groupBy } from '../domain/group-by.ts'
import type { PaymentGateway } from '../payments/gateway.ts'
import { readOperations } from '../payments/operations.ts'
import { callWithin, type SagaContext, sleep } from '../saga/context.ts'
import { readOrdersOf } from '../shop/orders/orders.ts'
import { type Ours, referencesOf } from './compare.ts'

/** A gateway that can list and inspect its payments. */
export type OpenBooks = Required<Pick<PaymentGateway, 'name' | 'inspect' | 'list'>>

export function booksOf({ name, inspect, list }: PaymentGateway): OpenBooks | null {
  return inspect === undefined || list === undefined ? null : { name, inspect, list }
}

const triesMax = 3
const pauseMs = 1_000

/** Calls the gateway, up to three times with growing pauses. @throws what the last call threw. */
export async function callWithRetries<Result>(
  context: SagaContext,
  call: (signal: AbortSignal) => Promise<Result>,
): Promise<Result> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await callWithin(context, call)
    } catch (error) {
      if (tries === triesMax) throw error
      await sleep(context.clock, pauseMs * tries)
    }
  }
}

/** The last operation that was read. */
export interface Cursor {
  at: string
  checkout_id: string
}

const pageMax = 500
const readOperationTimes = statement(
  'read_operation_times',
  `select intended_at::text as at, checkout_id from holdfast.payment_operations
   where (intended_at, checkout_id) > ($1::timestamptz, $2::uuid) and gateway = $3
   order by intended_at, checkout_id limit ${pageMax}`,
)
export const firstCursor = (since: string): Cursor => ({
  at: since,
  checkout_id: '00000000-0000-0000-0000-000000000000',
})

/** The checkouts of the next page of operations, each once. Operations are read oldest first, by their intent. */
export async function nextOperations(
  { db }: SagaContext,
  gateway: string,
  cursor: Cursor,
): Promise<{ checkoutIds: string[]; cursor: Cursor | null }> {
  const rows = await db.query<Cursor>(readOperationTimes, [cursor.at, cursor.checkout_id, gateway])
  return {
    checkoutIds: [...new Set(rows.map(row => row.checkout_id))],
    cursor: rows.length === pageMax ? (rows.at(-1) ?? null) : null,
  }
}

/** Our side of a batch of checkouts, by ID. IDs without a checkout are absent. */
export async function readOurs({ db }: SagaContext, checkoutIds: readonly string[]): Promise<Map<string, Ours>> {
  if (checkoutIds.length === 0) return new Map()
  const [rows, operations, orders] = await Promise.all([
    readRows(db, checkoutIds),
    readOperations(db, checkoutIds),
    readOrdersOf(db, checkoutIds),
  ])
  const operationsOf = groupBy(operations, ({ checkout_id }) => checkout_id)
  return new Map(
    rows.map((row): [string, Ours] => {
      const disputes = orders.get(row.id)?.metadata.disputes ?? []
      return [row.id, { row, operations: operationsOf.get(row.id) ?? [], disputes }]
    }),
  )
}

/** A fingerprint of our side: equal as long as nothing has changed here. */
export function fingerprintOf(ours: Ours | null): string {
  if (ours === null) return ''
  const { row, operations, disputes } = ours
  const done = operations.map(({ kind, attempt, status }) => [kind, attempt, status])
  return JSON.stringify([row.state, row.version, row.epoch, done, disputes])
}

/** The gateway's ID of our payment. Null: none was recorded. */
export function referenceOf(ours: Ours): string | null {
  return [...referencesOf(ours)][0] ?? null
}
