/** Every row of a product file becomes part of a product or is reported with its line. */
import { createReadStream, existsSync } from 'node:fs'
import { expect, test } from 'vitest'
import type { Problem } from '../../../src/shop/import/product-reader.ts'
import { readShopifyCsv } from '../../../src/shop/import/shopify-csv.ts'
import type { FileProduct } from '../../../src/shop/import/shopify-product.ts'
import { fileOf, rope, streamOf } from './product-file.ts'

async function read(
  source: string | Uint8Array | AsyncIterable<Uint8Array>,
  options: { currency?: string; chunkLength?: number } = {},
): Promise<{ products: FileProduct[]; problems: Problem[] }> {
  const products: FileProduct[] = []
  const problems: Problem[] = []
  const { currency = 'USD', chunkLength = 64 } = options
  const bytes = typeof source === 'string' || source instanceof Uint8Array ? streamOf(source, chunkLength) : source
  for await (const item of readShopifyCsv(bytes, { currency })) {
    if (item.problem === undefined) products.push(item.product)
    else problems.push(item.problem)
  }
  return { products, problems }
}

const skusOf = (products: readonly FileProduct[]) =>
  products.flatMap(product => product.variants.map(variant => variant.sku))

const sample = (name: string) => `../shared/data/shopify/${name}.csv`

test.skipIf(!existsSync(sample('apparel')))("Shopify's apparel sample is read completely", async () => {
  const { products, problems } = await read(createReadStream(sample('apparel')))
  expect(problems).toEqual([])
  expect(products).toHaveLength(20)
  const skus = skusOf(products)
  expect(skus).toHaveLength(22)
  expect(skus.slice(0, 4)).toEqual([
    'OCEAN-BLUE-SHIRT',
    'CLASSIC-VARSITY-TOP-SMALL',
    'CLASSIC-VARSITY-TOP-MEDIUM',
    'CLASSIC-VARSITY-TOP-LARGE',
  ])
  const [shirt] = products
  expect(shirt?.variants[0]).toMatchObject({ priceMinor: 5000, quantity: 1, stockPolicy: 'deny', optionValues: [] })
})

test.skipIf(!existsSync(sample('home-and-garden')))("reads Shopify's sample of home and garden in full", async () => {
  const { products, problems } = await read(createReadStream(sample('home-and-garden')))
  expect(problems).toEqual([])
  expect(products).toHaveLength(20)
  expect(skusOf(products)).toHaveLength(21)
  const [pot, light] = products
  expect(pot?.variants.map(variant => [variant.sku, variant.priceMinor, variant.quantity])).toEqual([
    ['CLAY-PLANT-POT-REGULAR', 999, 1],
    ['CLAY-PLANT-POT-LARGE', 1599, 3],
  ])
  expect(pot?.images.map(image => image.position)).toEqual([1, 2])
  expect(light?.variants[0]).toMatchObject({ priceMinor: 5999, compareAtMinor: 7500 })
})

test('every column of a row is read', async () => {
  const file = fileOf([
    {
      Handle: 'cleat',
      Title: 'Cleat, "horned"',
      'Body (HTML)': '<p>Line one\r\nline two</p>',
      Vendor: 'Foundry',
      Type: 'Fittings',
      Tags: 'brass, deck , ,brass',
      'Option1 Name': 'Size',
      'Option1 Value': 'Small',
      'Option2 Name': 'Metal',
      'Option2 Value': 'Bronze',
      'Variant SKU': "'0123",
      'Variant Grams': '320.4',
      'Variant Inventory Tracker': 'shopify',
      'Variant Inventory Qty': '7',
      'Variant Inventory Policy': 'CONTINUE',
      'Variant Price': '9.9',
      'Variant Compare At Price': '0.00',
      'Variant Requires Shipping': 'FALSE',
      'Variant Taxable': 'false',
      'Variant Barcode': '4006381333931',
      'Image Src': '/images/cleat.svg',
      'Image Position': '2',
      'Image Alt Text': 'A cleat',
      'Variant Image': 'https://example.com/small.jpg',
    },
    { Handle: 'cleat', 'Image Src': 'https://example.com/front.jpg', 'Image Position': '1' },
  ])
  const { products, problems } = await read(file)
  expect(problems).toEqual([])
  expect(products).toEqual([
    {
      line: 2,
      handle: 'cleat',
      title: 'Cleat, "horned"',
      descriptionHtml: '<p>Line one\r\nline two</p>',
      vendor: 'Foundry',
      productType: 'Fittings',
      tags: ['brass', 'deck'],
      published: true,
      optionNames: ['Size', 'Metal'],
      images: [
        { url: 'https://example.com/front.jpg', position: 1, alt: '' },
        { url: '/images/cleat.svg', position: 2, alt: 'A cleat' },
      ],
      variants: [
        {
          line: 2,
          sku: '0123',
          skuIsDerived: false,
          optionValues: ['Small', 'Bronze'],
          priceMinor: 990,
          compareAtMinor: null,
          quantity: 7,
          stockPolicy: 'continue',
          requiresShipping: false,
          taxClass: 'exempt',
          grams: 320,
          barcode: '4006381333931',
          imageUrl: 'https://example.com/small.jpg',
        },
      ],
    },
  ])
})

