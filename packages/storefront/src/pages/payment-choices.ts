/** The ways to pay: with the sandbox, each of its outcomes to choose from; else an invoice, Stripe's form, or a token. */

import type { PaymentForm } from 'holdfast/http'
import { html } from 'hono/html'
import type { Markup } from './layout.ts'

interface Choice {
  method: 'card' | 'paypal' | 'bank_transfer'
  token: string
  title: string
  told: string
}

const usual: readonly Choice[] = [
  { method: 'card', token: 'tok_approve', title: 'Card, approved', told: 'Authorized and taken at once.' },
  {
    method: 'card',
    token: 'tok_action_required',
    title: 'Card, bank asks back',
    told: 'You confirm on the bank’s page and come back.',
  },
  {
    method: 'card',
    token: 'tok_decline_insufficient_funds',
    title: 'Card, declined',
    told: 'Insufficient funds; everything is undone.',
  },
  { method: 'paypal', token: '', title: 'PayPal', told: 'You confirm on another page and come back.' },
]

const unusual: readonly Choice[] = [
  {
    method: 'card',
    token: 'tok_pending',
    title: 'Confirmed later',
    told: 'The bank answers some seconds later, by webhook.',
  },
  { method: 'card', token: 'tok_slow', title: 'Slow', told: 'Approved after five seconds.' },
  {
    method: 'card',
    token: 'tok_timeout_after',
    title: 'Answer lost',
    told: 'Authorized, but nobody says so; the shop asks.',
  },
  {
    method: 'card',
    token: 'tok_capture_decline',
    title: 'Refused at capture',
    told: 'Authorized, then refused; everything is undone.',
  },
  {
    method: 'card',
    token: 'tok_wrong_amount',
    title: 'Wrong amount',
    told: 'The bank authorizes another amount; refused.',
  },
  {
    method: 'bank_transfer',
    token: '',
    title: 'Bank transfer',
    told: 'Confirmed some seconds later, when the money arrives.',
  },
]

function option({ method, token, title, told }: Choice, checked: boolean): Markup {
  return html`<label class="option"><input type="radio" name="payment" value="${method}:${token}" ${checked ? 'checked' : ''}>
    <strong>${title}</strong>${token === '' ? html`<span></span>` : html`<span class="mono soft">${token}</span>`}<small>${told}</small></label>`
}

const byInvoice: Choice = {
  method: 'bank_transfer',
  token: '',
  title: 'Invoice',
  told: 'You pay by bank transfer; your goods are kept for you meanwhile.',
}

/** Empty until Stripe's script fills it: what stands here before, and in its place while it is not there. */
const stripeForm = html`<p class="soft" id="before-form">Your card comes next, in Stripe’s form; this shop never sees it. As the form opens, your goods are set aside and the price is fixed. Nothing is charged yet.</p>
  <div id="card" hidden><div id="card-place" role="status"><h3 hidden></h3><p></p><button type="button" class="primary" hidden></button></div>
    <div id="card-form"></div><p class="field-error" id="card-said" role="alert"></p></div>`

const tokenField = html`<div class="fields"><div><label for="payment_token">Payment token</label>
  <input id="payment_token" name="payment_token" autocomplete="off" maxlength="500" required></div></div>`

/** With Stripe, but nothing that a browser could open its form with. */
const keyMissing = html`<p class="soft">Buyers get Stripe’s form here as soon as <code class="mono">STRIPE_PUBLISHABLE_KEY</code> is set. Until then, paste a token.</p>`

export function paymentChoices(payment: PaymentForm): Markup {
  switch (payment.kind) {
    case 'sandbox':
      return sandboxChoices
    case 'invoice':
      return html`<fieldset><legend class="visually-hidden">Payment</legend><div class="options">${option(byInvoice, true)}</div></fieldset>`
    case 'stripe':
      return payment.form === null ? html`${keyMissing}${tokenField}` : stripeForm
    case 'token':
      return tokenField
    default:
      return payment satisfies never
  }
}

const sandboxChoices = html`<p class="soft">This is the sandbox: no real money moves. Choose how the payment goes.</p>
    <fieldset><legend class="visually-hidden">Payment</legend>
      <div class="options">${usual.map((choice, at) => option(choice, at === 0))}</div>
      <details><summary class="option-group">When things go wrong</summary><div class="options">${unusual.map(choice => option(choice, false))}</div></details>
    </fieldset>`
