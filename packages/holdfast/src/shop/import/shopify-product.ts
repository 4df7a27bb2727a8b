/** What one row of Shopify's product CSV says of a product, an image or a variant; a row that cannot be meant is refused. */
import type { ProductImage } from '../catalog/catalog-rows.ts'
import type { CsvRow } from './csv-rows.ts'
import {
  booleanOf,
  CellError,
  codeText,
  gramsOf,
  imageUrlOf,
  policyOf,
  priceOf,
  quantityOf,
  shortText,
  statusOf,
  tagsOf,
} from './shopify-cells.ts'
import type { Column, ReadCell } from './shopify-columns.ts'

export interface FileVariant {
  /** Line of the file the variant is on. */
  line: number
  sku: string
  /** True when the file gives no SKU and it was made from handle and option values. */
  skuIsDerived: boolean
  optionValues: string[]
  priceMinor: number
  compareAtMinor: number | null
  /** Units in stock; null when the file says nothing and stock is to be left alone. */
  quantity: number | null
  stockPolicy: 'deny' | 'continue'
  requiresShipping: boolean
  taxClass: 'standard' | 'exempt'
  grams: number
  barcode: string | null
  imageUrl: string | null
}

export interface FileProduct {
  /** Line of the file the product begins on. */
  line: number
  handle: string
  title: string
  descriptionHtml: string
  vendor: string
  productType: string
  tags: string[]
  published: boolean
  optionNames: string[]
  images: ProductImage[]
  /** At least one, in the order of the file. */
  variants: FileVariant[]
}

const imagesMax = 250
const optionNumbers = [1, 2, 3] as const
const variantColumns = ['Option1 Value', 'Option2 Value', 'Option3 Value', 'Variant SKU', 'Variant Price'] as const

const textOf = (cell: ReadCell, row: CsvRow, column: Column) => cell(row, column).trim()

/** The first row of a product: what all its variants share. */
export function productOf(cell: ReadCell, row: CsvRow, handle: string): FileProduct {
  const title = shortText('Title', cell(row, 'Title'))
  if (title === '') throw new CellError(`"${handle}" has no title; write it into the first row of the product.`)
  return {
    line: row.line,
    handle,
    title,
    descriptionHtml: textOf(cell, row, 'Body (HTML)'),
    vendor: shortText('Vendor', cell(row, 'Vendor')),
    productType: shortText('Type', cell(row, 'Type')),
    tags: tagsOf(cell(row, 'Tags')),
    published: booleanOf('Published', cell(row, 'Published'), true) && statusOf(cell(row, 'Status')),
    optionNames: optionNamesOf(cell, row),
    images: [],
    variants: [],
  }
}

function optionNamesOf(cell: ReadCell, row: CsvRow): string[] {
  const names = optionNumbers.map(number => shortText(`Option${number} Name`, cell(row, `Option${number} Name`)))
  const value = textOf(cell, row, 'Option1 Value')
  // "Title: Default Title" is how the format writes a product without options.
  if ((names[0] === '' || names[0] === 'Title') && (value === '' || value === 'Default Title')) return []
  while (names.at(-1) === '') names.pop()
  const gap = names.length === 0 ? 0 : names.indexOf('')
  if (gap >= 0) throw new CellError(`Option${gap + 1} Name is empty; name the option in the first row of the product.`)
  return names
}

export function isVariantRow(cell: ReadCell, row: CsvRow): boolean {
  return variantColumns.some(column => textOf(cell, row, column) !== '')
}

export function isImageRow(cell: ReadCell, row: CsvRow): boolean {
  return textOf(cell, row, 'Image Src') !== ''
}

/** The image of a row; an address the product has already is no second image. */
export function addImage(cell: ReadCell, row: CsvRow, product: FileProduct): void {
  if (!isImageRow(cell, row)) return
  const url = imageUrlOf('Image Src', cell(row, 'Image Src'))
  if (product.images.some(image => image.url === url)) return
  if (product.images.length >= imagesMax) {
    throw new CellError(`The product has more than ${imagesMax} images; remove this one.`)
  }
  const position = Number(textOf(cell, row, 'Image Position') || product.images.length + 1)
  if (!Number.isSafeInteger(position) || position < 1) {
    throw new CellError('Image Position is not a number from 1 on; correct it, or leave it empty.')
  }
  product.images.push({ url, position, alt: textOf(cell, row, 'Image Alt Text').slice(0, 1_000) })
}

/** The option values of a variant's row: one for each option of its product. */
export function optionValuesOf(cell: ReadCell, row: CsvRow, product: FileProduct): string[] {
  const values: string[] = []
  for (const number of optionNumbers) {
    const value = shortText(`Option${number} Value`, cell(row, `Option${number} Value`))
    if (number <= product.optionNames.length) {
      const name = product.optionNames[number - 1]
      if (value === '') throw new CellError(`Option${number} Value is empty; write the ${name} of this variant.`)
      values.push(value)
    } else if (value !== '' && value !== 'Default Title') {
      throw new CellError(`"${value}" belongs to no option; write Option${number} Name into line ${product.line}.`)
    }
  }
  return values
}

/** The variant of a row; its `sku` is '' where the row gives none. */
export function variantOf(cell: ReadCell, row: CsvRow, optionValues: string[], currency: string): FileVariant {
  const sku = codeText('Variant SKU', cell(row, 'Variant SKU'))
  const compareAt = textOf(cell, row, 'Variant Compare At Price')
  const quantity = quantityOf(cell(row, 'Variant Inventory Qty'))
  const isTracked = quantity !== null || textOf(cell, row, 'Variant Inventory Tracker') !== ''
  const policy = policyOf(cell(row, 'Variant Inventory Policy'))
  const barcode = codeText('Variant Barcode', cell(row, 'Variant Barcode'))
  const imageUrl = textOf(cell, row, 'Variant Image')
  return {
    line: row.line,
    sku,
    skuIsDerived: sku === '',
    optionValues,
    priceMinor: priceOf('Variant Price', cell(row, 'Variant Price'), currency),
    // Exports write 0 where there is none.
    compareAtMinor: (compareAt === '' ? 0 : priceOf('Variant Compare At Price', compareAt, currency)) || null,
    quantity: isTracked ? (quantity ?? 0) : null,
    stockPolicy: isTracked ? policy : 'continue',
    requiresShipping: booleanOf('Variant Requires Shipping', cell(row, 'Variant Requires Shipping'), true),
    taxClass: booleanOf('Variant Taxable', cell(row, 'Variant Taxable'), true) ? 'standard' : 'exempt',
    grams: gramsOf(cell(row, 'Variant Grams')),
    barcode: barcode === '' ? null : barcode,
    imageUrl: imageUrl === '' ? null : imageUrlOf('Variant Image', imageUrl),
  }
}
