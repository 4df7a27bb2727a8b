/**
 * Slack messages, within Slack's limits: 3,000 characters per block, 50 blocks per message. Texts of others are escaped,
 * so that a product named "<!channel>" notifies no one. Messages contain nothing about buyers.
 */
import type { CheckoutAlert } from '../../domain/alert.ts'
import type { CheckoutEvent } from '../../domain/events.ts'
import { isCurrency, isMinor } from '../../domain/money.ts'
import type { PhaseName } from '../../domain/states.ts'
import { countKinds } from '../count-kinds.ts'
import type { ShopLocale } from '../shop-locale.ts'
import { singleLine } from '../single-line.ts'
import type { SlackCopy } from './copy/en.ts'

/** `verbatim` keeps Slack from turning texts into mentions and links; only our own markup works. */
type Markup = { type: 'mrkdwn'; text: string; verbatim: true }
type SlackBlock =
  | { type: 'header'; text: { type: 'plain_text'; text: string } }
  | { type: 'section'; text: Markup }
  | { type: 'section'; fields: Markup[] }
  | { type: 'context'; elements: Markup[] }

export interface SlackMessage {
  /** For notifications, and for clients without blocks. */
  text: string
  blocks: SlackBlock[]
}

export interface SlackShop {
  name: string
  /** Such as "https://shop.example"; null: messages have no links. */
  baseUrl: string | null
  locale: ShopLocale
  copy: SlackCopy
}

const blockLengthMax = 3_000
const headerLengthMax = 150
const textLengthMax = 400
/** Kinds with their counts, and checkouts listed one by one. The number in the title includes all. */
const kindsMax = 12
const shownMax = 10

/** A text of others: on one line, bounded, without split surrogate pairs, and escaped for Slack. */
function escaped(text: string, lengthMax = textLengthMax): string {
  const line = singleLine(text)
  const short = line.length > lengthMax ? `${line.slice(0, lengthMax - 1)}…` : line
  return short
    .replaceAll(/\p{Surrogate}/gu, '')
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll(/@(?=channel|here|everyone)/gi, '@\u200b')
}

/** A text of others as code. Backticks are replaced, because they would end it. */
const code = (text: string) => `\`${escaped(text, 100).replaceAll('`', '’')}\``

const markup = (text: string): Markup => ({ type: 'mrkdwn', text, verbatim: true })

/** A section with as many whole lines as fit. */
function section(lines: readonly string[]): SlackBlock {
  let text = lines[0] ?? ''
  for (const line of lines.slice(1)) {
    if (text.length + line.length + 1 > blockLengthMax) break
    text += `\n${line}`
  }
  return { type: 'section', text: markup(text) }
}

const fields = (pairs: readonly (readonly [string, string])[]): SlackBlock => ({
  type: 'section',
  fields: pairs.map(([label, value]) => markup(`*${label}*\n${value}`)),
})

function message(title: string, summary: string, blocks: readonly SlackBlock[], shop: SlackShop): SlackMessage {
  const header = singleLine(title).slice(0, headerLengthMax)
  return {
    text: escaped(`${shop.name}: ${summary}`),
    blocks: [
      { type: 'header', text: { type: 'plain_text', text: header } },
      ...blocks,
      { type: 'context', elements: [markup(escaped(shop.name))] },
    ],
  }
}

/** The ID of a lock, as a link to the console if the shop has an address. */
function lockLink(id: string, { baseUrl }: SlackShop): string {
  return baseUrl === null ? code(id) : `<${new URL(`/admin/checkout-locks/${encodeURIComponent(id)}`, baseUrl)}|${id}>`
}

const diagnose = ({ copy }: SlackShop, lockId = 'ID') => section([copy.diagnose(lockId)])

/** Such as "Payment authorization". */
function phaseTitle(phase: PhaseName): string {
  return `${phase.charAt(0).toUpperCase()}${phase.slice(1).replaceAll('_', ' ')}`
}

export type EndedEvent = CheckoutEvent<'CheckoutFailed' | 'CheckoutExpired'>

/** The total of the checkout, if the event has it. */
function amountOf({ lock, failure }: EndedEvent, { locale }: SlackShop): string | null {
  const authorized = lock.metadata.payment_authorization as { amount?: unknown; currency?: unknown } | undefined
  const amount = authorized?.amount ?? failure.context.total ?? failure.context.asked
  const currency = authorized?.currency ?? failure.context.currency
  if (typeof amount !== 'number' || !isMinor(amount) || typeof currency !== 'string' || !isCurrency(currency))
    return null
  return locale.money(amount, currency)
}

/** The parts of the failure's context that name no buyer: stock, and the reason of a decline. */
function detailsOf({ failure: { context } }: EndedEvent): string[] {
  const known = ['sku', 'requested', 'available', 'reason'].flatMap(key => {
    const value = context[key]
    return typeof value === 'number' || typeof value === 'string' ? [`${key} ${code(`${value}`)}`] : []
  })
  return known.length === 0 ? [] : [known.join(' · ')]
}

