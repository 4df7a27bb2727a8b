/** Both sides of a comparison, read in bounded pieces: the gateway's books, and ours. */

import { readRows } from '../database/checkouts.ts'
import { statement } from '../database/database.ts'
import type { PaymentGateway } from '../payments/gateway.ts'
import { readOperations } from '../payments/operations.ts'
import { callWithin, type SagaContext, sleep } from '../saga/context.ts'
import { readOrdersOf } from '../shop/orders/orders.ts'
import { type Ours, referencesOf } from './compare.ts'

/** A gateway with books that can be looked into. */
export type OpenBooks = Required<Pick<PaymentGateway, 'name' | 'inspect' | 'list'>>

export function booksOf({ name, inspect, list }: PaymentGateway): OpenBooks | null {
  return inspect === undefined || list === undefined ? null : { name, inspect, list }
}

const triesMax = 3
const pauseMs = 1_000

/** Asks, and asks again where there was no answer. @throws what the last try threw. */
export async function patiently<Result>(
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

/** Where our operations were read up to. */
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

/** The next operations of ours, oldest first, by the time they were intended; the checkouts they belong to, each once. */
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

/** Our side of a set of checkouts, by their ids; those that do not exist are absent. */
export async function readOurs({ db }: SagaContext, checkoutIds: readonly string[]): Promise<Map<string, Ours>> {
  if (checkoutIds.length === 0) return new Map()
  const [rows, operations, orders] = await Promise.all([
    readRows(db, checkoutIds),
    readOperations(db, checkoutIds),
    readOrdersOf(db, checkoutIds),
  ])
  const ours = new Map<string, Ours & { operations: typeof operations }>(
    rows.map(row => [row.id, { row, operations: [], disputes: orders.get(row.id)?.metadata.disputes ?? [] }]),
  )
  for (const operation of operations) ours.get(operation.checkout_id)?.operations.push(operation)
  return ours
}

/** The same text as long as nothing happened to a checkout here. */
export function standingOf(ours: Ours | null): string {
  if (ours === null) return ''
  const { row, operations, disputes } = ours
  const done = operations.map(({ kind, attempt, status }) => [kind, attempt, status])
  return JSON.stringify([row.state, row.version, row.epoch, done, disputes])
}

/** The id under which our payment is at the gateway; null: none was kept. */
export function referenceOf(ours: Ours): string | null {
  return [...referencesOf(ours)][0] ?? null
}
