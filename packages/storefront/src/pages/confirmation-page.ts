/** The confirmation page: an order as its buyer sees it. */

import { inGroups, type Order } from 'holdfast'
import type { PageFrame } from 'holdfast/http'
import { presentAddress } from 'holdfast/http'
import { html } from 'hono/html'
import { type Copy, fill } from '../copy/copy.ts'
import { countries } from '../countries.ts'
import { type Markup, money, page } from './layout.ts'
import { totalsList } from './totals.ts'

function address({ confirmation, locale }: Copy, order: Order['shippingAddress']): Markup {
  const view = presentAddress(order)
  if (view === null) return html`<p>${confirmation.noAddress}</p>`
  const country = countries(locale.language).find(({ code }) => code === view.country)?.name ?? view.country
  const rows = [
    `${view.first_name} ${view.last_name}`,
    view.line_one,
    view.line_two,
    `${view.postcode} ${view.city}`,
    view.state,
    country,
  ]
  return html`<address>${rows.filter(row => row !== null && row.trim() !== '').map(row => html`${row}<br>`)}</address>`
}

/** What a buyer enters in the bank's transfer form. Empty for other orders. */
function transferNotice(copy: Copy, order: Order): Markup {
  const { confirmation: text, locale } = copy
  const { transfer } = order.metadata
  if (order.status !== 'pending' || transfer === undefined) return html``
  const row = (name: string, value: Markup | string | null) =>
    value === null ? html`` : html`<div><dt>${name}</dt><dd>${value}</dd></div>`
  const groups = (digits: string) => html`<span class="mono">${inGroups(digits)}</span>`
  const due = new Date(transfer.dueAt).toLocaleDateString(locale.dates, { dateStyle: 'long', timeZone: 'UTC' })
  return html`<section class="notice" aria-labelledby="transfer-title"><h2 id="transfer-title">${text.transfer}</h2>
    <dl class="totals">${row(text.transferAmount, money(copy, order.totalMinor, order.currency))}${row(text.transferTo, transfer.accountHolder)}
      ${row(text.transferIban, transfer.iban === null ? null : groups(transfer.iban))}${row(text.transferReference, groups(transfer.reference))}
      ${row(text.transferBy, due)}</dl>
    <p class="soft small">${text.transferText}</p></section>`
}

/** The heading says plainly what happened to the order and its payment. */
function header({ confirmation: text }: Copy, order: Order): Markup {
  const state = order.status === 'pending' && order.metadata.transfer ? 'invoiced' : order.status
  const email = order.email === null ? '' : ` ${fill(text.emailSent, { email: order.email })}`
  return html`<div class="order-header"><div><h1>${text[state]}</h1><p class="soft">${text[`${state}Text`]}${email}</p></div>
      <div><p class="eyebrow">${text.order}</p><p class="number">${order.number}</p></div></div>`
}

function orderTotals(copy: Copy, order: Order): Markup {
  const totals = {
    currency: order.currency,
    subtotal: order.subtotalMinor,
    discount: order.discountMinor,
    tax: order.taxMinor,
    shipping: order.shippingMinor,
    total: order.totalMinor,
  }
  return totalsList(copy, totals, {
    couponCode: order.couponCode,
    // If tax was added to the prices, the other parts do not sum to the total.
    taxIncluded: order.subtotalMinor - order.discountMinor + order.shippingMinor === order.totalMinor,
    shippingKnown: true,
    isPaid: order.status !== 'pending' && order.status !== 'cancelled',
  })
}

export function confirmationPage(copy: Copy, frame: PageFrame, order: Order): Markup {
  const { confirmation: text } = copy
  const { currency } = order
  const body = html`${header(copy, order)}
    ${transferNotice(copy, order)}
    <div class="columns"><div>
      <ul class="lines">${order.lines.map(
        item => html`<li class="line"><h2>${item.title}</h2><p class="total">${money(copy, item.subtotalMinor, currency)}</p>
          <p class="soft small">${item.quantity} × ${money(copy, item.unitMinor, currency)} · <span class="mono">${item.sku}</span></p></li>`,
      )}</ul>
      <div class="facts"><section><h2>${text.shipTo}</h2>${address(copy, order.shippingAddress)}</section>
        <section><h2>${text.billTo}</h2>${address(copy, order.billingAddress ?? order.shippingAddress)}</section>
        ${order.notes === null ? '' : html`<section><h2>${text.note}</h2><p>${order.notes}</p></section>`}</div>
      </div>
      <aside class="summary" aria-label="${text.summary}">
        ${orderTotals(copy, order)}
        ${order.refundedMinor === 0 ? '' : html`<p class="soft">${text.refundedAmount} ${money(copy, order.refundedMinor, currency)}</p>`}
        <a class="button wide no-print" href="/">${text.back}</a></aside></div>`
  return page(copy, frame, { title: fill(text.title, { number: order.number }), body })
}
