/** Admin routes: the bearer guard with its limit per address, and refunds with an audit record. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { z } from 'zod'
import { statement } from '../../../src/database/database.ts'
import type { HttpHandler } from '../../../src/http/app.ts'
import { errorResponse, refundResponse } from '../../../src/http/schemas/responses.ts'
import { openTestDatabase, type TestDatabase } from '../../support/test-database.ts'
import { address, json, openBrowser, openShop, origin, type TestShop, testConfig } from '../open-shop.ts'

const adminSecret = 'the secret of the admin'
const config = { ...testConfig, adminSecret }

let test: TestDatabase
let shop: TestShop
beforeAll(async () => {
  test = await openTestDatabase('postgres', { poolMax: 8 })
  shop = await openShop(test.database, { config })
})
afterAll(async () => {
  await shop.stop()
  await test.stop()
})

/** Three cleats at 24.50 and two marlines at 7.40; shipping is 4.90. */
async function bought() {
  const browser = await openBrowser(shop.handler)
  await browser.send('POST', '/cart/lines', { sku: 'CLEAT', quantity: 3 })
  await browser.send('POST', '/cart/lines', { sku: 'MARLINE', quantity: 2 })
  const response = await browser.send('POST', '/checkout', {
    email: 'ada@example.com',
    shipping_address: address,
    payment_token: 'tok_approve',
  })
  const { order } = await json<{ order: { id: string; lock_id: string; total: number } }>(response)
  return { browser, order }
}

let addresses = 0
interface RefundRequest {
  secret?: string | null
  headers?: Record<string, string>
  handler?: HttpHandler
  from?: string
}

