/** Products and variants as a shop shows them, from their rows; prices are in one currency, set or converted. */
import { convertMinor, type ExchangeRate } from '../../domain/exchange.ts'

export interface ProductImage {
  url: string
  /** Counts from 1. */
  position: number
  alt: string
}

export interface CatalogVariant {
  id: string
  sku: string
  /** The option values, "Large / Blue"; '' where the product has no options. */
  title: string
  /** In the order of the product's options. */
  optionValues: string[]
  currency: string
  /** Null when it has no price in the currency and none that can be converted; then it cannot be bought. */
  priceMinor: number | null
  /** What it cost before; only where it is more than the price. */
  compareAtMinor: number | null
  /** Units that nobody holds, in all active warehouses. */
  available: number
  /** There is some, or it is sold without limit. */
  inStock: boolean
  stockPolicy: 'deny' | 'continue'
  /** False when the shop has withdrawn it. */
  purchasable: boolean
  requiresShipping: boolean
  grams: number
  barcode: string | null
  imageUrl: string | null
}

export interface CatalogProduct {
  id: string
  handle: string
  title: string
  /** As the shop wrote it: HTML, to be shown only where scripts in it cannot run. */
  descriptionHtml: string
  vendor: string
  productType: string
  tags: string[]
  /** Each option with the values its variants have, in their order. */
  options: { name: string; values: string[] }[]
  images: ProductImage[]
  variants: CatalogVariant[]
}

export interface ProductRow {
  id: string
  handle: string
  title: string
  description_html: string
  vendor: string
  product_type: string
  tags: string[]
  option_names: string[]
  images: ProductImage[]
}

export interface VariantRow {
  id: string
  product_id: string
  sku: string
  title: string
  option_values: string[]
  stock_policy: 'deny' | 'continue'
  purchasable: boolean
  requires_shipping: boolean
  grams: number
  barcode: string | null
  image_url: string | null
  /** Set in the currency asked for. */
  amount_minor: number | null
  compare_at_minor: number | null
  /** Set in the shop's currency. */
  base_minor: number | null
  base_compare_at_minor: number | null
  available: number
}

export interface Terms {
  currency: string
  baseCurrency: string
  exchangeRates: readonly ExchangeRate[]
}

export function productOf(row: ProductRow, variants: readonly VariantRow[], terms: Terms): CatalogProduct {
  return {
    id: row.id,
    handle: row.handle,
    title: row.title,
    descriptionHtml: row.description_html,
    vendor: row.vendor,
    productType: row.product_type,
    tags: row.tags,
    options: row.option_names.map((name, at) => ({
      name,
      values: [...new Set(variants.map(variant => variant.option_values[at] ?? ''))].filter(value => value !== ''),
    })),
    images: row.images,
    variants: variants.map(variant => variantOf(variant, terms)),
  }
}

function variantOf(row: VariantRow, terms: Terms): CatalogVariant {
  const converted = (amountMinor: number | null) =>
    amountMinor === null ? null : convertMinor(amountMinor, terms.baseCurrency, terms.currency, terms.exchangeRates)
  const isSet = row.amount_minor !== null
  const priceMinor = isSet ? row.amount_minor : converted(row.base_minor)
  const compareAtMinor = isSet ? row.compare_at_minor : converted(row.base_compare_at_minor)
  return {
    id: row.id,
    sku: row.sku,
    title: row.title,
    optionValues: row.option_values,
    currency: terms.currency,
    priceMinor,
    compareAtMinor:
      priceMinor !== null && compareAtMinor !== null && compareAtMinor > priceMinor ? compareAtMinor : null,
    available: row.available,
    inStock: row.available > 0 || row.stock_policy === 'continue',
    stockPolicy: row.stock_policy,
    purchasable: row.purchasable,
    requiresShipping: row.requires_shipping,
    grams: row.grams,
    barcode: row.barcode,
    imageUrl: row.image_url,
  }
}
