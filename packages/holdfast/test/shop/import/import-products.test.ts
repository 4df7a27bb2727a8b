/** An import applies a product file once, reports rows that it skipped, and never restores sold stock. */
import { createReadStream, existsSync } from 'node:fs'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type Database, statement } from '../../../src/database/database.ts'
import { createCatalog } from '../../../src/shop/catalog/catalog.ts'
import { upsertLocation } from '../../../src/shop/catalog/stock.ts'
import { importProducts } from '../../../src/shop/import/import-products.ts'
import { openTestDatabase, type TestDatabase } from '../../support/test-database.ts'
import { openTransaction, untilBlocked } from '../carts/barrier.ts'
import { type FileRow, fileOf, rope, streamOf } from './product-file.ts'

const allRows = statement(
  'test_all_catalog_rows',
  `select (select json_agg(p order by id) from holdfast.products p) as products,
     (select json_agg(v order by id) from holdfast.variants v) as variants,
     (select json_agg(p order by variant_id, currency) from holdfast.prices p) as prices,
     (select json_agg(s order by variant_id, location_id) from holdfast.stock_levels s) as stock`,
)
const stockOf = statement(
  'test_stock_of',
  `select l.code, s.on_hand, s.reserved, s.stocked, s.imported from holdfast.stock_levels s
   join holdfast.variants v on v.id = s.variant_id
   join holdfast.locations l on l.id = s.location_id
   where v.sku = $1 order by l.code`,
)
const moveStock = statement(
  'test_move_stock',
  `update holdfast.stock_levels s set on_hand = on_hand - $2, reserved = reserved + $3
   from holdfast.variants v where v.id = s.variant_id and v.sku = $1`,
)
const variantId = statement('test_variant_id', 'select id from holdfast.variants where sku = $1')
const exemptRates = statement(
  'test_exempt_rates',
  `select country, rate_ppm from holdfast.tax_rates where tax_class = 'exempt'`,
)

const counts = (created: number, updated: number, unchanged: number) => ({ created, updated, unchanged })
const sample = (name: string) => `../shared/data/shopify/${name}.csv`

