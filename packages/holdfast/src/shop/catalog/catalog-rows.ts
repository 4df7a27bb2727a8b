/** Maps rows to the products and variants that a shop shows. Prices are in one currency, set or converted. */
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
  /** The option values, for example "Large / Blue"; '' if the product has no options. */
  title: string
  /** In the order of the product's options. */
  optionValues: string[]
  currency: string
  /** Null if no price is set or can be converted; the variant then cannot be bought. */
  priceMinor: number | null
  /** The earlier price, if it is higher than the current one. */
  compareAtMinor: number | null
  /** Units that no checkout holds, in all active warehouses. */
  available: number
  /** Units are available, or the variant is sold without limit. */
  inStock: boolean
  stockPolicy: 'deny' | 'continue'
  /** False if the shop has withdrawn the variant. */
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
  /** Unsanitized HTML from the shop. Show it only where its scripts cannot run. */
  descriptionHtml: string
  vendor: string
  productType: string
  tags: string[]
  /** Each option with the values of the variants, in order. */
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
  /** Price set in the requested currency. */
  amount_minor: number | null
  compare_at_minor: number | null
  /** Price set in the shop's currency. */
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
