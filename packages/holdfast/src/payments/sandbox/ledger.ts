/**
 * The sandbox's ledger in SQL: batches of payments and requests, locked in ID order and written with one statement per
 * table. Two processes that insert the same row conflict at its primary key; `transact` retries the second.
 */
import { v7 } from 'uuid'
import { type Database, DatabaseError, type Queryable, statement, type Transaction } from '../../database/database.ts'
import type { EarlierRequest, SandboxPayment } from './payment.ts'

/** Work that the ledger does later. */
export interface SandboxJob {
  kind: 'settle' | 'webhook'
  reference: string
  payload: Record<string, unknown>
  dueAtMs: number
}

export interface LedgerBatch {
  payments: Map<string, SandboxPayment>
  requests: Map<string, EarlierRequest>
  nowMs: number
}

export interface LedgerChange {
  created: readonly SandboxPayment[]
  changed: readonly SandboxPayment[]
  requests: readonly EarlierRequest[]
  jobs: readonly SandboxJob[]
  nowMs: number
}

const paymentColumns = `id as reference, checkout_id as "checkoutId", status, method, behaviour,
  amount_minor as "amountMinor", currency, captured_minor as "capturedMinor", refunded_minor as "refundedMinor",
  decline_code as "declineCode", void_failures_left as "voidFailuresLeft", return_url as "returnUrl",
  valid_until as "validUntil"`

const readNow = statement('sandbox_now', 'select now() as now')

const readPayments = statement(
  'sandbox_read_payments',
  `select ${paymentColumns} from holdfast_sandbox.payments where id = any($1::text[])`,
)

const lockPayments = statement(
  'sandbox_lock_payments',
  `select ${paymentColumns} from holdfast_sandbox.payments where id = any($1::text[]) order by id for update`,
)

const readRequests = statement(
  'sandbox_read_requests',
  `select idempotency_key as "idempotencyKey", kind, checkout_id as "checkoutId", payment_id as reference,
    amount_minor as "amountMinor", currency, detail, decline_code as "declineCode"
  from holdfast_sandbox.requests where idempotency_key = any($1::text[])`,
)

const insertPayments = statement(
  'sandbox_insert_payments',
  `insert into holdfast_sandbox.payments (id, checkout_id, status, method, behaviour, amount_minor, currency,
    captured_minor, refunded_minor, decline_code, void_failures_left, return_url, valid_until, created_at)
  select reference, "checkoutId", status, method, behaviour, "amountMinor", currency,
    "capturedMinor", "refundedMinor", "declineCode", "voidFailuresLeft", "returnUrl", "validUntil", $2::timestamptz
  from json_to_recordset($1) as row (reference text, "checkoutId" uuid, status text, method text, behaviour text,
    "amountMinor" bigint, currency char(3), "capturedMinor" bigint, "refundedMinor" bigint, "declineCode" text,
    "voidFailuresLeft" integer, "returnUrl" text, "validUntil" timestamptz)`,
)

// Finds each row by index and updates it by ctid, because statistics lag behind the growth of the table.
const updatePayments = statement(
  'sandbox_update_payments',
  `update holdfast_sandbox.payments payment
  set status = row.status, amount_minor = row."amountMinor", captured_minor = row."capturedMinor",
    refunded_minor = row."refundedMinor", decline_code = row."declineCode",
    void_failures_left = row."voidFailuresLeft", valid_until = row."validUntil"
  from json_to_recordset($1) as row (reference text, status text, "amountMinor" bigint, "capturedMinor" bigint,
    "refundedMinor" bigint, "declineCode" text, "voidFailuresLeft" integer, "validUntil" timestamptz)
  cross join lateral (
    select known.ctid as place from holdfast_sandbox.payments known where known.id = row.reference offset 0) as found
  where payment.ctid = found.place`,
)

