/** The texts of the storefront: neutral by default, and replaced by those of a shop. */
import { Readable } from 'node:stream'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { silentLog } from '../../holdfast/src/observe/log/log.ts'
import { createShop, type Shop } from '../../holdfast/src/shop/create-shop.ts'
import { importProducts } from '../../holdfast/src/shop/import/import-products.ts'
import { type Browser, json, openBrowser, testConfig } from '../../holdfast/test/http/open-shop.ts'
import { openTestDatabase, type TestDatabase } from '../../holdfast/test/support/test-database.ts'
import { english } from '../src/copy/en.ts'
import { createStorefront } from '../src/create-storefront.ts'
import { demoCopy } from '../src/demo/copy.ts'

const products = `Handle,Title,Body (HTML),Published,Option1 Name,Option1 Value,Variant SKU,Variant Inventory Tracker,Variant Inventory Qty,Variant Inventory Policy,Variant Price,Variant Requires Shipping,Variant Taxable
city-bike,City bike,<p>Seven gears.</p>,true,Frame,S,CITY-S,shopify,20,deny,649.00,false,true
city-bike,,,,,M,CITY-M,shopify,2,deny,649.00,false,true
city-bike,,,,,L,CITY-L,shopify,0,deny,649.00,false,true
bell,Bell,,true,Title,Default Title,BELL,shopify,0,deny,9.00,false,true
basket,Basket,,true,Title,Default Title,BASKET,shopify,0,continue,39.00,false,true
`
const address = {
  first_name: 'Ada',
  last_name: 'Lovelace',
  line_one: '1 Main St',
  city: 'Albany',
  state: 'NY',
  postcode: '12207',
  country: 'US',
}
const demoTexts = Object.values(demoCopy).flatMap(texts => Object.values(texts))
const demoVoice = /harbou?r|rope|knot|moor|made fast|making fast|hold fast|on the hook|goods|ships today/i

let opened: TestDatabase
let shop: Shop
let browser: Browser
const seen = new Map<string, string>()

/** Opens a page and remembers its HTML. */
async function open(path: string, name = path): Promise<string> {
  const response = await browser.open(path)
  expect(response.headers.get('content-type'), name).toContain('text/html')
  const text = await response.text()
  seen.set(name, text)
  return text
}

const order = async (token: string) =>
  json<{ order: { id: string; lock_id: string } }>(
    await browser.send('POST', '/checkout', {
      email: 'ada@example.com',
      shipping_address: address,
      payment_method: 'card',
      payment_token: token,
    }),
  )
const add = (sku: string) => browser.send('POST', '/cart/lines', { sku, quantity: 1 })

beforeAll(async () => {
  opened = await openTestDatabase('embedded')
  await importProducts(opened.database, Readable.from([products]), { currency: 'USD' })
  shop = await createShop({
    database: opened.database,
    name: 'Acme Bicycles',
    config: { ...testConfig, currency: 'USD' },
    pages: createStorefront(),
    log: silentLog,
    migrate: false,
    mailDirectory: null,
    workers: false,
  })
  browser = await openBrowser(shop.handler)
})
afterAll(async () => {
  await shop.close()
  await opened.stop()
})

describe('a shop named Acme Bicycles', () => {
  it('names every page of the storefront by its own name', async () => {
    for (const path of ['/', '/?query=bike', '/?query=nothing', '/p/city-bike', '/p/bell', '/p/basket'])
      await open(path)
    await open('/cart', 'empty cart')
    await open('/checkout', 'empty checkout')
    await add('CITY-S')
    await open('/cart', 'full cart')
    await open('/checkout', 'checkout')
    await browser.send('GET', '/checkout')
    await open('/cart', 'locked cart')
    await open('/checkout', 'locked checkout')
    const paid = await order('tok_approve')
    await open(`/checkout/confirmation/${paid.order.id}`, 'paid order')
    await shop.engine.refundOrder(paid.order.id, { amountMinor: 100, actor: 'grace' })
    await open(`/checkout/confirmation/${paid.order.id}`, 'partially refunded order')
    await shop.engine.refundOrder(paid.order.id, { actor: 'grace' })
    await open(`/checkout/confirmation/${paid.order.id}`, 'refunded order')
    await open('/nowhere', 'unknown page')
    await open('/p/nothing', 'unknown product')
    for (const [name, text] of seen) {
      expect(/<title>(.*)<\/title>/.exec(text)?.[1], name).toMatch(/ – Acme Bicycles$/)
      expect(/<a class="mark"[^>]*>(.*)<\/a>/.exec(text)?.[1], name).toBe('Acme Bicycles')
    }
  })

  it('shows buyers neither the voice of the demo store nor the word Holdfast', async () => {
    const scripts = new Set(
      [...seen.values()].flatMap(text => [...text.matchAll(/"(\/assets\/[^"]+)"/g)].map(([, url = '']) => url)),
    )
    expect(scripts.size).toBeGreaterThanOrEqual(4)
    for (const url of scripts) {
      const text = await (await browser.open(url)).text()
      seen.set(url, text.replaceAll('globalThis.holdfast', ''))
    }
    for (const [name, text] of seen) {
      expect(text, name).not.toMatch(/holdfast/i)
      expect(text, name).not.toMatch(demoVoice)
      for (const line of demoTexts) expect(text, name).not.toContain(line)
    }
    expect(JSON.stringify(english)).not.toMatch(demoVoice)
  })

  it('says plainly that a payment was received and that a page was not found', () => {
    expect(seen.get('paid order')).toContain('<h1>Thank you. Your payment was received.</h1>')
    expect(seen.get('unknown page')).toContain('<h1>Page not found</h1>')
    expect(seen.get('/p/basket')).toContain('Made to order')
    expect(seen.get('/p/city-bike')).toContain('>In stock</p>')
  })

  it('leaves no placeholder of a text unfilled', () => {
    for (const [name, text] of seen) {
      const shown = text.replaceAll(/<script[^>]*>.*?<\/script>/gs, '')
      if (!name.startsWith('/assets/')) expect(shown, name).not.toMatch(/\{\w+\}/)
    }
  })
})

describe('a shop with a copy of its own', () => {
  const frame = { shopName: 'Acme', currency: 'USD', isSandbox: false, csrfToken: null, cartQuantity: null }
  const view = { products: [], next: null, query: '', isFirst: true }

  it('replaces the texts that it sets and keeps the others', async () => {
    const pages = createStorefront({ copy: { home: { headline: 'Bikes for every day' } } })
    const text = String(await pages.home(frame, view))
    expect(text).toContain('<h1>Bikes for every day</h1>')
    expect(text).toContain(`<title>${english.home.title} – Acme</title>`)
  })

  it('shows the headline, tagline, and footer of the demo store with its copy', async () => {
    const text = String(await createStorefront({ copy: demoCopy }).home(frame, view))
    for (const line of demoTexts) expect(text).toContain(line)
  })

  it('says that it has no products yet until the catalog has one', async () => {
    const text = String(await createStorefront().home(frame, view))
    expect(text).toContain(`<p>${english.home.noProducts}</p>`)
    expect(text).not.toContain('<ul class="grid">')
  })

  it('escapes its texts', async () => {
    const text = String(await createStorefront({ copy: { home: { tagline: '<b>' } } }).home(frame, view))
    expect(text).toContain('&lt;b&gt;')
    expect(text).not.toContain('<b>')
  })
})
