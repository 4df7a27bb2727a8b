/** The emails to the shop about checkouts that ended without an order, one or many of them per email. */
import type { CheckoutEvent } from '../../domain/events.ts'
import { countKinds } from '../count-kinds.ts'
import { singleLine } from '../single-line.ts'
import type { MailBlock, MailContent, MailItem, MailShop } from './content.ts'

export type EndedEvent = CheckoutEvent<'CheckoutFailed' | 'CheckoutExpired'>

/** Checkouts listed one by one, and kinds with their counts. The counts include all checkouts. */
const shownMax = 25
const kindsMax = 12
const detailsLengthMax = 200

function kindsOf(events: readonly EndedEvent[], { copy }: MailShop) {
  return countKinds(events, ({ failure: { code, phase } }) => copy.shop.ended.kind(code, phase), kindsMax)
}

/** The context of a failure: "sku LINE-20, requested 2, available 1". */
function detailsOf({ failure: { context } }: EndedEvent): string[] {
  const details = Object.entries(context)
    .map(([name, value]) => `${name} ${typeof value === 'string' ? value : JSON.stringify(value)}`)
    .join(', ')
  return details === '' ? [] : [singleLine(details).slice(0, detailsLengthMax)]
}

function itemOf(event: EndedEvent, { copy, locale }: MailShop): MailItem {
  const { failure, lock } = event
  const texts = copy.shop.ended
  return {
    title: singleLine(failure.message),
    details: [
      `${locale.moment(lock.failedAt ?? event.occurredAt)} · ${texts.kind(failure.code, failure.phase)}`,
      ...detailsOf(event),
      texts.lock(lock.id),
    ],
  }
}

function kindRows(events: readonly EndedEvent[], shop: MailShop) {
  const { kinds, others } = kindsOf(events, shop)
  return [
    ...kinds.map(([kind, count]) => ({ label: kind, value: String(count) })),
    ...(others === 0 ? [] : [{ label: shop.copy.shop.ended.otherKinds, value: String(others) }]),
  ]
}

function endedBlocks(events: readonly EndedEvent[], shop: MailShop): MailBlock[] {
  const hidden = events.length - shownMax
  return [
    ...(events.length === 1 ? [] : [{ kind: 'figures' as const, rows: kindRows(events, shop) }]),
    { kind: 'items', items: events.slice(0, shownMax).map(event => itemOf(event, shop)) },
    ...(hidden <= 0 ? [] : [{ kind: 'paragraph' as const, text: shop.copy.shop.ended.more(hidden) }]),
  ]
}

/** @param events one or more. */
export function failureNotice(events: readonly EndedEvent[], shop: MailShop): MailContent {
  const texts = shop.copy.shop.failure
  const [first] = events
  const count = events.length
  const [[mostFrequent = ''] = []] = kindsOf(events, shop).kinds
  return {
    subject: texts.subject(count, mostFrequent),
    preheader: count === 1 ? singleLine(first?.failure.message ?? '') : texts.preheaderOfMany,
    eyebrow: texts.eyebrow(count),
    title: texts.title(count),
    tone: 'alert',
    blocks: [{ kind: 'paragraph', text: texts.text(count, first?.lock.id) }, ...endedBlocks(events, shop)],
    reason: shop.copy.shop.reason(shop.name),
  }
}

/** @param events one or more. */
export function expiryNotice(events: readonly EndedEvent[], shop: MailShop): MailContent {
  const texts = shop.copy.shop.expiry
  const count = events.length
  return {
    subject: texts.subject(count),
    preheader: texts.preheader(count),
    eyebrow: texts.eyebrow(count),
    title: texts.title(count),
    tone: 'plain',
    blocks: [{ kind: 'paragraph', text: texts.text(count) }, ...endedBlocks(events, shop)],
    reason: shop.copy.shop.reason(shop.name),
  }
}
