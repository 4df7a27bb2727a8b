/** The storefront: products in a grid, page by page, or what a search found. */

import type { HomeView, PageFrame } from 'holdfast/http'
import type { CatalogProduct } from 'holdfast/shop'
import { html } from 'hono/html'
import { type Markup, money, page } from './layout.ts'
import { pictureUrl } from './product-picture.ts'

/** Pictures that are on the screen at once. */
const eager = 4

function priceLine(product: CatalogProduct, currency: string): Markup {
  const prices = product.variants.flatMap(variant => (variant.priceMinor === null ? [] : [variant.priceMinor]))
  if (prices.length === 0) return html`<p class="soft">Not for sale yet</p>`
  const lowest = Math.min(...prices)
  if (!product.variants.some(variant => variant.inStock && variant.purchasable)) {
    return html`<p class="soft">${money(lowest, currency)}, sold out</p>`
  }
  const was = product.variants.length === 1 ? (product.variants[0]?.compareAtMinor ?? null) : null
  return html`<p>${Math.max(...prices) > lowest ? 'from ' : ''}${money(lowest, currency)}${
    was === null
      ? ''
      : html` <span class="was"><span class="visually-hidden">before </span>${money(was, currency)}</span>`
  }</p>`
}

function card(product: CatalogProduct, currency: string, at: number): Markup {
  return html`<li class="card"><a href="/p/${encodeURIComponent(product.handle)}">
    <div class="picture"><img src="${pictureUrl(product)}" alt="" width="640" height="800" loading="${at < eager ? 'eager' : 'lazy'}"></div>
    <h2>${product.title}</h2>${priceLine(product, currency)}</a></li>`
}

function heading(query: string, isFirst: boolean, found: number): Markup {
  if (query !== '') {
    return html`<div class="hero"><p class="eyebrow"><a href="/">All goods</a></p><h1>“${query}”</h1>
      ${found === 0 ? html`<p>Nothing in the shop goes by that. Try a shorter word.</p>` : ''}</div>`
  }
  if (!isFirst)
    return html`<div class="hero"><p class="eyebrow"><a href="/">From the start</a></p><h1>More goods</h1></div>`
  return html`<div class="hero"><h1>Goods that hold fast.</h1><p>Small harbour shop, short shelves. What is in stock ships today.</p></div>`
}

export function homePage(frame: PageFrame, { products, next, query, isFirst }: HomeView): Markup {
  const { currency } = frame
  const more = next === null ? null : new URLSearchParams({ ...(query === '' ? {} : { query }), after: next })
  const body = html`${heading(query, isFirst, products.length)}
    <ul class="grid">${products.map((product, at) => card(product, currency, at))}</ul>
    ${more === null ? '' : html`<p class="more"><a class="button" rel="next" href="/?${more.toString()}">More goods</a></p>`}`
  return page(frame, { title: query === '' ? 'Goods that hold fast' : `“${query}”`, body, query })
}
