/**
 * Imports a product file into the catalog in chunks; each chunk is written completely or not at all. Importing the same
 * file again changes nothing; in particular it never restores stock that was sold since.
 */
import { createReadStream } from 'node:fs'
import { v7 } from 'uuid'
import { type Database, statement, type Transaction } from '../../database/database.ts'
import { CheckoutError } from '../../domain/failure.ts'
import { groupBy } from '../../domain/group-by.ts'
import { checkCurrency, invalidArgument } from '../catalog/check-arguments.ts'
import { upsertPrices } from '../catalog/prices.ts'
import { upsertLocation } from '../catalog/stock.ts'
import { type Change, type PlannedProduct, type PlannedVariant, planProduct } from './import-plan.ts'
import * as sql from './import-statements.ts'
import type { Problem } from './product-reader.ts'
import { readShopifyCsv } from './shopify-csv.ts'
import type { FileProduct } from './shopify-product.ts'

export type Changes = Record<Change, number>

export interface ImportReport {
  /** A product counts as updated if any part of it changed, including variants, prices, and stock. */
  products: Changes
  variants: Changes
  prices: Changes
  stock: Changes
  /** Number of images of the products in the file. */
  images: number
  /** Code of the warehouse whose stock was set. */
  location: string
  currency: string
  /** Rows that were not imported, in the order of the file, at most 1,000. */
  problems: Problem[]
  /** Number of all problems. */
  problemsTotal: number
}

export interface ImportOptions {
  /** Currency of the prices in the file, ISO 4217. Default USD. */
  currency?: string
  /** Code of the warehouse. Default: the first by priority; if there is none, `main` is created. */
  location?: string
  /** Called after each chunk. */
  onProgress?: (progress: { products: number; variants: number; problems: number }) => void
}

const chunkProductsMax = 250
const chunkVariantsMax = 2_000
const problemsMax = 1_000

const selectLocation = statement(
  'select_import_location',
  `select id, code from holdfast.locations where $1::text is null or code = $1
   order by active desc, priority, code limit 1`,
)

/**
 * Imports Shopify's product CSV from a path or from its bytes. Rows that cannot be imported are listed in the report;
 * all others are imported. Products and variants that the file does not contain stay unchanged.
 *
 * The file's quantity is the stock of the warehouse. If it differs from the last imported one, it replaces the units on
 * hand, but never below the units that active checkouts hold; the report lists such cases.
 * @throws {CheckoutError} `invalid_argument` if the file cannot be read, is empty, or lacks a required column, or if the
 * warehouse is unknown. Chunks that were reported before stay imported; import the file again to continue.
 */
export async function importProducts(
  database: Database,
  source: string | AsyncIterable<string | Uint8Array>,
  options: ImportOptions = {},
): Promise<ImportReport> {
  const currency = checkCurrency(options.currency ?? 'USD')
  const location = await locationOf(database, options.location ?? null)
  const report = emptyReport(location.code, currency)
  const place = { currency, locationId: location.id }
  let chunk: FileProduct[] = []
  let chunkVariants = 0

  async function flush(): Promise<void> {
    const products = chunk
    chunk = []
    chunkVariants = 0
    if (products.length === 0) return
    merge(report, await database.transaction(tx => importChunk(tx, products, place)))
    options.onProgress?.({
      products: sum(report.products),
      variants: sum(report.variants),
      problems: report.problemsTotal,
    })
  }

  for await (const item of readShopifyCsv(typeof source === 'string' ? fileAt(source) : source, { currency })) {
    if (item.problem !== undefined) {
      addProblem(report, item.problem)
      continue
    }
    chunk.push(item.product)
    chunkVariants += item.product.variants.length
    if (chunk.length >= chunkProductsMax || chunkVariants >= chunkVariantsMax) await flush()
  }
  await flush()
  report.problems.sort((a, b) => a.line - b.line)
  return report
}

async function* fileAt(path: string): AsyncGenerator<Uint8Array> {
  try {
    yield* createReadStream(path)
  } catch (error) {
    const code = (error as { code?: unknown }).code
    if (typeof code !== 'string') throw error
    throw new CheckoutError(
      'invalid_argument',
      `Could not read the product file "${path}" (${code}). Check its path.`,
      {
        cause: error,
      },
    )
  }
}

async function locationOf(database: Database, code: string | null): Promise<{ id: string; code: string }> {
  const [found] = await database.query<{ id: string; code: string }>(selectLocation, [code])
  if (found !== undefined) return found
  if (code !== null && code !== 'main') {
    throw invalidArgument(`Unknown warehouse "${code}". Create it first, or omit it.`, { location: code })
  }
  return { id: await upsertLocation(database, { code: 'main', name: 'Main warehouse' }), code: 'main' }
}

interface ChunkReport {
  products: Changes
  variants: Changes
  prices: Changes
  stock: Changes
  images: number
  problems: Problem[]
}

