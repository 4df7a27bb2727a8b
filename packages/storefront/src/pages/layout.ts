/** The layout of every page: head, masthead, footer. `html` escapes all data. */

import { currencyDecimals, formatMoney } from 'holdfast'
import type { PageFrame } from 'holdfast/http'
import { html } from 'hono/html'
import type { HtmlEscapedString } from 'hono/utils/html'
import { assetUrl } from '../assets.ts'
import type { Copy } from '../copy/copy.ts'
import { jsonScript } from './json-script.ts'

export type Markup = HtmlEscapedString | Promise<HtmlEscapedString>

export interface Content {
  title: string
  body: Markup
  /** Default: `store.js`. */
  scripts?: readonly string[]
  /** Texts for scripts other than `store.js`, by script. */
  scriptCopy?: Readonly<Record<string, unknown>>
  /** The text in the search field. */
  query?: string
}

export function money({ locale, layout }: Copy, amountMinor: number | null, currency: string): Markup {
  return amountMinor === null
    ? html`<span class="soft">${layout.noPrice}</span>`
    : html`<span class="money">${formatMoney(amountMinor, currency, locale.language)}</span>`
}

function cartLink({ layout }: Copy, quantity: number): Markup {
  return html`<nav aria-label="${layout.cart}"><a class="cart-link" href="/cart"><span>${layout.cart}</span>
    <span class="count" id="cart-count" data-count="${quantity}">${quantity}</span><span class="visually-hidden">${layout.cartItems}</span></a></nav>`
}

/** A complete page. Without a session it has no scripts and no cart link. */
export function page(copy: Copy, frame: PageFrame, { title, body, scripts, scriptCopy, query = '' }: Content): Markup {
  const { locale, layout } = copy
  const { shopName, currency, csrfToken, cartQuantity, isSandbox } = frame
  const loaded = scripts ?? (csrfToken === null ? [] : ['store.js'])
  const store = { ...copy.storeScript, noPrice: layout.noPrice }
  return html`<!doctype html>
<html lang="${locale.language}" data-currency="${currency}" data-decimals="${currencyDecimals(currency)}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title} – ${shopName}</title>
<meta name="theme-color" content="#fffdf8" media="(prefers-color-scheme: light)">
<meta name="theme-color" content="#15232c" media="(prefers-color-scheme: dark)">
${csrfToken === null ? '' : html`<meta name="csrf-token" content="${csrfToken}">`}
<link rel="icon" type="image/svg+xml" href="${assetUrl('favicon.svg')}">
<link rel="stylesheet" href="${assetUrl('store.css')}">
${loaded.length === 0 ? '' : jsonScript('copy', { store, ...scriptCopy })}
${loaded.map(script => html`<script type="module" src="${assetUrl(script)}"></script>`)}
</head>
<body>
<a class="skip" href="#main">${layout.skip}</a>
<header class="masthead"><div class="bar">
  <a class="mark" href="/">${shopName}</a>
  <form class="search" action="/" role="search"><label class="visually-hidden" for="search">${layout.searchLabel}</label>
    <input id="search" name="query" type="search" placeholder="${layout.searchPlaceholder}" value="${query}" maxlength="100"><button>${layout.searchButton}</button></form>
  ${cartQuantity === null ? '' : cartLink(copy, cartQuantity)}
</div></header>
<main id="main">${body}</main>
<footer class="footer"><div><p>${shopName}</p>${layout.footer === '' ? '' : html`<p>${layout.footer}</p>`}${isSandbox ? html`<p>${layout.sandbox}</p>` : ''}</div></footer>
</body>
</html>`
}
