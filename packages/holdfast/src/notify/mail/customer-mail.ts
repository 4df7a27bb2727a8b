/** The mails to whoever bought: the confirmation of an order, and money that goes back. */
import type { CheckoutEvent } from '../../domain/events.ts'
import type { Order } from '../../domain/order.ts'
import type { ShopLocale } from '../shop-locale.ts'
import { type MailBlock, type MailContent, type MailItem, type MailSender, singleLine } from './mail-content.ts'
import { buyerOf, wholeOrder } from './order-parts.ts'

/** To the page that shows the order to whoever placed it. */
export function orderLink(order: Order, { baseUrl }: MailSender): MailBlock[] {
  if (baseUrl === null) return []
  return [
    { kind: 'button', label: 'View your order', url: new URL(`/checkout/confirmation/${order.id}`, baseUrl).href },
  ]
}

export const why = ({ shopName }: MailSender) => `You get this mail because you ordered at ${shopName}.`

export function orderConfirmation(order: Order, sender: MailSender, locale: ShopLocale): MailContent {
  const { number, totalMinor, currency, placedAt } = order
  const first = buyerOf(order)?.first ?? ''
  const units = order.lines.reduce((sum, line) => sum + line.quantity, 0)
  const total = locale.money(totalMinor, currency)
  return {
    subject: `Your order ${number} at ${sender.shopName}`,
    preheader: `${units} ${units === 1 ? 'item' : 'items'}, ${total}. Your payment is in and your goods are set aside.`,
    eyebrow: `Order ${number}`,
    title: first === '' ? 'Thank you.' : `Thank you, ${first}.`,
    tone: 'plain',
    blocks: [
      {
        kind: 'paragraph',
        text: `Your payment is in and your goods are set aside. You ordered on ${locale.time(placedAt)}.`,
      },
      ...wholeOrder(order, locale, 'Your note', orderLink(order, sender)),
    ],
    reason: why(sender),
  }
}

/** What the refund was for, as far as it says so. */
function refundedThings({ order, lines, shipping }: CheckoutEvent<'OrderRefunded'>): MailBlock[] {
  const items: MailItem[] = lines.map(({ lineNo, sku, quantity }) => {
    const line = order.lines.find(each => each.lineNo === lineNo)
    const of = line === undefined || line.quantity === quantity ? '' : ` of ${line.quantity}`
    return { title: singleLine(line?.title ?? sku), details: [`${quantity}${of} · ${singleLine(sku)}`] }
  })
  if (shipping) items.push({ title: 'Shipping', details: [] })
  return items.length === 0 ? [] : [{ kind: 'items', items }]
}

export function refundNotice(
  event: CheckoutEvent<'OrderRefunded'>,
  sender: MailSender,
  locale: ShopLocale,
): MailContent {
  const { order, refundedMinor } = event
  const { number, totalMinor } = order
  const money = (amountMinor: number) => locale.money(amountMinor, order.currency)
  const isAll = refundedMinor === totalMinor
  return {
    subject: `Refund for your order ${number} at ${sender.shopName}`,
    preheader: `${money(refundedMinor)} is on its way back to you.`,
    eyebrow: `Order ${number}`,
    title: `${money(refundedMinor)} is on its way back to you.`,
    tone: 'plain',
    blocks: [
      {
        kind: 'paragraph',
        text: `${isAll ? 'We refunded your order in full' : 'We refunded a part of your order'} on ${locale.time(event.occurredAt)}. The money goes back the way you paid; your bank may take a few days to show it.`,
      },
      ...refundedThings(event),
      {
        kind: 'figures',
        rows: [
          { label: 'You paid', value: money(totalMinor) },
          ...(order.refundedMinor > refundedMinor
            ? [{ label: 'Refunded in all', value: money(order.refundedMinor) }]
            : []),
          { label: 'This refund', value: money(refundedMinor), isGrand: true },
        ],
      },
      ...orderLink(order, sender),
    ],
    reason: why(sender),
  }
}
