/** The parts of an order as mails show them: its lines, its sum, where it goes. From the order's own figures, as frozen. */
import type { Address } from '../../domain/cart.ts'
import type { Order } from '../../domain/order.ts'
import type { ShopLocale } from '../shop-locale.ts'
import { type MailBlock, type MailRow, singleLine } from './mail-content.ts'

function orderLines(order: Order, locale: ShopLocale): MailBlock {
  const money = (amountMinor: number) => locale.money(amountMinor, order.currency)
  const items = order.lines.map(({ title, quantity, unitMinor, sku, subtotalMinor }) => ({
    title: singleLine(title),
    details: [`${quantity} × ${money(unitMinor)} · ${singleLine(sku)}`],
    amount: money(subtotalMinor),
  }))
  return { kind: 'items', items }
}

function orderFigures(order: Order, locale: ShopLocale): MailBlock {
  const money = (amountMinor: number) => locale.money(amountMinor, order.currency)
  const { subtotalMinor, discountMinor, shippingMinor, taxMinor, totalMinor, refundedMinor, couponCode } = order
  // Where tax was added to the prices, the parts do not make the total without it.
  const isTaxIncluded = subtotalMinor - discountMinor + shippingMinor === totalMinor
  const rows: MailRow[] = [{ label: 'Goods', value: money(subtotalMinor) }]
  if (discountMinor > 0) {
    const label = couponCode === null ? 'Discount' : `Coupon ${singleLine(couponCode)}`
    rows.push({ label, value: `−${money(discountMinor)}` })
  }
  if (shippingMinor > 0 || order.shippingAddress !== null) rows.push({ label: 'Shipping', value: money(shippingMinor) })
  if (taxMinor > 0) rows.push({ label: isTaxIncluded ? 'Tax, included' : 'Tax', value: money(taxMinor) })
  rows.push({ label: order.paidAt === null ? 'Total' : 'Paid', value: money(totalMinor), isGrand: true })
  // It may have been given back since.
  if (refundedMinor > 0) rows.push({ label: 'Refunded since', value: `−${money(refundedMinor)}` })
  return { kind: 'figures', rows }
}

function addressLines(address: Address, locale: ShopLocale): string[] {
  const { firstName, lastName, lineOne, lineTwo, postcode, city, state, country, phone } = address
  return [`${firstName} ${lastName}`, lineOne, lineTwo, `${postcode} ${city}`, state, locale.country(country), phone]
    .map(line => singleLine(line ?? ''))
    .filter(line => line !== '')
}

/** Where it goes and who pays, as far as it is known. */
function orderPeople(order: Order, locale: ShopLocale): MailBlock[] {
  const columns = [
    { title: 'Ships to', address: order.shippingAddress },
    { title: 'Billed to', address: order.billingAddress ?? order.shippingAddress },
  ].flatMap(({ title, address }) => (address === null ? [] : [{ title, lines: addressLines(address, locale) }]))
  return columns.length === 0 ? [] : [{ kind: 'columns', columns }]
}

/** What the buyer wrote, with its line breaks. */
function orderNote(order: Order, title: string): MailBlock[] {
  const text = (order.notes ?? '')
    .split(/\r\n|\r|\n/)
    .map(singleLine)
    .join('\n')
    .trim()
  return text === '' ? [] : [{ kind: 'quote', title, text }]
}

/** The buyer's name where an address tells it. */
export function buyerOf({ billingAddress, shippingAddress }: Order): { first: string; full: string } | null {
  const address = billingAddress ?? shippingAddress
  if (address === null) return null
  const first = singleLine(address.firstName)
  return { first, full: `${first} ${singleLine(address.lastName)}`.trim() }
}

/** All of it: what was ordered, for how much, `link` to its page, for whom, and what the buyer wrote, under `noteTitle`. */
export function wholeOrder(
  order: Order,
  locale: ShopLocale,
  noteTitle: string,
  link: readonly MailBlock[] = [],
): MailBlock[] {
  return [
    orderLines(order, locale),
    orderFigures(order, locale),
    ...link,
    ...orderPeople(order, locale),
    ...orderNote(order, noteTitle),
  ]
}