function kindOf({ failure }: EndedEvent, { copy }: SlackShop): string {
  return copy.kind(code(failure.code), failure.phase === null ? null : phaseTitle(failure.phase).toLowerCase())
}

function kindLines(events: readonly EndedEvent[], shop: SlackShop): string[] {
  const { kinds, others } = countKinds(events, event => kindOf(event, shop), kindsMax)
  const lines = kinds.map(([kind, count]) => `• ${count} × ${kind}`)
  return others === 0 ? lines : [...lines, `• ${others} × ${shop.copy.otherKinds}`]
}

function moreLines(hidden: number, { copy }: SlackShop): string[] {
  return hidden > 0 ? [copy.more(hidden)] : []
}

/** One or many checkouts that failed or expired. */
export function endedMessage(events: readonly EndedEvent[], what: 'failed' | 'expired', shop: SlackShop): SlackMessage {
  const [first] = events
  if (first !== undefined && events.length === 1) return oneEnded(first, what, shop)
  const times = events.map(event => event.occurredAt).sort()
  const period = shop.copy.period(shop.locale.moment(times[0] ?? ''), shop.locale.moment(times.at(-1) ?? ''))
  const shown = events.slice(0, shownMax).map(event => {
    const amount = amountOf(event, shop)
    return `• ${lockLink(event.lock.id, shop)} ${kindOf(event, shop)}${amount === null ? '' : ` · ${amount}`}`
  })
  const title = shop.copy[what](events.length)
  return message(
    title,
    `${title}, ${period}`,
    [
      section([`*${period}*`, ...(what === 'failed' ? kindLines(events, shop) : [])]),
      section([...shown, ...moreLines(events.length - shownMax, shop)]),
      diagnose(shop),
    ],
    shop,
  )
}

function oneEnded(event: EndedEvent, what: 'failed' | 'expired', shop: SlackShop): SlackMessage {
  const { failure, lock, occurredAt } = event
  const { copy } = shop
  const amount = amountOf(event, shop)
  const title = copy[what](1)
  return message(
    title,
    `${title}: ${failure.message}`,
    [
      section([escaped(failure.message), ...detailsOf(event)]),
      fields([
        ...(failure.phase === null ? [] : [[copy.phase, phaseTitle(failure.phase)] as const]),
        [copy.code, code(failure.code)],
        ...(amount === null ? [] : [[copy.amount, amount] as const]),
        [copy.time, shop.locale.moment(occurredAt)],
        [copy.lock, lockLink(lock.id, shop)],
      ]),
      diagnose(shop, lock.id),
    ],
    shop,
  )
}

/** One or many payments that buyers dispute with their banks. */
export function disputedMessage(events: readonly CheckoutEvent<'OrderDisputed'>[], shop: SlackShop): SlackMessage {
  const { copy } = shop
  const shown = events.slice(0, shownMax).map(({ order, dispute, lock, occurredAt }) =>
    fields([
      [copy.order, code(order.number)],
      [copy.amount, shop.locale.money(dispute.amount, order.currency)],
      [copy.status, code(dispute.status)],
      [copy.reason, code(dispute.reason)],
      [copy.dispute, code(dispute.id)],
      [copy.time, shop.locale.moment(occurredAt)],
      [copy.lock, lockLink(lock.id, shop)],
    ]),
  )
  const more = moreLines(events.length - shownMax, shop)
  const title = copy.disputed(events.length)
  const orders = events.slice(0, shownMax).map(({ order }) => order.number)
  return message(
    title,
    copy.disputedOrders(title, orders),
    [...shown, ...(more.length > 0 ? [section(more)] : [])],
    shop,
  )
}

/** One or many alerts. */
export function alertMessage(alerts: readonly CheckoutAlert[], shop: SlackShop): SlackMessage {
  const shown = alerts.slice(0, shownMax).map(alert => {
    const details = Object.entries(alert.context).map(([key, value]) => `${escaped(key, 40)} ${code(`${value}`)}`)
    if (alert.lockId !== null) details.push(shop.copy.lockLabel(lockLink(alert.lockId, shop)))
    return section([`*${escaped(alert.message)}*`, `${code(alert.code)}  ${details.slice(0, 10).join(' · ')}`])
  })
  const more = moreLines(alerts.length - shownMax, shop)
  const title = shop.copy.alerts(alerts.length)
  return message(
    title,
    `${title}: ${alerts[0]?.message ?? ''}`,
    [
      ...shown,
      ...(more.length > 0 ? [section(more)] : []),
      ...(alerts.some(alert => alert.lockId !== null) ? [diagnose(shop)] : []),
    ],
    shop,
  )
}
