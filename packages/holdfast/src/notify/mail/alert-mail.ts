/** The mail to the shop about what no machine decides, one thing or several. */
import type { CheckoutAlert } from '../../domain/alert.ts'
import { whyAdmin } from './admin-mail.ts'
import { type MailContent, type MailItem, type MailSender, singleLine } from './mail-content.ts'

/** What of a crowd is shown one by one. */
const shownMax = 25

function itemOf({ code, message, lockId, context }: CheckoutAlert): MailItem {
  const particulars = Object.entries(context).map(([name, value]) => `${name} ${value}`)
  return {
    title: singleLine(message),
    details: [
      [code, ...particulars.map(singleLine)].join(' · '),
      ...(lockId === null ? [] : [`holdfast diagnose --lock ${lockId}`]),
    ],
  }
}

/** `alerts`: one or more. */
export function alertNotice(alerts: readonly CheckoutAlert[], sender: MailSender): MailContent {
  const gist = singleLine(alerts[0]?.message ?? '')
  const hidden = alerts.length - shownMax
  const title = alerts.length === 1 ? 'Something needs attention' : `${alerts.length} things need attention`
  return {
    subject: `${title}: ${gist}`,
    preheader: gist,
    eyebrow: 'Attention',
    title: `${title}.`,
    tone: 'trouble',
    blocks: [
      { kind: 'paragraph', text: 'No machine decides this. The same is told once an hour while it lasts.' },
      { kind: 'items', items: alerts.slice(0, shownMax).map(itemOf) },
      ...(hidden <= 0 ? [] : [{ kind: 'paragraph' as const, text: `And ${hidden} more.` }]),
    ],
    reason: whyAdmin(sender),
  }
}
