/** The columns of Shopify's product CSV that the import reads. Others are ignored; a file without the required ones is refused. */
import { CheckoutError } from '../../domain/failure.ts'
import type { CsvRow } from './csv-rows.ts'

const required = ['Handle', 'Title', 'Variant Price'] as const

const optional = [
  'Body (HTML)',
  'Vendor',
  'Type',
  'Tags',
  'Published',
  'Status',
  'Option1 Name',
  'Option1 Value',
  'Option2 Name',
  'Option2 Value',
  'Option3 Name',
  'Option3 Value',
  'Variant SKU',
  'Variant Grams',
  'Variant Inventory Tracker',
  'Variant Inventory Qty',
  'Variant Inventory Policy',
  'Variant Compare At Price',
  'Variant Requires Shipping',
  'Variant Taxable',
  'Variant Barcode',
  'Variant Image',
  'Image Src',
  'Image Position',
  'Image Alt Text',
] as const

export type Column = (typeof required)[number] | (typeof optional)[number]

/** The cell of a row in a column; '' if the file lacks the column or the row is too short. */
export type ReadCell = (row: CsvRow, column: Column) => string

const key = (name: string) => name.trim().toLowerCase()

/**
 * Reads the header row; names are compared ignoring case. `width` is the number of columns.
 * @throws {CheckoutError} `invalid_argument`, naming every missing column.
 */
export function columnsOf(header: CsvRow | undefined): { cell: ReadCell; width: number } {
  if (header === undefined) {
    throw new CheckoutError(
      'invalid_argument',
      'The product file is empty. Its first row must contain the column names.',
    )
  }
  const index = new Map<string, number>()
  for (const [at, name] of header.cells.entries()) if (!index.has(key(name))) index.set(key(name), at)
  const missing = required.filter(column => !index.has(key(column)))
  if (missing.length > 0) {
    throw new CheckoutError(
      'invalid_argument',
      `The product file lacks the column ${missing.map(column => `"${column}"`).join(', ')}. Its first row must contain the column names of Shopify's product CSV.`,
      { context: { missing } },
    )
  }
  const indexOf = new Map<Column, number>()
  for (const column of [...required, ...optional]) {
    const at = index.get(key(column))
    if (at !== undefined) indexOf.set(column, at)
  }
  return {
    width: header.cells.length,
    cell(row, column) {
      const at = indexOf.get(column)
      return at === undefined ? '' : (row.cells[at] ?? '')
    },
  }
}
