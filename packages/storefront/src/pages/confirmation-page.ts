/** The order, as its buyer sees it. */

import type { Order, OrderStatus } from 'holdfast'
import { inGroups } from 'holdfast'
import type { PageFrame } from 'holdfast/http'
import { presentAddress } from 'holdfast/http'
import { html } from 'hono/html'
import { countries } from '../countries.ts'
import { type Markup, money, page } from './layout.ts'
import { totalsList } from './totals.ts'

const openings: Readonly<Record<OrderStatus | 'invoiced', { title: string; told: string }>> = {
  invoiced: { title: 'Your order is in.', told: 'It is sent when your transfer has come.' },
  paid: { title: 'Made fast.', told: 'Your payment is in and your goods are set aside.' },
  pending: { title: 'Your order is in.', told: 'Your payment is reserved; it is taken when your goods are ready.' },
  cancelled: { title: 'This order was cancelled.', told: 'Nothing is owed, and nothing was kept.' },
  partially_refunded: { title: 'Partly refunded.', told: 'A part of your money is on its way back.' },
  refunded: { title: 'Refunded.', told: 'Your money is on its way back.' },
}

function address(order: Order['shippingAddress']): Markup {
  const view = presentAddress(order)
  if (view === null) return html`<p>None</p>`
  const country = countries().find(({ code }) => code === view.country)?.name ?? view.country
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

const day = (time: string) => new Date(time).toLocaleDateString('en-GB', { dateStyle: 'long', timeZone: 'UTC' })

/** What a buyer types into a bank's form. */
function howToPay(order: Order): Markup {
  const { transfer } = order.metadata
  if (order.status !== 'pending' || transfer === undefined) return html``
  const row = (name: string, value: Markup | string | null) =>
    value === null ? html`` : html`<div><dt>${name}</dt><dd>${value}</dd></div>`
  const groups = (text: string) => html`<span class="mono">${inGroups(text)}</span>`
  return html`<section class="notice" aria-labelledby="transfer-title"><h2 id="transfer-title">Please transfer</h2>
    <dl class="totals">${row('Amount', money(order.totalMinor, order.currency))}${row('To', transfer.accountHolder)}
      ${row('IBAN', transfer.iban === null ? null : groups(transfer.iban))}${row('Reference', groups(transfer.reference))}
      ${row('By', day(transfer.dueAt))}</dl>
    <p class="soft small">Write the reference on the transfer: it says which order you pay. Your goods are kept for you until then.</p></section>`
}

export function confirmationPage(frame: PageFrame, order: Order): Markup {
  const { currency } = order
  const { title, told } = openings[order.status === 'pending' && order.metadata.transfer ? 'invoiced' : order.status]
  const totals = {
    currency,
    subtotal: order.subtotalMinor,
    discount: order.discountMinor,
    tax: order.taxMinor,
    shipping: order.shippingMinor,
    total: order.totalMinor,
  }
  // Where tax was added to the prices, the parts do not make the total without it.
  const taxIncluded = order.subtotalMinor - order.discountMinor + order.shippingMinor === order.totalMinor
  const body = html`<div class="made-fast"><div><h1>${title}</h1><p class="soft">${told}${order.email === null ? '' : html` A confirmation goes to ${order.email}.`}</p></div>
      <div><p class="eyebrow">Order</p><p class="number">${order.number}</p></div></div>
    ${howToPay(order)}
    <div class="columns"><div>
      <ul class="lines">${order.lines.map(
        item => html`<li class="line"><h2>${item.title}</h2><p class="total">${money(item.subtotalMinor, currency)}</p>
          <p class="soft small">${item.quantity} × ${money(item.unitMinor, currency)} · <span class="mono">${item.sku}</span></p></li>`,
      )}</ul>
      <div class="facts"><section><h2>Ships to</h2>${address(order.shippingAddress)}</section>
        <section><h2>Billed to</h2>${address(order.billingAddress ?? order.shippingAddress)}</section>
        ${order.notes === null ? '' : html`<section><h2>Your note</h2><p>${order.notes}</p></section>`}</div>
      </div>
      <aside class="summary" aria-label="Total">
        ${totalsList(totals, { couponCode: order.couponCode, taxIncluded, shippingKnown: true, grand: order.status === 'pending' ? 'Total' : 'Paid' })}
        ${order.refundedMinor === 0 ? '' : html`<p class="soft">Refunded ${money(order.refundedMinor, currency)}</p>`}
        <a class="button wide no-print" href="/">Back to the shop</a></aside></div>`
  return page(frame, { title: `Order ${order.number}`, body })
}
