/** What a browser shows when a page cannot be: a sentence and a way on, no particulars. */
import { html } from 'hono/html'
import type { Refusal } from '../../../holdfast/src/http/errors.ts'
import type { Shop } from '../../../holdfast/src/http/route-helpers.ts'
import { type Markup, plainPage } from './layout.ts'

const titles: Readonly<Record<number, string>> = {
  404: 'Nothing moored here',
  503: 'Back in a moment',
}

export function errorPage(shop: Shop, { status, body }: Refusal): Markup {
  const title = titles[status] ?? 'That did not work'
  const reference =
    body.request_id === undefined
      ? ''
      : html`<p class="small soft">Reference <span class="mono">${body.request_id}</span></p>`
  return plainPage(
    shop,
    title,
    html`<div class="empty"><h1>${title}</h1><p>${body.message}</p>${reference}<p><a class="button" href="/">To the shop</a></p></div>`,
  )
}
