/** The email to the shop about one or more alerts. */
import type { CheckoutAlert } from '../../domain/alert.ts'
import { singleLine } from '../single-line.ts'
import type { MailContent, MailItem, MailShop } from './content.ts'

/** Alerts listed one by one. */
const shownMax = 25

function itemOf({ code, message, lockId, context }: CheckoutAlert, { copy }: MailShop): MailItem {
  const details = Object.entries(context).map(([name, value]) => singleLine(`${name} ${value}`))
  return {
    title: singleLine(message),
    details: [[code, ...details].join(' · '), ...(lockId === null ? [] : [copy.shop.alert.diagnose(lockId)])],
  }
}

/** @param alerts one or more. */
export function alertNotice(alerts: readonly CheckoutAlert[], shop: MailShop): MailContent {
  const texts = shop.copy.shop.alert
  const first = singleLine(alerts[0]?.message ?? '')
  const hidden = alerts.length - shownMax
  return {
    subject: texts.subject(alerts.length, first),
    preheader: first,
    eyebrow: texts.eyebrow(alerts.length),
    title: texts.title(alerts.length),
    tone: 'alert',
    blocks: [
      { kind: 'paragraph', text: texts.text },
      { kind: 'items', items: alerts.slice(0, shownMax).map(alert => itemOf(alert, shop)) },
      ...(hidden <= 0 ? [] : [{ kind: 'paragraph' as const, text: texts.more(hidden) }]),
    ],
    reason: shop.copy.shop.reason(shop.name),
  }
}