describe.each(['postgres', 'embedded'] as const)('importing products into %s', kind => {
  let opened: TestDatabase
  let database: Database

  beforeEach(async () => {
    opened = await openTestDatabase(kind)
    database = opened.database
  })
  afterEach(() => opened.stop())

  const importRows = (...rows: FileRow[]) => importProducts(database, streamOf(fileOf(rows)))
  const stock = async (sku: string) => (await database.query<Record<string, unknown>>(stockOf, [sku]))[0]

  test.skipIf(!existsSync(sample('apparel')))(
    "Shopify's sample files are imported completely, and importing them again changes nothing",
    async () => {
      const first = await importProducts(database, sample('apparel'))
      const second = await importProducts(database, createReadStream(sample('home-and-garden')))
      expect(first).toMatchObject({ products: counts(20, 0, 0), variants: counts(22, 0, 0), problems: [] })
      expect(second).toMatchObject({ products: counts(20, 0, 0), variants: counts(21, 0, 0), problems: [] })
      const before = await database.query(allRows)
      for (const name of ['apparel', 'home-and-garden']) {
        const again = await importProducts(database, sample(name))
        const variants = name === 'apparel' ? 22 : 21
        expect(again).toMatchObject({
          products: counts(0, 0, 20),
          variants: counts(0, 0, variants),
          prices: counts(0, 0, variants),
          stock: counts(0, 0, variants),
          problems: [],
        })
      }
      expect(await database.query(allRows)).toEqual(before)
    },
  )

  test('a large file is imported in chunks that report their progress', async () => {
    const rows = Array.from({ length: 600 }, (_, at) => rope({ Handle: `rope-${at}`, 'Variant SKU': '' }))
    const progress: number[] = []
    const report = await importProducts(database, streamOf(fileOf(rows), 65_536), {
      onProgress: ({ products }) => progress.push(products),
    })
    expect(report).toMatchObject({ products: counts(600, 0, 0), stock: counts(600, 0, 0), location: 'main' })
    expect(progress).toEqual([250, 500, 600])
  })

  test('valid rows are imported, and the others are reported in the order of the file', async () => {
    await importRows(rope())
    const report = await importRows(
      rope({ Handle: 'a', 'Variant SKU': 'ROPE' }),
      rope({ Handle: 'b', 'Variant SKU': 'B', 'Variant Price': '-1' }),
      rope({ Handle: 'c', 'Variant SKU': 'C' }),
    )
    expect(report.products).toEqual(counts(1, 0, 0))
    expect(report.problems).toEqual([
      { line: 2, message: expect.stringContaining('"ROPE" belongs to another variant, of "rope"') },
      { line: 3, message: expect.stringContaining('Variant Price "-1"') },
      { line: 3, message: expect.stringContaining('none of its variants') },
    ])
    expect(report.problemsTotal).toBe(3)
    expect(await createCatalog(database).getProduct('a')).toBeNull()
  })

  test('an import changes what differs from the file, and counts the changes', async () => {
    await importRows(rope(), rope({ Handle: 'cleat', Title: 'Cleat', 'Variant SKU': 'CLEAT' }))
    const report = await importRows(
      rope({ 'Variant Price': '25', 'Variant Compare At Price': '30' }),
      rope({ Handle: 'cleat', Title: 'Bronze cleat', 'Variant SKU': 'CLEAT' }),
    )
    expect(report).toMatchObject({
      products: counts(0, 2, 0),
      variants: counts(0, 0, 2),
      prices: counts(0, 1, 1),
      stock: counts(0, 0, 2),
    })
    const catalog = createCatalog(database)
    expect((await catalog.getProduct('rope'))?.variants[0]).toMatchObject({ priceMinor: 2500, compareAtMinor: 3000 })
    expect(await catalog.getProduct('cleat')).toMatchObject({ title: 'Bronze cleat' })
  })

  test('a variant stays the same if its SKU or position changes, and stays if the file lacks it', async () => {
    const size = (value: string, sku: string, first = false): FileRow => ({
      ...(first ? rope({ 'Option1 Name': 'Size' }) : { Handle: 'rope', 'Variant Price': '20' }),
      'Option1 Value': value,
      'Variant SKU': sku,
    })
    await importRows(size('S', '', true), size('M', ''), size('L', 'BIG'))
    const [small] = await database.query<{ id: string }>(variantId, ['ROPE-S'])
    const report = await importRows(size('L', 'BIG', true), size('S', 'LITTLE'))
    expect(report.problems).toEqual([])
    expect(report.variants).toEqual(counts(0, 2, 0))
    expect(await database.query(variantId, ['LITTLE'])).toEqual([small])
    const product = await createCatalog(database).getProduct('rope')
    expect(product?.variants.map(variant => variant.sku)).toEqual(['BIG', 'LITTLE', 'ROPE-M'])
    expect(product?.options).toEqual([{ name: 'Size', values: ['L', 'S', 'M'] }])
    expect((await importRows(size('L', 'BIG', true), size('S', ''))).products).toEqual(counts(0, 0, 1))
  })

  test('importing the same quantity again does not restore sold units', async () => {
    await importRows(rope())
    expect(await stock('ROPE')).toEqual({ code: 'main', on_hand: 10, reserved: 0, stocked: 10, imported: 10 })
    await database.query(moveStock, ['ROPE', 4, 2])
    expect((await importRows(rope())).stock).toEqual(counts(0, 0, 1))
    expect(await stock('ROPE')).toEqual({ code: 'main', on_hand: 6, reserved: 2, stocked: 10, imported: 10 })
  })

  test('a different quantity replaces the units on hand, and on hand + sold = stocked stays true', async () => {
    await importRows(rope())
    await database.query(moveStock, ['ROPE', 4, 2])
    const report = await importRows(rope({ 'Variant Inventory Qty': '50' }))
    expect(report).toMatchObject({ products: counts(0, 1, 0), stock: counts(0, 1, 0), problems: [] })
    expect(await stock('ROPE')).toEqual({ code: 'main', on_hand: 50, reserved: 2, stocked: 54, imported: 50 })
  })

  test('stock is never set below the units that checkouts hold, and the report says so', async () => {
    await importRows(rope())
    await database.query(moveStock, ['ROPE', 0, 7])
    const report = await importRows(rope({ 'Variant Inventory Qty': '3' }))
    expect(report.problems).toEqual([
      { line: 2, message: expect.stringContaining('hold 7 units of "ROPE", more than the 3') },
    ])
    expect(await stock('ROPE')).toEqual({ code: 'main', on_hand: 7, reserved: 7, stocked: 7, imported: 3 })
  })

  test('a row without a quantity leaves the stock unchanged', async () => {
    await importRows(rope())
    const untracked = rope({ 'Variant Inventory Qty': '', 'Variant Inventory Tracker': '' })
    expect((await importRows(untracked)).stock).toEqual(counts(0, 0, 0))
    expect(await stock('ROPE')).toMatchObject({ on_hand: 10 })
    expect((await createCatalog(database).getProduct('rope'))?.variants[0]).toMatchObject({ stockPolicy: 'continue' })
  })

  test('stock goes to the given warehouse, else to the first active one by priority', async () => {
    await upsertLocation(database, { code: 'attic', priority: 5 })
    await upsertLocation(database, { code: 'cellar', priority: 1 })
    await upsertLocation(database, { code: 'closed', priority: 0, active: false })
    expect(await importRows(rope())).toMatchObject({ location: 'cellar' })
    const file = fileOf([rope({ 'Variant Inventory Qty': '3' })])
    await importProducts(database, streamOf(file), { location: 'attic' })
    expect(await database.query(stockOf, ['ROPE'])).toMatchObject([
      { code: 'attic', on_hand: 3 },
      { code: 'cellar', on_hand: 10 },
    ])
    await expect(importProducts(database, streamOf(file), { location: 'nowhere' })).rejects.toMatchObject({
      code: 'invalid_argument',
      message: expect.stringContaining('"nowhere"'),
    })
  })

  test('goods that are not taxable get a tax rate of 0', async () => {
    await importRows(rope({ 'Variant Taxable': 'false' }))
    expect(await database.query(exemptRates)).toEqual([{ country: '*', rate_ppm: 0 }])
  })

  test('two simultaneous imports of one file create each product once', async () => {
    const rows = Array.from({ length: 300 }, (_, at) => rope({ Handle: `rope-${at}`, 'Variant SKU': '' }))
    const reports = await Promise.all([importRows(...rows), importRows(...rows.toReversed())])
    const created = reports.reduce((sum, report) => sum + report.products.created, 0)
    expect(created).toBe(300)
    expect(reports.flatMap(report => report.problems)).toEqual([])
  })

  test('an unreadable path and an invalid currency are refused', async () => {
    await expect(importProducts(database, 'nowhere.csv')).rejects.toMatchObject({
      code: 'invalid_argument',
      message: expect.stringContaining('"nowhere.csv" (ENOENT)'),
    })
    await expect(importProducts(database, 'nowhere.csv', { currency: 'usd' })).rejects.toMatchObject({
      code: 'invalid_argument',
    })
  })

  test.runIf(kind === 'postgres')('an import counts holds that are made while it waits for the stock', async () => {
    await importRows(rope())
    const hold = await openTransaction(database, tx => tx.query(moveStock, ['ROPE', 0, 8]))
    const importing = importRows(rope({ 'Variant Inventory Qty': '5' }))
    await untilBlocked(database)
    await hold.commit()
    expect((await importing).problems).toMatchObject([{ line: 2 }])
    expect(await stock('ROPE')).toMatchObject({ on_hand: 8, reserved: 8, stocked: 8 })
  })
})
