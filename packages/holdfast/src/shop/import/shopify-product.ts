/** Reads the product, image, and variant of one row of Shopify's product CSV. An invalid row is refused. */
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
  /** Line of the variant in the file. */
  line: number
  sku: string
  /** True if the file has no SKU; it is then derived from handle and option values. */
  skuIsDerived: boolean
  optionValues: string[]
  priceMinor: number
  compareAtMinor: number | null
  /** Units in stock; null if the file has none, and stock stays unchanged. */
  quantity: number | null
  stockPolicy: 'deny' | 'continue'
  requiresShipping: boolean
  taxClass: 'standard' | 'exempt'
  grams: number
  barcode: string | null
  imageUrl: string | null
}

export interface FileProduct {
  /** First line of the product in the file. */
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

/** The product in its first row: everything that its variants share. */
export function productOf(cell: ReadCell, row: CsvRow, handle: string): FileProduct {
  const title = shortText('Title', cell(row, 'Title'))
  if (title === '') throw new CellError(`"${handle}" has no title. Write it into the first row of the product.`)
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
  // The format writes a product without options as "Title: Default Title".
  if ((names[0] === '' || names[0] === 'Title') && (value === '' || value === 'Default Title')) return []
  while (names.at(-1) === '') names.pop()
  const gap = names.length === 0 ? 0 : names.indexOf('')
  if (gap >= 0) throw new CellError(`Option${gap + 1} Name is empty. Name the option in the first row of the product.`)
  return names
}

export function isVariantRow(cell: ReadCell, row: CsvRow): boolean {
  return variantColumns.some(column => textOf(cell, row, column) !== '')
}

export function isImageRow(cell: ReadCell, row: CsvRow): boolean {
  return textOf(cell, row, 'Image Src') !== ''
}

/** Adds the image of a row. A URL that the product already has is not added again. */
export function addImage(cell: ReadCell, row: CsvRow, product: FileProduct): void {
  if (!isImageRow(cell, row)) return
  const url = imageUrlOf('Image Src', cell(row, 'Image Src'))
  if (product.images.some(image => image.url === url)) return
  if (product.images.length >= imagesMax) {
    throw new CellError(`The product has more than ${imagesMax} images. Remove this one.`)
  }
  const position = Number(textOf(cell, row, 'Image Position') || product.images.length + 1)
  if (!Number.isSafeInteger(position) || position < 1) {
    throw new CellError('Image Position is not a whole number, 1 or more. Correct it, or leave it empty.')
  }
  product.images.push({ url, position, alt: textOf(cell, row, 'Image Alt Text').slice(0, 1_000) })
}

/** The option values in a variant's row, one for each option of its product. */
export function optionValuesOf(cell: ReadCell, row: CsvRow, product: FileProduct): string[] {
  const values: string[] = []
  for (const number of optionNumbers) {
    const value = shortText(`Option${number} Value`, cell(row, `Option${number} Value`))
    if (number <= product.optionNames.length) {
      const name = product.optionNames[number - 1]
      if (value === '') throw new CellError(`Option${number} Value is empty. Write the ${name} of this variant.`)
      values.push(value)
    } else if (value !== '' && value !== 'Default Title') {
      throw new CellError(`"${value}" belongs to no option. Write Option${number} Name into line ${product.line}.`)
    }
  }
  return values
}

/** The variant of a row. `sku` is '' if the row has none. */
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
    // Exports write 0 for a missing value.
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
