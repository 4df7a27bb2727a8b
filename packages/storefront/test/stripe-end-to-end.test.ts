/**
 * A shop with Stripe as users start it: `holdfast serve` with Stripe's keys, the simulator in a separate process,
 * buyers over HTTP, and the commands of the shop.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { type Browser, json, openBrowser } from '../../holdfast/test/http/open-shop.ts'
import { freePort } from '../../testing/src/free-port.ts'

const stripe = {
  STRIPE_SECRET_KEY: 'sk_test_canaryEndToEnd1',
  STRIPE_WEBHOOK_SECRET: 'whsec_canaryEndToEnd2',
  STRIPE_PUBLISHABLE_KEY: 'pk_test_endToEnd3',
}
const adminSecret = 'the bearer token of the admin'
const controlToken = 'opens the control routes'
const address = {
  first_name: 'Ada',
  last_name: 'Lovelace',
  line_one: '1 Main St',
  city: 'Albany',
  state: 'NY',
  postcode: '12207',
  country: 'US',
}

const running = new Set<ChildProcess>()
const directories: string[] = []
let directory: string
let shopUrl: string
let simulatorUrl: string
/** Everything that the shop has logged. */
let written = ''

function launch(args: string[], environment: Record<string, string> = {}) {
  const command = [inject('main'), ...args]
  const child = spawn(process.execPath, command, { cwd: directory, env: { PATH: process.env.PATH, ...environment } })
  running.add(child)
  const output = { out: '', err: '' }
  const code = once(child, 'close').then(([exitCode]) => {
    running.delete(child)
    return exitCode as number | null
  })
  const ready = new Promise<string>((resolve, reject) => {
    child.stdout.on('data', (chunk: Buffer) => {
      output.out += chunk
      if (output.out.endsWith('\n')) resolve(output.out)
    })
    void code.then(() => reject(new Error(`the process ended:\n${output.err}`)))
  })
  ready.catch(() => {})
  child.stderr.on('data', (chunk: Buffer) => {
    output.err += chunk
  })
  return { child, output, code, ready }
}

/** Runs a command of the shop with `--json`. */
async function command(...args: string[]): Promise<{ code: number | null; output: Record<string, unknown> }> {
  const run = launch([...args, '--json'], { ...stripe, STRIPE_API_URL: simulatorUrl })
  const code = await run.code
  if (run.output.out === '') throw new Error(run.output.err)
  return { code, output: JSON.parse(run.output.out) as Record<string, unknown> }
}

async function control<Answer>(method: 'GET' | 'POST', path: string, body?: unknown): Promise<Answer> {
  const response = await fetch(`${simulatorUrl}/_control/${path}`, {
    method,
    headers: { authorization: `Bearer ${controlToken}` },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  })
  if (!response.ok) throw new Error(await response.text())
  return (await response.json()) as Answer
}

interface Books {
  authorizations: number
  openMinor: number
  capturedMinor: number
  refundedMinor: number
  intents: { status: string }[]
}
const booksOf = (lockId: string) => control<Books>('GET', `books/${lockId}`)

/** Starts a simulator and a shop. The helpers below use the last ones that were started. */
async function start(environment: Record<string, string> = {}): Promise<void> {
  directory = mkdtempSync(join(tmpdir(), 'holdfast-stripe-'))
  directories.push(directory)
  const port = await freePort()
  shopUrl = `http://127.0.0.1:${port}`
  const simulator = launch([
    ...['stripe-simulator', '--port', '0', '--json', '--control-token', controlToken],
    ...['--secret-key', stripe.STRIPE_SECRET_KEY, '--publishable-key', stripe.STRIPE_PUBLISHABLE_KEY],
    ...['--webhook-url', `${shopUrl}/webhooks/stripe`, '--webhook-secret', stripe.STRIPE_WEBHOOK_SECRET],
  ])
  simulatorUrl = (JSON.parse(await simulator.ready) as { url: string }).url
  const shop = launch(['serve', '--demo', '--port', String(port)], {
    ...stripe,
    STRIPE_API_URL: simulatorUrl,
    CHECKOUT_ADMIN_SECRET: adminSecret,
    // The tests send more payments per minute from one address than the default limit allows.
    CHECKOUT_RATE_LIMIT_PER_MINUTE: '0',
    CHECKOUT_LOG_ALL_PHASES: 'true',
    LOG_LEVEL: 'debug',
    ...environment,
  })
  shop.child.stderr.on('data', (chunk: Buffer) => {
    written += chunk
  })
  written += await shop.ready
}
afterAll(async () => {
  for (const child of running) child.kill('SIGKILL')
  await Promise.all([...running].map(child => once(child, 'close')))
  for (const one of directories) rmSync(one, { recursive: true, force: true })
})

