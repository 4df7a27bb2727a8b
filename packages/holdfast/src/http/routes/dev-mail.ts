/**
 * The pages of emails kept during development. Emails contain personal data, so only a browser on this machine may see
 * them, and never in production. Their HTML is framed without scripts and without access to the network.
 */

import type { HttpContext } from '../context.ts'
import type { HttpApp } from '../create-app.ts'
import { HttpError } from '../errors.ts'
import { isFromThisMachine } from '../middleware/local-request.ts'
import { pageHeaders } from '../middleware/page-headers.ts'
import { noStore } from '../no-store.ts'
import type { ShownMail } from '../pages.ts'
import type { ShopParts } from '../shop-parts.ts'
import { plainFrame, requirePages } from '../show-page.ts'

export interface Mailbox {
  /** Newest first. */
  list(): Promise<readonly ShownMail[]>
  read(id: string): Promise<ShownMail | null>
}

/** Emails contain their style sheets inline. */
const inFrame = {
  ...noStore,
  'Content-Security-Policy':
    "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'self'; sandbox allow-popups allow-popups-to-escape-sandbox",
  'X-Frame-Options': 'SAMEORIGIN',
}

/** @param addressOf gives the address of the connected client, ignoring headers. Null: unknown. */
export function devMailRoutes(
  app: HttpApp,
  shop: ShopParts,
  mailbox: Mailbox,
  addressOf: (c: HttpContext) => string | null,
): void {
  async function find(c: HttpContext): Promise<ShownMail> {
    const mail = await mailbox.read(c.req.param('id') ?? '')
    if (mail === null) throw new HttpError('not_found', 'Email not found.')
    return mail
  }

  app.use('/dev/mail/*', async (c, next) => {
    if (!isFromThisMachine(c, addressOf(c))) throw new HttpError('not_found', 'Not found.')
    return next()
  })
  app.get('/dev/mail', async c => {
    const pages = requirePages(shop)
    return c.html(pages.mailList(plainFrame(shop), await mailbox.list()), 200, noStore)
  })
  app.use('/dev/mail/:id', pageHeaders({ production: false, form: null, framesOwn: true }))
  app.get('/dev/mail/:id', async c => {
    const pages = requirePages(shop)
    return c.html(pages.mail(plainFrame(shop), await find(c)), 200, noStore)
  })
  app.get('/dev/mail/:id/html', async c => c.html((await find(c)).html, 200, inFrame))
}
