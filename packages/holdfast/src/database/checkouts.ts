/**
 * Statements on `holdfast.checkouts` and its history: lock, read, insert, and update sets of rows.
 * Protects A7 (every change of state is a contiguous row of history) and fencing: a row is updated only in the
 * transaction that locked and read it, and only if its epoch and version are still the same.
 */

import type { Failure } from '../domain/failure.ts'
import type { CheckoutLock } from '../domain/lock.ts'
import type { RequiredAction } from '../domain/outcome.ts'
import { type CheckoutState, type PhaseName, phaseOf, type RestingState } from '../domain/states.ts'
import { recordMove } from './checkout-moves.ts'
import type { CheckoutDetails, CheckoutRow, PathStep } from './checkout-row.ts'
import { type Queryable, statement, type Transaction } from './database.ts'

const columns = `id, cart_id, session_id, user_id, state, holds_cart, version, epoch, lease_owner, wake_at, tries,
  locked_at, expires_at, completed_at, failed_at, failure, metadata, currency, total_minor, gateway, details,
  sealed_token, action, authorization_valid_until, clock_timestamp() as now,
  expires_at <= clock_timestamp() as expired, coalesce(wake_at <= clock_timestamp(), false) as awake`

const lockCheckouts = statement(
  'lock_checkouts',
  `select ${columns} from holdfast.checkouts where id = any($1::uuid[]) order by id for update`,
)
const readCheckouts = statement(
  'read_checkouts',
  `select ${columns} from holdfast.checkouts where id = any($1::uuid[])`,
)
const lockDueCheckouts = statement(
  'lock_due_checkouts',
  `select ${columns} from holdfast.checkouts where wake_at <= now() and (gateway is null or gateway = $2)
   order by wake_at limit $1::int for update skip locked`,
)
const lockExpiredCheckouts = statement(
  'lock_expired_checkouts',
  `select ${columns} from holdfast.checkouts
   where wake_at <= now() and expires_at <= now() and state in ('pending', 'awaiting_action', 'rolling_back')
     and (gateway is null or gateway = $2)
   order by wake_at limit $1::int for update skip locked`,
)
const lockExpiredHolders = statement(
  'lock_expired_holders',
  `select ${columns} from holdfast.checkouts
   where cart_id = any($1::text[]) and holds_cart
     and (expires_at <= now() and state in ('pending', 'awaiting_action', 'rolling_back') or $2::boolean and state = 'pending')
   order by id for update`,
)
const readCartHolders = statement(
  'read_cart_holders',
  `select ${columns} from holdfast.checkouts where cart_id = any($1::text[]) and holds_cart`,
)

/** Locks checkouts, ordered by ID. Every step locks these rows first. */
export function lockRows(tx: Transaction, ids: readonly string[]): Promise<CheckoutRow[]> {
  return tx.query<CheckoutRow>(lockCheckouts, [ids])
}

/**
 * Locks up to `limit` rows whose wake time has passed, and skips rows that are locked already. Rows with a payment are
 * included only if it is at this `gateway`.
 */
export function lockDueRows(tx: Transaction, limit: number, gateway: string): Promise<CheckoutRow[]> {
  return tx.query<CheckoutRow>(lockDueCheckouts, [limit, gateway])
}

/** Like `lockDueRows`, but only checkouts that have expired while pending, awaiting the buyer, or rolling back. */
export function lockExpiredRows(tx: Transaction, limit: number, gateway: string): Promise<CheckoutRow[]> {
  return tx.query<CheckoutRow>(lockExpiredCheckouts, [limit, gateway])
}

/** Locks expired checkouts that still hold one of these carts. `alsoPending` includes pending ones that have not expired. */
export function lockExpiredHoldersOf(
  tx: Transaction,
  cartIds: readonly string[],
  alsoPending: boolean,
): Promise<CheckoutRow[]> {
  return tx.query<CheckoutRow>(lockExpiredHolders, [cartIds, alsoPending])
}

export function readRows(db: Queryable, ids: readonly string[]): Promise<CheckoutRow[]> {
  return db.query<CheckoutRow>(readCheckouts, [ids])
}

export function readHoldersOf(db: Queryable, cartIds: readonly string[]): Promise<CheckoutRow[]> {
  return db.query<CheckoutRow>(readCartHolders, [cartIds])
}

const wakeLeased = statement(
  'wake_leased',
  `update holdfast.checkouts set wake_at = now()
   where wake_at is not null and lease_owner is not null and state not in ('completed', 'failed') returning id`,
)

/**
 * Ends every lease and returns how many there were. Only for a process that has just opened the embedded database: no
 * other process can be running, and the leases belong to one that died. Epochs keep even a wrong call harmless.
 */
