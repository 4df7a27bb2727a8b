/** The home page: products in a grid, page by page, or the results of a search. */

import type { HomeView, PageFrame } from 'holdfast/http'
import type { CatalogProduct } from 'holdfast/shop'
import { html } from 'hono/html'
import type { Copy } from '../copy/copy.ts'
import { type Markup, money, page } from './layout.ts'
import { pictureUrl } from './product-picture.ts'

/** Pictures in the first row, which load at once. */
const eager = 4

function priceLine(copy: Copy, product: CatalogProduct, currency: string): Markup {
  const { home } = copy
  const prices = product.variants.flatMap(variant => (variant.priceMinor === null ? [] : [variant.priceMinor]))
  if (prices.length === 0) return html`<p class="soft">${home.notForSale}</p>`
  const lowest = Math.min(...prices)
  if (!product.variants.some(variant => variant.inStock && variant.purchasable)) {
    const [before = '', after = ''] = home.soldOut.split('{price}')
    return html`<p class="soft">${before}${money(copy, lowest, currency)}${after}</p>`
  }
  const was = product.variants.length === 1 ? (product.variants[0]?.compareAtMinor ?? null) : null
  return html`<p>${Math.max(...prices) > lowest ? `${home.from} ` : ''}${money(copy, lowest, currency)}${
    was === null
      ? ''
      : html` <span class="was"><span class="visually-hidden">${home.before} </span>${money(copy, was, currency)}</span>`
  }</p>`
}

function card(copy: Copy, product: CatalogProduct, currency: string, index: number): Markup {
  return html`<li class="card"><a href="/p/${encodeURIComponent(product.handle)}">
    <div class="picture"><img src="${pictureUrl(product)}" alt="" width="640" height="800" loading="${index < eager ? 'eager' : 'lazy'}"></div>
    <h2>${product.title}</h2>${priceLine(copy, product, currency)}</a></li>`
}

function heading({ home }: Copy, query: string, isFirst: boolean, isEmpty: boolean): Markup {
  if (query !== '') {
    return html`<div class="hero"><p class="eyebrow"><a href="/">${home.allProducts}</a></p><h1>“${query}”</h1>
      ${isEmpty ? html`<p>${home.nothingFound}</p>` : ''}</div>`
  }
  if (!isFirst) {
    return html`<div class="hero"><p class="eyebrow"><a href="/">${home.firstPage}</a></p><h1>${home.moreProducts}</h1></div>`
  }
  return html`<div class="hero"><h1>${home.headline}</h1>${home.tagline === '' ? '' : html`<p>${home.tagline}</p>`}
      ${isEmpty ? html`<p>${home.noProducts}</p>` : ''}</div>`
}

export function homePage(copy: Copy, frame: PageFrame, { products, next, query, isFirst }: HomeView): Markup {
  const { home } = copy
  const { currency } = frame
  const more = next === null ? null : new URLSearchParams({ ...(query === '' ? {} : { query }), after: next })
  const body = html`${heading(copy, query, isFirst, products.length === 0)}
    ${products.length === 0 ? '' : html`<ul class="grid">${products.map((product, index) => card(copy, product, currency, index))}</ul>`}
    ${more === null ? '' : html`<p class="more"><a class="button" rel="next" href="/?${more.toString()}">${home.moreProducts}</a></p>`}`
  return page(copy, frame, { title: query === '' ? home.title : `“${query}”`, body, query })
}
