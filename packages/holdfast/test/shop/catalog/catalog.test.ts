/** The catalog shows what can be bought, and refuses settings that are out of range. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { assetAt } from '../../../../storefront/src/assets.ts'
import { seedDemo } from '../../../../storefront/src/demo/seed-demo.ts'
import { type Database, statement } from '../../../src/database/database.ts'
import { createCatalog } from '../../../src/shop/catalog/catalog.ts'
import { upsertCoupon } from '../../../src/shop/catalog/coupons.ts'
import { setExchangeRate, setPrice, setPrices } from '../../../src/shop/catalog/prices.ts'
import { upsertShippingMethod } from '../../../src/shop/catalog/shipping.ts'
import { setStock, setStocks, upsertLocation } from '../../../src/shop/catalog/stock.ts'
import { upsertTaxRate } from '../../../src/shop/catalog/taxes.ts'
import { importProducts } from '../../../src/shop/import/import-products.ts'
import { openTestDatabase, type TestDatabase } from '../../support/test-database.ts'
import { fileOf, rope, streamOf } from '../import/product-file.ts'

const reserve = statement(
  'test_reserve',
  `update holdfast.stock_levels s set reserved = $2 from holdfast.variants v where v.id = s.variant_id and v.sku = $1`,
)
const claim = statement('test_claim', 'update holdfast.coupons set claimed = $2 where code = $1')
const stockedOf = statement(
  'test_stocked_of',
  `select on_hand, reserved, stocked from holdfast.stock_levels s join holdfast.variants v on v.id = s.variant_id
   where v.sku = $1 order by on_hand`,
)
const settings = statement(
  'test_demo_settings',
  `select (select count(*) from holdfast.tax_rates) as taxes, (select count(*) from holdfast.shipping_rates) as rates,
     (select count(*) from holdfast.coupons) as coupons, (select count(*) from holdfast.exchange_rates) as exchanges,
     (select count(*) from holdfast.stock_levels) as levels, (select count(*) from holdfast.prices) as prices,
     (select max(updated_at) from holdfast.products)::text as updated`,
)

describe.each(['postgres', 'embedded'] as const)('the catalog on %s', kind => {
  let opened: TestDatabase
  let database: Database

  beforeAll(async () => {
    opened = await openTestDatabase(kind)
    database = opened.database
    const file = fileOf([
      rope({
        Type: 'Cordage',
        Tags: 'soft, hemp',
        'Variant Compare At Price': '30',
        'Image Src': '/images/rope.svg',
        'Image Alt Text': 'Rope',
      }),
      rope({
        Handle: 'cleat',
        Title: 'Cleat 100%',
        'Option1 Name': 'Size',
        'Option1 Value': 'S',
        'Variant SKU': 'CLEAT-S',
        'Variant Inventory Qty': '0',
      }),
      {
        Handle: 'cleat',
        'Option1 Value': 'L',
        'Variant SKU': 'CLEAT-L',
        'Variant Price': '7',
        'Variant Inventory Qty': '0',
        'Variant Inventory Policy': 'continue',
      },
      rope({ Handle: 'draft', Title: 'Draft', 'Variant SKU': 'DRAFT', Status: 'draft' }),
      rope({ Handle: 'bell', Title: 'Bell', 'Variant SKU': 'BELL', 'Variant Price': '145' }),
    ])
    expect((await importProducts(database, streamOf(file))).problems).toEqual([])
  })
  afterAll(() => opened.stop())

  test('a product is shown with options, images, prices, and available units', async () => {
    await upsertLocation(database, { code: 'second' })
    await upsertLocation(database, { code: 'closed', active: false })
    await setStocks(database, [
      { sku: 'ROPE', location: 'second', quantity: 5 },
      { sku: 'ROPE', location: 'closed', quantity: 100 },
    ])
    await database.query(reserve, ['ROPE', 2])
    const catalog = createCatalog(database)
    expect(await catalog.getProduct('rope')).toMatchObject({
      handle: 'rope',
      title: 'Rope',
      productType: 'Cordage',
      tags: ['soft', 'hemp'],
      options: [],
      images: [{ url: '/images/rope.svg', position: 1, alt: 'Rope' }],
      variants: [
        {
          sku: 'ROPE',
          title: '',
          currency: 'USD',
          priceMinor: 2000,
          compareAtMinor: 3000,
          available: 11,
          inStock: true,
          stockPolicy: 'deny',
        },
      ],
    })
    const cleat = await catalog.getProduct('cleat')
    expect(cleat?.options).toEqual([{ name: 'Size', values: ['S', 'L'] }])
    expect(cleat?.variants).toMatchObject([
      { sku: 'CLEAT-S', title: 'S', available: 0, inStock: false },
      { sku: 'CLEAT-L', title: 'L', available: 0, inStock: true },
    ])
    await database.query(reserve, ['ROPE', 0])
  })

  test('drafts and unknown products are not shown', async () => {
    const catalog = createCatalog(database)
    expect(await catalog.getProduct('draft')).toBeNull()
    expect(await catalog.getProduct('nothing')).toBeNull()
  })

  test('a price in a different currency is the set one, else converted, else none', async () => {
    const catalog = createCatalog(database)
    const priceIn = async (currency: string) => {
      const variant = (await catalog.getProduct('rope', { currency }))?.variants[0]
      return [variant?.currency, variant?.priceMinor, variant?.compareAtMinor]
    }
    expect(await priceIn('JPY')).toEqual(['JPY', null, null])
    await setExchangeRate(database, { base: 'USD', quote: 'JPY', rate: 150 })
    expect(await priceIn('JPY')).toEqual(['JPY', 3000, 4500])
    await setPrice(database, { sku: 'ROPE', currency: 'JPY', amountMinor: 2980 })
    expect(await priceIn('JPY')).toEqual(['JPY', 2980, null])
    await expect(catalog.getProduct('rope', { currency: 'XXXX' })).rejects.toMatchObject({ code: 'invalid_argument' })
  })

  test('paging lists each product once', async () => {
    const catalog = createCatalog(database)
    const first = await catalog.listProducts({ limit: 2 })
    expect(first.products.map(product => product.handle)).toEqual(['rope', 'cleat'])
    const second = await catalog.listProducts({ limit: 2, after: first.next })
    expect(second.products.map(product => product.handle)).toEqual(['bell'])
    expect(second.next).toBeNull()
    expect((await catalog.listProducts({ limit: 3 })).next).toBeNull()
    for (const options of [
      { limit: 0 },
      { limit: 101 },
      { limit: 1.5 },
      { after: 'nowhere' },
      { query: 'x'.repeat(101) },
    ]) {
      await expect(catalog.listProducts(options)).rejects.toMatchObject({ code: 'invalid_argument' })
    }
  })

  test('products are found by title, type, tag, and SKU, and wildcards are taken literally', async () => {
    const catalog = createCatalog(database)
    const find = async (query: string) =>
      (await catalog.listProducts({ query })).products.map(product => product.handle)
    expect(await find('CLEAT')).toEqual(['cleat'])
    expect(await find('cordage')).toEqual(['rope'])
    expect(await find('hemp')).toEqual(['rope'])
    expect(await find('cleat-l')).toEqual(['cleat'])
    expect(await find('100%')).toEqual(['cleat'])
    expect(await find('%')).toEqual(['cleat'])
    expect(await find('dr_ft')).toEqual([])
    expect(await find(' ')).toHaveLength(3)
  })

  test('stock cannot be set below the held units, and stocked units change with it', async () => {
    await setStock(database, 'BELL', 'main', 4)
    expect(await database.query(stockedOf, ['BELL'])).toEqual([{ on_hand: 4, reserved: 0, stocked: 4 }])
    await database.query(reserve, ['BELL', 3])
    await expect(setStock(database, 'BELL', 'main', 2)).rejects.toMatchObject({ code: 'invalid_argument' })
    await setStock(database, 'BELL', 'main', 9)
    expect(await database.query(stockedOf, ['BELL'])).toEqual([{ on_hand: 9, reserved: 3, stocked: 9 }])
  })

  test('a set of changes with one invalid change changes nothing', async () => {
    const before = await database.query(stockedOf, ['BELL'])
    const levels = [
      { sku: 'BELL', location: 'main', quantity: 100 },
      { sku: 'NOPE', location: 'main', quantity: 1 },
    ]
    await expect(setStocks(database, levels)).rejects.toMatchObject({ code: 'variant_unavailable' })
    await expect(setStock(database, 'BELL', 'nowhere', 1)).rejects.toMatchObject({ code: 'invalid_argument' })
    expect(await database.query(stockedOf, ['BELL'])).toEqual(before)
    const prices = [
      { sku: 'BELL', currency: 'USD', amountMinor: 1 },
      { sku: 'NOPE', currency: 'USD', amountMinor: 1 },
    ]
    await expect(setPrices(database, prices)).rejects.toMatchObject({
      code: 'variant_unavailable',
      context: { skus: ['NOPE'] },
    })
    expect((await createCatalog(database).getProduct('bell'))?.variants[0]?.priceMinor).toBe(14500)
  })

  test('settings that are out of range are refused', async () => {
    const coupon = { code: 'X', discount: { ratePpm: 1 } }
    const method = { code: 'x', name: 'X' }
    const usd = { country: '*', currency: 'USD', amountMinor: 1 }
    const tax = { country: 'US', name: 'Tax', ratePpm: 1, included: false }
    const refusedCalls = [
      upsertCoupon(database, { ...coupon, code: ' ' }),
      upsertCoupon(database, { ...coupon, discount: { ratePpm: 1_000_001 } }),
      upsertCoupon(database, { ...coupon, discount: { amountMinor: 0, currency: 'USD' } }),
      upsertCoupon(database, { ...coupon, discount: { amountMinor: 5, currency: 'usd' } }),
      upsertCoupon(database, { ...coupon, startsAt: '2030-01-02T00:00:00Z', endsAt: '2030-01-01T00:00:00Z' }),
      upsertCoupon(database, { ...coupon, endsAt: 'soon' }),
      upsertCoupon(database, { ...coupon, usageLimit: 1.5 }),
      upsertShippingMethod(database, { ...method, rates: [usd, usd] }),
      upsertShippingMethod(database, { ...method, rates: [{ ...usd, amountMinor: -1 }] }),
      upsertShippingMethod(database, { ...method, rates: [{ ...usd, country: 'usa' }] }),
      upsertTaxRate(database, { ...tax, country: 'us' }),
      upsertTaxRate(database, { ...tax, ratePpm: -1 }),
      upsertTaxRate(database, { ...tax, country: '*', state: 'CA' }),
      setPrice(database, { sku: 'ROPE', currency: 'USD', amountMinor: 1.5 }),
      setExchangeRate(database, { base: 'USD', quote: 'USD', rate: 1 }),
      setExchangeRate(database, { base: 'USD', quote: 'EUR', rate: 0 }),
      setStock(database, 'ROPE', 'main', -1),
      upsertLocation(database, { code: '' }),
    ]
    const codes = await Promise.all(
      refusedCalls.map(refused =>
        refused.then(
          () => 'accepted',
          error => error.code,
        ),
      ),
    )
    expect(codes).toEqual(refusedCalls.map(() => 'invalid_argument'))
  })

  test('changing a coupon keeps its claims, and its limit cannot be set below them', async () => {
    const id = await upsertCoupon(database, { code: 'spring', discount: { ratePpm: 100_000 }, usageLimit: 10 })
    await database.query(claim, ['SPRING', 4])
    expect(await upsertCoupon(database, { code: 'SPRING', discount: { ratePpm: 50_000 }, usageLimit: 4 })).toBe(id)
    await expect(
      upsertCoupon(database, { code: 'SPRING', discount: { ratePpm: 50_000 }, usageLimit: 3 }),
    ).rejects.toMatchObject({
      code: 'invalid_argument',
    })
  })
})

describe.each(['postgres', 'embedded'] as const)('the demo catalog on %s', kind => {
  let opened: TestDatabase
  let database: Database

  beforeAll(async () => {
    opened = await openTestDatabase(kind)
    database = opened.database
  })
  afterAll(() => opened.stop())

  test('the demo fills an empty store once, and never changes one with products', async () => {
    expect(await seedDemo(database)).toBe(27)
    const before = await database.query(settings)
    expect(before).toMatchObject([{ taxes: 12, rates: 10, coupons: 5, exchanges: 5 }])
    expect(await seedDemo(database)).toBe(0)
    expect(await database.query(settings)).toEqual(before)
  })

  test('the demo has a sold-out product, a back-ordered one, a digital one, and stock in two warehouses', async () => {
    const { products } = await createCatalog(database).listProducts({ limit: 100 })
    const variants = products.flatMap(product => product.variants)
    const bySku = new Map(variants.map(variant => [variant.sku, variant]))
    expect(variants).toHaveLength(55)
    expect(bySku.get('BELL-20')).toMatchObject({ available: 0, inStock: false })
    expect(bySku.get('SHACKLE-SNAP')).toMatchObject({ stockPolicy: 'continue', inStock: true })
    expect(bySku.get('BOOK-KNOTS')).toMatchObject({ requiresShipping: false, inStock: true })
    expect(await database.query(stockedOf, ['LINE-MOOR-25'])).toMatchObject([{ on_hand: 14 }, { on_hand: 20 }])
    expect(bySku.get('LINE-MOOR-25')).toMatchObject({ available: 34, compareAtMinor: 8900 })
    const yen = await createCatalog(database).listProducts({ limit: 100, currency: 'JPY' })
    expect(yen.products.flatMap(product => product.variants).every(variant => variant.priceMinor !== null)).toBe(true)
  })

  test('the demo has a picture for every product and every colour', async () => {
    const { products } = await createCatalog(database).listProducts({ limit: 100 })
    const placeholder = assetAt('/images/unknown.svg')?.content
    for (const product of products) {
      const urls = [...product.images.map(image => image.url), ...product.variants.map(variant => variant.imageUrl)]
      expect(product.images.length, product.handle).toBeGreaterThan(0)
      for (const url of urls) {
        if (url === null) continue
        expect(/^\/images\/([a-z-]+)\.svg$/.exec(url)?.[1]?.split('--')[0]).toBe(product.handle)
        expect(assetAt(url)?.content, url).toMatch(/^<svg /)
        expect(assetAt(url)?.content, url).not.toBe(placeholder)
      }
    }
  })
})
