/** The catalog pages: the product list and one product. */

import type { HttpApp, Shop } from '../route-helpers.ts'
import { handleParamSchema, productListQuerySchema } from '../schemas/requests.ts'
import { requirePages, showPage } from '../show-page.ts'
import { productNotFound } from './catalog.ts'

const pageSize = 24

export function storefrontRoutes(app: HttpApp, shop: Shop): void {
  const { currency } = shop.config

  app.get('/', async c => {
    requirePages(shop)
    const asked = productListQuerySchema.safeParse(c.req.query())
    const { query, after } = asked.success ? asked.data : {}
    const page = await shop.catalog.listProducts({
      currency,
      limit: pageSize,
      ...(query === undefined ? {} : { query }),
      ...(after === undefined ? {} : { after }),
    })
    const view = { ...page, query: query ?? '', isFirst: after === undefined }
    return showPage(shop, c, (pages, frame) => pages.home(frame, view))
  })

  app.get('/p/:handle', async c => {
    requirePages(shop)
    const asked = handleParamSchema.safeParse(c.req.param())
    const product = asked.success ? await shop.catalog.getProduct(asked.data.handle, { currency }) : null
    if (product === null) throw productNotFound()
    return showPage(shop, c, (pages, frame) => pages.product(frame, product))
  })
}
