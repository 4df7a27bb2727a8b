/** The page for an error: a heading, one sentence, and a link to the shop, without technical details. */

import type { PageFrame, Refusal } from 'holdfast/http'
import { html } from 'hono/html'
import type { Copy } from '../copy/copy.ts'
import { type Markup, page } from './layout.ts'

export function errorPage(copy: Copy, frame: PageFrame, { status, body }: Refusal): Markup {
  const { error } = copy
  const title = status === 404 ? error.notFound : status === 503 ? error.unavailable : error.failed
  const text = body.code === 'not_found' ? error.notFoundText : body.message
  const reference =
    body.request_id === undefined
      ? ''
      : html`<p class="small soft">${error.reference} <span class="mono">${body.request_id}</span></p>`
  return page(copy, frame, {
    title,
    body: html`<div class="empty"><h1>${title}</h1><p>${text}</p>${reference}<p><a class="button" href="/">${error.back}</a></p></div>`,
  })
}
