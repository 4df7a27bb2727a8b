/**
 * The payment methods of the checkout page: the sandbox's results to choose from, an invoice, Stripe's form, or a
 * token.
 */

import type { PaymentForm } from 'holdfast/http'
import { html } from 'hono/html'
import type { Copy } from '../copy/copy.ts'
import type { Markup } from './layout.ts'

interface Choice {
  method: 'card' | 'paypal' | 'bank_transfer'
  token: string
  title: string
  text: string
}

function option({ method, token, title, text }: Choice, isChecked: boolean): Markup {
  return html`<label class="option"><input type="radio" name="payment" value="${method}:${token}" ${isChecked ? 'checked' : ''}>
    <strong>${title}</strong>${token === '' ? html`<span></span>` : html`<span class="mono soft">${token}</span>`}<small>${text}</small></label>`
}

export function paymentChoices(copy: Copy, payment: PaymentForm): Markup {
  switch (payment.kind) {
    case 'sandbox':
      return sandboxChoices(copy)
    case 'invoice':
      return invoice(copy)
    case 'stripe':
      return payment.form === null
        ? html`<p class="soft">${copy.payment.keyMissing}</p>${tokenField(copy)}`
        : stripeForm(copy)
    case 'token':
      return tokenField(copy)
    default:
      return payment satisfies never
  }
}

function invoice({ payment }: Copy): Markup {
  const { methods, invoice: title, invoiceText: text } = payment
  const choice = option({ method: 'bank_transfer', token: '', title, text }, true)
  return html`<fieldset><legend class="visually-hidden">${methods}</legend><div class="options">${choice}</div></fieldset>`
}

/** Filled by `stripe-step.js`. Until then, and if the form cannot load, `#card-place` shows a text instead. */
function stripeForm({ payment }: Copy): Markup {
  return html`<p class="soft" id="before-form">${payment.beforeCardForm}</p>
  <div id="card" hidden><div id="card-place" role="status"><h3 hidden></h3><p></p><button type="button" class="primary" hidden></button></div>
    <div id="card-form"></div><p class="field-error" id="card-error" role="alert"></p></div>`
}

function tokenField({ payment }: Copy): Markup {
  return html`<div class="fields"><div><label for="payment_token">${payment.token}</label>
  <input id="payment_token" name="payment_token" autocomplete="off" maxlength="500" required></div></div>`
}

function sandboxChoices({ payment, sandbox: text }: Copy): Markup {
  const card = (token: string, title: string, description: string): Choice => ({
    method: 'card',
    token,
    title,
    text: description,
  })
  const usual: readonly Choice[] = [
    card('tok_approve', text.approve, text.approveText),
    card('tok_action_required', text.actionRequired, text.actionRequiredText),
    card('tok_decline_insufficient_funds', text.decline, text.declineText),
    { method: 'paypal', token: '', title: text.paypal, text: text.paypalText },
  ]
  const failures: readonly Choice[] = [
    card('tok_pending', text.pending, text.pendingText),
    card('tok_slow', text.slow, text.slowText),
    card('tok_timeout_after', text.responseLost, text.responseLostText),
    card('tok_capture_decline', text.captureDeclined, text.captureDeclinedText),
    card('tok_wrong_amount', text.wrongAmount, text.wrongAmountText),
    { method: 'bank_transfer', token: '', title: text.bankTransfer, text: text.bankTransferText },
  ]
  return html`<p class="soft">${text.intro}</p>
    <fieldset><legend class="visually-hidden">${payment.methods}</legend>
      <div class="options">${usual.map((choice, index) => option(choice, index === 0))}</div>
      <details><summary class="option-group">${text.failures}</summary><div class="options">${failures.map(choice => option(choice, false))}</div></details>
    </fieldset>`
}
