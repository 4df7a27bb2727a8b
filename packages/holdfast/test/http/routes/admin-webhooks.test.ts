/** Admin routes for received webhooks: list, retry, and dismiss, with an audit record. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { statement } from '../../../src/database/database.ts'
import { errorResponse, webhookResponse } from '../../../src/http/schemas/responses.ts'
import { openTestDatabase, type TestDatabase } from '../../support/test-database.ts'
import { adminSecret, openShop, requestAsAdmin, type TestShop, testConfig } from '../open-shop.ts'

/** Characters that an event ID may contain and a path must encode. */
const oddEvent = 'evt/größe: 100 % ?#'
const lockId = '0192cccc-0000-7000-8000-0000000000aa'

let test: TestDatabase
let shop: TestShop
beforeAll(async () => {
  test = await openTestDatabase('postgres', { poolMax: 8 })
  shop = await openShop(test.database, { config: { ...testConfig, adminSecret } })
})
afterAll(async () => {
  await shop.stop()
  await test.stop()
})

const request = requestAsAdmin(() => shop, '192.0.2.9')
const post = (path: string, headers = {}, secret: string | null = adminSecret) =>
  request(path, { method: 'POST', headers }, secret)
const one = (id: string, what: 'retry' | 'dismiss', headers = {}) =>
  post(`/admin/webhooks/${encodeURIComponent(id)}/${what}`, headers)

// The shop's engine has no workers, so nothing processes the webhooks during the test.
const insertWebhook = statement(
  'http_test_insert_webhook',
  `insert into holdfast.webhooks (gateway, event_id, type, about, checkout_id, reference, payload, received_at, look_at)
   values ('stripe', $1, 'charge.refunded', 'money_back', $2, 'pi_1', '{"client_secret": "canary"}', now() - interval '4 days', null)`,
)
const given = async (eventId: string, checkoutId: string | null = null) => {
  await test.database.query(insertWebhook, [eventId, checkoutId])
  return `stripe:${eventId}`
}

async function listed(query = '') {
  const response = await request(`/admin/webhooks${query}`)
  const text = await response.text()
  expect(response.status, text).toBe(200)
  expect(response.headers.get('cache-control')).toContain('no-store')
  expect(text).not.toContain('canary')
  return z.strictObject({ webhooks: z.array(webhookResponse), more: z.boolean() }).parse(JSON.parse(text))
}

describe('received webhooks over HTTP', () => {
  it('are listed by filter, those of known checkouts first, without payloads', async () => {
    const stranger = await given('evt_1')
    const ours = await given('evt_2', lockId)
    expect((await listed()).webhooks.map(({ id }) => id)).toEqual([ours, stranger])
    expect((await listed('?ours=true')).webhooks).toMatchObject([
      { id: ours, gateway: 'stripe', event_id: 'evt_2', lock_id: lockId, state: 'given_up', next_at: null },
    ])
    expect((await listed(`?lock_id=${lockId}&state=given_up&type=charge.refunded`)).webhooks).toHaveLength(1)
    expect(await listed('?gateway=stripe&limit=1')).toMatchObject({ webhooks: [{ id: ours }], more: true })
    expect((await listed('?gateway=sandbox')).webhooks).toEqual([])
    expect((await listed('?state=done')).webhooks).toEqual([])
    expect((await request('/admin/webhooks?state=lost')).status).toBe(422)
    expect((await request('/admin/webhooks?ours=perhaps')).status).toBe(422)
  })

  it('cannot be listed for an unknown gateway: the error names the known ones', async () => {
    await given('evt_0')
    for (const response of [
      await request('/admin/webhooks?gateway=strpe'),
      await post('/admin/webhooks/retry?gateway=strpe'),
    ]) {
      expect(response.status).toBe(422)
      expect(errorResponse.parse(await response.json())).toMatchObject({
        code: 'invalid_argument',
        message: 'unknown gateway "strpe"; known gateways: sandbox, stripe',
      })
    }
    await test.database.execute("delete from holdfast.webhooks where event_id = 'evt_0'")
  })

  it('are retried one by one or all at once, with a record of the actor', async () => {
    const id = await given(oddEvent, lockId)
    const response = await one(id, 'retry', { 'X-Admin-Actor': 'grace' })
    expect(response.status).toBe(202)
    expect(await response.json()).toMatchObject({ webhook: { id, state: 'waiting', attempts: 0 } })
    const all = await post('/admin/webhooks/retry?gateway=stripe', { 'X-Admin-Actor': 'grace' })
    expect([all.status, await all.json()]).toEqual([202, { retried: 2 }])
    const actions = statement(
      'http_test_webhook_retries',
      `select details ->> 'eventId' as event, actor from holdfast.admin_actions where action = 'retry_webhook' order by details ->> 'eventId' collate "C"`,
    )
    const byGrace = [oddEvent, 'evt_1', 'evt_2'].map(event => ({ event, actor: 'grace' }))
    expect(await test.database.query(actions)).toEqual(byGrace)
  })

  it('are dismissed once, and a dismissed webhook cannot be retried', async () => {
    const id = await given('evt_3')
    for (let time = 0; time < 2; time += 1) {
      const response = await one(id, 'dismiss')
      expect([response.status, await response.json()]).toMatchObject([200, { webhook: { id, state: 'done' } }])
    }
    const refused = await one(id, 'retry')
    expect([refused.status, errorResponse.parse(await refused.json()).code]).toEqual([409, 'webhook_done'])
  })

  it('get 404 for an ID without a webhook', async () => {
    for (const id of ['stripe:evt_none', 'evt_1', ':evt_1', 'stripe:', '%']) {
      for (const what of ['retry', 'dismiss'] as const) {
        expect(errorResponse.parse(await (await one(id, what)).json()).code).toBe('not_found')
      }
    }
  })

  it('are closed without the admin secret', async () => {
    const id = await given('evt_4')
    expect((await request('/admin/webhooks', {}, null)).status).toBe(401)
    for (const path of [`/admin/webhooks/${id}/retry`, `/admin/webhooks/${id}/dismiss`, '/admin/webhooks/retry']) {
      expect((await post(path, {}, null)).status).toBe(401)
      expect((await post(path, {}, 'a wrong one')).status).toBe(401)
    }
    expect((await listed('?state=given_up')).webhooks.map(each => each.id)).toEqual([id])
  })

  it('are described by OpenAPI', async () => {
    const { paths } = (await (await request('/openapi.json')).json()) as { paths: Record<string, unknown> }
    const own = [
      '/admin/webhooks',
      '/admin/webhooks/retry',
      '/admin/webhooks/{id}/retry',
      '/admin/webhooks/{id}/dismiss',
    ]
    expect(Object.keys(paths)).toEqual(expect.arrayContaining(own))
  })
})
