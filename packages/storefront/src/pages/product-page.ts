/** One product: its picture, its variants, what is there of it, and the way into the cart. */

import type { PageFrame } from 'holdfast/http'
import type { CatalogProduct, CatalogVariant } from 'holdfast/shop'
import { html } from 'hono/html'
import { jsonScript } from './json-script.ts'
import { type Markup, money, page } from './layout.ts'
import { plainHtml } from './plain-html.ts'
import { picture } from './product-picture.ts'

const few = 5

const isBuyable = (variant: CatalogVariant): boolean =>
  variant.purchasable && variant.inStock && variant.priceMinor !== null

export function stockLine(variant: CatalogVariant): { level: 'good' | 'low' | 'none'; text: string } {
  if (!variant.purchasable || variant.priceMinor === null) return { level: 'none', text: 'Not for sale at the moment' }
  if (!variant.inStock) return { level: 'none', text: 'Sold out' }
  if (variant.stockPolicy === 'continue' && variant.available <= 0) return { level: 'low', text: 'Made to order' }
  return variant.available <= few
    ? { level: 'low', text: `Only ${variant.available} left` }
    : { level: 'good', text: 'In stock, ships today' }
}

function choices(product: CatalogProduct, chosen: CatalogVariant): Markup {
  if (product.variants.length < 2) return html`<input type="hidden" name="sku" value="${chosen.sku}">`
  const name = product.options.map(option => option.name).join(' and ') || 'Variant'
  const one = (variant: CatalogVariant) => html`<label class="choice ${isBuyable(variant) ? '' : 'gone'}">
    <input type="radio" name="sku" value="${variant.sku}" ${variant === chosen ? 'checked' : ''}><span>${variant.title || variant.sku}</span></label>`
  return html`<fieldset><legend>${name}</legend><div class="choices">${product.variants.map(one)}</div></fieldset>`
}

function buyForm(product: CatalogProduct, chosen: CatalogVariant): Markup {
  const stock = stockLine(chosen)
  const variants = product.variants.map(variant => ({
    sku: variant.sku,
    price: variant.priceMinor,
    was: variant.compareAtMinor,
    image: variant.imageUrl,
    stock: stockLine(variant),
    buyable: isBuyable(variant),
  }))
  return html`<form id="buy" novalidate>
    ${choices(product, chosen)}
    <p class="stock" id="stock" data-stock="${stock.level}" aria-live="polite">${stock.text}</p>
    <div class="add"><label class="visually-hidden" for="quantity">Quantity</label>
      <input id="quantity" name="quantity" type="number" inputmode="numeric" min="1" max="9999" value="1">
      <button class="primary wide" ${isBuyable(chosen) ? '' : 'disabled'}>Add to cart</button></div>
    <p class="said" id="said" role="status"></p>
    ${jsonScript('variants', variants)}
  </form>`
}

export function productPage(frame: PageFrame, product: CatalogProduct): Markup {
  const { currency } = frame
  const chosen = product.variants.find(isBuyable) ?? product.variants[0]
  const was = chosen?.compareAtMinor ?? null
  const body = html`<div class="product">
    <div>${picture(product, true, product.images[0]?.alt ?? product.title)}
      ${
        product.images.length < 2
          ? ''
          : html`<ul class="thumbs">${product.images.slice(1, 6).map(image => html`<li><img src="${image.url}" alt="${image.alt ?? ''}" width="76" height="76" loading="lazy"></li>`)}</ul>`
      }</div>
    <div class="buy">
      <h1>${product.title}</h1>
      <p class="price" id="price">${money(chosen?.priceMinor ?? null, currency)}${was === null ? '' : html`<span class="was">${money(was, currency)}</span>`}</p>
      ${chosen === undefined ? html`<p>Not for sale at the moment.</p>` : buyForm(product, chosen)}
      <noscript><p>Adding to the cart needs JavaScript.</p></noscript>
      ${product.descriptionHtml === '' ? '' : html`<div class="prose">${plainHtml(product.descriptionHtml)}</div>`}
    </div></div>`
  return page(frame, { title: product.title, body })
}
