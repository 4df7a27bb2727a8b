/**
 * Decides what an import must write, by comparing a product of the file with the stored one. Pure. A variant matches the
 * stored one with the same SKU, else with the same option values, so it keeps its carts and stock when its SKU changes.
 */

import type { PriceRow } from '../catalog/prices.ts'
import type { StoredProduct, StoredVariant } from './import-statements.ts'
import type { Problem } from './product-reader.ts'
import type { FileProduct, FileVariant } from './shopify-product.ts'

export type Change = 'created' | 'updated' | 'unchanged'

export type ProductRow = StoredProduct
export type VariantRow = Omit<StoredVariant, 'amount_minor' | 'compare_at_minor' | 'handle'>

export interface PlannedVariant {
  line: number
  sku: string
  change: Change
  priceChange: Change
  row: VariantRow
  price: PriceRow
  quantity: number | null
}

export interface PlannedProduct {
  handle: string
  change: Change
  row: ProductRow
  variants: PlannedVariant[]
  /** Stored variants that are not in the file: they stay, after the others. */
  moved: VariantRow[]
  problems: Problem[]
}

export interface Stored {
  product: StoredProduct | undefined
  /** The product's variants, by position. */
  variants: readonly StoredVariant[]
  bySku: ReadonlyMap<string, StoredVariant>
}

/** `newId` creates the IDs of new products and variants. */
export function planProduct(file: FileProduct, stored: Stored, currency: string, newId: () => string): PlannedProduct {
  const row = productRowOf(file, stored.product?.id ?? newId())
  const problems: Problem[] = []
  const matches = matchVariants(file, stored, problems)
  const named = new Set<string>()
  const variants: PlannedVariant[] = []
  for (const variant of file.variants) {
    const match = matches.get(variant)
    if (match === undefined) continue
    if (match !== null) named.add(match.id)
    variants.push(planVariant(variant, match, { product: row.id, position: variants.length + 1, currency, newId }))
  }
  const moved: VariantRow[] = []
  const others = stored.variants.filter(other => !named.has(other.id))
  for (const [at, other] of others.entries()) {
    const position = variants.length + 1 + at
    if (other.position !== position) moved.push({ ...variantRowOf(other), position })
  }
  const change = stored.product === undefined ? 'created' : same(row, stored.product) ? 'unchanged' : 'updated'
  return { handle: file.handle, change, row, variants, moved, problems }
}

/**
 * The stored variant for each variant of the file. Null: it is new; missing: it cannot be imported. A SKU in the file
 * takes precedence, then the option values, then a SKU that was derived from them.
 */
function matchVariants(file: FileProduct, stored: Stored, problems: Problem[]): Map<FileVariant, StoredVariant | null> {
  const matches = new Map<FileVariant, StoredVariant | null>()
  const taken = new Set<string>()
  function match(variant: FileVariant, found: StoredVariant | undefined): void {
    if (found === undefined || matches.has(variant) || taken.has(found.id)) return
    matches.set(variant, found)
    taken.add(found.id)
  }
  const own = (sku: string) => stored.variants.find(other => other.sku === sku)
  const isForeign = (variant: FileVariant) => stored.bySku.has(variant.sku) && own(variant.sku) === undefined

  const importable = file.variants.filter(variant => variant.skuIsDerived || !isForeign(variant))
  for (const variant of importable) if (!variant.skuIsDerived) match(variant, own(variant.sku))
  for (const variant of importable) {
    const values = JSON.stringify(variant.optionValues)
    match(
      variant,
      stored.variants.find(other => !taken.has(other.id) && JSON.stringify(other.option_values) === values),
    )
  }
  for (const variant of importable) match(variant, own(variant.sku))
  for (const variant of file.variants) {
    if (matches.has(variant)) continue
    const owner = stored.bySku.get(variant.sku)
    if (owner === undefined) {
      matches.set(variant, null)
      continue
    }
    const message = `The SKU "${variant.sku}" belongs to another variant, of "${owner.handle}". Use a unique SKU in this row.`
    problems.push({ line: variant.line, message })
  }
  return matches
}

function planVariant(
  file: FileVariant,
  stored: StoredVariant | null,
  place: { product: string; position: number; currency: string; newId: () => string },
): PlannedVariant {
  const row: VariantRow = {
    id: stored?.id ?? place.newId(),
    product_id: place.product,
    // The file has no SKU: the one that was derived first stays.
    sku: file.skuIsDerived && stored !== null ? stored.sku : file.sku,
    position: place.position,
    title: file.optionValues.join(' / '),
    option_values: file.optionValues,
    tax_class: file.taxClass,
    stock_policy: file.stockPolicy,
    requires_shipping: file.requiresShipping,
    grams: file.grams,
    barcode: file.barcode,
    image_url: file.imageUrl,
  }
  const price: PriceRow = {
    variant_id: row.id,
    currency: place.currency,
    amount_minor: file.priceMinor,
    compare_at_minor: file.compareAtMinor,
  }
  return {
    line: file.line,
    sku: row.sku,
    change: stored === null ? 'created' : same(row, variantRowOf(stored)) ? 'unchanged' : 'updated',
    priceChange:
      stored === null || stored.amount_minor === null ? 'created' : samePrice(price, stored) ? 'unchanged' : 'updated',
    row,
    price,
    quantity: file.quantity,
  }
}

function samePrice(price: PriceRow, stored: StoredVariant): boolean {
  return price.amount_minor === stored.amount_minor && price.compare_at_minor === stored.compare_at_minor
}

function productRowOf(file: FileProduct, id: string): ProductRow {
  return {
    id,
    handle: file.handle,
    title: file.title,
    description_html: file.descriptionHtml,
    vendor: file.vendor,
    product_type: file.productType,
    tags: file.tags,
    option_names: file.optionNames,
    images: file.images,
    published: file.published,
  }
}

function variantRowOf(stored: StoredVariant): VariantRow {
  const { amount_minor: _amount, compare_at_minor: _compareAt, handle: _handle, ...row } = stored
  return row
}

/** Compares rows field by field, because stored JSON returns its keys in a different order. */
function same(left: unknown, right: unknown): boolean {
  if (left === right) return true
  if (typeof left !== 'object' || typeof right !== 'object' || left === null || right === null) return false
  const keys = Object.keys(left)
  if (keys.length !== Object.keys(right).length) return false
  return keys.every(key => same((left as Record<string, unknown>)[key], (right as Record<string, unknown>)[key]))
}
