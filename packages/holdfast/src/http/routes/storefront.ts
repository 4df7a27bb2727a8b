/** The pages one browses: all products, and one of them. */
import { homePage } from '../../../../storefront/src/pages/home-page.ts'
import { productPage } from '../../../../storefront/src/pages/product-page.ts'
import type { HttpApp, Shop } from '../route-helpers.ts'
import { handleParamSchema, productListQuerySchema } from '../schemas/requests.ts'
import { productNotFound } from './catalog.ts'

const pageSize = 24

export function storefrontRoutes(app: HttpApp, shop: Shop): void {
  const { currency } = shop.config

  app.get('/', async c => {
    const asked = productListQuerySchema.safeParse(c.req.query())
    const { query, after } = asked.success ? asked.data : {}
    const page = await shop.catalog.listProducts({
      currency,
      limit: pageSize,
      ...(query === undefined ? {} : { query }),
      ...(after === undefined ? {} : { after }),
    })
    return homePage(shop, c, page, { query: query ?? '', isFirst: after === undefined })
  })

  app.get('/p/:handle', async c => {
    const asked = handleParamSchema.safeParse(c.req.param())
    const product = asked.success ? await shop.catalog.getProduct(asked.data.handle, { currency }) : null
    if (product === null) throw productNotFound()
    return productPage(shop, c, product)
  })
}
