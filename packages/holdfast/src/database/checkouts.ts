/**
 * The rows of `holdfast.checkouts` and their history: how a set is locked, read, changed and recorded.
 * Protects A7 (every change of state is a row of history, contiguous) and fencing: a set is changed only by who read
 * it under lock in the same transaction and found the epoch it knows.
 */

import type { Failure } from '../domain/failure.ts'
import type { CheckoutLock } from '../domain/lock.ts'
import type { RequiredAction } from '../domain/outcome.ts'
import { type CheckoutState, type PhaseName, phaseOf, type RestingState } from '../domain/states.ts'
import { noteMove } from './checkout-moves.ts'
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

/** Locks checkouts in the order of their ids, the first rows that any step locks. */
export function lockRows(tx: Transaction, ids: readonly string[]): Promise<CheckoutRow[]> {
  return tx.query<CheckoutRow>(lockCheckouts, [ids])
}

/**
 * Locks up to `limit` rows whose time to be looked at has come and that nobody else has under lock; of those with money
 * in question only the ones of this `gateway`.
 */
export function lockDueRows(tx: Transaction, limit: number, gateway: string): Promise<CheckoutRow[]> {
  return tx.query<CheckoutRow>(lockDueCheckouts, [limit, gateway])
}

/** Locks due rows as `lockDueRows` does, but only of checkouts that have expired: pending, waiting for the buyer, or rolling back. */
export function lockExpiredRows(tx: Transaction, limit: number, gateway: string): Promise<CheckoutRow[]> {
  return tx.query<CheckoutRow>(lockExpiredCheckouts, [limit, gateway])
}

/** Locks the checkouts that still name these carts theirs, although their time is over; all pending ones where asked. */
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
 * Ends every lease at once; gives how many there were. Only for who knows that no other process is there: whoever just
 * opened the embedded database, whose last process died with its leases. (The epochs keep even a mistake harmless.)
 */
export async function endAllLeases(db: Queryable): Promise<number> {
  return (await db.query(wakeLeased)).length
}

/** A new checkout: what `start` inserts. */
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
  for (const row of inserted) noteMove(tx, { from: null, path: [{ to: 'pending' }], row })
  return inserted
}

/** The change of one locked row. What is absent stays as it is. */
export interface CheckoutUpdate {
  row: CheckoutRow
  /** Passing states on the way, then the state it comes to rest in; the same state again is no transition. */
  path: readonly PathStep[]
  epoch?: number
  leaseOwner?: string | null
  /** From now, in ms; null: never (final). */
  wakeInMs?: number | null
  /** Instead of `wakeInMs`: at a time of the database's own. */
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

/** Records that checkouts were started. */
export function recordStarts(tx: Transaction, ids: readonly string[]): void {
  if (ids.length === 0) return
  const rows = ids.map(
    (id): TransitionRow => ({ checkout_id: id, version: 1, from_state: null, to_state: 'pending', epoch: 0 }),
  )
  tx.send(insertTransitions, [JSON.stringify(rows)])
}

/**
 * Writes changes of rows that this transaction has locked, and their history, in two statements.
 * Gives the rows as they are now (but for `wake_at`, which is approximated with the transaction's own clock).
 */
export function changeRows(tx: Transaction, changes: readonly CheckoutUpdate[]): CheckoutRow[] {
  if (changes.length === 0) return []
  const updates: Record<string, unknown>[] = []
  const transitions: TransitionRow[] = []
  const after: CheckoutRow[] = []
  for (const change of changes) {
    const { row } = change
    const epoch = change.epoch ?? row.epoch
    let state: CheckoutState = row.state
    let version = row.version
    for (const step of change.path) {
      version += 1
      transitions.push({
        checkout_id: row.id,
        version,
        from_state: state,
        to_state: step.to,
        epoch,
        ...(step.durationUs === undefined ? {} : { duration_us: Math.round(step.durationUs) }),
        ...(step.details === undefined ? {} : { details: step.details }),
      })
      state = step.to
    }
    const rest = state as RestingState
    const now = Date.parse(row.now)
    const wakeInMs = change.wakeInMs === undefined ? null : change.wakeInMs
    const keepsWake = change.wakeInMs === undefined && change.wakeAt === undefined
    const next: CheckoutRow = {
      ...row,
      state: rest,
      version,
      epoch,
      lease_owner: change.leaseOwner === undefined ? row.lease_owner : change.leaseOwner,
      wake_at: keepsWake
        ? row.wake_at
        : (change.wakeAt ?? (wakeInMs === null ? null : new Date(now + wakeInMs).toISOString())),
      tries: change.tries ?? row.tries,
      holds_cart: change.holdsCart ?? row.holds_cart,
      completed_at: rest === 'completed' ? (row.completed_at ?? row.now) : null,
      failed_at: rest === 'failed' ? (row.failed_at ?? row.now) : null,
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
    after.push(next)
    noteMove(tx, { from: row.state, path: change.path, row: next })
    updates.push({
      id: row.id,
      state: rest,
      version,
      was_version: row.version,
      epoch,
      was_epoch: row.epoch,
      lease_owner: next.lease_owner,
      wake_in_ms: wakeInMs,
      keeps_wake: keepsWake,
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
      ...(rest === 'completed' || rest === 'failed' ? { ended_at: row.now } : {}),
      ...(change.metadata === undefined ? {} : { metadata: change.metadata }),
    })
  }
  if (transitions.length > 0) tx.send(insertTransitions, [JSON.stringify(transitions)])
  tx.send(updateCheckouts, [JSON.stringify(updates)])
  return after
}

/** The lock that a row stands for. */
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
