/** The bank page of a test card, on which a buyer completes or fails an authentication and returns to the shop. */
import { createHash } from 'node:crypto'
import { authenticate } from '../payments/confirm.ts'
import { shownAmount } from '../world/amounts.ts'
import type { IntentRecord, World } from '../world/world.ts'
import { StripeRefusal } from './refusal.ts'

const escapes: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
}
const escaped = (text: string): string => text.replace(/[&<>"']/g, sign => escapes[sign] ?? sign)

const style = `:root{color-scheme:light dark}
body{margin:0;min-height:100dvh;display:grid;place-content:center;padding:1.5rem;font:1rem/1.5 system-ui,sans-serif}
main{max-width:22rem;border:1px dashed GrayText;border-radius:8px;padding:2rem}
h1{font-size:1.3rem;margin:0 0 .5rem}p{margin:0 0 1.5rem}form{display:grid;gap:.75rem}
button{font:inherit;font-weight:600;min-height:2.75rem;border:1px solid CanvasText;border-radius:6px;background:Canvas;color:CanvasText;cursor:pointer}
button[value=complete]{background:CanvasText;color:Canvas}
button:focus-visible{outline:3px solid Highlight;outline-offset:3px}`
const policy = `default-src 'none'; style-src 'sha256-${createHash('sha256').update(style).digest('base64')}'; frame-ancestors *`

function html(status: number, content: string): Response {
  const text = `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>3D Secure test page</title><style>${style}</style></head>
<body><main>${content}</main></body></html>
`
  return new Response(text, {
    status,
    headers: {
      'content-type': 'text/html; charset=utf-8',
      'cache-control': 'no-store',
      'content-security-policy': policy,
      'referrer-policy': 'no-referrer',
    },
  })
}

function question({ intent }: IntentRecord): Response {
  return html(
    200,
    `<h1>3D Secure test page</h1>
<p>Authenticate a payment of ${escaped(shownAmount(intent.amount, intent.currency))}. No real money moves.</p>
<form method="post"><button name="outcome" value="complete" id="test-source-authorize-3ds">Complete</button>
<button name="outcome" value="fail" id="test-source-fail-3ds">Fail</button></form>`,
  )
}

/** The return URL of the shop with the parameters that Stripe appends. */
function returnAddress(returnUrl: string, { intent }: IntentRecord): string {
  const address = new URL(returnUrl)
  const isWell = intent.status !== 'requires_payment_method'
  address.searchParams.set('payment_intent', intent.id)
  address.searchParams.set('payment_intent_client_secret', intent.client_secret ?? '')
  address.searchParams.set('redirect_status', isWell ? 'succeeded' : 'failed')
  return address.href
}

export async function page(world: World, request: Request, intentId: string): Promise<Response> {
  const record = world.intents.get(intentId)
  if (record === undefined) return html(404, '<h1>There is no such payment.</h1>')
  if (record.pending === null || record.intent.status !== 'requires_action') {
    return html(409, '<h1>This payment is not waiting for an authentication.</h1>')
  }
  if (request.method === 'GET') return question(record)
  if (request.method !== 'POST') return html(405, '<h1>This cannot be done here.</h1>')
  const outcome = new URLSearchParams(await request.text()).get('outcome')
  if (outcome !== 'complete' && outcome !== 'fail') return html(400, '<h1>Complete or fail?</h1>')
  const { returnUrl } = record.pending
  try {
    authenticate(world, record, outcome)
  } catch (error) {
    if (!(error instanceof StripeRefusal)) throw error
    return html(409, `<h1>${escaped(error.message)}</h1>`)
  }
  if (returnUrl === null) return html(200, '<h1>Done. You can close this page.</h1>')
  return new Response(null, { status: 303, headers: { location: returnAddress(returnUrl, record) } })
}
