/** The catalog as JSON. */
import { createRoute } from '@hono/zod-openapi'
import type { HttpApp } from '../create-app.ts'
import { HttpError } from '../errors.ts'
import { presentProduct } from '../present.ts'
import { handleParamSchema, productListQuerySchema } from '../schemas/requests.ts'
import { productListResponse, productResponse, responses } from '../schemas/responses.ts'
import type { ShopParts } from '../shop-parts.ts'

const list = createRoute({
  method: 'get',
  path: '/products',
  summary: 'List products',
  request: { query: productListQuerySchema },
  responses: responses({
    200: ['A page of products. Pass `next` as `after` to get the following page', productListResponse],
  }),
})
const one = createRoute({
  method: 'get',
  path: '/products/{handle}',
  summary: 'Get a product',
  request: { params: handleParamSchema },
  responses: responses({ 200: ['The product', productResponse] }),
})

export function productNotFound(): HttpError {
  return new HttpError('product_not_found', 'Product not found.')
}

export function catalogRoutes(app: HttpApp, shop: ShopParts): void {
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