test('prices are read with the decimals of their currency, without rounding', async () => {
  const priceOf = async (price: string, currency: string) => {
    const { products, problems } = await read(fileOf([rope({ 'Variant Price': price })]), { currency })
    return products[0]?.variants[0]?.priceMinor ?? problems[0]?.message.slice(0, 13)
  }
  expect(await priceOf('0.07', 'USD')).toBe(7)
  expect(await priceOf('1100.10', 'USD')).toBe(110010)
  expect(await priceOf('90071992547409.91', 'USD')).toBe(9007199254740991)
  expect(await priceOf('1500', 'JPY')).toBe(1500)
  expect(await priceOf('1.234', 'KWD')).toBe(1234)
  expect(await priceOf('15.50', 'JPY')).toBe('Variant Price')
  expect(await priceOf('1.005', 'USD')).toBe('Variant Price')
})

test('a quantity without a tracker is stock, and neither means sale without limit', async () => {
  const stock = { 'Variant Inventory Tracker': '', 'Variant Inventory Qty': '' }
  const { products } = await read(
    fileOf([
      rope({ ...stock, Handle: 'a', 'Variant SKU': 'A', 'Variant Inventory Qty': '3' }),
      rope({ ...stock, Handle: 'b', 'Variant SKU': 'B', 'Variant Inventory Tracker': 'shopify' }),
      rope({ ...stock, Handle: 'c', 'Variant SKU': 'C', 'Variant Inventory Policy': 'deny' }),
    ]),
  )
  expect(products.map(({ variants: [variant] }) => [variant?.quantity, variant?.stockPolicy])).toEqual([
    [3, 'deny'],
    [0, 'deny'],
    [null, 'continue'],
  ])
})

test('derived SKUs are unique and the same for every import', async () => {
  const blank = { 'Variant SKU': '' }
  const file = fileOf([
    rope({ ...blank, Handle: 'größe-l', 'Option1 Name': 'Size', 'Option1 Value': '10 m' }),
    { Handle: 'größe-l', 'Option1 Value': '10-m', 'Variant Price': '1' },
    rope({ ...blank, Handle: 'größe-l-10', 'Option1 Name': 'Size', 'Option1 Value': 'M' }),
    rope({ ...blank, Handle: '縄', Title: 'Nawa' }),
    rope({ ...blank, Handle: '---', Title: 'Dashes' }),
  ])
  const { products, problems } = await read(file)
  expect(problems).toEqual([])
  expect(skusOf(products)).toEqual(['GROSSE-L-10-M', 'GROSSE-L-10-M-2', 'GROSSE-L-10-M-3', '縄', 'ITEM'])
  expect(skusOf((await read(file)).products)).toEqual(skusOf(products))
})

test.each([1, 3, 7, 1000])(
  'a byte order mark, CRLF, and quoted line ends are read in chunks of %i bytes',
  async chunkLength => {
    const text = `\uFEFF${fileOf([
      rope({ 'Body (HTML)': 'one\n"two"\nthree' }),
      rope({ Handle: 'é', Title: 'É', 'Variant SKU': 'E', 'Variant Price': 'free' }),
    ]).replaceAll('\n', '\r\n')}\r\n\r\n`
    const { products, problems } = await read(text, { chunkLength })
    expect(products[0]).toMatchObject({ line: 2, descriptionHtml: 'one\r\n"two"\r\nthree' })
    expect(problems.map(problem => problem.line)).toEqual([5, 5])
  },
)

test('draft, archived, and unpublished products are not for sale', async () => {
  const { products } = await read(
    fileOf([
      rope({ Handle: 'a', 'Variant SKU': 'A', Status: 'draft' }),
      rope({ Handle: 'b', 'Variant SKU': 'B', Status: 'archived' }),
      rope({ Handle: 'c', 'Variant SKU': 'C', Published: 'false', Status: 'active' }),
      rope({ Handle: 'd', 'Variant SKU': 'D', Published: 'TRUE', Status: 'active' }),
    ]),
  )
  expect(products.map(product => product.published)).toEqual([false, false, false, true])
})

