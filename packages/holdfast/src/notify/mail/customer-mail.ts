/** The emails to the buyer: order confirmations and refunds. */
import type { CheckoutEvent } from '../../domain/events.ts'
import type { Order } from '../../domain/order.ts'
import { singleLine } from '../single-line.ts'
import type { MailBlock, MailContent, MailItem, MailShop } from './content.ts'
import { buyerOf, orderBlocks, unitsOf } from './order-parts.ts'

/** A button that opens the page of the order, if the shop has an address. */
export function orderLink(order: Order, { baseUrl, copy }: MailShop): MailBlock[] {
  if (baseUrl === null) return []
  const url = new URL(`/checkout/confirmation/${order.id}`, baseUrl).href
  return [{ kind: 'button', label: copy.buyer.viewOrder, url }]
}

export function orderConfirmation(order: Order, shop: MailShop): MailContent {
  const { copy, locale, name } = shop
  const { number, totalMinor, currency, placedAt } = order
  const { confirmation, reason, note } = copy.buyer
  return {
    subject: confirmation.subject(number, name),
    preheader: confirmation.preheader(unitsOf(order), locale.money(totalMinor, currency)),
    eyebrow: copy.order.eyebrow(number),
    title: confirmation.title(buyerOf(order)?.first ?? ''),
    tone: 'plain',
    blocks: [
      { kind: 'paragraph', text: confirmation.text(locale.time(placedAt)) },
      ...orderBlocks(order, shop, note, orderLink(order, shop)),
    ],
    reason: reason(name),
  }
}

/** The refunded lines and shipping, if the refund names them. */
function refundedItems({ order, lines, shipping }: CheckoutEvent<'OrderRefunded'>, { copy }: MailShop): MailBlock[] {
  const items: MailItem[] = lines.map(({ lineNo, sku, quantity }) => {
    const line = order.lines.find(each => each.lineNo === lineNo)
    const units = copy.buyer.refund.quantity(quantity, line?.quantity ?? quantity)
    return { title: singleLine(line?.title ?? sku), details: [`${units} · ${singleLine(sku)}`] }
  })
  if (shipping) items.push({ title: copy.order.shipping, details: [] })
  return items.length === 0 ? [] : [{ kind: 'items', items }]
}

export function refundNotice(event: CheckoutEvent<'OrderRefunded'>, shop: MailShop): MailContent {
  const { copy, locale, name } = shop
  const { order, refundedMinor } = event
  const { refund, reason } = copy.buyer
  const money = (amountMinor: number) => locale.money(amountMinor, order.currency)
  const title = refund.title(money(refundedMinor))
  return {
    subject: refund.subject(order.number, name),
    preheader: title,
    eyebrow: copy.order.eyebrow(order.number),
    title,
    tone: 'plain',
    blocks: [
      { kind: 'paragraph', text: refund.text(refundedMinor === order.totalMinor, locale.time(event.occurredAt)) },
      ...refundedItems(event, shop),
      {
        kind: 'figures',
        rows: [
          { label: refund.paid, value: money(order.totalMinor) },
          ...(order.refundedMinor > refundedMinor
            ? [{ label: refund.refundedInTotal, value: money(order.refundedMinor) }]
            : []),
          { label: refund.amount, value: money(refundedMinor), isGrand: true },
        ],
      },
      ...orderLink(order, shop),
    ],
    reason: reason(name),
  }
}
