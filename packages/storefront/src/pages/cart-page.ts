/** The cart page: lines, totals, and the link to the checkout. */

import type { PageFrame, PresentedCart } from 'holdfast/http'
import { html } from 'hono/html'
import { type Copy, fill } from '../copy/copy.ts'
import { type Markup, money, page } from './layout.ts'
import { totalsList } from './totals.ts'

function line(copy: Copy, item: PresentedCart['lines'][number], currency: string, isLocked: boolean): Markup {
  const { cart } = copy
  const subtotal = item.unit_price === null ? null : item.unit_price * item.quantity
  return html`<li class="line" data-line="${item.id}">
    <h2>${item.title}</h2><p class="total">${money(copy, subtotal, currency)}</p>
    ${item.purchasable ? '' : html`<p class="field-error">${cart.unavailable}</p>`}
    <div class="tools"><label class="visually-hidden" for="q-${item.id}">${fill(cart.quantityOf, { title: item.title })}</label>
      <input id="q-${item.id}" type="number" inputmode="numeric" min="1" max="9999" value="${item.quantity}" ${isLocked ? 'disabled' : ''}>
      <span class="soft small">× ${money(copy, item.unit_price, currency)}</span>
      <button class="quiet" data-remove ${isLocked ? 'disabled' : ''}>${cart.remove}<span class="visually-hidden"> ${item.title}</span></button></div></li>`
}

/** The totals of a cart, as on the cart page and beside the checkout. */
export function cartTotals(copy: Copy, cart: PresentedCart): Markup {
  return totalsList(copy, cart.totals, {
    couponCode: cart.coupon?.code ?? null,
    taxIncluded: cart.taxes.every(tax => tax.included),
    shippingKnown: cart.shipping_address !== null,
  })
}

function lockedNotice({ cart }: Copy): Markup {
  return html`<div class="notice" data-tone="wait"><h2>${cart.locked}</h2><p>${cart.lockedText}</p>
    <div class="actions"><a class="button primary" href="/checkout">${cart.continueCheckout}</a><button id="cancel-checkout">${cart.cancelCheckout}</button></div></div>`
}

export function cartPage(
  copy: Copy,
  frame: PageFrame,
  { cart, isLocked }: { cart: PresentedCart; isLocked: boolean },
): Markup {
  const text = copy.cart
  if (cart.lines.length === 0) {
    const body = html`<div class="empty"><h1>${text.empty}</h1><p>${text.emptyText}</p><p><a class="button" href="/">${text.browse}</a></p></div>`
    return page(copy, frame, { title: text.title, body })
  }
  const body = html`<h1>${text.title}</h1>
    ${isLocked ? lockedNotice(copy) : ''}
    ${cart.problem === null ? '' : html`<div class="notice" data-tone="bad"><p>${cart.problem.message}</p></div>`}
    <p class="status" id="status" role="status"></p>
    <div class="columns">
      <ul class="lines">${cart.lines.map(item => line(copy, item, cart.currency, isLocked))}</ul>
      <aside class="summary" aria-label="${text.summary}">
        ${cartTotals(copy, cart)}
        <a class="button primary wide" href="/checkout">${text.checkOut}</a>
      </aside>
    </div>`
  return page(copy, frame, { title: text.title, body })
}
