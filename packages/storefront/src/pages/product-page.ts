/** The product page: picture, variants with price and stock, and the form that adds one to the cart. */

import type { PageFrame } from 'holdfast/http'
import type { CatalogProduct, CatalogVariant } from 'holdfast/shop'
import { html } from 'hono/html'
import { type Copy, fill } from '../copy/copy.ts'
import { jsonScript } from './json-script.ts'
import { type Markup, money, page } from './layout.ts'
import { plainHtml } from './plain-html.ts'
import { picture } from './product-picture.ts'

/** From this many units down, the page shows how many are left. */
const few = 5

const isBuyable = (variant: CatalogVariant): boolean =>
  variant.purchasable && variant.inStock && variant.priceMinor !== null

function stockLine({ product }: Copy, variant: CatalogVariant): { level: 'good' | 'low' | 'none'; text: string } {
  const { available, stockPolicy } = variant
  if (!variant.purchasable || variant.priceMinor === null) return { level: 'none', text: product.notForSale }
  if (!variant.inStock) return { level: 'none', text: product.soldOut }
  if (stockPolicy === 'continue' && available <= 0) return { level: 'low', text: product.madeToOrder }
  return available <= few
    ? { level: 'low', text: fill(product.fewLeft, { count: available }) }
    : { level: 'good', text: product.inStock }
}

function choices({ product: text }: Copy, product: CatalogProduct, chosen: CatalogVariant): Markup {
  if (product.variants.length < 2) return html`<input type="hidden" name="sku" value="${chosen.sku}">`
  const name = product.options.map(option => option.name).join(text.optionSeparator) || text.variant
  const choice = (variant: CatalogVariant) => html`<label class="choice ${isBuyable(variant) ? '' : 'unavailable'}">
    <input type="radio" name="sku" value="${variant.sku}" ${variant === chosen ? 'checked' : ''}><span>${variant.title || variant.sku}</span></label>`
  return html`<fieldset><legend>${name}</legend><div class="choices">${product.variants.map(choice)}</div></fieldset>`
}

function buyForm(copy: Copy, product: CatalogProduct, chosen: CatalogVariant): Markup {
  const stock = stockLine(copy, chosen)
  const variants = product.variants.map(variant => ({
    sku: variant.sku,
    price: variant.priceMinor,
    was: variant.compareAtMinor,
    image: variant.imageUrl,
    stock: stockLine(copy, variant),
    buyable: isBuyable(variant),
  }))
  return html`<form id="buy" novalidate>
    ${choices(copy, product, chosen)}
    <p class="stock" id="stock" data-stock="${stock.level}" aria-live="polite">${stock.text}</p>
    <div class="add"><label class="visually-hidden" for="quantity">${copy.product.quantity}</label>
      <input id="quantity" name="quantity" type="number" inputmode="numeric" min="1" max="9999" value="1">
      <button class="primary wide" ${isBuyable(chosen) ? '' : 'disabled'}>${copy.product.addToCart}</button></div>
    <p class="status" id="status" role="status"></p>
    ${jsonScript('variants', variants)}
  </form>`
}

export function productPage(copy: Copy, frame: PageFrame, product: CatalogProduct): Markup {
  const { currency } = frame
  const chosen = product.variants.find(isBuyable) ?? product.variants[0]
  const was = chosen?.compareAtMinor ?? null
  const thumbs = product.images.slice(1, 6)
  const body = html`<div class="product">
    <div>${picture(product, product.images[0]?.alt ?? product.title)}
      ${
        thumbs.length === 0
          ? ''
          : html`<ul class="thumbs">${thumbs.map(image => html`<li><img src="${image.url}" alt="${image.alt ?? ''}" width="76" height="76" loading="lazy"></li>`)}</ul>`
      }</div>
    <div class="buy">
      <h1>${product.title}</h1>
      <p class="price" id="price">${money(copy, chosen?.priceMinor ?? null, currency)}${was === null ? '' : html`<span class="was">${money(copy, was, currency)}</span>`}</p>
      ${chosen === undefined ? html`<p>${copy.product.notForSale}</p>` : buyForm(copy, product, chosen)}
      <noscript><p>${copy.product.scriptsNeeded}</p></noscript>
      ${product.descriptionHtml === '' ? '' : html`<div class="prose">${plainHtml(product.descriptionHtml)}</div>`}
    </div></div>`
  return page(copy, frame, { title: product.title, body })
}
