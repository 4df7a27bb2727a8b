/**
 * What Slack shows, within its limits (a block 3,000 characters, a message 50 blocks). Whatever others wrote is text and
 * no markup: nobody can have a channel called by naming a product "<!channel>". Of buyers it says nothing.
 */
import type { CheckoutAlert } from '../../domain/alert.ts'
import type { CheckoutEvent } from '../../domain/events.ts'
import { isCurrency, isMinor } from '../../domain/money.ts'
import type { PhaseName } from '../../domain/states.ts'
import { singleLine } from '../mail/mail-content.ts'
import type { ShopLocale } from '../shop-locale.ts'

/** `verbatim`: what looks like a mention or an address stays what it is; only markup of ours is any. */
type Markup = { type: 'mrkdwn'; text: string; verbatim: true }
type SlackBlock =
  | { type: 'header'; text: { type: 'plain_text'; text: string } }
  | { type: 'section'; text: Markup }
  | { type: 'section'; fields: Markup[] }
  | { type: 'context'; elements: Markup[] }

export interface SlackMessage {
  /** For notifications, and for who cannot see blocks. */
  text: string
  blocks: SlackBlock[]
}

export interface SlackShop {
  name: string
  /** "https://shop.example"; null: no links. */
  baseUrl: string | null
  locale: ShopLocale
}

const blockLengthMax = 3_000
const headerLengthMax = 150
const saidLengthMax = 400
/** What of a crowd is shown: kinds by their number, checkouts one by one. The number in the title counts all. */
const kindsMax = 12
const shownMax = 10

/** Text of others, as text: on one line, not long, no half of a character at its end, and without meaning to Slack. */
function said(text: string, lengthMax = saidLengthMax): string {
  const line = singleLine(text)
  const short = line.length > lengthMax ? `${line.slice(0, lengthMax - 1)}…` : line
  return short
    .replaceAll(/\p{Surrogate}/gu, '')
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll(/@(?=channel|here|everyone)/gi, '@\u200b')
}

/** Text of others as code, which a backtick would end. */
const code = (text: string) => `\`${said(text, 100).replaceAll('`', '’')}\``

const markup = (text: string): Markup => ({ type: 'mrkdwn', text, verbatim: true })

/** As many whole lines as fit. */
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

function message(title: string, gist: string, blocks: readonly SlackBlock[], shop: SlackShop): SlackMessage {
  const header = singleLine(title).slice(0, headerLengthMax)
  return {
    text: said(`${shop.name}: ${gist}`),
    blocks: [
      { type: 'header', text: { type: 'plain_text', text: header } },
      ...blocks,
      { type: 'context', elements: [markup(said(shop.name))] },
    ],
  }
}

/** The id of a lock, leading to the console where the shop has an address. */
function lockOf(id: string, { baseUrl }: SlackShop): string {
  return baseUrl === null ? code(id) : `<${new URL(`/admin/checkout-locks/${encodeURIComponent(id)}`, baseUrl)}|${id}>`
}

const diagnose = (id = 'ID') => section([`What happened, step by step: \`holdfast diagnose --lock ${id}\``])

/** "Payment authorization". */
function phaseTitle(phase: PhaseName): string {
  return `${phase.charAt(0).toUpperCase()}${phase.slice(1).replaceAll('_', ' ')}`
}

export type EndedEvent = CheckoutEvent<'CheckoutFailed' | 'CheckoutExpired'>

/** What the checkout was about to cost, where its event knows. */
function amountOf({ lock, failure }: EndedEvent, { locale }: SlackShop): string | null {
  const authorized = lock.metadata.payment_authorization as { amount?: unknown; currency?: unknown } | undefined
  const amount = authorized?.amount ?? failure.context.total ?? failure.context.asked
  const currency = authorized?.currency ?? failure.context.currency
  if (typeof amount !== 'number' || !isMinor(amount) || typeof currency !== 'string' || !isCurrency(currency))
    return null
  return locale.money(amount, currency)
}

/** The particulars that name no buyer: of stock, and why a payment was declined. */
function particularsOf({ failure: { context } }: EndedEvent): string[] {
  const known = ['sku', 'requested', 'available', 'reason'].flatMap(key => {
    const value = context[key]
    return typeof value === 'number' || typeof value === 'string' ? [`${key} ${code(`${value}`)}`] : []
  })
  return known.length === 0 ? [] : [known.join(' · ')]
}

function kindOf({ failure: { phase, code: why } }: EndedEvent): string {
  return phase === null ? code(why) : `${code(why)} in ${phaseTitle(phase).toLowerCase()}`
}

