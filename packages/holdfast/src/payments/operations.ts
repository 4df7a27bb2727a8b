/**
 * Payment operations: the durable intent before every call to a gateway, and the record of its outcome after.
 * Protects A4 (no effect without a row of ours, one key with one set of parameters) and A2 (a new attempt of a kind
 * follows only a definite failure of the last; the database's unique indexes hold that too).
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
  /** Milliseconds since it was intended, by the database's clock. */
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

/** The key of an operation: derived, never random, so that whoever carries on asks for the same thing. */
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
  // Looked up row by row and updated in place: the planner takes the few open operations of an empty table for few for ever.
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
  // Under the checkout's lock: whoever gives the authorization up either sees the reference or is seen here.
  `with held as (
     select id from holdfast.checkouts where id = $1::uuid and epoch = $2::int and state = 'authorizing' for update)
   update holdfast.payment_operations as operation set reference = coalesce(operation.reference, $3)
   from held where operation.checkout_id = held.id and operation.kind = 'authorize' and operation.settled_at is null
   returning operation.reference`,
)

/**
 * Keeps the gateway's id of a payment that is about to be authorized. Gives the one that was kept first, or null where
 * the checkout is not being authorized any more by who holds this epoch: then it must not be.
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

/** All operations of a set of checkouts. */
export function readOperations(db: Queryable, checkoutIds: readonly string[]): Promise<OperationRow[]> {
  return db.query<OperationRow>(readOperationsStatement, [checkoutIds])
}

/** Writes intents; they are durable when `tx` commits, and only then may the gateway be called. */
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

/** Records what the gateway said. Anything that is not definite leaves the operation open, with the answer beside it. */
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

/** Why a payment is ended that was left open at the gateway beside a checkout that is at its end. */
export const orphanReason = 'orphan'

/** What can be left to ask about once a checkout is at its end: a refund first, then the end of an orphan. */
export function openAtEnd(operations: readonly OperationRow[]): OperationRow | undefined {
  const open = operations.filter(operation => operation.status === 'intended')
  return (
    open.find(operation => operation.kind === 'refund') ??
    open.find(operation => operation.kind === 'void' && operation.purpose?.reason === orphanReason)
  )
}

/** The latest attempt of a kind, undefined where there was none. `operations` are one checkout's. */
export function latest(operations: readonly OperationRow[], kind: OperationKind): OperationRow | undefined {
  let found: OperationRow | undefined
  for (const operation of operations) {
    if (operation.kind === kind && (found === undefined || operation.attempt > found.attempt)) found = operation
  }
  return found
}
