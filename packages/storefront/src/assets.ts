/**
 * Files of the pages. The names of style sheet and scripts contain a hash of their content, so browsers may cache them
 * forever.
 */
import { createHash } from 'node:crypto'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import type { PageAsset } from 'holdfast/http'

const types: Readonly<Record<string, string>> = {
  'store.css': 'text/css; charset=utf-8',
  'store.js': 'text/javascript; charset=utf-8',
  'checkout.js': 'text/javascript; charset=utf-8',
  'stripe-form.js': 'text/javascript; charset=utf-8',
  'stripe-step.js': 'text/javascript; charset=utf-8',
  'favicon.svg': 'image/svg+xml',
}

const assetFolder = new URL('../assets/', import.meta.url)
const pictureFolder = new URL('../demo/pictures/', import.meta.url)

const read = (folder: URL, name: string): string => readFileSync(new URL(name, folder), 'utf8')

function hashedFiles(): { urls: ReadonlyMap<string, string>; files: ReadonlyMap<string, PageAsset> } {
  const urls = new Map<string, string>()
  const files = new Map<string, PageAsset>()
  for (const [name, type] of Object.entries(types)) {
    const content = read(assetFolder, name)
    const hash = createHash('sha256').update(content).digest('hex').slice(0, 12)
    const [stem, extension] = name.split('.')
    const url = `/assets/${stem}.${hash}.${extension}`
    urls.set(name, url)
    files.set(url, { type, content, cacheControl: 'public, max-age=31536000, immutable' })
  }
  return { urls, files }
}

function picture(folder: URL, name: string): PageAsset {
  return {
    type: 'image/svg+xml',
    content: read(folder, name),
    cacheControl: 'public, max-age=86400',
    contentSecurityPolicy: "default-src 'none'; style-src 'unsafe-inline'",
  }
}

const { urls, files } = hashedFiles()
const demoPictures = new Set(existsSync(pictureFolder) ? readdirSync(pictureFolder) : [])

/** The path of an asset: "/assets/store.1a2b3c4d.css". */
export function assetUrl(name: string): string {
  const url = urls.get(name)
  if (url === undefined) throw new Error(`no asset is named "${name}"`)
  return url
}

/**
 * The file at a path. `/images/HANDLE.svg` is the picture of a demo product, else a neutral placeholder; other unknown
 * paths give null.
 */
export function assetAt(path: string): PageAsset | null {
  const found = files.get(path)
  if (found !== undefined) return found
  const name = /^\/images\/([\p{L}\p{N}._%-]{1,800}\.svg)$/u.exec(path)?.[1]
  if (name === undefined) return null
  return demoPictures.has(name) ? picture(pictureFolder, name) : picture(assetFolder, 'placeholder.svg')
}
