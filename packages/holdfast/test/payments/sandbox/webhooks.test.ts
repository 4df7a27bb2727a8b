import { afterEach, describe, expect, it } from 'vitest'
import { sign, signatureHeader, signedAt } from '../../../src/payments/sandbox/signature.ts'
import { buyer, openSandbox, type Sandbox } from './fixture.ts'

interface Delivery {
  headers: Headers
  body: string
}

const nowMs = Date.parse('2026-03-01T12:00:00.000Z')
const body = '{"id":"1","type":"payment.authorized","data":{"checkout_id":"c","reference":"r"}}'
const signedHeaders = (secret: string, atMs: number, text = body) =>
  new Headers({ [signatureHeader]: sign(secret, text, atMs) })

describe.each(['postgres', 'embedded'] as const)('the sandbox’s webhooks, %s', kind => {
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

  it('tells once, signed, that the buyer approved', async () => {
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

  it('tells of a refusal, a confirmation and a late effect', async () => {
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

  it('sends again what was not accepted, with the same id, after a pause', async () => {
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

  it('stops sending what nobody accepts after twenty tries', async () => {
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

  it('sends each webhook from one process when two look at once', async () => {
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

  it('works by itself once started', async () => {
    const deliveries = await listening()
    sandbox.gateway.start()
    const { authorize, reference } = buyer(sandbox.gateway)
    await authorize('tok_action_required')
    await sandbox.gateway.approve(reference)
    await expect.poll(() => deliveries.length).toBe(1)
  })

  it('takes either of two secrets, and refuses another, a changed body, and a time too old or too new', async () => {
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

describe('a webhook’s signature', () => {
  it('says when it was made, and holds only for its own time and body', () => {
    const header = sign('secret', body, nowMs)
    expect(header).toMatch(/^t=1772366400,v1=[0-9a-f]{64}$/)
    expect(signedAt(['secret'], header, body)).toBe(nowMs)
    expect(signedAt(['secret'], header.replace('t=1772366400', 't=1772366401'), body)).toBeNull()
    expect(signedAt(['secret'], header, `${body} `)).toBeNull()
    expect(signedAt([], header, body)).toBeNull()
  })

  it.each(['', 't=1', 'v1=00', 't=x,v1=00', 't=1,v1=zz', `t=1,v1=${'0'.repeat(64)}`, `t=${'9'.repeat(2_000)}`])(
    'is none of %j',
    header => {
      expect(signedAt(['secret'], header, body)).toBeNull()
    },
  )
})
