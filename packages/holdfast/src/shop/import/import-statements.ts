/** Statements of a catalog import. Each reads or writes a set of rows. */
import { statement } from '../../database/database.ts'
import type { ProductRow } from '../catalog/catalog-rows.ts'

export interface StoredProduct extends ProductRow {
  published: boolean
}

export interface StoredVariant {
  id: string
  product_id: string
  sku: string
  position: number
  title: string
  option_values: string[]
  tax_class: string
  stock_policy: 'deny' | 'continue'
  requires_shipping: boolean
  grams: number
  barcode: string | null
  image_url: string | null
  /** In the currency of the import. */
  amount_minor: number | null
  compare_at_minor: number | null
  /** Handle of the product that the variant belongs to. */
  handle: string
}

/** Serializes imports of all processes on this database until the end of the transaction. */
export const queueImport = statement('queue_import', 'select pg_advisory_xact_lock(4871203616)')

/** `$1` handles. */
export const selectImportedProducts = statement(
  'select_imported_products',
  `select id, handle, title, description_html, vendor, product_type, tags, option_names, images, published
   from holdfast.products where handle = any($1::text[])`,
)

/** `$1` handles, `$2` SKUs, `$3` currency. Returns every variant of these products, and variants with one of the SKUs. */
export const selectImportedVariants = statement(
  'select_imported_variants',
  `with wanted as (
     select v.id from holdfast.variants v join holdfast.products p on p.id = v.product_id where p.handle = any($1::text[])
     union
     select v.id from holdfast.variants v where v.sku = any($2::text[])
   )
   select v.id, v.product_id, v.sku, v.position, v.title, v.option_values, v.tax_class, v.stock_policy,
     v.requires_shipping, v.grams, v.barcode, v.image_url, p.handle, price.amount_minor, price.compare_at_minor
   from wanted
   join holdfast.variants v using (id)
   join holdfast.products p on p.id = v.product_id
   left join holdfast.prices price on price.variant_id = v.id and price.currency = $3
   order by v.product_id, v.position`,
)

/** `$1` products. */
export const upsertProducts = statement(
  'upsert_products',
  `insert into holdfast.products as p (
     id, handle, title, description_html, vendor, product_type, tags, option_names, images, published)
   select id, handle, title, description_html, vendor, product_type, tags, option_names, images, published
   from json_to_recordset($1) as row (
     id uuid, handle text, title text, description_html text, vendor text, product_type text, tags text[],
     option_names text[], images jsonb, published boolean)
   order by id
   on conflict (id) do update set
     title = excluded.title, description_html = excluded.description_html, vendor = excluded.vendor,
     product_type = excluded.product_type, tags = excluded.tags, option_names = excluded.option_names,
     images = excluded.images, published = excluded.published, updated_at = now()`,
)

/** `$1` variants. */
export const upsertVariants = statement(
  'upsert_variants',
  `insert into holdfast.variants as v (
     id, product_id, sku, position, title, option_values, tax_class, stock_policy, requires_shipping, grams, barcode,
     image_url)
   select id, product_id, sku, position, title, option_values, tax_class, stock_policy, requires_shipping, grams,
     barcode, image_url
   from json_to_recordset($1) as row (
     id uuid, product_id uuid, sku text, position integer, title text, option_values text[], tax_class text,
     stock_policy text, requires_shipping boolean, grams integer, barcode text, image_url text)
   order by id
   on conflict (id) do update set
     sku = excluded.sku, position = excluded.position, title = excluded.title,
     option_values = excluded.option_values, tax_class = excluded.tax_class, stock_policy = excluded.stock_policy,
     requires_shipping = excluded.requires_shipping, grams = excluded.grams, barcode = excluded.barcode,
     image_url = excluded.image_url`,
)

/**
 * `$1` stock from the file. The first import sets the stock. Later ones change it only if the number differs from the
 * last imported one, so sold units stay sold. Stock never falls below the held units, and `stocked` changes with it, so
 * that on hand + sold = stocked stays true. Rows are locked in the same order as in checkouts.
 */
export const importStock = statement(
  'import_stock',
  `insert into holdfast.stock_levels as s (variant_id, location_id, on_hand, stocked, imported)
   select variant_id, location_id, quantity, quantity, quantity
   from json_to_recordset($1) as row (variant_id uuid, location_id uuid, quantity bigint)
   order by variant_id, location_id
   on conflict (variant_id, location_id) do update set
     stocked = s.stocked + greatest(excluded.on_hand, s.reserved) - s.on_hand,
     on_hand = greatest(excluded.on_hand, s.reserved),
     imported = excluded.imported
   where s.imported is distinct from excluded.imported
   returning variant_id, on_hand, imported, xmax = 0 as created`,
)

/** Goods that are not taxable get a rate of 0, unless the shop has set rates for the class. */
export const insertExemptRate = statement(
  'insert_exempt_rate',
  `insert into holdfast.tax_rates (country, state, tax_class, name, rate_ppm, included)
   values ('*', '', 'exempt', 'Exempt', 0, false)
   on conflict do nothing`,
)
