/** The catalog pages: the product list and one product. */
import type { HttpApp } from '../create-app.ts'
import { handleParamSchema, productListQuerySchema } from '../schemas/requests.ts'
import type { ShopParts } from '../shop-parts.ts'
import { requirePages, showPage } from '../show-page.ts'
import { productNotFound } from './catalog.ts'

const pageSize = 24

export function storefrontRoutes(app: HttpApp, shop: ShopParts): void {
  const { currency } = shop.config

  app.get('/', async c => {
    requirePages(shop)
    const parsed = productListQuerySchema.safeParse(c.req.query())
    const { query, after } = parsed.success ? parsed.data : {}
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
    const parsed = handleParamSchema.safeParse(c.req.param())
    const product = parsed.success ? await shop.catalog.getProduct(parsed.data.handle, { currency }) : null
    if (product === null) throw productNotFound()
    return showPage(shop, c, (pages, frame) => pages.product(frame, product))
  })
}
