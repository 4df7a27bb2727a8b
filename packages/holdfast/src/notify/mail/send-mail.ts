/** Sends one email through a transport. An unchecked address of a buyer never becomes two recipients. */
import { PermanentFailure } from '../../events/permanent-failure.ts'
import { singleLine } from '../single-line.ts'
import type { MailContent, MailShop } from './content.ts'
import { mailHtml } from './html-part.ts'
import { mailText } from './text-part.ts'
import { type MailMessage, type MailTransport, refusalOf } from './transport.ts'

/** One address, in a form that no header or envelope can read as several. */
export const addressPattern = /^[^\s@<>"(),:;\\[\]\p{Cc}]+@[^\s@<>"(),:;\\[\]\p{Cc}]+$/u

/** @param id the local part of the `Message-ID`, the same on every attempt. */
export type SendMail = (to: string, id: string, content: MailContent, signal: AbortSignal) => Promise<void>

export interface SendMailOptions {
  transport: MailTransport
  /** The sender's address. */
  from: string
  shop: MailShop
  /** Timeout of an email, milliseconds. */
  timeoutMs: number
}

export function createSendMail({ transport, from, shop, timeoutMs }: SendMailOptions): SendMail {
  const domain = from.slice(from.lastIndexOf('@') + 1)

  return async (to, id, content, signal) => {
    if (!addressPattern.test(to)) throw new PermanentFailure('the recipient has no valid email address')
    const message: MailMessage = {
      from: { name: shop.name, address: from },
      to: { name: '', address: to },
      subject: singleLine(content.subject),
      text: mailText(content, shop),
      html: await mailHtml(content, shop),
      messageId: `<${id}@${domain}>`,
      headers: { 'Auto-Submitted': 'auto-generated', 'X-Auto-Response-Suppress': 'All' },
      // Several deliveries may wait for one email, each with its own timeout.
      signal: AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]),
    }
    try {
      await transport.sendMail(message)
    } catch (error) {
      throw refusalOf(error, to)
    }
  }
}
