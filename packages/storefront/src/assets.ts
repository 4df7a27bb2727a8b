/** Style sheet and scripts of the pages, served under names that change with their content, so they may be kept for ever. */
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'

const kinds: Readonly<Record<string, string>> = {
  'store.css': 'text/css; charset=utf-8',
  'store.js': 'text/javascript; charset=utf-8',
  'checkout.js': 'text/javascript; charset=utf-8',
  'stripe-form.js': 'text/javascript; charset=utf-8',
  'stripe-step.js': 'text/javascript; charset=utf-8',
  'favicon.svg': 'image/svg+xml',
}

export interface Assets {
  /** The address of an asset: "/assets/store.1a2b3c4d.css". */
  urlOf(name: string): string
  find(file: string): { type: string; content: string } | null
}

export function loadAssets(): Assets {
  const urls = new Map<string, string>()
  const files = new Map<string, { type: string; content: string }>()
  for (const [name, type] of Object.entries(kinds)) {
    const content = readFileSync(new URL(`../../web/assets/${name}`, import.meta.url), 'utf8')
    const hash = createHash('sha256').update(content).digest('hex').slice(0, 12)
    const [stem, extension] = name.split('.')
    const file = `${stem}.${hash}.${extension}`
    urls.set(name, `/assets/${file}`)
    files.set(file, { type, content })
  }
  return {
    urlOf(name) {
      const url = urls.get(name)
      if (url === undefined) throw new Error(`there is no asset ${name}`)
      return url
    },
    find: file => files.get(file) ?? null,
  }
}