function kindsOf(events: readonly EndedEvent[]): string[] {
  const counts = new Map<string, number>()
  for (const event of events) counts.set(kindOf(event), (counts.get(kindOf(event)) ?? 0) + 1)
  const kinds = [...counts].sort(([, one], [, other]) => other - one)
  const rest = kinds.slice(kindsMax).reduce((sum, [, count]) => sum + count, 0)
  const lines = kinds.slice(0, kindsMax).map(([kind, count]) => `• ${count} × ${kind}`)
  return rest === 0 ? lines : [...lines, `• ${rest} × others`]
}

/** One checkout that failed or expired, or a crowd of them. */
export function endedMessage(events: readonly EndedEvent[], what: 'failed' | 'expired', shop: SlackShop): SlackMessage {
  const [first] = events
  if (first !== undefined && events.length === 1) return oneEnded(first, what, shop)
  const times = events.map(event => event.occurredAt).sort()
  const from = shop.locale.moment(times[0] ?? '')
  const to = shop.locale.moment(times.at(-1) ?? '')
  const more = events.length - shownMax
  const shown = events.slice(0, shownMax).map(event => {
    const amount = amountOf(event, shop)
    return `• ${lockOf(event.lock.id, shop)} ${kindOf(event)}${amount === null ? '' : ` · ${amount}`}`
  })
  const title = `${events.length} checkouts ${what}`
  return message(
    title,
    `${title}, ${from} to ${to}`,
    [
      section([`*${from} to ${to}*`, ...(what === 'failed' ? kindsOf(events) : [])]),
      section([...shown, ...(more > 0 ? [`and ${more} more`] : [])]),
      diagnose(),
    ],
    shop,
  )
}

function oneEnded(event: EndedEvent, what: 'failed' | 'expired', shop: SlackShop): SlackMessage {
  const { failure, lock, occurredAt } = event
  const amount = amountOf(event, shop)
  return message(
    `Checkout ${what}`,
    `checkout ${what}: ${failure.message}`,
    [
      section([said(failure.message), ...particularsOf(event)]),
      fields([
        ...(failure.phase === null ? [] : [['Phase', phaseTitle(failure.phase)] as const]),
        ['Code', code(failure.code)],
        ...(amount === null ? [] : [['Amount', amount] as const]),
        ['Time', shop.locale.moment(occurredAt)],
        ['Lock', lockOf(lock.id, shop)],
      ]),
      diagnose(lock.id),
    ],
    shop,
  )
}

/** Payments that buyers contest at their banks. */
export function disputedMessage(events: readonly CheckoutEvent<'OrderDisputed'>[], shop: SlackShop): SlackMessage {
  const shown = events.slice(0, shownMax).map(({ order, dispute, lock, occurredAt }) =>
    fields([
      ['Order', code(order.number)],
      ['Amount', shop.locale.money(dispute.amount, order.currency)],
      ['Status', code(dispute.status)],
      ['Reason', code(dispute.reason)],
      ['Dispute', code(dispute.id)],
      ['Time', shop.locale.moment(occurredAt)],
      ['Lock', lockOf(lock.id, shop)],
    ]),
  )
  const more = events.length - shownMax
  const title = events.length === 1 ? 'Payment disputed' : `${events.length} payments disputed`
  const orders = events.slice(0, shownMax).map(({ order }) => order.number)
  return message(
    title,
    `${title}: order ${orders.join(', ')}`,
    [...shown, ...(more > 0 ? [section([`and ${more} more`])] : [])],
    shop,
  )
}

/** What people must look at. */
export function alertMessage(alerts: readonly CheckoutAlert[], shop: SlackShop): SlackMessage {
  const shown = alerts.slice(0, shownMax).map(alert => {
    const particulars = Object.entries(alert.context).map(([key, value]) => `${said(key, 40)} ${code(`${value}`)}`)
    if (alert.lockId !== null) particulars.push(`lock ${lockOf(alert.lockId, shop)}`)
    return section([`*${said(alert.message)}*`, `${code(alert.code)}  ${particulars.slice(0, 10).join(' · ')}`])
  })
  const more = alerts.length - shownMax
  const first = alerts[0]?.message ?? ''
  const title = alerts.length === 1 ? 'Needs attention' : `${alerts.length} things need attention`
  return message(
    title,
    `${title.toLowerCase()}: ${first}`,
    [
      ...shown,
      ...(more > 0 ? [section([`and ${more} more`])] : []),
      ...(alerts.some(alert => alert.lockId !== null) ? [diagnose()] : []),
    ],
    shop,
  )
}
