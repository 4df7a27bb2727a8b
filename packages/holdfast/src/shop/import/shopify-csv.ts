/**
 * Reads Shopify's product CSV into products with variants, without a database. Every row either becomes part of a
 * product or yields a problem that names its line and says what to do.
 */

import { type CsvRow, csvRows } from './csv-rows.ts'
import { type FileItem, productReader } from './product-reader.ts'
import { columnsOf } from './shopify-columns.ts'

/**
 * Yields products and problems in the order of the file and holds one product in memory. Prices are in `currency`. The
 * rows of a product must be consecutive, as Shopify writes them.
 *
 * A quantity counts as stock even without an inventory tracker. Without tracker and quantity, stock is not tracked and
 * the variant is sold without limit (policy `continue`).
 * @throws {CheckoutError} `invalid_argument` if the file is empty or lacks a required column.
 */
export async function* readShopifyCsv(
  source: AsyncIterable<string | Uint8Array>,
  options: { currency: string },
): AsyncGenerator<FileItem, void, undefined> {
  const rows = csvRows(source)
  const first = await rows.next()
  const { cell, width } = columnsOf(first.done ? undefined : first.value)
  const products = productReader(cell, options.currency)
  for (;;) {
    const next = await rows.next()
    if (next.done) {
      yield* products.end()
      if (next.value !== null) yield { problem: { line: next.value.line, message: next.value.reason } }
      return
    }
    const fault = faultOf(next.value, width)
    if (fault === null) yield* products.take(next.value)
    else yield { problem: { line: next.value.line, message: fault } }
  }
}

function faultOf(row: CsvRow, width: number): string | null {
  if (row.cells.slice(width).some(cell => cell.trim() !== '')) {
    return 'This row has more cells than the header. Put quotation marks around cells that contain a comma.'
  }
  if (row.cells.some(cell => cell.includes('\0') || cell.includes('\uFFFD'))) {
    return 'This row contains characters that are not UTF-8. Save the file as UTF-8 and import it again.'
  }
  return null
}
