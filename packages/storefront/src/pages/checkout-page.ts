/**
 * The checkout page: details, shipping, payment, then the seven phases of the checkout as they happen. `checkout.js`
 * drives the page with the requests that any other client makes.
 */

import { phaseNames } from 'holdfast'
import type { CheckoutView, PageFrame, PresentedCart } from 'holdfast/http'
import { html } from 'hono/html'
import type { Copy } from '../copy/copy.ts'
import { addressFields, field } from './address-fields.ts'
import { cartTotals } from './cart-page.ts'
import { jsonScript } from './json-script.ts'
import { type Markup, money, page } from './layout.ts'
import { paymentChoices } from './payment-choices.ts'

function step({ checkout }: Copy, no: number, id: 'details' | 'shipping' | 'payment', body: Markup): Markup {
  const title = checkout[id]
  return html`<form class="step" id="${id}" data-at="later" novalidate aria-labelledby="${id}-title">
    <header><span class="no" aria-hidden="true">${no}</span><h2 id="${id}-title" tabindex="-1">${title}</h2><button type="button" class="quiet" data-edit="${id}" hidden>${checkout.edit}<span class="visually-hidden"> ${title}</span></button></header>
    <p class="choice-made" data-choice hidden></p><div class="body" hidden>${body}</div></form>`
}

function detailsStep(copy: Copy, cart: PresentedCart): Markup {
  const { checkout: text } = copy
  const hasOwnBilling = cart.billing_address !== null
  const email = field(copy, 'email', text.email, cart.email, { autocomplete: 'email', type: 'email' })
  return step(
    copy,
    1,
    'details',
    html`<div class="fields">${email}${addressFields(copy, 'shipping_address', cart.shipping_address)}</div>
    <label class="check"><input type="checkbox" id="same-billing" ${hasOwnBilling ? '' : 'checked'}> ${text.sameBilling}</label>
    <fieldset id="billing" ${hasOwnBilling ? '' : 'hidden'}><legend class="option-group">${text.billing}</legend><div class="fields">${addressFields(copy, 'billing_address', cart.billing_address)}</div></fieldset>
    <button class="primary">${text.toShipping}</button>`,
  )
}

/** `checkout.js` fills in the methods, which depend on the address. */
function shippingStep(copy: Copy): Markup {
  const { checkout: text } = copy
  return step(
    copy,
    2,
    'shipping',
    html`<fieldset><legend class="visually-hidden">${text.shippingMethod}</legend><div class="options" id="methods"></div></fieldset><button class="primary">${text.toPayment}</button>`,
  )
}

function paymentStep(copy: Copy, { payment }: CheckoutView): Markup {
  const { checkout: text } = copy
  const hasForm = payment.kind === 'stripe' && payment.form !== null
  const cancelButton = html`<p class="cancel" id="cancel" hidden><button type="button" class="quiet">${text.cancel}</button></p>`
  return step(
    copy,
    3,
    'payment',
    html`${paymentChoices(copy, payment)}<button class="primary wide" id="pay">${text.pay}</button>${hasForm ? cancelButton : ''}`,
  )
}

function progress({ checkoutScript, phases }: Copy): Markup {
  return html`<section id="progress" hidden aria-labelledby="progress-title"><h2 id="progress-title" tabindex="-1">${checkoutScript.processing}</h2>
    <ol class="phases">${phaseNames.map(phase => html`<li data-phase="${phase}"><span>${phases[phase]}</span><span></span></li>`)}</ol></section>`
}

function summary(copy: Copy, cart: PresentedCart): Markup {
  const { checkout: text } = copy
  return html`<aside class="summary" aria-labelledby="summary-title"><h2 id="summary-title">${text.summary}</h2>
    <ul class="items">${cart.lines.map(
      line => html`<li><span>${line.title}<br><span class="soft small">${line.quantity} × ${money(copy, line.unit_price, cart.currency)}</span></span>
        ${money(copy, line.unit_price === null ? null : line.unit_price * line.quantity, cart.currency)}</li>`,
    )}</ul>
    ${cartTotals(copy, cart)}
    <form class="coupon" id="coupon" novalidate><label for="code">${text.coupon}</label>
      <input id="code" name="code" autocomplete="off" autocapitalize="characters" maxlength="64" value="${cart.coupon?.code ?? ''}">
      <button>${cart.coupon === null ? text.apply : text.remove}</button><p class="status" role="status"></p></form></aside>`
}

/** Texts of `checkout.js`, and of the scripts for Stripe's form on a page that has it. */
function scriptCopy(copy: Copy, hasStripeForm: boolean) {
  const { checkoutScript, failures, totals, checkout, stripeScript } = copy
  const { apply, remove } = checkout
  const { discount, coupon, shippingUnknown } = totals
  return {
    checkout: { ...checkoutScript, apply, remove, discount, coupon, shippingUnknown },
    failures,
    ...(hasStripeForm ? { stripe: stripeScript } : {}),
  }
}

export function checkoutPage(copy: Copy, frame: PageFrame, view: CheckoutView): Markup {
  const { checkout: text } = copy
  const { cart, lock, returned, payment } = view
  if (cart.lines.length === 0 && lock === null) {
    const body = html`<div class="empty"><h1>${text.empty}</h1><p>${text.emptyText}</p><p><a class="button" href="/">${text.browse}</a></p></div>`
    return page(copy, frame, { title: text.title, body })
  }
  const form = payment.kind === 'stripe' ? payment.form : null
  const state = { cart, lock, returned, ...(form === null ? {} : { stripe_script: form.script }) }
  const body = html`<h1>${text.title}</h1>
    <div id="notice" tabindex="-1" aria-live="polite"></div>
    <div class="columns"><div id="work">
      <p class="held" id="held" hidden>${text.timeLeft} <time id="countdown" role="timer">–</time></p>
      ${detailsStep(copy, cart)}
      ${shippingStep(copy)}
      ${paymentStep(copy, view)}
      ${progress(copy)}
      <noscript><p class="notice">${text.scriptsNeeded}</p></noscript>
      </div>${summary(copy, cart)}</div>
    ${jsonScript('state', state)}`
  const scripts = ['store.js', ...(form === null ? [] : ['stripe-form.js', 'stripe-step.js']), 'checkout.js']
  return page(copy, frame, { title: text.title, body, scripts, scriptCopy: scriptCopy(copy, form !== null) })
}