/** Requests a refund, by default from a new client address each time. */
function requestRefund(
  lockId: string,
  body: unknown,
  { secret = adminSecret, headers = {}, handler, from }: RefundRequest = {},
) {
  addresses += 1
  const remoteAddress = from ?? `198.51.100.${addresses % 250}`
  const request = new Request(`${origin}/admin/checkout-locks/${lockId}/refund`, {
    method: 'POST',
    headers: {
      ...(secret === null ? {} : { Authorization: `Bearer ${secret}` }),
      ...(body === undefined ? {} : { 'Content-Type': 'application/json' }),
      ...headers,
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  })
  return (handler ?? shop.handler)(request, { incoming: { socket: { remoteAddress } } })
}

async function refunded(response: Response, status = 200): Promise<z.output<typeof refundResponse>> {
  const body = await response.json()
  expect(response.status, JSON.stringify(body)).toBe(status)
  return refundResponse.parse(body)
}

async function refused(response: Response, status: number, code: string) {
  const body = errorResponse.parse(await response.json())
  expect(body).toMatchObject({ code })
  expect(response.status).toBe(status)
  return body
}

const readActions = statement(
  'admin_test_actions',
  'select action, actor, details from holdfast.admin_actions where checkout_id = $1::uuid order by at',
)
const actionsOn = (lockId: string) =>
  test.database.query<{ action: string; actor: string; details: Record<string, unknown> }>(readActions, [lockId])

describe('the guard of admin routes', () => {
  const unknownLock = '01a2064e-58b4-7207-8f53-1eeaafc9a992'

  it('rejects every request until a secret is configured', async () => {
    for (const none of [null, '', undefined]) {
      const closed = await openShop(test.database, { config: { ...testConfig, adminSecret: none as null } })
      await refused(await requestRefund(unknownLock, {}, { handler: closed.handler, secret: '' }), 403, 'admin_closed')
      await refused(await requestRefund(unknownLock, {}, { handler: closed.handler }), 403, 'admin_closed')
      await closed.stop()
    }
  })

  it('accepts only the bearer token, never a session with its CSRF token', async () => {
    const { browser, order } = await bought()
    for (const authorization of [
      `Bearer ${adminSecret}x`,
      `Bearer ${adminSecret.slice(0, -1)}`,
      'Bearer ',
      `Basic ${adminSecret}`,
      adminSecret,
    ]) {
      const response = await requestRefund(
        order.lock_id,
        {},
        { secret: null, headers: { Authorization: authorization } },
      )
      expect(response.headers.get('www-authenticate')).toContain('Bearer')
      await refused(response, 401, 'admin_unauthorized')
    }
    const asBuyer = await browser.send('POST', `/admin/checkout-locks/${order.lock_id}/refund`, {})
    await refused(asBuyer, 401, 'admin_unauthorized')
    expect(await actionsOn(order.lock_id)).toEqual([])
  })

  it('accepts ten wrong secrets per minute and address, also in parallel', async () => {
    const from = '203.0.113.7'
    const { handler, stop } = await openShop(test.database, { config })
    const wrong = await Promise.all(
      Array.from({ length: 40 }, () => requestRefund(unknownLock, {}, { handler, from, secret: 'a wrong secret' })),
    )
    expect(wrong.filter(({ status }) => status === 401)).toHaveLength(10)
    const late = await requestRefund(unknownLock, {}, { handler, from })
    expect(Number(late.headers.get('retry-after'))).toBeGreaterThan(0)
    await refused(late, 429, 'rate_limited')
    await refused(await requestRefund(unknownLock, {}, { handler, from: '203.0.113.8' }), 404, 'checkout_not_found')
    await stop()
  })

  it('does not count correct secrets', async () => {
    const from = '203.0.113.9'
    for (let count = 0; count < 25; count += 1) {
      await refused(await requestRefund(unknownLock, {}, { from }), 404, 'checkout_not_found')
    }
  })

  it('is described by OpenAPI as bearer authentication', async () => {
    const document = await json<{ paths: Record<string, Record<string, unknown>>; components: unknown }>(
      await shop.handler(new Request(`${origin}/openapi.json`)),
    )
    expect(document.paths['/admin/checkout-locks/{id}/refund']?.post).toMatchObject({ security: [{ admin: [] }] })
    expect(document.components).toMatchObject({ securitySchemes: { admin: { type: 'http', scheme: 'bearer' } } })
  })
})

describe('a refund over HTTP', () => {
  let untouched: string
  beforeAll(async () => {
    untouched = (await bought()).order.lock_id
  })

  it('refunds lines with shipping, then an amount, then all that remains', async () => {
    const { order } = await bought()
    const lines = await refunded(
      await requestRefund(order.lock_id, { lines: [{ sku: 'CLEAT', quantity: 2 }], shipping: true, restock: true }),
    )
    expect(lines).toMatchObject({
      status: 'refunded',
      refunded: 5_390,
      lines: [{ sku: 'CLEAT', quantity: 2 }],
      order: { status: 'partially_refunded', refunded: 5_390, shipping_refunded: true },
    })
    expect(lines.order.lines.map(line => line.refunded_quantity)).toEqual([2, 0])
    expect(await refunded(await requestRefund(order.lock_id, { amount: 100, reason: 'scratched' }))).toMatchObject({
      refunded: 100,
      lines: [],
    })
    expect(await refunded(await requestRefund(order.lock_id, {}))).toMatchObject({
      refunded: order.total - 5_490,
      order: { status: 'refunded', lines: [{ refunded_quantity: 3 }, { refunded_quantity: 2 }] },
    })
  })

  it('is recorded with its actor and reason', async () => {
    const { order } = await bought()
    await refunded(
      await requestRefund(order.lock_id, { amount: 100, reason: 'late' }, { headers: { 'X-Admin-Actor': 'ada' } }),
    )
    await refunded(await requestRefund(order.lock_id, { amount: 100 }))
    expect(await actionsOn(order.lock_id)).toMatchObject([
      { action: 'refund', actor: 'ada', details: { amountMinor: 100, reason: 'late' } },
      { action: 'refund', actor: 'admin', details: { amountMinor: 100 } },
    ])
  })

  it('happens once per key, in the header or in the body', async () => {
    const { order } = await bought()
    const inHeader = { headers: { 'Idempotency-Key': 'parcel' } }
    for (const options of [inHeader, inHeader]) {
      expect(await refunded(await requestRefund(order.lock_id, { amount: 100 }, options))).toMatchObject({
        refunded: 100,
      })
    }
    expect(await refunded(await requestRefund(order.lock_id, { amount: 100, key: 'parcel' }))).toMatchObject({
      order: { refunded: 100 },
    })
    await refused(await requestRefund(order.lock_id, { amount: 200, key: 'parcel' }), 409, 'not_refundable')
    await refused(await requestRefund(order.lock_id, { amount: 100, key: 'other' }, inHeader), 422, 'invalid_request')
    expect(await actionsOn(order.lock_id)).toHaveLength(1)
  })

  it('above the refundable rest is rejected with what remains refundable', async () => {
    const { order } = await bought()
    const tooMany = await refused(
      await requestRefund(order.lock_id, { lines: [{ sku: 'CLEAT', quantity: 4 }] }),
      409,
      'not_refundable',
    )
    expect(tooMany.context).toMatchObject({
      refundable: order.total,
      lines: [
        { line_no: 1, sku: 'CLEAT', quantity: 3 },
        { line_no: 2, sku: 'MARLINE', quantity: 2 },
      ],
      shipping: 490,
    })
    await refused(await requestRefund(order.lock_id, { amount: order.total + 1 }), 409, 'not_refundable')
    expect(await actionsOn(order.lock_id)).toEqual([])
  })

  it('is rejected for a checkout without an order and for an unknown checkout', async () => {
    const browser = await openBrowser(shop.handler)
    await browser.send('POST', '/cart/lines', { sku: 'CLEAT', quantity: 1 })
    const { lock_id } = await json<{ lock_id: string }>(await browser.send('GET', '/checkout'))
    await refused(await requestRefund(lock_id, {}), 409, 'not_refundable')
    await refused(await requestRefund('01a2064e-58b4-7207-8f53-1eeaafc9a992', {}), 404, 'checkout_not_found')
    await refused(await requestRefund('nonsense', {}), 404, 'not_found')
  })

  it.each([
    [undefined],
    [[]],
    ['all'],
    [{ amount: null }],
    [{ amount: '' }],
    [{ amount: 0 }],
    [{ amount: 12.5 }],
    [{ amount: '100' }],
    [{ lines: null }],
    [{ lines: [] }],
    [{ lines: [{ quantity: 1 }] }],
    [{ lines: [{ sku: 'CLEAT', quantity: 0 }] }],
    [{ lines: [{ sku: 'CLEAT' }] }],
    [{ restock: 'yes' }],
    [{ amounts: 100 }],
    [{ key: '' }],
    [{ reason: '4111 1111 1111 1111' }],
  ])('rejects the body %j instead of refunding all that remains', async body => {
    const response = await requestRefund(untouched, body)
    expect(response.status).toBe(422)
    expect(await actionsOn(untouched)).toEqual([])
  })

  it('rejects a body that is not JSON', async () => {
    const response = await requestRefund(untouched, { amount: 1 }, { headers: { 'Content-Type': 'text/plain' } })
    await refused(response, 415, 'unsupported_media_type')
  })

  it('responds with 202 while the gateway’s answer is unknown, and with 402 if the gateway declines', async () => {
    const { order } = await bought()
    const original = shop.sandbox.refund
    let outcome: Awaited<ReturnType<typeof original>> = { outcome: 'unknown', message: 'Unknown.' }
    shop.sandbox.refund = async () => outcome
    try {
      const waiting = await requestRefund(order.lock_id, { amount: 100 })
      expect(waiting.headers.get('retry-after')).toBe('2')
      expect(await refunded(waiting, 202)).toMatchObject({ status: 'processing', order: { refunded: 0 } })
      const busy = await refused(await requestRefund(order.lock_id, { amount: 100 }), 409, 'not_refundable')
      expect(busy.retryable).toBe(true)
      const other = await bought()
      outcome = { outcome: 'declined', code: 'not_now', message: 'Not now.' }
      await refused(await requestRefund(other.order.lock_id, { amount: 100 }), 402, 'refund_refused')
    } finally {
      shop.sandbox.refund = original
    }
  })
})
