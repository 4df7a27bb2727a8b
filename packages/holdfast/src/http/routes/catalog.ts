/** The catalog as data. */
import { createRoute } from '@hono/zod-openapi'
import { HttpError } from '../errors.ts'
import { presentProduct } from '../present.ts'
import type { HttpApp, Shop } from '../route-helpers.ts'
import { handleParamSchema, productListQuerySchema } from '../schemas/requests.ts'
import { answers, productAnswer, productListAnswer } from '../schemas/responses.ts'

const list = createRoute({
  method: 'get',
  path: '/products',
  summary: 'Products, page by page',
  request: { query: productListQuerySchema },
  responses: answers({ 200: ['A page; `next` goes into `after` for the following one', productListAnswer] }),
})
const one = createRoute({
  method: 'get',
  path: '/products/{handle}',
  summary: 'One product',
  request: { params: handleParamSchema },
  responses: answers({ 200: ['The product', productAnswer] }),
})

export function productNotFound(): HttpError {
  return new HttpError('product_not_found', 'There is no such product.')
}

export function catalogRoutes(app: HttpApp, shop: Shop): void {
  const { catalog, config } = shop
  const { currency } = config

  app.openapi(list, async c => {
    const { query, after, limit } = c.req.valid('query')
    const page = await catalog.listProducts({
      currency,
      ...(query === undefined ? {} : { query }),
      ...(after === undefined ? {} : { after }),
      ...(limit === undefined ? {} : { limit }),
    })
    return c.json({ products: page.products.map(product => presentProduct(product, currency)), next: page.next }, 200)
  })

  app.openapi(one, async c => {
    const product = await catalog.getProduct(c.req.valid('param').handle, { currency })
    if (product === null) throw productNotFound()
    return c.json(presentProduct(product, currency), 200)
  })
}
