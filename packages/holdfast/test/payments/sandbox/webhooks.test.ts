import { createHmac } from 'node:crypto'
import { afterEach, describe, expect, it } from 'vitest'
import { createSigner } from '../../../src/payments/sandbox/webhooks.ts'
import { buyer, openSandbox, type Sandbox } from './fixture.ts'

interface Delivery {
  headers: Headers
  body: string
}

const nowMs = Date.parse('2026-03-01T12:00:00.000Z')
const body = '{"id":"1","type":"payment.authorized","data":{"checkout_id":"c","reference":"r"}}'
const signedHeaders = (secret: string, atMs: number, text = body) =>
  new Headers(createSigner([secret]).sign('1', text, atMs))

describe.each(['postgres', 'embedded'] as const)('The sandbox’s webhooks (%s)', kind => {
  let sandbox: Sandbox
  afterEach(() => sandbox?.stop())

  async function listening(receive: (delivery: Delivery) => void = () => {}) {
    const deliveries: Delivery[] = []
    sandbox = await openSandbox(kind, {
      webhookSecret: ['new', 'old'],
      deliverWebhook: async (headers, body) => {
        deliveries.push({ headers, body })
        receive({ headers, body })
      },
    })
    return deliveries
  }

  it('one signed webhook reports that the buyer approved the payment', async () => {
    const deliveries = await listening()
    const { authorize, checkoutId, reference } = buyer(sandbox.gateway)
    await authorize('tok_action_required')
    await sandbox.gateway.approve(reference)
    await sandbox.gateway.approve(reference)
    expect(await sandbox.gateway.runDueJobs()).toBe(1)
    expect(await sandbox.gateway.runDueJobs()).toBe(0)
    expect(deliveries).toHaveLength(1)
    const [{ headers, body } = { headers: new Headers(), body: '' }] = deliveries
    const event = await sandbox.gateway.verifyWebhook(headers, body)
    expect(event).toMatchObject({ type: 'payment.authorized', checkoutId, reference })
    expect(event?.payload).toMatchObject({ data: { amount_minor: 4_999, currency: 'EUR', status: 'authorized' } })
  })

  it('webhooks report a refused payment and a pending payment that was confirmed', async () => {
    const deliveries = await listening()
    const refused = buyer(sandbox.gateway)
    await refused.authorize('tok_action_required')
    await sandbox.gateway.refuse(refused.reference)
    await buyer(sandbox.gateway).authorize('tok_pending')
    sandbox.advance(5_000)
    await sandbox.gateway.runDueJobs()
    const types = deliveries.map(delivery => JSON.parse(delivery.body).type)
    expect(types.toSorted()).toEqual(['payment.authorized', 'payment.declined'])
  })

  it('a webhook that was not accepted is sent again after a pause, with the same id', async () => {
    let failures = 2
    const deliveries = await listening(() => {
      failures -= 1
      if (failures >= 0) throw new Error('503')
    })
    const { authorize, reference } = buyer(sandbox.gateway)
    await authorize('tok_action_required')
    await sandbox.gateway.approve(reference)
    expect(await sandbox.gateway.runDueJobs()).toBe(0)
    expect(await sandbox.gateway.runDueJobs()).toBe(0)
    expect(deliveries).toHaveLength(1)
    sandbox.advance(2_000)
    expect(await sandbox.gateway.runDueJobs()).toBe(0)
    sandbox.advance(4_000)
    expect(await sandbox.gateway.runDueJobs()).toBe(1)
    expect(new Set(deliveries.map(delivery => JSON.parse(delivery.body).id)).size).toBe(1)
  })

  it('a webhook that is never accepted is sent twenty times', async () => {
    const deliveries = await listening(() => {
      throw new Error('503')
    })
    const { authorize, reference } = buyer(sandbox.gateway)
    await authorize('tok_action_required')
    await sandbox.gateway.approve(reference)
    for (let look = 0; look < 25; look += 1) {
      await sandbox.gateway.runDueJobs()
      sandbox.advance(300_000)
    }
    expect(deliveries).toHaveLength(20)
  })

  it('two processes that run due jobs at once send each webhook once', async () => {
    const deliveries = await listening()
    const waiting = Array.from({ length: 20 }, () => buyer(sandbox.gateway))
    await Promise.all(waiting.map(({ authorize }) => authorize('tok_pending')))
    sandbox.advance(5_000)
    const other = sandbox.another()
    const done = await Promise.all([sandbox.gateway.runDueJobs(), other.runDueJobs()])
    expect(done.reduce((sum, jobs) => sum + jobs)).toBe(40)
    expect(new Set(deliveries.map(delivery => JSON.parse(delivery.body).data.reference)).size).toBe(20)
    expect(deliveries).toHaveLength(20)
  })

  it('a started sandbox sends webhooks without further calls', async () => {
    const deliveries = await listening()
    sandbox.gateway.start()
    const { authorize, reference } = buyer(sandbox.gateway)
    await authorize('tok_action_required')
    await sandbox.gateway.approve(reference)
    await expect.poll(() => deliveries.length).toBe(1)
  })

  it('either of two secrets is accepted; an unknown secret, a changed body, and a time too old or too new are refused', async () => {
    await listening()
    const { verifyWebhook } = sandbox.gateway
    const minute = 60_000
    expect(await verifyWebhook(signedHeaders('new', nowMs), body)).toMatchObject({ id: '1', checkoutId: 'c' })
    expect(await verifyWebhook(signedHeaders('old', nowMs - 5 * minute), body)).not.toBeNull()
    expect(await verifyWebhook(signedHeaders('new', nowMs + 5 * minute), body)).not.toBeNull()
    expect(await verifyWebhook(signedHeaders('old', nowMs - 5 * minute - 1_000), body)).toBeNull()
    expect(await verifyWebhook(signedHeaders('new', nowMs + 5 * minute + 1_000), body)).toBeNull()
    expect(await verifyWebhook(signedHeaders('other', nowMs), body)).toBeNull()
    expect(await verifyWebhook(signedHeaders('new', nowMs), body.replace('"r"', '"s"'))).toBeNull()
    expect(await verifyWebhook(signedHeaders('new', nowMs, '[]'), '[]')).toBeNull()
    expect(await verifyWebhook(signedHeaders('new', nowMs, '{'), '{')).toBeNull()
    expect(await verifyWebhook(new Headers(), body)).toBeNull()
  })
})

