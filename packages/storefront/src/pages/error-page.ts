/** What a browser shows when a page cannot be: a sentence and a way on, no particulars. */

import type { PageFrame, Refusal } from 'holdfast/http'
import { html } from 'hono/html'
import { type Markup, page } from './layout.ts'

const titles: Readonly<Record<number, string>> = {
  404: 'Nothing moored here',
  503: 'Back in a moment',
}

export function errorPage(frame: PageFrame, { status, body }: Refusal): Markup {
  const title = titles[status] ?? 'That did not work'
  const reference =
    body.request_id === undefined
      ? ''
      : html`<p class="small soft">Reference <span class="mono">${body.request_id}</span></p>`
  return page(frame, {
    title,
    body: html`<div class="empty"><h1>${title}</h1><p>${body.message}</p>${reference}<p><a class="button" href="/">Go to the shop</a></p></div>`,
  })
}
