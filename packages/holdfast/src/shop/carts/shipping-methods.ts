/** The ways to send things that a buyer may choose from. */
import { type Queryable, statement } from '../../database/database.ts'

const selectActiveMethods = statement(
  'select_active_shipping_methods',
  'select code, name from holdfast.shipping_methods where active order by position, code limit 100',
)

/** Active methods in the shop's order; which of them serves an address, and for how much, a quote tells. */
export function listShippingMethods(on: Queryable): Promise<{ code: string; name: string }[]> {
  return on.query<{ code: string; name: string }>(selectActiveMethods)
}