interface Paid {
  order: { id: string; number: number; lock_id: string; status: string; total: number }
}
interface Waiting {
  status: string
  lock_id: string
  action: { type: string; url?: string; client_secret?: string; publishable_key?: string; payment?: string }
}
interface Refused {
  code: string
  phase: string
  context: { reason: string; lock_id: string }
}

/** A buyer with an item in the cart. */
async function buyer(): Promise<Browser & { pay(payment: Record<string, unknown>): Promise<Response> }> {
  const browser = await openBrowser(request => {
    const { pathname, search } = new URL(request.url)
    return fetch(new Request(`${shopUrl}${pathname}${search}`, request))
  })
  const { products } = await json<{ products: { variants: { sku: string; available: number }[] }[] }>(
    await browser.send('GET', '/products'),
  )
  const sku = products.flatMap(({ variants }) => variants).find(({ available }) => available > 50)?.sku
  expect((await browser.send('POST', '/cart/lines', { sku, quantity: 1 })).status).toBeLessThan(300)
  return Object.assign(browser, {
    pay: (payment: Record<string, unknown>) =>
      browser.send('POST', '/checkout', { email: 'ada@example.com', shipping_address: address, ...payment }),
  })
}

/** Confirms a payment as Stripe's script in the buyer's browser does. */
async function confirmAtStripe({ action }: Waiting, form: Record<string, string>): Promise<string> {
  const response = await fetch(`${simulatorUrl}/v1/payment_intents/${action.payment}/confirm`, {
    method: 'POST',
    body: new URLSearchParams({
      key: action.publishable_key ?? '',
      client_secret: action.client_secret ?? '',
      return_url: `${shopUrl}/checkout?returned=1`,
      ...form,
    }),
  })
  const body = (await response.json()) as { status?: string; error?: { code: string } }
  return body.status ?? body.error?.code ?? ''
}

/** Follows the live status until the checkout reaches a state. */
async function reaches(browser: Browser, lockId: string, state: string): Promise<void> {
  // By ID, because a completed checkout no longer locks the cart.
  const response = await browser.send('GET', `/checkout/events?lock_id=${lockId}`, undefined, {
    Accept: 'text/event-stream',
  })
  let text = ''
  for await (const chunk of response.body?.pipeThrough(new TextDecoderStream()) ?? []) {
    text += chunk
    if (text.includes(`"state":"${state}"`)) return
  }
  throw new Error(`never reached ${state}: ${text}`)
}

