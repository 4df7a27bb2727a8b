/**
 * The sandbox's confirmation page, on which a buyer approves or refuses a payment. It contains no scripts, escapes all
 * data, and links only to http, https, or this site.
 */
import { createHash } from 'node:crypto'
import { formatMoney } from '../../domain/money.ts'
import type { SandboxPayment } from './payment.ts'

export interface SandboxPageOptions {
  /** Null if the payment does not exist. */
  payment: SandboxPayment | null
  /** The shop's name as the buyer knows it. */
  merchant: string
  /** The URL that the form posts to. Default: the page's own URL. */
  action?: string
}

export interface SandboxPage {
  /** 404 if the payment does not exist. */
  status: 200 | 404
  html: string
  /** The page's `Content-Security-Policy`: allows its style, its form, and the redirect to the shop. */
  contentSecurityPolicy: string
}

/** The return URL with `checkout_id` and `payment` added; null if the shop gave none. */
export function returnLocation(payment: SandboxPayment): string | null {
  if (payment.returnUrl === null) return null
  const [address = '', fragment] = payment.returnUrl.split('#', 2)
  const added = `checkout_id=${encodeURIComponent(payment.checkoutId)}&payment=${encodeURIComponent(payment.reference)}`
  return `${address}${address.includes('?') ? '&' : '?'}${added}${fragment === undefined ? '' : `#${fragment}`}`
}

const escapes: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
}
const escaped = (text: string): string => text.replace(/[&<>"']/g, sign => escapes[sign] ?? sign)

const style = `
:root { color-scheme: light dark; --ground: #f4f4f1; --card: #fff; --ink: #1c1d1f; --soft: #63666b; --line: #deded8;
  --go: #14653c; --go-ink: #fff; --stop: #9c2b22 }
@media (prefers-color-scheme: dark) { :root { --ground: #131416; --card: #1d1f22; --ink: #eeeeea; --soft: #a2a5a9;
  --line: #35383c; --go: #56c48a; --go-ink: #0c1f15; --stop: #f08d84 } }
* { box-sizing: border-box }
body { margin: 0; min-height: 100vh; display: grid; place-items: center; padding: 1rem; background: var(--ground);
  color: var(--ink); font: 1rem/1.5 system-ui, sans-serif }
main { width: 100%; max-width: 25rem; padding: 1.75rem; background: var(--card); border: 1px solid var(--line);
  border-radius: .75rem }
h1 { margin: 0 0 1.25rem; font-size: 1.125rem; font-weight: 600 }
.amount { margin: 0; font-size: 2.25rem; font-weight: 650; line-height: 1.15; font-variant-numeric: tabular-nums;
  overflow-wrap: anywhere }
.to { margin: .25rem 0 1.5rem; color: var(--soft); overflow-wrap: anywhere }
form { display: grid; gap: .625rem }
button, .way { display: block; width: 100%; padding: .75rem 1rem; border: 1px solid var(--line); border-radius: .5rem;
  background: none; color: inherit; font: inherit; font-weight: 600; text-align: center; text-decoration: none;
  cursor: pointer }
button[value=approve] { background: var(--go); border-color: var(--go); color: var(--go-ink) }
button[value=refuse] { color: var(--stop) }
.leave { border-color: transparent; color: var(--soft); font-weight: 400 }
:focus-visible { outline: 3px solid color-mix(in srgb, var(--go) 60%, transparent); outline-offset: 2px }
small { display: block; margin-top: 1.5rem; padding-top: 1rem; border-top: 1px solid var(--line); color: var(--soft);
  font-size: .8125rem; overflow-wrap: anywhere }
`
const styleHash = createHash('sha256').update(style).digest('base64')

function policy(payment: SandboxPayment | null): string {
  const back = /^https?:\/\/[^/?#\s;,']+/i.exec(payment?.returnUrl ?? '')?.[0]
  // The browser applies `form-action` also to the redirect that answers the form.
  const formAction = back === undefined ? "'self'" : `'self' ${back}`
  return [
    "default-src 'none'",
    `style-src 'sha256-${styleHash}'`,
    `form-action ${formAction}`,
    "base-uri 'none'",
    "frame-ancestors 'none'",
  ].join('; ')
}

const returnLink = (payment: SandboxPayment, label: string): string => {
  const location = returnLocation(payment)
  return location === null
    ? '<p class="to">You can close this page.</p>'
    : `<a class="way" href="${escaped(location)}">${label}</a>`
}

function decisionForm(payment: SandboxPayment, action: string): string {
  const location = returnLocation(payment)
  const leave = location === null ? '' : `<a class="way leave" href="${escaped(location)}">Leave without deciding</a>`
  return `<form method="post" action="${escaped(action)}">
<button name="decision" value="approve">Approve payment</button>
<button name="decision" value="refuse">Refuse</button>
${leave}
</form>`
}

/** The page's sentence about a payment that waits for no decision of the buyer. */
function statusSentence(payment: SandboxPayment): string {
  switch (payment.status) {
    case 'authorized':
    case 'captured':
      return 'You approved this payment.'
    case 'declined':
      return payment.declineCode === 'authentication_failed'
        ? 'You have not been charged. You refused this payment.'
        : 'You have not been charged. This payment was declined.'
    case 'voided':
      return 'You have not been charged. The shop cancelled this payment.'
    case 'action_required':
    case 'pending':
    case 'in_flight':
      return 'This payment is being processed.'
  }
  return payment.status satisfies never
}

/** Empty for a payment that was fenced before it arrived, because it has no amount. */
function amountTo({ method, amountMinor, currency }: SandboxPayment, merchant: string): string {
  if (method === null) return ''
  return `<p class="amount">${escaped(formatMoney(amountMinor, currency))}</p>
<p class="to">to ${escaped(merchant)}</p>`
}

function body({ payment, merchant, action = '' }: SandboxPageOptions): string {
  if (payment === null) return '<h1>Payment not found</h1><p class="to">The link is wrong or out of date.</p>'
  const waits = payment.status === 'action_required'
  const title = waits ? 'Confirm your payment' : statusSentence(payment)
  return `<h1>${title}</h1>
${amountTo(payment, merchant)}
${waits ? decisionForm(payment, action) : returnLink(payment, 'Back to the shop')}`
}

/** Renders the page for one payment: a form while the payment waits for the buyer, otherwise its state. */
export function sandboxPage(options: SandboxPageOptions): SandboxPage {
  const { payment } = options
  const reference = payment === null ? '' : ` · ${escaped(payment.reference)}`
  const html = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<title>Sandbox payment</title>
<style>${style}</style>
</head>
<body>
<main>
${body(options)}
<small>Sandbox: no real money moves${reference}</small>
</main>
</body>
</html>
`
  return { status: payment === null ? 404 : 200, html, contentSecurityPolicy: policy(payment) }
}