describe('A signature of the sandbox', () => {
  const { sign, signedAt } = createSigner(['secret'])
  const signed = sign('1', body, nowMs)
  const withHeaders = (changed: Record<string, string>) => new Headers({ ...signed, ...changed })

  it('a signature follows Standard Webhooks, and states when it was made', () => {
    expect(signed).toMatchObject({ 'webhook-id': '1', 'webhook-timestamp': '1772366400' })
    const hmac = createHmac('sha256', 'secret').update(`1.1772366400.${body}`).digest('base64')
    expect(signed['webhook-signature']).toBe(`v1,${hmac}`)
    expect(signedAt(new Headers(signed), body)).toBe(nowMs)
  })

  it('a signature is valid only for its own id, time, and raw body', () => {
    expect(signedAt(withHeaders({ 'webhook-id': '2' }), body)).toBeNull()
    expect(signedAt(withHeaders({ 'webhook-timestamp': '1772366401' }), body)).toBeNull()
    expect(signedAt(new Headers(signed), `${body} `)).toBeNull()
    expect(createSigner(['other']).signedAt(new Headers(signed), body)).toBeNull()
  })

  it('one of several signatures is enough', () => {
    const both = `v1,${Buffer.alloc(32).toString('base64')} ${signed['webhook-signature']}`
    expect(signedAt(withHeaders({ 'webhook-signature': both }), body)).toBe(nowMs)
  })

  it.each([
    { 'webhook-signature': '' },
    { 'webhook-signature': 'v1' },
    { 'webhook-signature': 'v1,' },
    { 'webhook-signature': 'v1,zz' },
    { 'webhook-signature': `v1,${Buffer.alloc(32).toString('base64')}` },
    { 'webhook-signature': `v1,${'0'.repeat(2_000)}` },
    { 'webhook-id': '' },
    { 'webhook-timestamp': '' },
    { 'webhook-timestamp': 'x' },
    { 'webhook-timestamp': '9'.repeat(13) },
  ])('a signature with %j is refused', changed => {
    expect(signedAt(withHeaders(changed as Record<string, string>), body)).toBeNull()
  })

  it('an empty secret is refused', () => {
    expect(() => createSigner([''])).toThrow("Secret can't be empty")
  })
})
