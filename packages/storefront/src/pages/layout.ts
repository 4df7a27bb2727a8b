/** The frame of every page: head, masthead, footer. Everything that comes from data is escaped by `html`. */
import { html, raw } from 'hono/html'
import type { HtmlEscapedString } from 'hono/utils/html'
import { currencyDecimals, formatMoney } from '../../../holdfast/src/domain/money.ts'
import type { HttpContext } from '../../../holdfast/src/http/context.ts'
import type { Shop } from '../../../holdfast/src/http/route-helpers.ts'

export type Markup = HtmlEscapedString | Promise<HtmlEscapedString>

export interface Frame {
  title: string
  body: Markup
  /** Units in the cart; null leaves the cart out, where it cannot be asked for. */
  quantity: number | null
  csrfToken: string | null
  scripts?: readonly string[]
  /** What stands in the search field. */
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

function page(shop: Shop, frame: Frame): Markup {
  const { title, body, quantity, csrfToken, scripts = ['store.js'], query = '' } = frame
  const { currency, shopName = 'Holdfast' } = shop.config
  return html`<!doctype html>
<html lang="en" data-currency="${currency}" data-decimals="${currencyDecimals(currency)}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title} – ${shopName}</title>
<meta name="theme-color" content="#fffdf8" media="(prefers-color-scheme: light)">
<meta name="theme-color" content="#15232c" media="(prefers-color-scheme: dark)">
${csrfToken === null ? '' : html`<meta name="csrf-token" content="${csrfToken}">`}
<link rel="icon" type="image/svg+xml" href="${shop.assets.urlOf('favicon.svg')}">
<link rel="stylesheet" href="${shop.assets.urlOf('store.css')}">
${scripts.map(script => html`<script type="module" src="${shop.assets.urlOf(script)}"></script>`)}
</head>
<body>
<a class="skip" href="#main">Skip to content</a>
<header class="masthead"><div class="bar">
  <a class="mark" href="/">${knot}${shopName}</a>
  <form class="search" action="/" role="search"><label class="visually-hidden" for="search">Search products</label>
    <input id="search" name="query" type="search" placeholder="Search" value="${query}" maxlength="100"><button>Find</button></form>
  ${quantity === null ? '' : cartLink(quantity)}
</div><div class="rope" role="presentation"></div></header>
<main id="main">${body}</main>
<footer class="footer"><div><p>${shopName}${shopName === 'Holdfast' ? ', rope and harbour goods' : ''}.</p>${shop.sandbox === null ? '' : html`<p>Sandbox: no real money moves.</p>`}</div></footer>
</body>
</html>`
}

/** Answers with a page of this session. */
export async function showPage(
  shop: Shop,
  c: HttpContext,
  frame: Omit<Frame, 'quantity' | 'csrfToken'> & { quantity?: number },
): Promise<Response> {
  const sessionId = await shop.sessions.require(c)
  const quantity = frame.quantity ?? (await unitsInCart(shop, sessionId))
  return c.html(page(shop, { ...frame, quantity, csrfToken: shop.csrf.tokenFor(sessionId) }), 200, {
    'Cache-Control': 'no-store',
  })
}

/** A page that asks nobody for anything, for when something is broken. */
export function plainPage(shop: Shop, title: string, body: Markup): Markup {
  return page(shop, { title, body, quantity: null, csrfToken: null, scripts: [] })
}

async function unitsInCart(shop: Shop, sessionId: string): Promise<number> {
  const cart = await shop.carts.currentCart(sessionId)
  return cart?.lines.reduce((sum, line) => sum + line.quantity, 0) ?? 0
}
