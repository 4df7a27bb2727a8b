/** The shipping methods that a buyer can choose from. */
import { type Queryable, statement } from '../../database/database.ts'

const selectActiveMethods = statement(
  'select_active_shipping_methods',
  'select code, name from holdfast.shipping_methods where active order by position, code limit 100',
)

/** Active methods in the order of the shop. A quote says which of them serve an address, and at what cost. */
export function listShippingMethods(on: Queryable): Promise<{ code: string; name: string }[]> {
  return on.query<{ code: string; name: string }>(selectActiveMethods)
}
