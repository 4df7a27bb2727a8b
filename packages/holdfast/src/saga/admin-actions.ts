/** Records operator actions: who did what to which checkout, and when. */
import { v7 as uuid } from 'uuid'
import { type Queryable, statement } from '../database/database.ts'

const insertAdminAction = statement(
  'insert_admin_action',
  `insert into holdfast.admin_actions (id, action, checkout_id, actor, details) values ($1::uuid, $2, $3::uuid, $4, $5::jsonb)`,
)

export interface AdminAction {
  action: string
  checkoutId: string
  actor: string
  details: Record<string, unknown>
}

export async function recordAdminAction(db: Queryable, action: AdminAction): Promise<void> {
  await db.query(insertAdminAction, [
    uuid(),
    action.action,
    action.checkoutId,
    action.actor,
    JSON.stringify(action.details),
  ])
}
