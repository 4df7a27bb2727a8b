/** Warehouses and their stock. Protects A5: stock is never set below the held units, and on hand + sold = stocked. */
import { v7 } from 'uuid'
import { type Database, statement } from '../../database/database.ts'
import { checkCount, checkText } from './catalog-input.ts'
import { invalidArgument } from './check-arguments.ts'
import { unknownVariants } from './prices.ts'

export interface LocationInput {
  code: string
  /** Default: the code. */
  name?: string
  /** Warehouses with a lower number are used first. Default 100. */
  priority?: number
  /** Default true. Stock of an inactive warehouse is not for sale. */
  active?: boolean
}

const upsertLocations = statement(
  'upsert_location',
  `insert into holdfast.locations as l (id, code, name, priority, active) values ($1, $2, $3, $4, $5)
   on conflict (code) do update
   set name = excluded.name, priority = excluded.priority, active = excluded.active
   returning id`,
)

/**
 * Creates or changes a warehouse and returns its ID.
 * @throws {CheckoutError} `invalid_argument`.
 */
export async function upsertLocation(database: Database, location: LocationInput): Promise<string> {
  const code = checkText('code', location.code)
  const name = checkText('name', location.name ?? code)
  const { priority = 100, active = true } = location
  if (!Number.isInteger(priority) || Math.abs(priority) > 1_000_000) {
    throw invalidArgument('The priority of a warehouse must be a whole number from -1000000 to 1000000.', { priority })
  }
  const [row] = await database.query<{ id: string }>(upsertLocations, [v7(), code, name, priority, active])
  if (row === undefined) throw new Error('the upserted warehouse returned no row')
  return row.id
}

export interface StockInput {
  sku: string
  /** Code of the warehouse. */
  location: string
  /** Units in the warehouse, including held units. */
  quantity: number
}

const setStockLevels = statement(
  'set_stock_levels',
  `with asked as (
     select row.sku, row.location, row.quantity, v.id as variant_id, l.id as location_id
     from json_to_recordset($1) as row (sku text, location text, quantity bigint)
     left join holdfast.variants v on v.sku = row.sku
     left join holdfast.locations l on l.code = row.location
   ), written as (
     insert into holdfast.stock_levels as s (variant_id, location_id, on_hand, stocked)
     select variant_id, location_id, quantity, quantity from asked
     where not exists (select from asked where variant_id is null or location_id is null)
     order by variant_id, location_id
     on conflict (variant_id, location_id) do update set
       stocked = s.stocked + excluded.on_hand - s.on_hand,
       on_hand = excluded.on_hand
   )
   select sku, location, variant_id is null as no_variant from asked where variant_id is null or location_id is null`,
)

/**
 * Sets the stock of warehouses, all or none. Safe while checkouts are running.
 * @throws {CheckoutError} `variant_unavailable` for an unknown SKU; `invalid_argument` for an unknown warehouse, an
 * invalid quantity, or fewer units than active checkouts hold there.
 */
export async function setStocks(database: Database, levels: readonly StockInput[]): Promise<void> {
  for (const level of levels) checkCount('quantity', level.quantity)
  const unknown = await database
    .query<{ sku: string; location: string; no_variant: boolean }>(setStockLevels, [JSON.stringify(levels)])
    .catch((error: unknown) => {
      throw isOversold(error)
        ? invalidArgument(
            'Active checkouts hold more units than this quantity. Wait until they have ended, or set a higher quantity.',
            {
              levels: levels.slice(0, 5),
            },
          )
        : error
    })
  const skus = unknown.filter(row => row.no_variant).map(row => row.sku)
  if (skus.length > 0) throw unknownVariants(skus)
  const [first] = unknown
  if (first !== undefined) {
    throw invalidArgument(`Unknown warehouse "${first.location}". Create it first.`, { location: first.location })
  }
}

/** Sets the stock of one SKU in one warehouse; see `setStocks`. */
export function setStock(database: Database, sku: string, location: string, quantity: number): Promise<void> {
  return setStocks(database, [{ sku, location, quantity }])
}

function isOversold(error: unknown): boolean {
  return (error as { constraint?: unknown }).constraint === 'stock_is_never_oversold'
}
