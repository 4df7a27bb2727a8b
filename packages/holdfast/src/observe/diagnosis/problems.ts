/** Problems that may need a person: stuck rollbacks, unsettled payments, webhooks that were given up, reconciliation. */

import { type Database, statement } from '../../database/database.ts'
import { triesBeforeAlert } from '../../domain/alert.ts'
import type { RestingState } from '../../domain/states.ts'

export interface StuckRollback {
  id: string
  lockedAt: string
  wakeAt: string
  tries: number
  /** The failure code that caused the rollback. */
  code: string | null
}

/** A gateway call whose outcome is unknown. */
export interface UnsettledOperation {
  checkoutId: string
  state: RestingState
  kind: string
  attempt: number
  intendedAt: string
  wakeAt: string
}

/** Webhooks of one type that were given up. */
export interface OpenWebhooks {
  gateway: string
  type: string
  count: number
  lastAt: string
  /** True if they are about known checkouts. */
  ours: boolean
}

export interface LastReconciliation {
  startedAt: string
  endedAt: string | null
  byItself: boolean
  /** Why there is no result, or null. */
  failure: string | null
  differenceCount: number
  criticalCount: number
}

export interface Problems {
  /** By the database's clock. */
  now: string
  activeCount: number
  rollbacks: StuckRollback[]
  operations: UnsettledOperation[]
  webhooks: OpenWebhooks[]
  reconciliation: LastReconciliation | null
}

/** Rows returned per kind of problem. */
const shownMax = 20

const readProblemsStatement = statement(
  'read_problems',
  `with active as (
     select id, state, locked_at, wake_at, tries, failure from holdfast.checkouts where wake_at is not null
   )
   select now() as now,
     (select count(*) from active where state not in ('completed', 'failed')) as "activeCount",
     coalesce((select json_agg(found) from (
       select id, locked_at as "lockedAt", wake_at as "wakeAt", tries, failure ->> 'code' as code
       from active where state = 'rolling_back' and tries >= ${triesBeforeAlert} order by locked_at, id limit ${shownMax}) found), '[]')
       as rollbacks,
     coalesce((select json_agg(found) from (
       select a.id as "checkoutId", a.state, o.kind, o.attempt, o.intended_at as "intendedAt", a.wake_at as "wakeAt"
       from active a join holdfast.payment_operations o on o.checkout_id = a.id and o.status = 'intended'
       where o.intended_at < now() - interval '1 minute' and a.state <> 'awaiting_action'
       order by o.intended_at, o.checkout_id limit ${shownMax}) found), '[]') as operations,
     coalesce((select json_agg(found) from (
       select gateway, type, checkout_id is not null as ours, count(*) as count, max(received_at) as "lastAt"
       from holdfast.webhooks where handled_at is null and look_at is null
       group by 1, 2, 3 order by 3 desc, 4 desc limit ${shownMax}) found), '[]') as webhooks,
     (select json_build_object('startedAt', started_at, 'endedAt', ended_at, 'byItself', by_itself, 'failure', failure,
         'differenceCount', difference_count, 'criticalCount', critical_count)
       from holdfast.reconciliations order by started_at desc limit 1) as reconciliation`,
)

export async function readProblems(database: Database): Promise<Problems> {
  const [row] = await database.query<Problems>(readProblemsStatement)
  if (row === undefined) throw new Error('read_problems returned no row')
  return row
}
