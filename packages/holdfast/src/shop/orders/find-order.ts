/** An order as people name it: by its id, by the id of its checkout, or by its number. */

import { type Queryable, statement } from '../../database/database.ts'
import type { Order } from '../../domain/order.ts'
import { readOrders } from './orders.ts'

const findOrderById = statement(
  'find_order_by_id',
  'select id from holdfast.orders where id = $1::uuid or checkout_id = $1::uuid limit 1',
)
/** Numbers have no index, for no checkout asks by them: this reads the table. */
const findOrderByNumber = statement(
  'find_order_by_number',
  'select id from holdfast.orders where number = $1::bigint limit 1',
)

/** Null when there is none. `name`: a UUID, or a number of at most 15 digits. */
export async function findOrder(db: Queryable, name: string): Promise<Order | null> {
  const isNumber = /^\d{1,15}$/.test(name)
  const [found] = await db.query<{ id: string }>(isNumber ? findOrderByNumber : findOrderById, [name])
  return found === undefined ? null : ((await readOrders(db, [found.id])).get(found.id) ?? null)
}
