/** The parts of an order in an email: lines, sums, addresses and note, all from the frozen order. */
import type { Address } from '../../domain/cart.ts'
import type { Order } from '../../domain/order.ts'
import type { ShopLocale } from '../shop-locale.ts'
import { singleLine } from '../single-line.ts'
import type { MailBlock, MailRow, MailShop } from './content.ts'

function orderLines(order: Order, { locale }: MailShop): MailBlock {
  const money = (amountMinor: number) => locale.money(amountMinor, order.currency)
  const items = order.lines.map(({ title, quantity, unitMinor, sku, subtotalMinor }) => ({
    title: singleLine(title),
    details: [`${quantity} × ${money(unitMinor)} · ${singleLine(sku)}`],
    amount: money(subtotalMinor),
  }))
  return { kind: 'items', items }
}

function orderFigures(order: Order, { locale, copy }: MailShop): MailBlock {
  const money = (amountMinor: number) => locale.money(amountMinor, order.currency)
  const { subtotalMinor, discountMinor, shippingMinor, taxMinor, totalMinor, refundedMinor, couponCode } = order
  const labels = copy.order
  // If tax is added to the prices, the other parts alone do not add up to the total.
  const isTaxIncluded = subtotalMinor - discountMinor + shippingMinor === totalMinor
  const rows: MailRow[] = [{ label: labels.subtotal, value: money(subtotalMinor) }]
  if (discountMinor > 0) {
    const label = couponCode === null ? labels.discount : labels.coupon(singleLine(couponCode))
    rows.push({ label, value: `−${money(discountMinor)}` })
  }
  if (shippingMinor > 0 || order.shippingAddress !== null) {
    rows.push({ label: labels.shipping, value: money(shippingMinor) })
  }
  if (taxMinor > 0) rows.push({ label: isTaxIncluded ? labels.taxIncluded : labels.tax, value: money(taxMinor) })
  rows.push({ label: order.paidAt === null ? labels.total : labels.paid, value: money(totalMinor), isGrand: true })
  // A retried mail may be sent after a refund.
  if (refundedMinor > 0) rows.push({ label: labels.refunded, value: `−${money(refundedMinor)}` })
  return { kind: 'figures', rows }
}

function addressLines(address: Address, locale: ShopLocale): string[] {
  const { firstName, lastName, lineOne, lineTwo, postcode, city, state, country, phone } = address
  return [`${firstName} ${lastName}`, lineOne, lineTwo, `${postcode} ${city}`, state, locale.country(country), phone]
    .map(line => singleLine(line ?? ''))
    .filter(line => line !== '')
}

function orderAddresses(order: Order, { locale, copy }: MailShop): MailBlock[] {
  const columns = [
    { title: copy.order.shippingAddress, address: order.shippingAddress },
    { title: copy.order.billingAddress, address: order.billingAddress ?? order.shippingAddress },
  ].flatMap(({ title, address }) => (address === null ? [] : [{ title, lines: addressLines(address, locale) }]))
  return columns.length === 0 ? [] : [{ kind: 'columns', columns }]
}

/** The buyer's note, with its line breaks. */
function orderNote(order: Order, title: string): MailBlock[] {
  const text = (order.notes ?? '')
    .split(/\r\n|\r|\n/)
    .map(singleLine)
    .join('\n')
    .trim()
  return text === '' ? [] : [{ kind: 'quote', title, text }]
}

/** The buyer's name, if an address has it. */
export function buyerOf({ billingAddress, shippingAddress }: Order): { first: string; full: string } | null {
  const address = billingAddress ?? shippingAddress
  if (address === null) return null
  const first = singleLine(address.firstName)
  return { first, full: `${first} ${singleLine(address.lastName)}`.trim() }
}

/** The number of units in all lines. */
export const unitsOf = ({ lines }: Order): number => lines.reduce((sum, { quantity }) => sum + quantity, 0)

/** The whole order: lines, sums, `link`, addresses, and the buyer's note under `noteTitle`. */
export function orderBlocks(
  order: Order,
  shop: MailShop,
  noteTitle: string,
  link: readonly MailBlock[] = [],
): MailBlock[] {
  return [
    orderLines(order, shop),
    orderFigures(order, shop),
    ...link,
    ...orderAddresses(order, shop),
    ...orderNote(order, noteTitle),
  ]
}
