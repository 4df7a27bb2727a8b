/**
 * Reads Shopify's product CSV into products with their variants. Pure: no database. Every row ends in one of two ways:
 * it is part of a product that is given, or a problem names its line and says what to do about it.
 */

import { deriveSku } from '../catalog/sku.ts'
import { type CsvRow, csvRows } from './csv-rows.ts'
import { CellError, handleText } from './shopify-cells.ts'
import { columnsOf, type ReadCell } from './shopify-columns.ts'
import {
  addImage,
  type FileProduct,
  isImageRow,
  isVariantRow,
  optionValuesOf,
  productOf,
  variantOf,
} from './shopify-product.ts'

export interface Problem {
  /** Line of the file; the first is 1. */
  line: number
  /** What is wrong and what to do about it. */
  message: string
}

export type FileItem = { product: FileProduct; problem?: never } | { problem: Problem; product?: never }

const variantsMax = 2_048

/** The product whose rows are being read; `product` is null when its first row was refused. */
interface Current {
  handle: string
  line: number
  product: FileProduct | null
  /** Line by option values, to find a combination that is given twice. */
  combinations: Map<string, number>
}

/**
 * Gives products and problems as they are read, in the order of the file; one product at a time is held in memory.
 * Prices are read as `currency`. Rows of one product stand together, as Shopify writes them.
 *
 * A quantity is taken as stock even where no inventory tracker is named. Neither tracker nor quantity means that stock
 * is not tracked: such a variant is sold without limit (policy `continue`).
 * @throws {CheckoutError} `invalid_argument` when the file is empty or lacks a needed column.
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
    return 'This row has more cells than the header; put quotation marks around the cell with a comma in it.'
  }
  if (row.cells.some(cell => cell.includes('\0') || cell.includes('\uFFFD'))) {
    return 'This row has characters that are not UTF-8; save the file as UTF-8 and import it again.'
  }
  return null
}

/** Puts rows together to products: `take` each row, then `end`. */
function productReader(cell: ReadCell, currency: string) {
  /** Line by handle and by SKU, of all that was taken so far. */
  const handles = new Map<string, number>()
  const skus = new Map<string, number>()
  let current: Current | null = null

  function* end(): Generator<FileItem> {
    const product = current?.product
    current = null
    if (!product) return
    if (product.variants.length === 0) {
      const message = `"${product.handle}" was left out, for none of its variants could be imported; correct them first.`
      yield { problem: { line: product.line, message } }
      return
    }
    product.images.sort((a, b) => a.position - b.position)
    product.images = product.images.map((image, index) => ({ ...image, position: index + 1 }))
    yield { product }
  }

  function* take(row: CsvRow): Generator<FileItem> {
    const problems: Problem[] = []
    function attempt<T>(work: () => T): T | null {
      try {
        return work()
      } catch (error) {
        if (!(error instanceof CellError)) throw error
        problems.push({ line: row.line, message: error.message })
        return null
      }
    }
    const handle = attempt(() => handleOf(row))
    if (handle !== null) {
      const isFirst = handle !== current?.handle
      if (isFirst) {
        yield* end()
        current = { handle, line: handles.get(handle) ?? row.line, product: null, combinations: new Map() }
        current.product = attempt(() => begin(row, handle))
      }
      const place = current
      if (place !== null && (place.product !== null || !isFirst)) {
        attempt(() => addImage(cell, row, productAt(place, row)))
        if (isFirst || isVariantRow(cell, row)) attempt(() => addVariant(place, row))
      }
    }
    for (const problem of withoutTwins(problems)) yield { problem }
  }

  function handleOf(row: CsvRow): string {
    const handle = handleText(cell(row, 'Handle'))
    if (handle === '') throw new CellError('This row has no handle; write the handle of the product it belongs to.')
    return handle
  }

  function begin(row: CsvRow, handle: string): FileProduct {
    const before = handles.get(handle)
    if (before !== undefined) {
      throw new CellError(`"${handle}" began on line ${before}; move this row up to the other rows of that product.`)
    }
    handles.set(handle, row.line)
    return productOf(cell, row, handle)
  }

  /** The product a row adds to. */
  function productAt(place: Current, row: CsvRow): FileProduct {
    if (place.product === null) {
      throw new CellError(`This row was left out with its product "${place.handle}"; correct line ${place.line} first.`)
    }
    if (place.product.line !== row.line && !isVariantRow(cell, row) && !isImageRow(cell, row)) {
      throw new CellError('This row has neither a variant nor an image; complete or remove it.')
    }
    return place.product
  }

  function addVariant(place: Current, row: CsvRow): void {
    const product = productAt(place, row)
    const optionValues = optionValuesOf(cell, row, product)
    const combination = JSON.stringify(optionValues)
    const twin = place.combinations.get(combination)
    if (twin !== undefined) {
      throw new CellError(
        `Line ${twin} is the same variant of "${product.handle}"; change an option or remove this row.`,
      )
    }
    if (product.variants.length >= variantsMax) {
      throw new CellError(`The product has more than ${variantsMax} variants; split it into several.`)
    }
    const variant = variantOf(cell, row, optionValues, currency)
    if (variant.skuIsDerived) variant.sku = deriveSku(product.handle, optionValues, sku => skus.has(sku))
    const taken = skus.get(variant.sku)
    if (taken !== undefined) {
      throw new CellError(`The SKU "${variant.sku}" is on line ${taken} already; give each variant its own.`)
    }
    place.combinations.set(combination, row.line)
    skus.set(variant.sku, row.line)
    product.variants.push(variant)
  }

  return { take, end }
}

/** One row may fail twice for one reason: for its image and for its variant. */
function withoutTwins(problems: readonly Problem[]): Problem[] {
  return problems.filter((problem, at) => problems.findIndex(other => other.message === problem.message) === at)
}
