/** Finds an order by its number, its ID, or the ID of its checkout. */

import { validate as isUuid } from 'uuid'
import { type Queryable, statement } from '../../database/database.ts'
import type { Order } from '../../domain/order.ts'
import { readOrders } from './orders.ts'

const findOrderById = statement(
  'find_order_by_id',
  'select id from holdfast.orders where id = $1::uuid or checkout_id = $1::uuid limit 1',
)
const findOrderByNumber = statement('find_order_by_number', 'select id from holdfast.orders where number = $1')

/** `name`: a UUID is an ID, any other text is an order number. Null if there is no such order. */
export async function findOrder(db: Queryable, name: string): Promise<Order | null> {
  const [found] = await db.query<{ id: string }>(isUuid(name) ? findOrderById : findOrderByNumber, [name])
  return found === undefined ? null : ((await readOrders(db, [found.id])).get(found.id) ?? null)
}
