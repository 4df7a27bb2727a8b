/** Combines the rows of a product file into products, and refuses rows that do not fit. */
import { deriveSku } from '../catalog/derive-sku.ts'
import type { CsvRow } from './csv-rows.ts'
import { CellError, handleText } from './shopify-cells.ts'
import type { ReadCell } from './shopify-columns.ts'
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
  /** What is wrong and what to do. */
  message: string
}

export type FileItem = { product: FileProduct; problem?: never } | { problem: Problem; product?: never }

const variantsMax = 2_048

/** The product whose rows are being read. `product` is null if its first row was refused. */
interface Current {
  handle: string
  line: number
  product: FileProduct | null
  /** Line by option values, to find duplicate combinations. */
  combinations: Map<string, number>
}

/** Combines rows into products. Call `take` for each row, then `end`. */
export function productReader(cell: ReadCell, currency: string) {
  /** Lines by handle and by SKU, of all rows so far. */
  const handles = new Map<string, number>()
  const skus = new Map<string, number>()
  let current: Current | null = null

  function* end(): Generator<FileItem> {
    const product = current?.product
    current = null
    if (!product) return
    if (product.variants.length === 0) {
      const message = `"${product.handle}" was skipped because none of its variants could be imported. Correct them first.`
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
    for (const problem of withoutDuplicates(problems)) yield { problem }
  }

  function handleOf(row: CsvRow): string {
    const handle = handleText(cell(row, 'Handle'))
    if (handle === '') throw new CellError('This row has no handle. Write the handle of its product.')
    return handle
  }

  function begin(row: CsvRow, handle: string): FileProduct {
    const before = handles.get(handle)
    if (before !== undefined) {
      throw new CellError(`"${handle}" began on line ${before}. Move this row up to the other rows of the product.`)
    }
    handles.set(handle, row.line)
    return productOf(cell, row, handle)
  }

  /** The product that a row belongs to. */
  function productAt(place: Current, row: CsvRow): FileProduct {
    if (place.product === null) {
      throw new CellError(`This row was skipped with its product "${place.handle}". Correct line ${place.line} first.`)
    }
    if (place.product.line !== row.line && !isVariantRow(cell, row) && !isImageRow(cell, row)) {
      throw new CellError('This row has neither a variant nor an image. Complete or remove it.')
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
        `Line ${twin} is the same variant of "${product.handle}". Change an option, or remove this row.`,
      )
    }
    if (product.variants.length >= variantsMax) {
      throw new CellError(`The product has more than ${variantsMax} variants. Split it into several products.`)
    }
    const variant = variantOf(cell, row, optionValues, currency)
    if (variant.skuIsDerived) variant.sku = deriveSku(product.handle, optionValues, sku => skus.has(sku))
    const taken = skus.get(variant.sku)
    if (taken !== undefined) {
      throw new CellError(`The SKU "${variant.sku}" is already used on line ${taken}. Give each variant a unique SKU.`)
    }
    place.combinations.set(combination, row.line)
    skus.set(variant.sku, row.line)
    product.variants.push(variant)
  }

  return { take, end }
}

/** A row may fail twice for the same reason, for its image and for its variant. */
function withoutDuplicates(problems: readonly Problem[]): Problem[] {
  return problems.filter((problem, at) => problems.findIndex(other => other.message === problem.message) === at)
}
