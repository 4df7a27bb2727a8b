/** The emails to the shop about orders: new orders and disputes. */
import type { CheckoutEvent } from '../../domain/events.ts'
import { singleLine } from '../single-line.ts'
import type { MailContent, MailRow, MailShop } from './content.ts'
import { buyerOf, orderBlocks, unitsOf } from './order-parts.ts'

/** Rows for the labels that have a value. */
export const rowsOf = (rows: readonly (readonly [label: string, value: string | null | undefined])[]): MailRow[] =>
  rows.flatMap(([label, value]) => (value ? [{ label, value: singleLine(value) }] : []))

export function newOrder({ order }: CheckoutEvent<'CheckoutCompleted'>, mailShop: MailShop): MailContent {
  const { copy, locale, name } = mailShop
  const { newOrder: texts, ...labels } = copy.shop
  const { number, currency, totalMinor, email, userId } = order
  const total = locale.money(totalMinor, currency)
  const buyer = buyerOf(order)?.full || undefined
  return {
    subject: texts.subject(number, total),
    preheader: texts.preheader(unitsOf(order), buyer),
    eyebrow: texts.eyebrow(number),
    title: labels.placedBy(buyer, total),
    tone: 'plain',
    blocks: [
      {
        kind: 'facts',
        rows: rowsOf([
          [labels.placedAt, locale.time(order.placedAt)],
          [labels.email, email],
          [labels.customer, userId],
          [labels.checkout, order.checkoutId],
        ]),
      },
      ...orderBlocks(order, mailShop, labels.note),
    ],
    reason: labels.reason(name),
  }
}

/** "needs_response" as words. */
const inWords = (code: string) => singleLine(code).replaceAll('_', ' ')

export function disputeNotice(
  { order, dispute, occurredAt }: CheckoutEvent<'OrderDisputed'>,
  { copy, locale, name }: MailShop,
): MailContent {
  const { dispute: texts, ...labels } = copy.shop
  const { number, currency } = order
  const amount = locale.money(dispute.amount, currency)
  const status = inWords(dispute.status)
  const needsResponse = dispute.status.includes('needs_response')
  const summary = texts.orderSummary(number, locale.money(order.totalMinor, currency), locale.time(order.placedAt))
  return {
    subject: texts.subject(number, status),
    preheader: texts.preheader(amount, inWords(dispute.reason)),
    eyebrow: texts.eyebrow(number),
    title: texts.title(amount, status, needsResponse),
    tone: 'alert',
    blocks: [
      { kind: 'paragraph', text: texts.text(needsResponse) },
      {
        kind: 'facts',
        rows: rowsOf([
          [texts.status, status],
          [texts.reason, inWords(dispute.reason)],
          [texts.dispute, dispute.id],
          [texts.order, summary],
          [labels.email, order.email],
          [texts.reportedAt, locale.time(occurredAt)],
          [labels.checkout, order.checkoutId],
        ]),
      },
    ],
    reason: labels.reason(name),
  }
}
