/** The checkouts that are active now, oldest first: what an operator looks at first. */

import { type Database, statement } from '../../database/database.ts'
import type { RestingState } from '../../domain/states.ts'

export interface ActiveCheckout {
  id: string
  state: RestingState
  lockedAt: string
  expiresAt: string
  /** When somebody looks at it again. */
  wakeAt: string
  /** Visits in a row that changed nothing. */
  tries: number
}

const readActive = statement(
  'read_active',
  `select id, state, locked_at as "lockedAt", expires_at as "expiresAt", wake_at as "wakeAt", tries
   from holdfast.checkouts where wake_at is not null and state not in ('completed', 'failed')
   order by locked_at, id limit $1::integer`,
)

/** At most `countMax` (default 20) of them. */
export function listActive(database: Database, countMax = 20): Promise<ActiveCheckout[]> {
  return database.query<ActiveCheckout>(readActive, [countMax])
}
