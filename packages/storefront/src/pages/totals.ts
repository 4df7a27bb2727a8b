/** The figures of a cart or an order, and the rows a script may rewrite. */

import { formatMoney } from 'holdfast'
import type { PresentedTotals } from 'holdfast/http'
import { html } from 'hono/html'
import type { Markup } from './layout.ts'

export function totalsList(
  totals: PresentedTotals,
  options: { couponCode: string | null; taxIncluded: boolean; shippingKnown: boolean; grand: string },
): Markup {
  const { currency } = totals
  const row = (name: string, label: Markup | string, amount: string, hidden = false, style = '') =>
    html`<div data-total="${name}" class="${style}" ${hidden ? 'hidden' : ''}><dt>${label}</dt><dd>${amount}</dd></div>`
  return html`<dl class="totals">
    ${row('subtotal', 'Goods', formatMoney(totals.subtotal, currency))}
    ${row('discount', options.couponCode === null ? 'Discount' : `Coupon ${options.couponCode}`, `−${formatMoney(totals.discount, currency)}`, totals.discount === 0)}
    ${row('shipping', 'Shipping', options.shippingKnown ? formatMoney(totals.shipping, currency) : 'at checkout')}
    ${row('tax', options.taxIncluded ? 'Tax, included' : 'Tax', formatMoney(totals.tax, currency), totals.tax === 0)}
    ${row('total', options.grand, formatMoney(totals.total, currency), false, 'grand')}
  </dl>`
}
