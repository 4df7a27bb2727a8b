/**
 * The checkout: details, shipping, payment, then seven phases live. The page is a shell; `checkout.js` leads through it
 * with the same requests any client makes.
 */

import { type PhaseName, phaseNames } from 'holdfast'
import type { CheckoutView, PageFrame, PresentedCart } from 'holdfast/http'
import { html } from 'hono/html'
import { countries } from '../countries.ts'
import { isTaxIncluded } from './cart-page.ts'
import { jsonScript } from './json-script.ts'
import { type Markup, money, page } from './layout.ts'
import { paymentChoices } from './payment-choices.ts'
import { totalsList } from './totals.ts'

/** The phases as a buyer would say them. */
const phaseLabels: Readonly<Record<PhaseName, string>> = {
  cart_validation: 'Cart checked',
  inventory_reservation: 'Goods set aside',
  price_lock: 'Prices fixed',
  payment_authorization: 'Payment authorized',
  order_creation: 'Order written',
  payment_capture: 'Payment taken',
  stock_commit: 'Goods are yours',
}

interface FieldOptions {
  size?: 'half' | 'third' | 'two-thirds'
  autocomplete: string
  type?: string
  optional?: boolean
}

function field(scope: string, name: string, label: string, value: string | null, options: FieldOptions): Markup {
  const id = scope === '' ? name : `${scope}.${name}`
  return html`<div class="${options.size ?? ''}"><label for="${id}">${label}${options.optional ? html` <span class="soft">optional</span>` : ''}</label>
    <input id="${id}" name="${id}" type="${options.type ?? 'text'}" value="${value ?? ''}" autocomplete="${options.autocomplete}" maxlength="200" ${options.optional ? '' : 'required'}></div>`
}

function addressFields(
  scope: 'shipping_address' | 'billing_address',
  address: PresentedCart['shipping_address'],
): Markup {
  const kind = scope === 'shipping_address' ? 'shipping' : 'billing'
  const chosen = address?.country ?? ''
  const input = (name: string, label: string, value: string | null | undefined, options: FieldOptions) =>
    field(scope, name, label, value ?? null, { ...options, autocomplete: `${kind} ${options.autocomplete}` })
  return html`
    ${input('first_name', 'First name', address?.first_name, { size: 'half', autocomplete: 'given-name' })}
    ${input('last_name', 'Last name', address?.last_name, { size: 'half', autocomplete: 'family-name' })}
    ${input('line_one', 'Street and number', address?.line_one, { autocomplete: 'address-line1' })}
    ${input('line_two', 'Flat, floor, company', address?.line_two, { autocomplete: 'address-line2', optional: true })}
    ${input('postcode', 'Postcode', address?.postcode, { size: 'third', autocomplete: 'postal-code', optional: false })}
    ${input('city', 'City', address?.city, { size: 'two-thirds', autocomplete: 'address-level2' })}
    <div class="half"><label for="${scope}.country">Country</label><select id="${scope}.country" name="${scope}.country" autocomplete="${kind} country" required>
      <option value="">Choose</option>${countries().map(({ code, name }) => html`<option value="${code}" ${code === chosen ? 'selected' : ''}>${name}</option>`)}</select></div>
    ${input('state', 'State or region', address?.state, { size: 'half', autocomplete: 'address-level1', optional: true })}`
}

function step(no: number, id: string, title: string, body: Markup): Markup {
  return html`<form class="step" id="${id}" data-at="later" novalidate aria-labelledby="${id}-title">
    <header><span class="no" aria-hidden="true">${no}</span><h2 id="${id}-title" tabindex="-1">${title}</h2><button type="button" class="quiet" data-edit="${id}" hidden>Edit<span class="visually-hidden"> ${title}</span></button></header>
    <p class="told" data-told hidden></p><div class="body" hidden>${body}</div></form>`
}

function details(cart: PresentedCart): Markup {
  const separate = cart.billing_address !== null
  return html`<div class="fields">${field('', 'email', 'E-mail', cart.email, { autocomplete: 'email', type: 'email' })}
    ${addressFields('shipping_address', cart.shipping_address)}</div>
    <label class="check"><input type="checkbox" id="same-billing" ${separate ? '' : 'checked'}> Bill to the same address</label>
    <fieldset id="billing" ${separate ? '' : 'hidden'}><legend class="option-group">Billing address</legend><div class="fields">${addressFields('billing_address', cart.billing_address)}</div></fieldset>
    <button class="primary">Continue to shipping</button>`
}

function summary(cart: PresentedCart): Markup {
  return html`<aside class="summary" aria-labelledby="summary-title"><h2 id="summary-title">Your order</h2>
    <ul class="items">${cart.lines.map(
      line => html`<li><span>${line.title}<br><span class="soft small">${line.quantity} × ${money(line.unit_price, cart.currency)}</span></span>
        ${money(line.unit_price === null ? null : line.unit_price * line.quantity, cart.currency)}</li>`,
    )}</ul>
    ${totalsList(cart.totals, { couponCode: cart.coupon?.code ?? null, taxIncluded: isTaxIncluded(cart), shippingKnown: cart.shipping_address !== null, grand: 'Total' })}
    <form class="coupon" id="coupon" novalidate><label for="code">Coupon</label>
      <input id="code" name="code" autocomplete="off" autocapitalize="characters" maxlength="64" value="${cart.coupon?.code ?? ''}">
      <button>${cart.coupon === null ? 'Apply' : 'Remove'}</button><p class="said" role="status"></p></form></aside>`
}

const progress = html`<section id="progress" hidden aria-labelledby="progress-title"><h2 id="progress-title" tabindex="-1">Making fast</h2>
  <ol class="knots">${phaseNames.map(phase => html`<li data-phase="${phase}"><span>${phaseLabels[phase]}</span><span></span></li>`)}</ol></section>`

const cancelButton = html`<p class="give-up" id="give-up" hidden><button type="button" class="quiet">Cancel this checkout</button></p>`

/** The checkout that a way back from the bank names, else the one that holds the cart. */
export function checkoutPage(frame: PageFrame, { cart, lock, returned, payment }: CheckoutView): Markup {
  if (cart.lines.length === 0 && lock === null) {
    const body = html`<div class="empty"><h1>Nothing to check out</h1><p>Your cart is empty.</p><p><a class="button" href="/">See the goods</a></p></div>`
    return page(frame, { title: 'Checkout', body })
  }
  const form = payment.kind === 'stripe' ? payment.form : null
  const state = {
    cart,
    lock,
    returned,
    ...(form === null ? {} : { stripe_script: form.script }),
  }
  const body = html`<h1>Checkout</h1>
    <div id="notice" tabindex="-1" aria-live="polite"></div>
    <div class="columns"><div id="work">
      <p class="held" id="held" hidden>This checkout is open for another <time id="countdown" role="timer">–</time></p>
      ${step(1, 'details', 'Delivery address', details(cart))}
      ${step(2, 'shipping', 'Shipping', html`<fieldset><legend class="visually-hidden">Shipping method</legend><div class="options" id="methods"></div></fieldset><button class="primary">Continue to payment</button>`)}
      ${step(3, 'payment', 'Payment', html`${paymentChoices(payment)}<button class="primary wide" id="pay">Pay</button>${form === null ? '' : cancelButton}`)}
      ${progress}
      <noscript><p class="notice">Checking out needs JavaScript.</p></noscript>
      </div>${summary(cart)}</div>
    ${jsonScript('state', state)}`
  const scripts = ['store.js', ...(form === null ? [] : ['stripe-form.js', 'stripe-step.js']), 'checkout.js']
  return page(frame, { title: 'Checkout', body, scripts })
}
