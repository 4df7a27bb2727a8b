/** Data for a page's script, in a block that browsers never execute and that no value can close. */
import { html, raw } from 'hono/html'
import type { HtmlEscapedString } from 'hono/utils/html'

export function jsonScript(id: string, data: unknown): HtmlEscapedString | Promise<HtmlEscapedString> {
  return html`<script type="application/json" id="${id}">${raw(JSON.stringify(data).replaceAll('<', '\\u003c'))}</script>`
}
