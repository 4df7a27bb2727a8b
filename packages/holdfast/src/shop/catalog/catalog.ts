/** The catalog that a shop shows: published products with variants, prices in one currency, and available units. */

import { type Database, statement } from '../../database/database.ts'
import type { CheckoutError } from '../../domain/failure.ts'
import { groupBy } from '../../domain/group-by.ts'
import { type CatalogProduct, type ProductRow, productOf, type VariantRow } from './catalog-rows.ts'
import { checkCurrency, invalidArgument } from './check-arguments.ts'
import { loadExchangeRates } from './prices.ts'

export interface ProductPage {
  products: CatalogProduct[]
  /** Pass it as `after` to get the next page; null on the last page. */
  next: string | null
}

export interface Catalog {
  /**
   * Published products in the order of their creation. `query` searches titles, types, vendors, tags, and SKUs,
   * ignoring case. `after`: the handle of the last product of the previous page. `limit`: 1 to 100, default 24.
   * @throws {CheckoutError} `invalid_argument`.
   */
  listProducts(options?: {
    currency?: string
    after?: string | null
    limit?: number
    query?: string
  }): Promise<ProductPage>
  /** Null if no published product has this handle. */
  getProduct(handle: string, options?: { currency?: string }): Promise<CatalogProduct | null>
}

const productColumns = `p.id, p.handle, p.title, p.description_html, p.vendor, p.product_type, p.tags, p.option_names, p.images`

const selectProductPage = statement(
  'select_product_page',
  `select ${productColumns}
   from holdfast.products p
   where p.published
     and ($1::text is null or p.id > (select seen.id from holdfast.products seen where seen.handle = $1))
     and ($2::text is null or p.title ilike $2 or p.product_type ilike $2 or p.vendor ilike $2
       or exists (select from unnest(p.tags) tag where tag ilike $2)
       or exists (select from holdfast.variants v where v.product_id = p.id and v.sku ilike $2))
   order by p.id
   limit $3`,
)

const selectProduct = statement(
  'select_product',
  `select ${productColumns} from holdfast.products p where p.published and p.handle = $1`,
)

const selectHandle = statement('select_product_handle', 'select handle from holdfast.products where handle = $1')

/** `$1` product IDs, `$2` currency, `$3` base currency for conversion. */
const selectVariants = statement(
  'select_product_variants',
  `select v.id, v.product_id, v.sku, v.title, v.option_values, v.stock_policy, v.purchasable, v.requires_shipping,
     v.grams, v.barcode, v.image_url,
     own.amount_minor, own.compare_at_minor, base.amount_minor as base_minor, base.compare_at_minor as base_compare_at_minor,
     coalesce(stock.available, 0)::bigint as available
   from holdfast.variants v
   left join holdfast.prices own on own.variant_id = v.id and own.currency = $2
   left join holdfast.prices base on base.variant_id = v.id and base.currency = $3
   left join (
     select s.variant_id, sum(s.on_hand - s.reserved) as available
     from holdfast.stock_levels s
     join holdfast.locations l on l.id = s.location_id and l.active
     where s.variant_id in (select id from holdfast.variants where product_id = any($1::uuid[]))
     group by s.variant_id
   ) stock on stock.variant_id = v.id
   where v.product_id = any($1::uuid[])
   order by v.product_id, v.position`,
)

const limitMax = 100
const queryMax = 100

/** `currency`: the shop's currency (ISO 4217), default USD. It is the default of all calls and the base of conversion. */
export function createCatalog(database: Database, options: { currency?: string } = {}): Catalog {
  const baseCurrency = checkCurrency(options.currency ?? 'USD')

  /** Adds the variants with two statements, for any number of products. */
  async function withVariants(rows: readonly ProductRow[], currency: string): Promise<CatalogProduct[]> {
    if (rows.length === 0) return []
    const ids = rows.map(row => row.id)
    const [variants, exchangeRates] = await Promise.all([
      database.query<VariantRow>(selectVariants, [ids, currency, baseCurrency]),
      currency === baseCurrency ? [] : loadExchangeRates(database),
    ])
    const byProduct = groupBy(variants, variant => variant.product_id)
    return rows.map(row => productOf(row, byProduct.get(row.id) ?? [], { currency, baseCurrency, exchangeRates }))
  }

  return {
    async listProducts({ currency = baseCurrency, after = null, limit = 24, query = '' } = {}) {
      checkCurrency(currency)
      if (!Number.isInteger(limit) || limit < 1 || limit > limitMax) {
        throw invalidArgument(`limit must be a whole number from 1 to ${limitMax}.`, { limit })
      }
      const words = query.trim().replaceAll('\0', '')
      if (words.length > queryMax)
        throw invalidArgument(`A search query has at most ${queryMax} characters.`, { length: words.length })
      const pattern = words === '' ? null : `%${words.replace(/[\\%_]/g, '\\$&')}%`
      // One extra row shows whether there is a next page.
      const [rows, seen] = await Promise.all([
        database.query<ProductRow>(selectProductPage, [after, pattern, limit + 1]),
        after === null ? null : database.query(selectHandle, [after]),
      ])
      if (seen?.length === 0) throw unknownProduct(after)
      const page = rows.slice(0, limit)
      const next = rows.length > limit ? (page.at(-1)?.handle ?? null) : null
      return { products: await withVariants(page, currency), next }
    },

    async getProduct(handle, { currency = baseCurrency } = {}) {
      checkCurrency(currency)
      if (handle.includes('\0')) return null
      const rows = await database.query<ProductRow>(selectProduct, [handle])
      const [product] = await withVariants(rows, currency)
      return product ?? null
    },
  }
}

function unknownProduct(after: string | null): CheckoutError {
  return invalidArgument('The product named by "after" does not exist. Start with the first page.', { after })
}
