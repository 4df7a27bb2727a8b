/** A buyer of a running server, over HTTP: a browser with its own session. */
import { type Browser, openBrowser } from '../../../holdfast/test/http/open-shop.ts'

export const buyerAddress = {
  first_name: 'Ada',
  last_name: 'Lovelace',
  line_one: '12 St James Square',
  city: 'London',
  postcode: 'SW1Y 4JH',
  country: 'GB',
}

/** @param url the server's address: "http://127.0.0.1:3000" */
export function openBuyer(url: string): Promise<Browser> {
  return openBrowser(async request => {
    const { pathname, search } = new URL(request.url)
    const body = request.method === 'GET' ? undefined : await request.text()
    return fetch(`${url}${pathname}${search}`, {
      method: request.method,
      headers: request.headers,
      redirect: 'manual',
      ...(body === undefined || body === '' ? {} : { body }),
    })
  })
}

/** Sends a request and returns its JSON. @throws {Error} with the answer unless the status is 2xx. */
export async function sendJson<Body>(buyer: Browser, method: string, path: string, body?: unknown): Promise<Body> {
  const response = await buyer.send(method, path, body)
  const text = await response.text()
  if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`)
  return JSON.parse(text) as Body
}

interface ProductList {
  products: { variants: { sku: string; available: number }[] }[]
}

/** The SKU of a variant in stock. */
export async function findSku(buyer: Browser): Promise<string> {
  const { products } = await sendJson<ProductList>(buyer, 'GET', '/products')
  const variant = products.flatMap(({ variants }) => variants).find(({ available }) => available > 0)
  if (variant === undefined) throw new Error('the shop has nothing in stock')
  return variant.sku
}
