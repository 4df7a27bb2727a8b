/** The emails about an order that is not paid yet: to its buyer, who may have to transfer money, and to the shop. */
import { inGroups } from '../../domain/creditor-reference.ts'
import type { CheckoutEvent } from '../../domain/events.ts'
import type { Order, Transfer } from '../../domain/order.ts'
import { singleLine } from '../single-line.ts'
import { rowsOf } from './admin-mail.ts'
import type { MailBlock, MailContent, MailShop } from './content.ts'
import { orderLink } from './customer-mail.ts'
import { buyerOf, orderBlocks } from './order-parts.ts'

/** False for orders that are paid, cancelled, or free: their buyers must not be asked to pay. */
export const isAwaited = ({ status, totalMinor }: Order) => status === 'pending' && totalMinor > 0

/** The details for the buyer's bank transfer. */
function transferBlocks({ iban, accountHolder, reference, dueAt }: Transfer, total: string, shop: MailShop) {
  const { transfer: texts } = shop.copy.buyer.awaiting
  const elsewhere = iban === null ? ` ${texts.accountElsewhere(shop.name)}` : ''
  const blocks: MailBlock[] = [
    {
      kind: 'facts',
      title: texts.details,
      rows: [
        { label: texts.amount, value: total, isGrand: true },
        ...rowsOf([
          [texts.accountHolder, accountHolder],
          [texts.iban, iban === null ? null : inGroups(iban)],
        ]),
        { label: texts.reference, value: singleLine(inGroups(reference)), isGrand: true },
        { label: texts.dueAt, value: shop.locale.time(dueAt) },
      ],
    },
    { kind: 'paragraph', text: `${texts.useReference}${elsewhere}` },
  ]
  return blocks
}

export function awaitedOrder(order: Order, shop: MailShop): MailContent {
  const { copy, locale, name } = shop
  const { awaiting, note, reason } = copy.buyer
  const { number, currency, totalMinor } = order
  const { transfer } = order.metadata
  const total = locale.money(totalMinor, currency)
  const texts =
    transfer === undefined
      ? {
          subject: awaiting.capture.subject(number, name),
          preheader: awaiting.capture.preheader(total),
          text: awaiting.capture.text(total),
        }
      : {
          subject: awaiting.transfer.subject(number, name, total),
          preheader: awaiting.transfer.preheader(locale.time(transfer.dueAt)),
          text: awaiting.transfer.text(locale.time(transfer.dueAt)),
        }
  return {
    subject: texts.subject,
    preheader: texts.preheader,
    eyebrow: copy.order.eyebrow(number),
    title: awaiting.title(buyerOf(order)?.first ?? ''),
    tone: 'plain',
    blocks: [
      { kind: 'paragraph', text: texts.text },
      ...(transfer === undefined ? [] : transferBlocks(transfer, total, shop)),
      ...orderBlocks(order, shop, note, orderLink(order, shop)),
    ],
    reason: reason(name),
  }
}

export function awaitedByShop({ order }: CheckoutEvent<'OrderAwaitingCapture'>, shop: MailShop): MailContent {
  const { copy, locale, name } = shop
  const { awaiting: texts, ...labels } = copy.shop
  const { number, currency, totalMinor, email, userId, checkoutId, placedAt } = order
  const { transfer } = order.metadata
  const total = locale.money(totalMinor, currency)
  return {
    subject: (transfer === undefined ? texts.capture : texts.transfer).subject(number, total),
    preheader: texts.preheader,
    eyebrow: texts.eyebrow(number),
    title: labels.placedBy(buyerOf(order)?.full || undefined, total),
    tone: 'plain',
    blocks: [
      {
        kind: 'paragraph',
        text: transfer === undefined ? texts.capture.text : texts.transfer.text(locale.time(transfer.dueAt)),
      },
      {
        kind: 'facts',
        rows: rowsOf([
          [texts.reference, transfer && inGroups(transfer.reference)],
          [labels.placedAt, locale.time(placedAt)],
          [labels.email, email],
          [labels.customer, userId],
          [labels.checkout, checkoutId],
        ]),
      },
      ...orderBlocks(order, shop, labels.note),
    ],
    reason: labels.reason(name),
  }
}
