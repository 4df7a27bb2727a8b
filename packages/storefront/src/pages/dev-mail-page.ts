/** The mails that were kept instead of being sent, for whoever develops: all of them, and one with everything in it. */

import type { PageFrame, ShownMail } from 'holdfast/http'
import { html } from 'hono/html'
import { type Markup, page } from './layout.ts'

const time = (iso: string) =>
  html`<time datetime="${iso}">${new Date(iso).toLocaleString('en-GB', { dateStyle: 'medium', timeStyle: 'medium', timeZone: 'UTC' })}<span class="visually-hidden"> UTC</span></time>`

const row = ({ id, keptAt, to, subject }: ShownMail): Markup =>
  html`<li><a href="/dev/mail/${id}"><strong>${subject}</strong><span class="to">${to}</span><span class="at">${time(keptAt)}</span></a></li>`

const nothingYet = html`<div class="empty"><h1>No mail yet.</h1>
  <p>Place an order: what would be mailed is kept here instead, and goes nowhere. To send mail, set <span class="mono">SMTP_URL</span> and <span class="mono">CHECKOUT_MAIL_FROM</span>.</p>
  <p><a class="button" href="/">To the shop</a></p></div>`

/** @param mails newest first. */
export function mailListPage(frame: PageFrame, mails: readonly ShownMail[]): Markup {
  if (mails.length === 0) return page(frame, { title: 'Mail', body: nothingYet })
  const body = html`<div class="hero"><p class="eyebrow">While you develop</p><h1>Mail</h1>
      <p>Kept here instead of being sent, newest first. Times are UTC.</p></div>
    <ul class="mails">${mails.map(row)}</ul>`
  return page(frame, { title: 'Mail', body })
}

/** Lines that go on stand with the line they belong to. */
const headersOf = (source: string) => source.split(/\r?\n\r?\n/, 1)[0] ?? ''

export function mailPage(frame: PageFrame, mail: ShownMail): Markup {
  const { id, keptAt, from, to, subject, text, source } = mail
  const body = html`<p class="eyebrow"><a href="/dev/mail">All mail</a></p>
    <h1 class="mail-subject">${subject}</h1>
    <dl class="mail-facts"><div><dt>From</dt><dd>${from}</dd></div><div><dt>To</dt><dd>${to}</dd></div><div><dt>Kept</dt><dd>${time(keptAt)} UTC</dd></div></dl>
    <iframe class="mail-view" src="/dev/mail/${id}/html" title="The mail as it is read" sandbox="allow-popups allow-popups-to-escape-sandbox" referrerpolicy="no-referrer"></iframe>
    <details class="mail-part"><summary>Plain text</summary><pre>${text}</pre></details>
    <details class="mail-part"><summary>Headers</summary><pre>${headersOf(source)}</pre></details>`
  return page(frame, { title: subject, body })
}