export async function endAllLeases(db: Queryable): Promise<number> {
  return (await db.query(wakeLeased)).length
}

/** A row that the step `start` inserts. */
export interface NewCheckout {
  id: string
  cart_id: string
  session_id: string
  user_id: string | null
  ttl_ms: number
  metadata: Record<string, unknown>
}

const insertCheckouts = statement(
  'insert_checkouts',
  `insert into holdfast.checkouts (id, cart_id, session_id, user_id, state, expires_at, wake_at, metadata)
   select id, cart_id, session_id, user_id, 'pending', now() + ttl_ms * interval '1 ms', now() + ttl_ms * interval '1 ms', metadata
   from json_to_recordset($1) as row (id uuid, cart_id text, session_id text, user_id text, ttl_ms bigint, metadata jsonb)
   returning ${columns}`,
)

export async function insertRows(tx: Transaction, rows: readonly NewCheckout[]): Promise<CheckoutRow[]> {
  const inserted = await tx.query<CheckoutRow>(insertCheckouts, [JSON.stringify(rows)])
  for (const row of inserted) recordMove(tx, { from: null, path: [{ to: 'pending' }], row })
  return inserted
}

/** An update of one locked row. Absent fields stay unchanged. */
export interface CheckoutUpdate {
  row: CheckoutRow
  /** The states passed, then the new resting state. Empty: the state does not change. */
  path: readonly PathStep[]
  epoch?: number
  leaseOwner?: string | null
  /** Milliseconds from now; null: never, the state is final. */
  wakeInMs?: number | null
  /** Replaces `wakeInMs`: a time that was read from the database. */
  wakeAt?: string
  tries?: number
  holdsCart?: boolean
  failure?: Failure
  currency?: string
  totalMinor?: number
  gateway?: string
  details?: CheckoutDetails
  sealedToken?: string | null
  action?: RequiredAction | null
  authorizationValidUntil?: string | null
  metadata?: Record<string, unknown>
}

const updateCheckouts = statement(
  'update_checkouts',
  `update holdfast.checkouts as checkout set
     state = row.state, version = row.version, epoch = row.epoch, lease_owner = row.lease_owner,
     wake_at = case when row.keeps_wake then checkout.wake_at
       when row.wake_in_ms is not null then now() + row.wake_in_ms * interval '1 ms' else row.wake_at end,
     tries = row.tries, holds_cart = row.holds_cart, failure = row.failure,
     completed_at = case when row.state = 'completed' then coalesce(checkout.completed_at, greatest(row.ended_at, now())) end,
     failed_at = case when row.state = 'failed' then coalesce(checkout.failed_at, greatest(row.ended_at, now())) end,
     currency = row.currency, total_minor = row.total_minor, gateway = row.gateway,
     details = coalesce(row.details, checkout.details), sealed_token = row.sealed_token, action = row.action,
     authorization_valid_until = row.authorization_valid_until, metadata = coalesce(row.metadata, checkout.metadata)
   from json_to_recordset($1) as row (id uuid, state text, version int, was_version int, epoch int, was_epoch int,
     lease_owner text, keeps_wake boolean, wake_in_ms bigint, wake_at timestamptz, tries int, holds_cart boolean, failure jsonb,
     currency char(3), total_minor bigint, gateway text, details jsonb, sealed_token text, action jsonb,
     authorization_valid_until timestamptz, ended_at timestamptz, metadata jsonb)
   where checkout.id = row.id and checkout.epoch = row.was_epoch and checkout.version = row.was_version`,
)
const insertTransitions = statement(
  'insert_transitions',
  `insert into holdfast.transitions (checkout_id, version, from_state, to_state, epoch, duration_us, details)
   select checkout_id, version, from_state, to_state, epoch, duration_us, details
   from json_to_recordset($1) as row (checkout_id uuid, version int, from_state text, to_state text, epoch int,
     duration_us int, details jsonb)`,
)

interface TransitionRow {
  checkout_id: string
  version: number
  from_state: CheckoutState | null
  to_state: CheckoutState
  epoch: number
  duration_us?: number
  details?: Record<string, unknown>
}

/** Inserts the first transition of new checkouts. */
export function recordStarts(tx: Transaction, ids: readonly string[]): void {
  if (ids.length === 0) return
  const rows = ids.map(
    (id): TransitionRow => ({ checkout_id: id, version: 1, from_state: null, to_state: 'pending', epoch: 0 }),
  )
  tx.send(insertTransitions, [JSON.stringify(rows)])
}

