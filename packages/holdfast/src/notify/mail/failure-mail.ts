/** The mails to the shop about checkouts that did not end in an order, one or a crowd of them in a mail. */
import type { CheckoutEvent } from '../../domain/events.ts'
import type { ShopLocale } from '../shop-locale.ts'
import { whyAdmin } from './admin-mail.ts'
import {
  type MailBlock,
  type MailContent,
  type MailItem,
  type MailRow,
  type MailSender,
  singleLine,
} from './mail-content.ts'

export type TroubleEvent = CheckoutEvent<'CheckoutFailed' | 'CheckoutExpired'>

/** What of a crowd is shown one by one; the figures count all. */
const shownMax = 25
const kindsMax = 12
const particularsLengthMax = 200

const placeOf = ({ failure: { phase, code } }: TroubleEvent) => (phase === null ? code : `${code} in ${phase}`)

/** What a failure says beside its sentence: "sku LINE-20, requested 2, available 1". */
function particularsOf({ failure: { context } }: TroubleEvent): string[] {
  const said = Object.entries(context)
    .map(([name, value]) => `${name} ${typeof value === 'string' ? value : JSON.stringify(value)}`)
    .join(', ')
  return said === '' ? [] : [singleLine(said).slice(0, particularsLengthMax)]
}

function itemOf(event: TroubleEvent, locale: ShopLocale): MailItem {
  const { failure, lock } = event
  return {
    title: singleLine(failure.message),
    details: [
      `${locale.moment(lock.failedAt ?? event.occurredAt)} · ${placeOf(event)}`,
      ...particularsOf(event),
      `Lock ${lock.id}`,
    ],
  }
}

/** How many of each kind, the most frequent first. */
function kindsOf(events: readonly TroubleEvent[]): MailRow[] {
  const counts = new Map<string, number>()
  for (const event of events) counts.set(placeOf(event), (counts.get(placeOf(event)) ?? 0) + 1)
  const kinds = [...counts].sort(([, one], [, other]) => other - one)
  const rest = kinds.slice(kindsMax).reduce((sum, [, count]) => sum + count, 0)
  return [
    ...kinds.slice(0, kindsMax).map(([kind, count]) => ({ label: kind, value: String(count) })),
    ...(rest === 0 ? [] : [{ label: 'of other kinds', value: String(rest) }]),
  ]
}

function crowd(events: readonly TroubleEvent[], locale: ShopLocale): MailBlock[] {
  const hidden = events.length - shownMax
  return [
    ...(events.length === 1 ? [] : [{ kind: 'figures' as const, rows: kindsOf(events) }]),
    { kind: 'items', items: events.slice(0, shownMax).map(event => itemOf(event, locale)) },
    ...(hidden <= 0 ? [] : [{ kind: 'paragraph' as const, text: `And ${hidden} more.` }]),
  ]
}

/** The one, or the most frequent of many. */
const mostly = (events: readonly TroubleEvent[]) =>
  `${events.length === 1 ? '' : 'mostly '}${kindsOf(events)[0]?.label ?? ''}`

const [diagnoseOne, diagnoseMany] = [
  (id: string) => `What happened step by step: holdfast diagnose --lock ${id}`,
  'What happened step by step: holdfast diagnose --lock ID',
]

/** `events`: one or more. */
export function failureNotice(events: readonly TroubleEvent[], sender: MailSender, locale: ShopLocale): MailContent {
  const [first] = events
  const isOne = events.length === 1
  return {
    subject: isOne ? `Checkout failed: ${mostly(events)}` : `${events.length} checkouts failed, ${mostly(events)}`,
    preheader: isOne && first !== undefined ? singleLine(first.failure.message) : `All was undone: no money was kept.`,
    eyebrow: isOne ? 'Checkout failed' : 'Checkouts failed',
    title: isOne ? 'A checkout failed.' : `${events.length} checkouts failed.`,
    tone: 'trouble',
    blocks: [
      {
        kind: 'paragraph',
        text: `${isOne ? 'It was undone' : 'All of them were undone'}: stock is free again and no money was kept. ${isOne && first !== undefined ? diagnoseOne(first.lock.id) : diagnoseMany}`,
      },
      ...crowd(events, locale),
    ],
    reason: whyAdmin(sender),
  }
}

/** `events`: one or more. */
export function expiryNotice(events: readonly TroubleEvent[], sender: MailSender, locale: ShopLocale): MailContent {
  const isOne = events.length === 1
  return {
    subject: isOne ? 'Checkout expired' : `${events.length} checkouts expired`,
    preheader: 'The buyer did not finish in time. Nothing was charged.',
    eyebrow: isOne ? 'Checkout expired' : 'Checkouts expired',
    title: isOne ? 'A checkout ran out of time.' : `${events.length} checkouts ran out of time.`,
    tone: 'plain',
    blocks: [
      {
        kind: 'paragraph',
        text: `${isOne ? 'Its buyer' : 'Their buyers'} did not finish in time. Nothing was charged, stock is free again, and ${isOne ? 'the cart is as it was' : 'the carts are as they were'}.`,
      },
      ...crowd(events, locale),
    ],
    reason: whyAdmin(sender),
  }
}
