/** Files of the pages: style sheet, scripts, icon and the pictures of the demonstration's products. */
import { demoImage } from '../../../../storefront/src/demo/image.ts'
import { HttpError } from '../errors.ts'
import type { HttpApp, Shop } from '../route-helpers.ts'

const forEver = 'public, max-age=31536000, immutable'

export function assetRoutes(app: HttpApp, shop: Shop): void {
  app.get('/assets/:file', c => {
    const file = shop.assets.find(c.req.param('file'))
    if (file === null) throw new HttpError('not_found', 'There is no such file.')
    return c.body(file.content, 200, { 'Content-Type': file.type, 'Cache-Control': forEver })
  })
  app.get('/images/:file', c => {
    const handle = /^([\p{L}\p{N}._-]{1,255})\.svg$/u.exec(c.req.param('file'))?.[1]
    if (handle === undefined) throw new HttpError('not_found', 'There is no such picture.')
    return c.body(demoImage(handle), 200, {
      'Content-Type': 'image/svg+xml',
      'Cache-Control': 'public, max-age=86400',
      'Content-Security-Policy': "default-src 'none'; style-src 'unsafe-inline'",
    })
  })
}
