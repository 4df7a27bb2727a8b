/** The mails to the shop about orders: a new one, and one whose payment is contested. */
import type { CheckoutEvent } from '../../domain/events.ts'
import type { ShopLocale } from '../shop-locale.ts'
import { type MailContent, type MailRow, type MailSender, singleLine } from './mail-content.ts'
import { buyerOf, wholeOrder } from './order-parts.ts'

export const whyAdmin = ({ shopName }: MailSender) =>
  `You get this mail because ${shopName} tells this address what happens (CHECKOUT_NOTIFICATION_EMAIL).`

/** The rows that say something. */
export const rowsOf = (rows: Readonly<Record<string, string | null | undefined>>): MailRow[] =>
  Object.entries(rows).flatMap(([label, value]) => (value ? [{ label, value: singleLine(value) }] : []))

export function newOrder(
  { order }: CheckoutEvent<'CheckoutCompleted'>,
  sender: MailSender,
  locale: ShopLocale,
): MailContent {
  const { number, currency, totalMinor, email, userId } = order
  const total = locale.money(totalMinor, currency)
  const buyer = buyerOf(order)?.full
  const units = order.lines.reduce((sum, line) => sum + line.quantity, 0)
  return {
    subject: `New order ${number}: ${total}`,
    preheader: `${units} ${units === 1 ? 'unit' : 'units'}${buyer ? ` for ${buyer}` : ''}, paid.`,
    eyebrow: `New order ${number}`,
    title: buyer ? `${buyer} ordered for ${total}.` : `An order for ${total}.`,
    tone: 'plain',
    blocks: [
      {
        kind: 'facts',
        rows: rowsOf({
          Placed: locale.time(order.placedAt),
          'E-mail': email,
          Customer: userId,
          Checkout: order.checkoutId,
        }),
      },
      ...wholeOrder(order, locale, 'The buyer’s note'),
    ],
    reason: whyAdmin(sender),
  }
}

/** "needs_response" as people read it. */
const inWords = (code: string) => singleLine(code).replaceAll('_', ' ')

export function disputeNotice(
  { order, dispute, occurredAt }: CheckoutEvent<'OrderDisputed'>,
  sender: MailSender,
  locale: ShopLocale,
): MailContent {
  const { number, currency } = order
  const amount = locale.money(dispute.amount, currency)
  const isOurTurn = dispute.status.includes('needs_response')
  return {
    subject: `Dispute about order ${number}: ${inWords(dispute.status)}`,
    preheader: `${amount} is contested at the buyer’s bank: ${inWords(dispute.reason)}.`,
    eyebrow: `Dispute about order ${number}`,
    title: isOurTurn ? `${amount} is contested.` : `The dispute about ${amount}: ${inWords(dispute.status)}.`,
    tone: 'trouble',
    blocks: [
      {
        kind: 'paragraph',
        text: `${isOurTurn ? 'The buyer contests the payment at the bank. Answer in your payment provider’s dashboard: there is a deadline, and silence loses.' : 'Your payment provider’s dashboard says what this means for the money.'} The order and its stock are as they were.`,
      },
      {
        kind: 'facts',
        rows: rowsOf({
          Status: inWords(dispute.status),
          Reason: inWords(dispute.reason),
          Dispute: dispute.id,
          Order: `${number}, ${locale.money(order.totalMinor, currency)}, placed ${locale.time(order.placedAt)}`,
          'E-mail': order.email,
          Told: locale.time(occurredAt),
          Checkout: order.checkoutId,
        }),
      },
    ],
    reason: whyAdmin(sender),
  }
}
