/** The shared setup of HTTP tests: a shop with products behind its fetch handler, and browsers that keep cookies. */

import { storefront } from '../../../storefront/src/index.ts'
import type { CheckoutConfig } from '../../src/config/checkout-config.ts'
import { defaultConfig } from '../../src/config/config.ts'
import type { Database } from '../../src/database/database.ts'
import { createHttpHandler, type HttpHandler, type HttpOptions } from '../../src/http/app.ts'
import type { HttpConfig } from '../../src/http/context.ts'
import type { PageSet } from '../../src/http/pages.ts'
import { silentLog } from '../../src/observe/log/log.ts'
import type { PaymentGateway } from '../../src/payments/gateway.ts'
import { createSandboxGateway } from '../../src/payments/sandbox/sandbox.ts'
import { upsertCoupon } from '../../src/shop/catalog/coupons.ts'
import { upsertShippingMethod } from '../../src/shop/catalog/shipping.ts'
import { upsertTaxRate } from '../../src/shop/catalog/taxes.ts'
import { createShop, type ShopOptions } from '../../src/shop/create-shop.ts'
import { httpConfigOf } from '../../src/shop/http-config.ts'
import { importProducts } from '../../src/shop/import/import-products.ts'

const secret = 'a secret of the tests, thirty-two characters'

/** The configuration of the shop in HTTP tests. */
export const testConfig: Partial<CheckoutConfig> = { currency: 'EUR', secret, rateLimitPerMinute: 0 }

/** The same configuration, for tests that create their own handler. */
export const httpTestConfig: HttpConfig = httpConfigOf({ ...defaultConfig, ...testConfig, secret }, 'sandbox')

const products = `Handle,Title,Body (HTML),Vendor,Type,Tags,Published,Option1 Name,Option1 Value,Variant SKU,Variant Inventory Tracker,Variant Inventory Qty,Variant Inventory Policy,Variant Price,Variant Compare At Price,Variant Requires Shipping,Variant Taxable
mooring-line,Mooring line,"<p>Three-strand polyester, laid soft, spliced on request.</p><ul><li>Breaks at 4.2 t</li><li>Floats on nothing</li></ul><script>alert(1)</script>",Reeperei,Rope,"rope, mooring",true,Length,10 m,LINE-10,shopify,200,deny,49.90,59.90,true,true
mooring-line,,,,,,,,20 m,LINE-20,shopify,3,deny,89.90,,true,true
mooring-line,,,,,,,,50 m,LINE-50,shopify,0,deny,199.00,,true,true
brass-cleat,Brass cleat,<p>Cast in one piece. It will outlive the boat.</p>,Giesserei,Fitting,fitting,true,Title,Default Title,CLEAT,shopify,60,deny,24.50,,true,true
harbour-lantern,Harbour lantern,<p>Burns eleven hours on one filling.</p>,Giesserei,Light,light,true,Title,Default Title,LANTERN,shopify,2,deny,128.00,,true,true
tarred-marline,Tarred marline,<p>For whipping and serving. Smells of harbour.</p>,Reeperei,Rope,rope,true,Title,Default Title,MARLINE,shopify,500,deny,7.40,,true,true
sail-needle-set,Sail needles,<p>Five triangular needles in a beech tube.</p>,Reeperei,Tool,tool,true,Title,Default Title,NEEDLES,shopify,80,deny,18.00,,true,true
sou-wester,Sou’wester,"<p>Waxed cotton, flannel inside.</p>",Takelwerk,Clothing,clothing,true,Size,M,HAT-M,shopify,12,deny,64.00,,true,true
sou-wester,,,,,,,,L,HAT-L,shopify,9,deny,64.00,,true,true
fender,Rope fender,<p>Knotted by hand from retired mooring line.</p>,Takelwerk,Fitting,fitting,true,Title,Default Title,FENDER,shopify,0,continue,76.00,,true,true
tide-table,Tide table (PDF),<p>The year's tides for Cuxhaven.</p>,Takelwerk,Paper,paper,true,Title,Default Title,TIDES,shopify,1000,deny,5.00,,false,true
`

async function stockShop(database: Database): Promise<void> {
  await importProducts(
    database,
    (async function* () {
      yield products
    })(),
    { currency: 'EUR' },
  )
  await upsertTaxRate(database, { country: '*', name: 'VAT', ratePpm: 190_000, included: true })
  await upsertShippingMethod(database, {
    code: 'standard',
    name: 'Parcel, two days',
    position: 1,
    rates: [{ country: '*', currency: 'EUR', amountMinor: 490 }],
  })
  await upsertShippingMethod(database, {
    code: 'express',
    name: 'Courier, tomorrow',
    position: 2,
    rates: [{ country: 'DE', currency: 'EUR', amountMinor: 1290 }],
  })
  await upsertCoupon(database, { code: 'AHOY', discount: { ratePpm: 100_000 } })
}