const insertRequests = statement(
  'sandbox_insert_requests',
  `insert into holdfast_sandbox.requests (idempotency_key, kind, checkout_id, payment_id, amount_minor, currency,
    detail, decline_code)
  select "idempotencyKey", kind, "checkoutId", reference, "amountMinor", currency, detail, "declineCode"
  from json_to_recordset($1) as row ("idempotencyKey" text, kind text, "checkoutId" uuid, reference text,
    "amountMinor" bigint, currency char(3), detail text, "declineCode" text)`,
)

const insertJobs = statement(
  'sandbox_insert_jobs',
  `insert into holdfast_sandbox.jobs (id, kind, payment_id, payload, due_at)
  select id, kind, "paymentId", payload, "dueAt"
  from json_to_recordset($1) as row (id uuid, kind text, "paymentId" text, payload jsonb, "dueAt" timestamptz)`,
)

/** Returns milliseconds since 1970. Null: the database's clock. */
export type SandboxClock = (() => number) | null

export async function ledgerNow(db: Queryable, clock: SandboxClock): Promise<number> {
  if (clock !== null) return clock()
  const [row] = await db.query<{ now: string }>(readNow)
  return Date.parse(row?.now ?? '')
}

const byReference = (payments: readonly SandboxPayment[]) =>
  new Map(payments.map(payment => [payment.reference, payment]))
const byKey = (requests: readonly EarlierRequest[]) =>
  new Map(requests.map(request => [request.idempotencyKey, request]))

/** Locks the payments, then reads the requests, so the result includes those of the previous lock holder. */
export async function lockBatch(
  tx: Transaction,
  references: readonly string[],
  keys: readonly string[],
  clock: SandboxClock,
): Promise<LedgerBatch> {
  const [payments, requests, nowMs] = await Promise.all([
    tx.query<SandboxPayment>(lockPayments, [references]),
    keys.length === 0 ? [] : tx.query<EarlierRequest>(readRequests, [keys]),
    ledgerNow(tx, clock),
  ])
  return { payments: byReference(payments), requests: byKey(requests), nowMs }
}

export async function findPayments(
  db: Queryable,
  references: readonly string[],
): Promise<ReadonlyMap<string, SandboxPayment>> {
  return references.length === 0 ? new Map() : byReference(await db.query(readPayments, [references]))
}

export async function findRequests(
  db: Queryable,
  keys: readonly string[],
): Promise<ReadonlyMap<string, EarlierRequest>> {
  return keys.length === 0 ? new Map() : byKey(await db.query(readRequests, [keys]))
}

const inOrder = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0)

/** Writes a batch. New rows are sorted by key, so two processes that insert the same rows cannot deadlock. */
export function writeBatch(tx: Transaction, { created, changed, requests, jobs, nowMs }: LedgerChange): void {
  if (created.length > 0) {
    const rows = created.toSorted((a, b) => inOrder(a.reference, b.reference))
    tx.send(insertPayments, [JSON.stringify(rows), new Date(nowMs).toISOString()])
  }
  if (changed.length > 0) {
    tx.send(updatePayments, [JSON.stringify(changed)])
  }
  if (requests.length > 0) {
    tx.send(insertRequests, [JSON.stringify(requests.toSorted((a, b) => inOrder(a.idempotencyKey, b.idempotencyKey)))])
  }
  if (jobs.length > 0) {
    const rows = jobs.map(({ kind, reference, payload, dueAtMs }) => ({
      id: v7(),
      kind,
      paymentId: reference,
      payload,
      dueAt: new Date(dueAtMs).toISOString(),
    }))
    tx.send(insertJobs, [JSON.stringify(rows)])
  }
}

const conflictsMax = 10

/**
 * Runs `work`, and runs it again if another process inserted one of its rows first. That row is committed by then, so
 * the next attempt reads it.
 */
export async function transact<T>(database: Database, work: (tx: Transaction) => Promise<T>): Promise<T> {
  for (let conflicts = 0; ; conflicts += 1) {
    try {
      return await database.transaction(work)
    } catch (error) {
      const raced = error instanceof DatabaseError && error.code === '23505'
      if (!raced || conflicts === conflictsMax) throw error
    }
  }
}
