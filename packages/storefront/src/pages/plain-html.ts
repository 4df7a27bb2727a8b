/**
 * Sanitizes product descriptions from imported files: keeps a few elements without attributes and removes all other
 * markup. The content security policy would also block scripts in them.
 */
import { raw } from 'hono/html'
import type { HtmlEscapedString } from 'hono/utils/html'

const kept = new Set(['p', 'br', 'ul', 'ol', 'li', 'strong', 'em', 'b', 'i', 'h2', 'h3', 'h4', 'blockquote'])
const silenced = /<(script|style|template|iframe|noscript)\b[\s\S]*?(<\/\1\s*>|$)|<!--[\s\S]*?(-->|$)/gi
const token = /<(\/?)([a-z][a-z0-9]*)\b(?:[^>"']|"[^"]*"|'[^']*')*>|[<>]/gi

export function plainHtml(source: string): HtmlEscapedString {
  const text = source.replaceAll(silenced, '').replaceAll(token, (match, slash?: string, name?: string) => {
    if (match === '<') return '&lt;'
    if (match === '>') return '&gt;'
    const element = (name ?? '').toLowerCase()
    return kept.has(element) ? `<${slash}${element}>` : ' '
  })
  return raw(text)
}
