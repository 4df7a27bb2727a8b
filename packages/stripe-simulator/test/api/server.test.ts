/** Tests of the simulator as a server: the official SDK, broken connections, pages, and the control routes. */
import { readdirSync, readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { Stripe } from 'stripe'
import { afterEach, describe, expect, it } from 'vitest'
import { type StripeSimulatorServer, startStripeSimulator } from '../../src/index.ts'
import { hold, refused, secretKey } from '../fixture.ts'

const running: { stop(): Promise<unknown> }[] = []
afterEach(async () => {
  await Promise.all(running.splice(0).map(each => each.stop()))
})

async function started(options: Parameters<typeof startStripeSimulator>[0] = {}) {
  const simulator = await startStripeSimulator({ secretKey, ...options })
  running.push(simulator)
  return { simulator, stripe: client(simulator) }
}

const client = ({ host, port, protocol }: StripeSimulatorServer, timeout = 30_000) =>
  new Stripe(secretKey, { host, port, protocol, maxNetworkRetries: 0, timeout })

const control = async (url: string, path: string, method = 'GET', body?: unknown, token = 'secret') => {
  const response = await fetch(`${url}/_control/${path}`, {
    method,
    headers: { authorization: `Bearer ${token}` },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  })
  return { status: response.status, body: (await response.json()) as Record<string, unknown> }
}

describe('a simulator on a port', () => {
  it('the server accepts payments of the unmodified SDK', async () => {
    const { simulator, stripe } = await started()
    const { id } = await hold(stripe, {}, { idempotencyKey: 'c1:authorize:1' })
    expect((await stripe.paymentIntents.capture(id)).status).toBe('succeeded')
    expect((await stripe.refunds.create({ payment_intent: id, amount: 1_000 })).status).toBe('succeeded')
    expect(simulator.books('c1')).toMatchObject({ capturedMinor: 5_000, refundedMinor: 1_000 })
    expect(await refused(hold(stripe, { payment_method: 'pm_card_chargeDeclined' }))).toMatchObject({
      type: 'StripeCardError',
      code: 'card_declined',
    })
  })

  it('the server breaks and refuses connections on demand', async () => {
    const { simulator, stripe } = await started()
    // The SDK retries a reset connection once.
    simulator.planFault({ on: 'create', fault: { kind: 'lose_answer' } })
    expect((await hold(stripe)).status).toBe('requires_capture')
    simulator.planFault({ on: 'create', times: 2, fault: { kind: 'lose_request' } })
    expect(await refused(hold(stripe))).toMatchObject({ type: 'StripeConnectionError' })
    expect(simulator.books('c1').authorizations).toBe(1)
    await simulator.refuseConnections()
    expect(await refused(stripe.balance.retrieve())).toMatchObject({
      type: 'StripeConnectionError',
      detail: { code: 'ECONNREFUSED' },
    })
    await simulator.acceptConnections()
    expect((await stripe.balance.retrieve()).object).toBe('balance')
  })

  it('the server can leave a call without an answer until its timeout', async () => {
    const { simulator } = await started()
    simulator.planFault({ on: 'create', fault: { kind: 'lose_answer', loss: 'silence' } })
    expect(await refused(hold(client(simulator, 200)))).toMatchObject({ type: 'StripeConnectionError' })
    expect(simulator.books('c1').authorizations).toBe(1)
  })

  it('the server sends webhooks and retries those that are not accepted', async () => {
    const types: string[] = []
    let complete = () => {}
    const all = new Promise<void>(resolve => {
      complete = resolve
    })
    const shop = createServer((incoming, outgoing) => {
      let body = ''
      incoming.on('data', (chunk: Buffer) => {
        body += chunk.toString()
      })
      incoming.on('end', () => {
        const signature = String(incoming.headers['stripe-signature'])
        const event = Stripe.webhooks.constructEvent(body, signature, 'whsec_shop')
        types.push(event.type)
        outgoing.writeHead(types.length === 1 ? 503 : 200).end()
        if (types.length === 4) complete()
      })
    })
    await new Promise<void>(resolve => shop.listen(0, '127.0.0.1', resolve))
    running.push({ stop: () => new Promise(resolve => shop.close(resolve)) })
    const url = `http://127.0.0.1:${(shop.address() as AddressInfo).port}/webhooks/stripe`
    const { stripe } = await started({ webhooks: [{ url, secret: 'whsec_shop' }], webhookRetryMs: 30 })
    await hold(stripe)
    await all
    expect(types.slice().sort()).toEqual([
      'charge.succeeded',
      'payment_intent.amount_capturable_updated',
      'payment_intent.created',
      'payment_intent.created',
    ])
  })

  it('the server rejects a port that is in use', async () => {
    const { simulator } = await started()
    await expect(startStripeSimulator({ port: simulator.port })).rejects.toMatchObject({ code: 'EADDRINUSE' })
  })

  it('the simulator imports only types of Stripe’s SDK', () => {
    const folder = join(import.meta.dirname, '../../src')
    const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter(name => name.endsWith('.ts'))
    const lines = files.flatMap(name => readFileSync(join(folder, name), 'utf8').split('\n'))
    const imports = lines.filter(line => line.includes("from 'stripe'"))
    expect(imports.length).toBeGreaterThan(5)
    expect(imports.filter(line => !line.startsWith('import type '))).toEqual([])
  })

  it('browsers of other origins can confirm a payment', async () => {
    const { simulator } = await started()
    const asked = await fetch(`${simulator.url}/v1/payment_intents/pi_1/confirm`, { method: 'OPTIONS' })
    expect([asked.status, asked.headers.get('access-control-allow-origin')]).toEqual([204, '*'])
  })

  it.each(['/v3/', '/v3', '/stripe.js', '/endive/stripe.js'])(
    'gives browsers a script for Stripe’s own at %s',
    async path => {
      const { simulator } = await started()
      const answer = await fetch(simulator.url + path)
      expect([answer.status, answer.headers.get('content-type')]).toEqual([200, 'text/javascript; charset=utf-8'])
      expect(await answer.text()).toContain('window.Stripe = Stripe')
    },
  )
})

describe('the page of authentication', () => {
  it.each([
    ['complete', 'requires_capture', 'succeeded'],
    ['fail', 'requires_payment_method', 'failed'],
  ])('%s: the buyer returns to the shop with the status of the payment', async (outcome, status, redirectStatus) => {
    const { stripe } = await started()
    const intent = await hold(stripe, {
      payment_method: 'pm_card_threeDSecure2Required',
      return_url: 'https://shop.test/back?order=7',
    })
    const address = intent.next_action?.redirect_to_url?.url ?? ''
    const page = await fetch(address)
    expect(page.headers.get('content-type')).toContain('text/html')
    const html = await page.text()
    expect(html).toContain('Authenticate a payment of $50.00.')
    expect(html).toContain('value="complete"')
    expect(html).toContain('value="fail"')
    const post = () => fetch(address, { method: 'POST', redirect: 'manual', body: new URLSearchParams({ outcome }) })
    const back = await post()
    expect(back.status).toBe(303)
    const location = new URL(back.headers.get('location') ?? '')
    expect(location.origin + location.pathname).toBe('https://shop.test/back')
    expect(Object.fromEntries(location.searchParams)).toEqual({
      order: '7',
      payment_intent: intent.id,
      payment_intent_client_secret: intent.client_secret,
      redirect_status: redirectStatus,
    })
    expect((await stripe.paymentIntents.retrieve(intent.id)).status).toBe(status)
    expect((await post()).status).toBe(409)
    expect((await fetch(`${address}x`)).status).toBe(404)
  })
})

describe('the control routes', () => {
  it('the control routes answer 404 unless they are enabled, and require the token', async () => {
    const closed = await started()
    expect((await control(closed.simulator.url, 'effects')).status).toBe(404)
    const { simulator } = await started({ control: { token: 'secret' } })
    expect((await control(simulator.url, 'effects')).status).toBe(200)
    for (const token of ['', 'other', 'secret2']) {
      expect((await control(simulator.url, 'effects', 'GET', undefined, token)).status).toBe(401)
    }
    const far = await simulator.handle(
      new Request(`${simulator.url}/_control/effects`, { headers: { authorization: 'Bearer secret' } }),
      { isLoopback: false },
    )
    expect(far.status).toBe(404)
    const open = await started({ control: true })
    expect((await control(open.simulator.url, 'effects', 'GET', undefined, '')).status).toBe(200)
  })

  it('the control routes plan faults, move time, act as the buyer, and read the books', async () => {
    const { simulator, stripe } = await started({ control: { token: 'secret' } })
    const ask = (path: string, method = 'GET', body?: unknown) => control(simulator.url, path, method, body)
    await ask('faults', 'POST', { on: 'create', fault: { kind: 'server_error', effect: true } })
    expect(await refused(hold(stripe))).toMatchObject({ statusCode: 500 })
    expect((await ask('faults')).body).toEqual({ fired: { 'server_error create': 1 } })
    expect((await ask('books/c1')).body).toMatchObject({ authorizations: 1, openMinor: 5_000 })

    const waiting = await hold(stripe, { payment_method: 'pm_card_authenticationRequired' })
    await ask(`authenticate/${waiting.id}`, 'POST', { outcome: 'complete' })
    expect((await ask(`authenticate/${waiting.id}`, 'POST', { outcome: 'complete' })).status).toBe(400)
    expect((await ask(`expire/${waiting.id}`, 'POST')).body).toEqual({ expired: true })

    const paid = await hold(stripe, { capture_method: 'automatic' })
    const refund = await stripe.refunds.create({ payment_intent: paid.id, amount: 100 })
    expect((await ask(`fail-refund/${refund.id}`, 'POST')).body).toEqual({ failed: true })
    const disputed = await ask(`dispute/${String(paid.latest_charge)}`, 'POST', { kind: 'fraudulent' })
    expect((await stripe.disputes.list()).data.map(({ id }) => id)).toEqual([disputed.body.dispute])

    await hold(stripe)
    await ask('clock', 'POST', { advanceMs: 7 * 24 * 60 * 60_000 })
    expect((await ask('books/c1')).body).toMatchObject({ openMinor: 0 })
    expect(((await ask('effects')).body.effects as unknown[]).length).toBe(simulator.effects().length)
    expect(((await ask('events')).body.events as unknown[]).length).toBe(simulator.events().length)
    for (const path of ['forget-keys', 'webhook-faults', 'webhooks']) {
      const bodies: Record<string, unknown> = {
        'webhook-faults': { on: 'charge.succeeded', rate: 0.5, fault: { kind: 'late', ms: 10 } },
        webhooks: { url: 'http://127.0.0.1:9/hook', secret: 'whsec_x' },
      }
      expect((await ask(path, 'POST', bodies[path])).status).toBe(200)
    }
    await ask('faults', 'POST', { rate: 1, fault: { kind: 'rate_limit' } })
    expect(await refused(stripe.balance.retrieve())).toMatchObject({ statusCode: 429 })
    expect((await ask('faults', 'DELETE')).status).toBe(200)
    expect((await stripe.balance.retrieve()).object).toBe('balance')
  })

  it('a control route refuses connections for a while', async () => {
    const { simulator, stripe } = await started({ control: { token: 'secret' } })
    expect((await control(simulator.url, 'refuse-connections', 'POST', { forMs: 60_000 })).status).toBe(200)
    await simulator.refuseConnections()
    expect(await refused(stripe.balance.retrieve())).toMatchObject({ detail: { code: 'ECONNREFUSED' } })
    await simulator.acceptConnections()
    expect((await stripe.balance.retrieve()).object).toBe('balance')
  })

  it('the control routes refuse invalid requests', async () => {
    const { simulator } = await started({ control: { token: 'secret' } })
    const wrong: [string, string, unknown][] = [
      ['faults', 'POST', { fault: { kind: 'gremlins' } }],
      ['faults', 'POST', { fault: { kind: 'rate_limit' }, rate: 2 }],
      ['clock', 'POST', { advanceMs: -1 }],
      ['fail-refund/re_none', 'POST', undefined],
    ]
    for (const [path, method, body] of wrong) {
      expect((await control(simulator.url, path, method, body)).status).toBe(422)
    }
    expect((await control(simulator.url, 'expire/pi_none', 'POST')).status).toBe(404)
    expect((await control(simulator.url, 'unicorns')).status).toBe(404)
  })
})
