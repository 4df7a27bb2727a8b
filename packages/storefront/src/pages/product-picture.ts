/** The picture of a product: its first image, else the file for its handle. */

import type { CatalogProduct } from 'holdfast/shop'
import { html } from 'hono/html'
import type { Markup } from './layout.ts'

export function pictureUrl(product: Pick<CatalogProduct, 'handle' | 'images'>): string {
  return product.images[0]?.url ?? `/images/${encodeURIComponent(product.handle)}.svg`
}

export function picture(product: CatalogProduct, alt: string): Markup {
  return html`<div class="picture"><img src="${pictureUrl(product)}" alt="${alt}" width="640" height="800" id="picture"></div>`
}