test('each invalid row is reported with its line, and all others are read', async () => {
  const file = fileOf([
    rope({ Handle: 'ok', 'Variant SKU': 'OK' }), // 2
    rope({ Handle: 'price', 'Variant SKU': 'P', 'Variant Price': '$5', 'Body (HTML)': 'two\nlines' }), // 3, 4
    rope({ Handle: 'negative', 'Variant SKU': 'N', 'Variant Inventory Qty': '-3' }), // 5
    rope({ Handle: 'fraction', 'Variant SKU': 'F', 'Variant Inventory Qty': '1.5' }), // 6
    rope({ Handle: 'policy', 'Variant SKU': 'Y', 'Variant Inventory Policy': 'maybe' }), // 7
    rope({ Handle: '', 'Variant SKU': 'H' }), // 8
    rope({ Handle: 'twice', 'Variant SKU': 'OK' }), // 9
    rope({ Handle: 'untitled', Title: '', 'Variant SKU': 'U' }), // 10
    { Handle: 'untitled', 'Option1 Value': 'Large', 'Variant Price': '5' }, // 11
    rope({ Handle: 'sizes', 'Option1 Name': 'Size', 'Option1 Value': 'S', 'Variant SKU': 'S' }), // 12
    { Handle: 'sizes', 'Option1 Value': 'M', 'Variant SKU': 'M', 'Variant Price': 'free' }, // 13
    { Handle: 'sizes', 'Option1 Value': 'S', 'Variant SKU': 'S2', 'Variant Price': '5' }, // 14
    { Handle: 'sizes', 'Option1 Value': 'L', 'Option2 Value': 'Red', 'Variant Price': '5' }, // 15
    { Handle: 'sizes', 'Option1 Value': 'XL', 'Variant SKU': 'XL', 'Variant Price': '5' }, // 16
    { Handle: 'sizes', Title: 'Sizes' }, // 17
    { Handle: 'sizes', 'Image Src': 'javascript:alert(1)' }, // 18
    rope({ Handle: 'ok', 'Variant SKU': 'OK2' }), // 19
    rope({ Handle: 'bad/handle', 'Variant SKU': 'B' }), // 20
    rope({ Handle: 'last', 'Variant SKU': 'LAST', 'Variant Taxable': 'perhaps' }), // 21
  ])
  const { products, problems } = await read(file)
  expect(skusOf(products)).toEqual(['OK', 'S', 'XL'])
  const messages = new Map<number, string[]>()
  for (const { line, message } of problems) messages.set(line, [...(messages.get(line) ?? []), message])
  expect(messages.get(3)).toEqual([
    expect.stringContaining('Variant Price "$5" is not a price in USD'),
    expect.stringContaining('none of its variants could be imported'),
  ])
  const expected: Record<number, string> = {
    5: '"-3" is not a whole number',
    6: '"1.5" is not a whole number',
    7: '"maybe" is unknown. Write deny or continue',
    8: 'no handle',
    9: '"OK" is already used on line 2',
    10: '"untitled" has no title',
    11: 'Correct line 10 first',
    13: '"free" is not a price',
    14: 'Line 12 is the same variant',
    15: 'Write Option2 Name into line 12',
    17: 'neither a variant nor an image',
    18: 'is not a URL',
    19: '"ok" began on line 2',
    20: 'is not valid in a URL',
    21: 'Write true or false',
  }
  for (const [line, message] of Object.entries(expected)) {
    expect(messages.get(Number(line))?.[0], `line ${line}`).toContain(message)
  }
  expect([...messages.keys()].sort((a, b) => a - b)).toEqual([3, ...Object.keys(expected).map(Number)])
})

test('a file without the required columns is refused, naming each', async () => {
  await expect(read('Title,Vendor\nRope,Us\n')).rejects.toMatchObject({
    code: 'invalid_argument',
    message: expect.stringContaining('"Handle", "Variant Price"'),
  })
  await expect(read('')).rejects.toMatchObject({ code: 'invalid_argument', message: expect.stringContaining('empty') })
})

test('columns are found in any order and case, and unknown ones are ignored', async () => {
  const { products, problems } = await read('note,VARIANT PRICE,handle, Title \nx,5,rope,Rope\n')
  expect(problems).toEqual([])
  expect(products).toMatchObject([{ handle: 'rope', title: 'Rope', variants: [{ priceMinor: 500 }] }])
})

test('a row with too many cells, invalid characters, or an unclosed quotation mark is reported', async () => {
  const head = 'Handle,Title,Variant Price\n'
  const many = await read(`${head}a,Rope, three strands,5\nb,Fine,5\n`)
  expect(many.problems).toMatchObject([{ line: 2, message: expect.stringContaining('more cells') }])
  expect(many.products).toHaveLength(1)
  const latin = await read(
    Uint8Array.from([...new TextEncoder().encode(`${head}a,Gr`), 0xfc, ...new TextEncoder().encode('n,5\n')]),
  )
  expect(latin.problems).toMatchObject([{ line: 2, message: expect.stringContaining('UTF-8') }])
  const open = await read(`${head}a,Rope,5\nb,"Never closed,5\nc,Gone,5\n`)
  expect(open.problems).toMatchObject([{ line: 3, message: expect.stringContaining('never closed') }])
  expect(open.products).toHaveLength(1)
})