async function importChunk(
  tx: Transaction,
  files: readonly FileProduct[],
  place: { currency: string; locationId: string },
): Promise<ChunkReport> {
  tx.send(sql.queueImport)
  const read = await plan(tx, files, place.currency)
  const plans = read.filter(product => product.change !== 'created' || product.variants.length > 0)
  const variants = plans.flatMap(product => product.variants)
  const stock = variants.filter(variant => variant.quantity !== null)
  const products = plans.filter(product => product.change !== 'unchanged')
  const changed = [
    ...variants.filter(variant => variant.change !== 'unchanged').map(variant => variant.row),
    ...plans.flatMap(product => product.moved),
  ]
  const prices = variants.filter(variant => variant.priceChange !== 'unchanged')
  if (products.length > 0) tx.send(sql.upsertProducts, [JSON.stringify(products.map(product => product.row))])
  if (changed.length > 0) tx.send(sql.upsertVariants, [JSON.stringify(changed)])
  if (prices.length > 0) tx.send(upsertPrices, [JSON.stringify(prices.map(variant => variant.price))])
  if (changed.some(row => row.tax_class === 'exempt')) tx.send(sql.insertExemptRate)
  const levels = stock.map(variant => ({
    variant_id: variant.row.id,
    location_id: place.locationId,
    quantity: variant.quantity,
  }))
  const written = await tx.query<StockRow>(sql.importStock, [JSON.stringify(levels)])
  const problems = read.flatMap(product => product.problems)
  return { ...countChanges(plans, stock, written, problems), problems }
}

interface StockRow {
  variant_id: string
  on_hand: number
  imported: number
  created: boolean
}

async function plan(tx: Transaction, files: readonly FileProduct[], currency: string): Promise<PlannedProduct[]> {
  const handles = files.map(file => file.handle)
  const skus = files.flatMap(file => file.variants.map(variant => variant.sku))
  const [products, variants] = await Promise.all([
    tx.query<sql.StoredProduct>(sql.selectImportedProducts, [handles]),
    tx.query<sql.StoredVariant>(sql.selectImportedVariants, [handles, skus, currency]),
  ])
  const byHandle = new Map(products.map(product => [product.handle, product]))
  const bySku = new Map(variants.map(variant => [variant.sku, variant]))
  const byProduct = groupBy(variants, variant => variant.handle)
  return files.map(file => {
    const stored = { product: byHandle.get(file.handle), variants: byProduct.get(file.handle) ?? [], bySku }
    return planProduct(file, stored, currency, v7)
  })
}

function countChanges(
  plans: readonly PlannedProduct[],
  stock: readonly PlannedVariant[],
  written: readonly StockRow[],
  problems: Problem[],
): Omit<ChunkReport, 'problems'> {
  const rows = new Map(written.map(row => [row.variant_id, row]))
  const report = {
    products: noChanges(),
    variants: noChanges(),
    prices: noChanges(),
    stock: noChanges(),
    images: plans.reduce((images, product) => images + product.row.images.length, 0),
  }
  for (const variant of stock) {
    const row = rows.get(variant.row.id)
    report.stock[row === undefined ? 'unchanged' : row.created ? 'created' : 'updated'] += 1
    if (row === undefined || row.on_hand === row.imported) continue
    const message = `Active checkouts hold ${row.on_hand} units of "${variant.sku}", more than the ${row.imported} in the file. The stock was set to ${row.on_hand}; count it again when they have ended.`
    problems.push({ line: variant.line, message })
  }
  for (const product of plans) {
    let isChanged = product.moved.length > 0
    for (const variant of product.variants) {
      report.variants[variant.change] += 1
      report.prices[variant.priceChange] += 1
      isChanged ||= variant.change !== 'unchanged' || variant.priceChange !== 'unchanged' || rows.has(variant.row.id)
    }
    report.products[product.change === 'unchanged' && isChanged ? 'updated' : product.change] += 1
  }
  return report
}

const noChanges = (): Changes => ({ created: 0, updated: 0, unchanged: 0 })
const sum = (changes: Changes) => changes.created + changes.updated + changes.unchanged

function emptyReport(location: string, currency: string): ImportReport {
  const changes = { products: noChanges(), variants: noChanges(), prices: noChanges(), stock: noChanges() }
  return { ...changes, images: 0, location, currency, problems: [], problemsTotal: 0 }
}

function merge(report: ImportReport, chunk: ChunkReport): void {
  for (const kind of ['products', 'variants', 'prices', 'stock'] as const) {
    for (const change of ['created', 'updated', 'unchanged'] as const) report[kind][change] += chunk[kind][change]
  }
  report.images += chunk.images
  for (const problem of chunk.problems) addProblem(report, problem)
}

function addProblem(report: ImportReport, problem: Problem): void {
  report.problemsTotal += 1
  if (report.problems.length < problemsMax) report.problems.push(problem)
}
