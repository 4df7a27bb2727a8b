/** Lists the active checkouts, oldest first. */

import { type Database, statement } from '../../database/database.ts'
import type { RestingState } from '../../domain/states.ts'

export interface ActiveCheckout {
  id: string
  state: RestingState
  lockedAt: string
  expiresAt: string
  /** When a worker resumes it. */
  wakeAt: string
  /** Consecutive attempts without progress. */
  tries: number
}

const readActive = statement(
  'read_active',
  `select id, state, locked_at as "lockedAt", expires_at as "expiresAt", wake_at as "wakeAt", tries
   from holdfast.checkouts where wake_at is not null and state not in ('completed', 'failed')
   order by locked_at, id limit $1::integer`,
)

/** Returns at most `countMax` of them, default 20. */
export function listActiveCheckouts(database: Database, countMax = 20): Promise<ActiveCheckout[]> {
  return database.query<ActiveCheckout>(readActive, [countMax])
}
