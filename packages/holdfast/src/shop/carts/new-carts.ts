/** Inserts complete carts with their lines, many in one statement, all or none. */
import { v7 } from 'uuid'
import { type Database, DatabaseError } from '../../database/database.ts'
import { cartFieldsOf, type NewCart } from './cart-fields.ts'
import { checkLines, unavailableSkus } from './cart-input.ts'
import { insertCarts, selectUnknownSkus } from './cart-statements.ts'

/**
 * Returns the IDs in the order of the carts.
 * @throws {CheckoutError} `variant_unavailable` for an unknown SKU, `address_invalid`, `invalid_argument`.
 */
export async function insertNewCarts(
  database: Database,
  carts: readonly NewCart[],
  currency: string,
): Promise<string[]> {
  const ids = carts.map(() => v7())
  const cartRows: Record<string, unknown>[] = []
  const lineRows: Record<string, unknown>[] = []
  const skus = new Set<string>()
  for (const [at, cart] of carts.entries()) {
    const id = ids[at]
    cartRows.push({ id, ...cartFieldsOf(cart, currency) })
    for (const [sku, quantity] of checkLines(cart.lines)) {
      skus.add(sku)
      lineRows.push({ id: v7(), cart_id: id, sku, quantity })
    }
  }
  try {
    await database.query(insertCarts, [JSON.stringify(cartRows), JSON.stringify(lineRows)])
  } catch (error) {
    if (!(error instanceof DatabaseError && error.code === '23502')) throw error
    const unknown = await database.query<{ sku: string }>(selectUnknownSkus, [[...skus]])
    throw unknown.length === 0 ? error : unavailableSkus(unknown.map(row => row.sku))
  }
  return ids
}
