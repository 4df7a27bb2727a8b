/** The picture of a product: its own, else one drawn for its handle. */

import type { CatalogProduct } from 'holdfast/shop'
import { html } from 'hono/html'
import type { Markup } from './layout.ts'

export function pictureUrl(product: Pick<CatalogProduct, 'handle' | 'images'>): string {
  return product.images[0]?.url ?? `/images/${encodeURIComponent(product.handle)}.svg`
}

/** @param isFirst it is seen at once, so it is loaded at once. */
export function picture(product: CatalogProduct, isFirst: boolean, alt: string): Markup {
  return html`<div class="picture"><img src="${pictureUrl(product)}" alt="${alt}" width="640" height="800" ${isFirst ? '' : 'loading=lazy'} id="picture"></div>`
}
