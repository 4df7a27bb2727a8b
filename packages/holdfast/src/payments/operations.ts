/**
 * Payment operations: the intent that is committed before every gateway call, and the outcome recorded afterwards.
 * Protects A4 (every gateway call is recorded before it is sent; one key has one set of parameters) and A2 (a new
 * attempt follows only a final failure of the previous one; unique indexes also enforce that).
 */
import { createHash } from 'node:crypto'
import { type Queryable, statement, type Transaction } from '../database/database.ts'
import type { GatewayAnswer, OperationKind } from './gateway.ts'

export interface OperationRow {
  checkout_id: string
  kind: OperationKind
  attempt: number
  idempotency_key: string
  gateway: string
  amount_minor: number
  currency: string
  status: 'intended' | 'succeeded' | 'declined'
  reference: string | null
  answer: GatewayAnswer | null
  purpose: Record<string, unknown> | null
  intended_at: string
  settled_at: string | null
  /** Milliseconds since the intent was written, by the database's clock. */
  age_ms: number
}

export interface NewOperation {
  checkoutId: string
  kind: OperationKind
  attempt: number
  gateway: string
  amountMinor: number
  currency: string
  reference?: string | null
  purpose?: Record<string, unknown>
}

/** Derives the idempotency key. It is never random, so a process that takes over repeats the same request. */
export function idempotencyKey(checkoutId: string, kind: OperationKind, attempt: number): string {
  return `${checkoutId}:${kind}:${attempt}`
}

const readOperationsStatement = statement(
  'read_operations',
  `select checkout_id, kind, attempt, idempotency_key, gateway, amount_minor, currency, status, reference, answer, purpose,
     intended_at, settled_at, (extract(epoch from clock_timestamp() - intended_at) * 1000)::bigint as age_ms
   from holdfast.payment_operations where checkout_id = any($1::uuid[]) order by checkout_id, kind, attempt`,
)
const insertOperations = statement(
  'insert_operations',
  `insert into holdfast.payment_operations (checkout_id, kind, attempt, gateway, amount_minor, currency, parameters_hash, reference, purpose)
   select checkout_id, kind, attempt, gateway, amount_minor, currency, parameters_hash, reference, purpose
   from json_to_recordset($1) as row (checkout_id uuid, kind text, attempt int, gateway text, amount_minor bigint,
     currency char(3), parameters_hash text, reference text, purpose jsonb)`,
)
const settleOperations = statement(
  'settle_operations',
  // Finds each row by index and updates it by ctid. Statistics taken while the table was empty would make the planner
  // scan all open operations.
  `update holdfast.payment_operations as operation set
     status = row.status, reference = coalesce(row.reference, operation.reference), answer = row.answer,
     settled_at = case when row.status = 'intended' then null else clock_timestamp() end
   from json_to_recordset($1) as row (checkout_id uuid, kind text, attempt int, status text, reference text, answer jsonb)
   cross join lateral (
     select open.ctid as place from holdfast.payment_operations open
     where open.checkout_id = row.checkout_id and open.kind = row.kind and open.attempt = row.attempt
       and open.settled_at is null offset 0) as found
   where operation.ctid = found.place`,
)

const keepReferenceStatement = statement(
  'keep_reference',
  // Locks the checkout: a process that gives up the authorization either sees the reference or is seen here.
  `with held as (
     select id from holdfast.checkouts where id = $1::uuid and epoch = $2::int and state = 'authorizing' for update)
   update holdfast.payment_operations as operation set reference = coalesce(operation.reference, $3)
   from held where operation.checkout_id = held.id and operation.kind = 'authorize' and operation.settled_at is null
   returning operation.reference`,
)

/**
 * Stores the gateway's ID of a payment before it is authorized. Returns the ID that was stored first. Returns null if
 * the checkout is no longer being authorized under this epoch: then the payment must not be authorized.
 */
export async function keepReference(
  db: Queryable,
  checkoutId: string,
  epoch: number,
  reference: string,
): Promise<string | null> {
  const [kept] = await db.query<{ reference: string }>(keepReferenceStatement, [checkoutId, epoch, reference])
  return kept?.reference ?? null
}

export function readOperations(db: Queryable, checkoutIds: readonly string[]): Promise<OperationRow[]> {
  return db.query<OperationRow>(readOperationsStatement, [checkoutIds])
}

/** Writes intents. They are durable once `tx` commits; call the gateway only after that. */
export function recordIntents(tx: Transaction, operations: readonly NewOperation[]): void {
  if (operations.length === 0) return
  const rows = operations.map(operation => ({
    checkout_id: operation.checkoutId,
    kind: operation.kind,
    attempt: operation.attempt,
    gateway: operation.gateway,
    amount_minor: operation.amountMinor,
    currency: operation.currency,
    parameters_hash: parametersHash(operation),
    reference: operation.reference ?? null,
    purpose: operation.purpose ?? null,
  }))
  tx.send(insertOperations, [JSON.stringify(rows)])
}

function parametersHash(operation: NewOperation): string {
  const { kind, gateway, amountMinor, currency } = operation
  return createHash('sha256').update(`${kind}|${gateway}|${amountMinor}|${currency}`).digest('base64url')
}

export interface OperationOutcome {
  checkoutId: string
  kind: OperationKind
  attempt: number
  answer: GatewayAnswer
}

/** Records gateway answers. An answer that is not final is stored, and the operation stays open. */
export function recordAnswers(tx: Transaction, outcomes: readonly OperationOutcome[]): void {
  if (outcomes.length === 0) return
  const rows = outcomes.map(({ checkoutId, kind, attempt, answer }) => ({
    checkout_id: checkoutId,
    kind,
    attempt,
    status: answer.outcome === 'succeeded' || answer.outcome === 'declined' ? answer.outcome : 'intended',
    reference: 'reference' in answer ? (answer.reference ?? null) : null,
    answer,
  }))
  tx.send(settleOperations, [JSON.stringify(rows)])
}

/** The purpose of a void that ends an orphaned authorization: one left open although its checkout has ended. */
export const orphanReason = 'orphan'

/** The operation that is still open after its checkout has ended: a refund first, then the void of an orphan. */
export function openAtEnd(operations: readonly OperationRow[]): OperationRow | undefined {
  const open = operations.filter(operation => operation.status === 'intended')
  return (
    open.find(operation => operation.kind === 'refund') ??
    open.find(operation => operation.kind === 'void' && operation.purpose?.reason === orphanReason)
  )
}

/** The latest attempt of a kind, or undefined. `operations` must belong to one checkout. */
export function latest(operations: readonly OperationRow[], kind: OperationKind): OperationRow | undefined {
  let found: OperationRow | undefined
  for (const operation of operations) {
    if (operation.kind === kind && (found === undefined || operation.attempt > found.attempt)) found = operation
  }
  return found
}