describe('a shop with Stripe’s keys', () => {
  beforeAll(() => start())

  it('is paid by card with one charge per order', async () => {
    const browser = await buyer()
    const response = await browser.pay({ payment_method: 'card', payment_token: 'pm_card_visa' })
    expect(response.status).toBe(201)
    const { order } = await json<Paid>(response)
    expect(order.status).toBe('paid')
    expect(await booksOf(order.lock_id)).toMatchObject({
      authorizations: 1,
      capturedMinor: order.total,
      openMinor: 0,
      intents: [{ status: 'succeeded' }],
    })
    // A retry after a lost response.
    const again = await json<Paid>(await browser.pay({ payment_method: 'card', payment_token: 'pm_card_visa' }))
    expect(again.order.id).toBe(order.id)
    expect(await booksOf(order.lock_id)).toMatchObject({ authorizations: 1, capturedMinor: order.total })
  })

  it.each([
    ['pm_card_visa_chargeDeclined', 'generic_decline'],
    ['pm_card_visa_chargeDeclinedInsufficientFunds', 'insufficient_funds'],
    ['pm_card_visa_chargeDeclinedLostCard', 'lost_card'],
    ['pm_card_visa_chargeDeclinedStolenCard', 'stolen_card'],
    ['pm_card_chargeDeclinedExpiredCard', 'expired_card'],
    ['pm_card_chargeDeclinedIncorrectCvc', 'incorrect_cvc'],
    ['pm_card_chargeDeclinedProcessingError', 'processing_error'],
    ['pm_card_radarBlock', 'fraudulent'],
    ['pm_nobody', 'invalid_token'],
  ])('responds to %s with 402 and the reason %s', async (token, reason) => {
    const response = await (await buyer()).pay({ payment_method: 'card', payment_token: token })
    expect(response.status).toBe(402)
    const refused = await json<Refused>(response)
    expect(refused).toMatchObject({ code: 'payment_declined', phase: 'payment_authorization', context: { reason } })
    expect(await booksOf(refused.context.lock_id)).toMatchObject({ capturedMinor: 0, openMinor: 0 })
  })

  it('redirects the buyer for 3-D Secure and is paid after it succeeds', async () => {
    const browser = await buyer()
    const response = await browser.pay({ payment_method: 'card', payment_token: 'pm_card_authenticationRequired' })
    expect(response.status).toBe(202)
    const { action } = await json<Waiting>(response)
    expect(action).toEqual({ type: 'redirect', url: expect.stringContaining(`${simulatorUrl}/3ds/pi_`) })
    const bank = await fetch(action.url ?? '', {
      method: 'POST',
      redirect: 'manual',
      body: new URLSearchParams({ outcome: 'complete' }),
    })
    const back = new URL(bank.headers.get('location') ?? '')
    expect(back.origin).toBe(shopUrl)
    expect(back.searchParams.get('redirect_status')).toBe('succeeded')
    const resumed = await browser.send('POST', '/checkout/resume')
    expect(resumed.status).toBe(201)
    expect((await json<Paid>(resumed)).order.status).toBe('paid')
  })

  it('responds with 402 after 3-D Secure fails', async () => {
    const browser = await buyer()
    const { action, lock_id } = await json<Waiting>(
      await browser.pay({ payment_method: 'card', payment_token: 'pm_card_authenticationRequired' }),
    )
    await fetch(action.url ?? '', {
      method: 'POST',
      redirect: 'manual',
      body: new URLSearchParams({ outcome: 'fail' }),
    })
    const resumed = await browser.send('POST', '/checkout/resume', { lock_id })
    expect(resumed.status).toBe(402)
    expect(await json<Refused>(resumed)).toMatchObject({ context: { reason: 'authentication_failed' } })
    expect(await booksOf(lock_id)).toMatchObject({ capturedMinor: 0, intents: [{ status: 'canceled' }] })
  })

  it('voids a payment whose checkout is cancelled during 3-D Secure', async () => {
    const browser = await buyer()
    const { action, lock_id } = await json<Waiting>(
      await browser.pay({ payment_method: 'card', payment_token: 'pm_card_authenticationRequired' }),
    )
    expect((await browser.send('POST', '/checkout/cancel', { lock_id })).status).toBe(200)
    const late = await fetch(action.url ?? '', { method: 'POST', body: new URLSearchParams({ outcome: 'complete' }) })
    expect(late.status).toBe(409)
    expect(await booksOf(lock_id)).toMatchObject({ authorizations: 0, intents: [{ status: 'canceled' }] })
    expect(await json(await browser.send('GET', '/cart'))).toMatchObject({ locked: false })
  })

  it('is paid through the Payment Element by webhook alone, with a second card after a decline', async () => {
    const browser = await buyer()
    const response = await browser.pay({ payment_method: 'card' })
    expect(response.status).toBe(202)
    const waiting = await json<Waiting>(response)
    expect(waiting.action).toMatchObject({ type: 'confirm', publishable_key: stripe.STRIPE_PUBLISHABLE_KEY })
    expect(await confirmAtStripe(waiting, { payment_method: 'pm_card_visa_chargeDeclined' })).toBe('card_declined')
    expect(await confirmAtStripe(waiting, { payment_method: 'pm_card_visa' })).toBe('requires_capture')
    await reaches(browser, waiting.lock_id, 'completed')
    expect(await booksOf(waiting.lock_id)).toMatchObject({ authorizations: 1, intents: [{ status: 'succeeded' }] })
  })

  it('waits for a slow bank and is paid by webhook', async () => {
    const browser = await buyer()
    const waiting = await json<Waiting>(await browser.pay({ payment_method: 'bank_transfer' }))
    const account = {
      payment_method: 'pm_usBankAccount_success',
      'mandate_data[customer_acceptance][type]': 'offline',
    }
    expect(await confirmAtStripe(waiting, account)).toBe('processing')
    expect((await browser.send('POST', '/checkout/resume', { lock_id: waiting.lock_id })).status).toBe(202)
    await control('POST', 'clock', { advanceMs: 5_000 })
    await reaches(browser, waiting.lock_id, 'completed')
    expect(await booksOf(waiting.lock_id)).toMatchObject({ openMinor: 0, intents: [{ status: 'succeeded' }] })
  })

  it('rejects a webhook that Stripe did not sign', async () => {
    const response = await fetch(`${shopUrl}/webhooks/stripe`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'stripe-signature': `t=${Math.floor(Date.now() / 1_000)},v1=0` },
      body: JSON.stringify({ id: 'evt_forged', type: 'payment_intent.succeeded', data: { object: {} } }),
    })
    expect(response.status).toBeGreaterThanOrEqual(400)
    expect(response.status).toBeLessThan(500)
  })

  it('refunds a part over HTTP and the rest by command', async () => {
    const { order } = await json<Paid>(
      await (await buyer()).pay({ payment_method: 'card', payment_token: 'pm_card_visa' }),
    )
    const response = await fetch(`${shopUrl}/admin/checkout-locks/${order.lock_id}/refund`, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${adminSecret}`,
        'content-type': 'application/json',
        'x-admin-actor': 'ada',
        'idempotency-key': 'half',
      },
      body: JSON.stringify({ amount: 100 }),
    })
    expect(response.status, await response.clone().text()).toBe(200)
    expect(await booksOf(order.lock_id)).toMatchObject({ capturedMinor: order.total, refundedMinor: 100 })
    expect(await command('refund', String(order.number), '--actor', 'ada')).toMatchObject({ code: 0 })
    expect(await booksOf(order.lock_id)).toMatchObject({ capturedMinor: order.total, refundedMinor: order.total })
  })

  it('passes its audit and matches the books of Stripe', async () => {
    const audited = await command('audit')
    expect(audited).toMatchObject({ code: 0, output: { violations: 0 } })
    const reconciled = await command('reconcile')
    expect(reconciled).toMatchObject({ code: 0, output: { differences: [] } })
  })

  it('logs no key, secret, or token', () => {
    expect(written).toContain('[Checkout]')
    for (const secret of [
      stripe.STRIPE_SECRET_KEY,
      stripe.STRIPE_WEBHOOK_SECRET,
      '_secret_',
      'pm_card_',
      adminSecret,
    ]) {
      expect(written).not.toContain(secret)
    }
  })
})

describe('a shop that captures later', () => {
  beforeAll(() => start({ CHECKOUT_CAPTURE: 'later' }))

  async function ordered(): Promise<Paid['order']> {
    const response = await (await buyer()).pay({ payment_method: 'card', payment_token: 'pm_card_visa' })
    expect(response.status).toBe(201)
    return (await json<Paid>(response)).order
  }
  const admin = (lockId: string) =>
    fetch(`${shopUrl}/admin/checkout-locks/${lockId}/capture`, {
      method: 'POST',
      headers: { authorization: `Bearer ${adminSecret}`, 'x-admin-actor': 'ada' },
    })

  it('captures once over HTTP', async () => {
    const order = await ordered()
    expect(order.status).toBe('pending')
    expect(await booksOf(order.lock_id)).toMatchObject({ openMinor: order.total, capturedMinor: 0 })
    const captured = await admin(order.lock_id)
    expect(captured.status).toBe(201)
    expect((await json<Paid>(captured)).order).toMatchObject({ id: order.id, status: 'paid' })
    expect((await admin(order.lock_id)).status).toBe(201)
    expect(await booksOf(order.lock_id)).toMatchObject({ openMinor: 0, capturedMinor: order.total })
  })

  it('captures by command', async () => {
    const order = await ordered()
    expect(await command('capture', order.lock_id, '--actor', 'ada')).toMatchObject({ code: 0 })
    expect(await booksOf(order.lock_id)).toMatchObject({ openMinor: 0, capturedMinor: order.total })
  })

  it('captures nothing after the authorization has expired, and cancels the order', async () => {
    const order = await ordered()
    const [intent] = (await control<{ intents: { id: string }[] }>('GET', `books/${order.lock_id}`)).intents
    await control('POST', `expire/${intent?.id}`)
    const refused = await admin(order.lock_id)
    expect(refused.status).toBe(402)
    expect(await json<Refused>(refused)).toMatchObject({ code: 'authorization_ended', phase: 'payment_capture' })
    expect(await booksOf(order.lock_id)).toMatchObject({ openMinor: 0, capturedMinor: 0 })
  })

  it('captures nothing without the admin secret', async () => {
    const order = await ordered()
    const response = await fetch(`${shopUrl}/admin/checkout-locks/${order.lock_id}/capture`, { method: 'POST' })
    expect(response.status).toBe(401)
    expect(await booksOf(order.lock_id)).toMatchObject({ openMinor: order.total, capturedMinor: 0 })
  })

  it('passes its audit and matches the books of Stripe', async () => {
    expect(await command('audit')).toMatchObject({ code: 0, output: { violations: 0 } })
    expect(await command('reconcile')).toMatchObject({ code: 0, output: { differences: [] } })
  })
})