/** Parts of the HTTP handler that a test replaces, for example with a failing one. */
type ReplacedParts = Partial<Pick<HttpOptions, 'engine' | 'catalog' | 'log' | 'logsRequests' | 'sandbox'>>

interface OpenOptions extends ReplacedParts, Pick<ShopOptions, 'identify' | 'stopping' | 'streamsMax' | 'config'> {
  gateway?: PaymentGateway
  /** Default: the storefront. Null: no pages. */
  pages?: PageSet | null
}

/** Opens a shop with `createShop` on the products above. */
export async function openShop(database: Database, options: OpenOptions = {}, workers = false) {
  const {
    gateway,
    config = testConfig,
    pages = storefront,
    engine,
    catalog,
    log,
    logsRequests,
    sandbox: otherSandbox,
    ...rest
  } = options
  await stockShop(database)
  const sandbox = createSandboxGateway({ database, delays: { pendingMs: 1, slowMs: 10 } })
  const shop = await createShop({
    database,
    gateways: { card: gateway ?? sandbox },
    config,
    log: silentLog,
    ...(pages === null ? {} : { pages }),
    migrate: false,
    mailDirectory: null,
    workers,
    ...rest,
  })
  const replaced = Object.entries({ engine, catalog, log, logsRequests, sandbox: otherSandbox })
  const parts = Object.fromEntries(replaced.filter(([, part]) => part !== undefined)) as ReplacedParts
  const handler =
    Object.keys(parts).length === 0
      ? shop.handler
      : createHttpHandler({
          engine: shop.engine,
          catalog: shop.catalog,
          carts: shop.carts,
          sandbox: shop.sandbox,
          ...rest,
          pages,
          config: httpConfigOf({ ...defaultConfig, ...config, secret }, (gateway ?? sandbox).name),
          ...parts,
        })
  return {
    engine: shop.engine,
    sandbox,
    handler,
    async stop() {
      await shop.close()
      await sandbox.close()
    },
  }
}
export type TestShop = Awaited<ReturnType<typeof openShop>>

export const origin = 'http://shop.test'

export const adminSecret = 'the secret of the admin'

/** Sends admin requests with the bearer token `secret`. Null: without a token. */
export const requestAsAdmin =
  (shop: () => TestShop, remoteAddress: string) =>
  async (path: string, init: RequestInit = {}, secret: string | null = adminSecret): Promise<Response> => {
    const headers = { ...(secret === null ? {} : { Authorization: `Bearer ${secret}` }), ...init.headers }
    return shop().handler(new Request(`${origin}${path}`, { ...init, headers }), {
      incoming: { socket: { remoteAddress } },
    })
  }

export interface Browser {
  /** Sends a request as a script of a page does: with cookies, CSRF token, and JSON. */
  send(method: string, path: string, body?: unknown, headers?: Record<string, string>): Promise<Response>
  /** Opens a page: a request for HTML with cookies. */
  open(path: string): Promise<Response>
  readonly cookies: ReadonlyMap<string, string>
  readonly csrfToken: string
}

/** A browser with its own session. */
export async function openBrowser(handler: HttpHandler, address = '192.0.2.1'): Promise<Browser> {
  const cookies = new Map<string, string>()
  let csrfToken = ''
  const environment = { incoming: { socket: { remoteAddress: address } } }

  async function go(path: string, init: RequestInit): Promise<Response> {
    const cookie = [...cookies].map(([name, value]) => `${name}=${value}`).join('; ')
    const headers = { ...(init.headers as Record<string, string>), ...(cookie === '' ? {} : { Cookie: cookie }) }
    const response = await handler(new Request(`${origin}${path}`, { ...init, headers }), environment)
    for (const line of response.headers.getSetCookie()) {
      const [pair = ''] = line.split(';')
      const at = pair.indexOf('=')
      cookies.set(pair.slice(0, at), pair.slice(at + 1))
    }
    return response
  }

  const browser: Browser = {
    cookies,
    get csrfToken() {
      return csrfToken
    },
    open: path => go(path, { headers: { Accept: 'text/html' } }),
    send: (method, path, body, headers = {}) =>
      go(path, {
        method,
        ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
        headers: {
          Accept: 'application/json',
          ...(method === 'GET' ? {} : { 'X-CSRF-TOKEN': csrfToken }),
          ...(body === undefined ? {} : { 'Content-Type': 'application/json' }),
          ...headers,
        },
      }),
  }
  csrfToken = ((await (await browser.send('GET', '/csrf-token')).json()) as { csrf_token: string }).csrf_token
  return browser
}

export const address = {
  first_name: 'Ada',
  last_name: 'Lovelace',
  line_one: 'Hafenstraße 1',
  city: 'Hamburg',
  postcode: '20457',
  country: 'DE',
}

export async function json<Body = Record<string, unknown>>(response: Response): Promise<Body> {
  return (await response.json()) as Body
}
