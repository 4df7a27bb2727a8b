/** The totals of a cart or an order. Scripts update the rows by `data-total`. */

import { formatMoney } from 'holdfast'
import type { PresentedTotals } from 'holdfast/http'
import { html } from 'hono/html'
import { type Copy, fill } from '../copy/copy.ts'
import type { Markup } from './layout.ts'

export function totalsList(
  copy: Copy,
  totals: PresentedTotals,
  options: { couponCode: string | null; taxIncluded: boolean; shippingKnown: boolean; isPaid?: boolean },
): Markup {
  const { locale, totals: text } = copy
  const { couponCode, taxIncluded, shippingKnown, isPaid = false } = options
  const amount = (minor: number) => formatMoney(minor, totals.currency, locale.language)
  const row = (name: string, label: string, value: string, hidden = false, style = '') =>
    html`<div data-total="${name}" class="${style}" ${hidden ? 'hidden' : ''}><dt>${label}</dt><dd>${value}</dd></div>`
  const discount = couponCode === null ? text.discount : fill(text.coupon, { code: couponCode })
  return html`<dl class="totals">
    ${row('subtotal', text.subtotal, amount(totals.subtotal))}
    ${row('discount', discount, `−${amount(totals.discount)}`, totals.discount === 0)}
    ${row('shipping', text.shipping, shippingKnown ? amount(totals.shipping) : text.shippingUnknown)}
    ${row('tax', taxIncluded ? text.taxIncluded : text.tax, amount(totals.tax), totals.tax === 0)}
    ${row('total', isPaid ? text.paid : text.total, amount(totals.total), false, 'grand')}
  </dl>`
}
