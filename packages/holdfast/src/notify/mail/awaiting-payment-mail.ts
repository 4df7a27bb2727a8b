/** The mails about an order whose money is not in: to its buyer, who may have to send it, and to the shop. */
import { inGroups } from '../../domain/creditor-reference.ts'
import type { CheckoutEvent } from '../../domain/events.ts'
import type { Order } from '../../domain/order.ts'
import type { ShopLocale } from '../shop-locale.ts'
import { rowsOf, whyAdmin } from './admin-mail.ts'
import { orderLink, why } from './customer-mail.ts'
import { type MailBlock, type MailContent, type MailRow, type MailSender, singleLine } from './mail-content.ts'
import { buyerOf, wholeOrder } from './order-parts.ts'

/** Nobody is told to pay what was paid, cancelled, or costs nothing. */
export const isAwaited = ({ status, totalMinor }: Order) => status === 'pending' && totalMinor > 0

/** What a buyer types into a bank's form. */
function howToPay(order: Order, { shopName }: MailSender, locale: ShopLocale): MailBlock[] {
  const {
    totalMinor,
    currency,
    metadata: { transfer },
  } = order
  if (transfer === undefined) return []
  const { iban, accountHolder, reference, dueAt } = transfer
  const rows: MailRow[] = [
    { label: 'Amount', value: locale.money(totalMinor, currency), isGrand: true },
    ...rowsOf({ To: accountHolder, IBAN: iban === null ? null : inGroups(iban) }),
    { label: 'Reference', value: singleLine(inGroups(reference)), isGrand: true },
    { label: 'By', value: locale.time(dueAt) },
  ]
  const account = iban === null ? ` Pay to the account that ${shopName} gave you.` : ''
  const text = `Write the reference on the transfer: it says which order you pay.${account}`
  return [
    { kind: 'facts', title: 'Please transfer', rows },
    { kind: 'paragraph', text },
  ]
}

export function awaitedOrder(order: Order, sender: MailSender, locale: ShopLocale): MailContent {
  const { number, currency, totalMinor } = order
  const { transfer } = order.metadata
  const { shopName } = sender
  const total = locale.money(totalMinor, currency)
  const first = buyerOf(order)?.first ?? ''
  const [subject, preheader, next] =
    transfer === undefined
      ? [
          `Your order ${number} at ${shopName} is in`,
          `${total} is reserved. It is taken when your goods are ready.`,
          `Your payment of ${total} is reserved; it is taken when your goods are ready, and then we confirm your order.`,
        ]
      : [
          `Your order ${number} at ${shopName}: please transfer ${total}`,
          `Your goods are kept for you until ${locale.time(transfer.dueAt)}.`,
          `Your goods are kept for you until ${locale.time(transfer.dueAt)}. Once your transfer has come, we confirm your order and send it; without one, it is cancelled then, and you owe nothing.`,
        ]
  return {
    subject,
    preheader,
    eyebrow: `Order ${number}`,
    title: first === '' ? 'Your order is in.' : `Your order is in, ${first}.`,
    tone: 'plain',
    blocks: [
      { kind: 'paragraph', text: next },
      ...howToPay(order, sender, locale),
      ...wholeOrder(order, locale, 'Your note', orderLink(order, sender)),
    ],
    reason: why(sender),
  }
}

export function awaitedByShop(
  { order }: CheckoutEvent<'OrderAwaitingCapture'>,
  sender: MailSender,
  locale: ShopLocale,
): MailContent {
  const { number, currency, totalMinor, email, userId, checkoutId, placedAt } = order
  const { transfer } = order.metadata
  const total = locale.money(totalMinor, currency)
  const buyer = buyerOf(order)?.full
  const what = transfer === undefined ? 'your capture' : 'its transfer'
  const next =
    transfer === undefined
      ? `The money is authorized. Take it when the goods are ready (holdfast capture); before the authorization ends the order is undone.`
      : `It waits for the buyer’s transfer. Once that is booked (holdfast paid) the order is paid; without it the order is cancelled on ${locale.time(transfer.dueAt)}, and its stock is free again.`
  return {
    subject: `Order ${number} awaits ${what}: ${total}`,
    preheader: buyer === undefined ? `Its goods are set aside.` : `${buyer} ordered. The goods are set aside.`,
    eyebrow: `Order ${number}, not paid yet`,
    title: buyer === undefined ? `An order for ${total}.` : `${buyer} ordered for ${total}.`,
    tone: 'plain',
    blocks: [
      { kind: 'paragraph', text: next },
      {
        kind: 'facts',
        rows: rowsOf({
          Reference: transfer && inGroups(transfer.reference),
          Placed: locale.time(placedAt),
          'E-mail': email,
          Customer: userId,
          Checkout: checkoutId,
        }),
      },
      ...wholeOrder(order, locale, 'The buyer’s note'),
    ],
    reason: whyAdmin(sender),
  }
}
