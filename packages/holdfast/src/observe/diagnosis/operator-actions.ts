/** Lists what operators did to a checkout, oldest first: who, what, when. */
import { type Database, statement } from '../../database/database.ts'

export interface OperatorAction {
  action: string
  actor: string
  at: string
  details: Record<string, unknown>
}

const readActions = statement(
  'read_actions_on_checkout',
  `select action, actor, at, details from holdfast.admin_actions where checkout_id = $1::uuid order by at, id limit 1000`,
)

export function listOperatorActions(database: Database, checkoutId: string): Promise<OperatorAction[]> {
  return database.query<OperatorAction>(readActions, [checkoutId])
}
