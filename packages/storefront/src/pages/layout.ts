/** The frame of every page: head, masthead, footer. Everything that comes from data is escaped by `html`. */

import { currencyDecimals, formatMoney } from 'holdfast'
import type { PageFrame } from 'holdfast/http'
import { html, raw } from 'hono/html'
import type { HtmlEscapedString } from 'hono/utils/html'
import { assetUrl } from '../assets.ts'

export type Markup = HtmlEscapedString | Promise<HtmlEscapedString>

export interface Content {
  title: string
  body: Markup
  /** Default: `store.js`. */
  scripts?: readonly string[]
  /** The text in the search field. */
  query?: string
}

const knot = raw(
  '<svg viewBox="0 0 32 32" fill="none" stroke-width="3.4" stroke-linecap="round" aria-hidden="true"><path d="M7 27c0-9 4-9 9-11s9-3 9-9a5 5 0 0 0-10 0c0 4 2 6 5 8"/><path d="M25 27c0-6-2-8.500-5-10M7 5c0 5 3 7 6 8.400"/></svg>',
)

export function money(amountMinor: number | null, currency: string): Markup {
  return amountMinor === null
    ? html`<span class="soft">no price</span>`
    : html`<span class="money">${formatMoney(amountMinor, currency)}</span>`
}

function cartLink(quantity: number): Markup {
  return html`<nav aria-label="Cart"><a class="cart-link" href="/cart"><span>Cart</span>
    <span class="count" id="cart-count" data-count="${quantity}">${quantity}</span><span class="visually-hidden">items</span></a></nav>`
}

/** A whole page. Without a session it has no scripts and no cart link. */
export function page(frame: PageFrame, { title, body, scripts, query = '' }: Content): Markup {
  const { shopName, currency, csrfToken, cartQuantity, isSandbox } = frame
  const loaded = scripts ?? (csrfToken === null ? [] : ['store.js'])
  return html`<!doctype html>
<html lang="en" data-currency="${currency}" data-decimals="${currencyDecimals(currency)}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title} – ${shopName}</title>
<meta name="theme-color" content="#fffdf8" media="(prefers-color-scheme: light)">
<meta name="theme-color" content="#15232c" media="(prefers-color-scheme: dark)">
${csrfToken === null ? '' : html`<meta name="csrf-token" content="${csrfToken}">`}
<link rel="icon" type="image/svg+xml" href="${assetUrl('favicon.svg')}">
<link rel="stylesheet" href="${assetUrl('store.css')}">
${loaded.map(script => html`<script type="module" src="${assetUrl(script)}"></script>`)}
</head>
<body>
<a class="skip" href="#main">Skip to content</a>
<header class="masthead"><div class="bar">
  <a class="mark" href="/">${knot}${shopName}</a>
  <form class="search" action="/" role="search"><label class="visually-hidden" for="search">Search products</label>
    <input id="search" name="query" type="search" placeholder="Search" value="${query}" maxlength="100"><button>Find</button></form>
  ${cartQuantity === null ? '' : cartLink(cartQuantity)}
</div><div class="rope" role="presentation"></div></header>
<main id="main">${body}</main>
<footer class="footer"><div><p>${shopName}</p>${!isSandbox ? '' : html`<p>Sandbox: no real money moves.</p>`}</div></footer>
</body>
</html>`
}
