/**
 * Mails that were kept instead of being sent. They hold what is the buyers' alone, so they are shown to a browser on the
 * same machine and to nobody else, and never in production. A mail is shown in a frame that runs nothing and reaches
 * nothing.
 */

import type { HttpContext } from '../context.ts'
import { HttpError } from '../errors.ts'
import { isOfThisMachine } from '../middleware/local-request.ts'
import { pageHeaders } from '../middleware/page-headers.ts'
import type { ShownMail } from '../pages.ts'
import type { HttpApp, Shop } from '../route-helpers.ts'
import { plainFrame, requirePages } from '../show-page.ts'

export interface Mailbox {
  /** Newest first. */
  list(): Promise<readonly ShownMail[]>
  read(id: string): Promise<ShownMail | null>
}

const noStore = { 'Cache-Control': 'no-store' }
/** Style sheets of mails stand in the mail itself. */
const inFrame = {
  ...noStore,
  'Content-Security-Policy':
    "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'self'; sandbox allow-popups allow-popups-to-escape-sandbox",
  'X-Frame-Options': 'SAMEORIGIN',
}

/** @param addressOf the address of whoever is connected, whatever a header says; null: it is not known. */
export function devMailRoutes(
  app: HttpApp,
  shop: Shop,
  mailbox: Mailbox,
  addressOf: (c: HttpContext) => string | null,
): void {
  async function find(c: HttpContext): Promise<ShownMail> {
    const mail = await mailbox.read(c.req.param('id') ?? '')
    if (mail === null) throw new HttpError('not_found', 'There is no such mail, or none any more.')
    return mail
  }

  app.use('/dev/mail/*', async (c, next) => {
    if (!isOfThisMachine(c, addressOf(c))) throw new HttpError('not_found', 'There is nothing here.')
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
