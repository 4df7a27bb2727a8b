/** Data for a page's script, in a block that is never executed and cannot be broken out of. */
import { html, raw } from 'hono/html'
import type { Markup } from './layout.ts'

export function jsonScript(id: string, data: unknown): Markup {
  return html`<script type="application/json" id="${id}">${raw(JSON.stringify(data).replaceAll('<', '\\u003c'))}</script>`
}
