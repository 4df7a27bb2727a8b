/** The cart: what is in it, what it costs, and the way to the checkout. */

import type { PageFrame, PresentedCart } from 'holdfast/http'
import { html } from 'hono/html'
import { type Markup, money, page } from './layout.ts'
import { totalsList } from './totals.ts'

function line(item: PresentedCart['lines'][number], currency: string, locked: boolean): Markup {
  return html`<li class="line" data-line="${item.id}">
    <h2>${item.title}</h2><p class="total">${money(item.unit_price === null ? null : item.unit_price * item.quantity, currency)}</p>
    ${item.purchasable ? '' : html`<p class="field-error">No longer available; please take it out.</p>`}
    <div class="tools"><label class="visually-hidden" for="q-${item.id}">Quantity of ${item.title}</label>
      <input id="q-${item.id}" type="number" inputmode="numeric" min="1" max="9999" value="${item.quantity}" ${locked ? 'disabled' : ''}>
      <span class="soft small">× ${money(item.unit_price, currency)}</span>
      <button class="quiet" data-remove ${locked ? 'disabled' : ''}>Remove<span class="visually-hidden"> ${item.title}</span></button></div></li>`
}

export function isTaxIncluded(cart: PresentedCart): boolean {
  return cart.taxes.every(tax => tax.included)
}

export function cartPage(
  frame: PageFrame,
  { cart, isLocked: locked }: { cart: PresentedCart; isLocked: boolean },
): Markup {
  if (cart.lines.length === 0) {
    const body = html`<div class="empty"><h1>Your cart is empty</h1><p>Nothing on the hook yet.</p><p><a class="button" href="/">See the goods</a></p></div>`
    return page(frame, { title: 'Cart', body })
  }
  const body = html`<h1>Cart</h1>
    ${
      locked
        ? html`<div class="notice" data-tone="wait"><h2>This cart is being checked out</h2><p>It cannot be changed until the checkout ends.</p>
          <div class="actions"><a class="button primary" href="/checkout">Continue the checkout</a><button id="cancel-checkout">Cancel it and change the cart</button></div></div>`
        : ''
    }
    ${cart.problem === null ? '' : html`<div class="notice" data-tone="bad"><p>${cart.problem.message}</p></div>`}
    <p class="said" id="said" role="status"></p>
    <div class="columns">
      <ul class="lines">${cart.lines.map(item => line(item, cart.currency, locked))}</ul>
      <aside class="summary" aria-label="Total">
        ${totalsList(cart.totals, { couponCode: cart.coupon?.code ?? null, taxIncluded: isTaxIncluded(cart), shippingKnown: cart.shipping_address !== null, grand: 'Total' })}
        <a class="button primary wide" href="/checkout">Check out</a>
      </aside>
    </div>`
  return page(frame, { title: 'Cart', body })
}