/**
 * Updates rows that this transaction has locked, and inserts their history, in two statements.
 * Returns the rows after the update; `wake_at` is approximated with the time of the transaction's read.
 */
export function changeRows(tx: Transaction, changes: readonly CheckoutUpdate[]): CheckoutRow[] {
  if (changes.length === 0) return []
  const transitions = changes.flatMap(transitionsOf)
  const updated = changes.map(change => ({ change, next: rowAfter(change) }))
  for (const { change, next } of updated) recordMove(tx, { from: change.row.state, path: change.path, row: next })
  if (transitions.length > 0) tx.send(insertTransitions, [JSON.stringify(transitions)])
  tx.send(updateCheckouts, [JSON.stringify(updated.map(({ change, next }) => parametersOf(change, next)))])
  return updated.map(({ next }) => next)
}

function transitionsOf({ row, path, epoch = row.epoch }: CheckoutUpdate): TransitionRow[] {
  return path.map((step, index) => ({
    checkout_id: row.id,
    version: row.version + index + 1,
    from_state: path[index - 1]?.to ?? row.state,
    to_state: step.to,
    epoch,
    ...(step.durationUs === undefined ? {} : { duration_us: Math.round(step.durationUs) }),
    ...(step.details === undefined ? {} : { details: step.details }),
  }))
}

function rowAfter(change: CheckoutUpdate): CheckoutRow {
  const { row, path } = change
  const state = (path.at(-1)?.to ?? row.state) as RestingState
  return {
    ...row,
    state,
    version: row.version + path.length,
    epoch: change.epoch ?? row.epoch,
    lease_owner: change.leaseOwner === undefined ? row.lease_owner : change.leaseOwner,
    wake_at: wakeAtAfter(change),
    tries: change.tries ?? row.tries,
    holds_cart: change.holdsCart ?? row.holds_cart,
    completed_at: state === 'completed' ? (row.completed_at ?? row.now) : null,
    failed_at: state === 'failed' ? (row.failed_at ?? row.now) : null,
    failure: change.failure ?? row.failure,
    currency: change.currency ?? row.currency,
    total_minor: change.totalMinor ?? row.total_minor,
    gateway: change.gateway ?? row.gateway,
    details: change.details ?? row.details,
    sealed_token: change.sealedToken === undefined ? row.sealed_token : change.sealedToken,
    action: change.action === undefined ? row.action : change.action,
    authorization_valid_until:
      change.authorizationValidUntil === undefined ? row.authorization_valid_until : change.authorizationValidUntil,
    metadata: change.metadata ?? row.metadata,
  }
}

const keepsWakeTime = ({ wakeInMs, wakeAt }: CheckoutUpdate): boolean => wakeInMs === undefined && wakeAt === undefined

function wakeAtAfter(change: CheckoutUpdate): string | null {
  const { row, wakeInMs = null, wakeAt } = change
  if (keepsWakeTime(change)) return row.wake_at
  return wakeAt ?? (wakeInMs === null ? null : new Date(Date.parse(row.now) + wakeInMs).toISOString())
}

/** One row of the parameter of `updateCheckouts`. */
function parametersOf(change: CheckoutUpdate, next: CheckoutRow): Record<string, unknown> {
  const { row, wakeInMs = null } = change
  const isFinal = next.state === 'completed' || next.state === 'failed'
  return {
    id: row.id,
    state: next.state,
    version: next.version,
    was_version: row.version,
    epoch: next.epoch,
    was_epoch: row.epoch,
    lease_owner: next.lease_owner,
    wake_in_ms: wakeInMs,
    keeps_wake: keepsWakeTime(change),
    wake_at: change.wakeAt,
    tries: next.tries,
    holds_cart: next.holds_cart,
    failure: next.failure,
    currency: next.currency,
    total_minor: next.total_minor,
    gateway: next.gateway,
    ...(change.details === undefined ? {} : { details: change.details }),
    sealed_token: next.sealed_token,
    action: next.action,
    authorization_valid_until: next.authorization_valid_until,
    ...(isFinal ? { ended_at: row.now } : {}),
    ...(change.metadata === undefined ? {} : { metadata: change.metadata }),
  }
}

/** The public lock of a row. */
export function lockOf(row: CheckoutRow): CheckoutLock {
  const phase: PhaseName | null = row.failure?.phase ?? phaseOf(row.state)
  return {
    id: row.id,
    cartId: row.cart_id,
    sessionId: row.session_id,
    userId: row.user_id,
    state: row.state,
    phase,
    failure: row.failure,
    lockedAt: row.locked_at,
    expiresAt: row.expires_at,
    completedAt: row.completed_at,
    failedAt: row.failed_at,
    metadata: row.metadata,
  }
}
