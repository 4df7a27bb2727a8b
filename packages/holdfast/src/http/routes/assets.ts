/** Files of the page set: style sheets, scripts, icons, and pictures. */
import type { HttpApp } from '../create-app.ts'
import { HttpError } from '../errors.ts'
import type { PageSet } from '../pages.ts'

export function assetRoutes(app: HttpApp, pages: PageSet): void {
  for (const path of ['/assets/:file', '/images/:file']) {
    app.get(path, c => {
      const asset = pages.asset(c.req.path)
      if (asset === null) throw new HttpError('not_found', 'Not found.')
      const { type, content, cacheControl, contentSecurityPolicy } = asset
      return c.body(content, 200, {
        'Content-Type': type,
        'Cache-Control': cacheControl,
        ...(contentSecurityPolicy === undefined ? {} : { 'Content-Security-Policy': contentSecurityPolicy }),
      })
    })
  }
}
