/**
 * The development pages of kept emails: the list, and one email with all its parts. Developers read them, so their text
 * is not part of the copy.
 */

import type { PageFrame, ShownMail } from 'holdfast/http'
import { html } from 'hono/html'
import type { Copy } from '../copy/copy.ts'
import { type Markup, page } from './layout.ts'

const time = (iso: string) =>
  html`<time datetime="${iso}">${new Date(iso).toLocaleString('en-GB', { dateStyle: 'medium', timeStyle: 'medium', timeZone: 'UTC' })}<span class="visually-hidden"> UTC</span></time>`

const row = ({ id, keptAt, to, subject }: ShownMail): Markup =>
  html`<li><a href="/dev/mail/${id}"><strong>${subject}</strong><span class="to">${to}</span><span class="at">${time(keptAt)}</span></a></li>`

const nothingYet = html`<div class="empty"><h1>No emails yet.</h1>
  <p>Place an order: its emails are kept here instead of being sent. To send emails, set <span class="mono">SMTP_URL</span> and <span class="mono">CHECKOUT_MAIL_FROM</span>.</p>
  <p><a class="button" href="/">Back to the shop</a></p></div>`

/** @param mails newest first. */
export function mailListPage(copy: Copy, frame: PageFrame, mails: readonly ShownMail[]): Markup {
  if (mails.length === 0) return page(copy, frame, { title: 'Emails', body: nothingYet })
  const body = html`<div class="hero"><p class="eyebrow">Development</p><h1>Mail</h1>
      <p>Kept here instead of being sent, newest first. Times are UTC.</p></div>
    <ul class="mails">${mails.map(row)}</ul>`
  return page(copy, frame, { title: 'Emails', body })
}

/** Folded header lines stay with their header. */
const headersOf = (source: string) => source.split(/\r?\n\r?\n/, 1)[0] ?? ''

export function mailPage(copy: Copy, frame: PageFrame, mail: ShownMail): Markup {
  const { id, keptAt, from, to, subject, text, source } = mail
  const body = html`<p class="eyebrow"><a href="/dev/mail">All emails</a></p>
    <h1 class="mail-subject">${subject}</h1>
    <dl class="mail-facts"><div><dt>From</dt><dd>${from}</dd></div><div><dt>To</dt><dd>${to}</dd></div><div><dt>Kept at</dt><dd>${time(keptAt)} UTC</dd></div></dl>
    <iframe class="mail-view" src="/dev/mail/${id}/html" title="The email as its recipient sees it" sandbox="allow-popups allow-popups-to-escape-sandbox" referrerpolicy="no-referrer"></iframe>
    <details class="mail-part"><summary>Plain text</summary><pre>${text}</pre></details>
    <details class="mail-part"><summary>Headers</summary><pre>${headersOf(source)}</pre></details>`
  return page(copy, frame, { title: subject, body })
}
