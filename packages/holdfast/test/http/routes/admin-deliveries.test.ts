/** Admin routes for event deliveries: list and retry, with an audit record. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { statement } from '../../../src/database/database.ts'
import type { CheckoutEvent } from '../../../src/domain/events.ts'
import { deliveryResponse, errorResponse } from '../../../src/http/schemas/responses.ts'
import { openTestDatabase, type TestDatabase } from '../../support/test-database.ts'
import { adminSecret, openShop, requestAsAdmin, type TestShop, testConfig } from '../open-shop.ts'

/** A function name may contain characters that a path must encode. */
const oddName = 'mail/größe: 100 % ?#'
const checkoutId = '0192cccc-0000-7000-8000-0000000000aa'

let test: TestDatabase
let shop: TestShop
const received: string[] = []
beforeAll(async () => {
  test = await openTestDatabase('postgres', { poolMax: 8 })
  shop = await openShop(test.database, { config: { ...testConfig, adminSecret } })
  const listener = (event: CheckoutEvent<'CheckoutStarted'>) => void received.push(event.id)
  shop.engine.listeners.add('CheckoutStarted', Object.defineProperty(listener, 'name', { value: oddName }))
})
afterAll(async () => {
  await shop.stop()
  await test.stop()
})

const request = requestAsAdmin(() => shop, '192.0.2.7')

const insertDelivery = statement(
  'http_test_insert_delivery',
  `with event as (insert into holdfast.events (id, checkout_id, type, payload, created_at)
     values (gen_random_uuid(), $1, 'CheckoutStarted', '{}', now() - interval '10 minutes') returning id)
   insert into holdfast.deliveries (event_id, listener, checkout_id, type, state, leased, next_at, last_error)
   select id, $2, $1, 'CheckoutStarted', $3, $4, now() + interval '1 minute', 'the listener threw' from event
   returning event_id as id`,
)
async function given(listener: string, state: 'parked' | 'due', running = false): Promise<string> {
  const [row] = await test.database.query<{ id: string }>(insertDelivery, [checkoutId, listener, state, running])
  return `${row?.id}:${listener}`
}

async function listed(query: string) {
  const response = await request(`/admin/deliveries${query}`)
  const body = await response.json()
  expect(response.status, JSON.stringify(body)).toBe(200)
  return z.strictObject({ deliveries: z.array(deliveryResponse), more: z.boolean() }).parse(body)
}
const retry = (id: string, headers = {}) =>
  request(`/admin/deliveries/${encodeURIComponent(id)}/retry`, { method: 'POST', headers })

describe('event deliveries over HTTP', () => {
  it('are listed by state, listener, and checkout, parked ones first, with a flag if there are more', async () => {
    const due = await given('sms', 'due')
    const parked = await given('fax', 'parked')
    expect((await listed('')).deliveries.map(({ id }) => id)).toEqual([parked, due])
    expect((await listed('?state=parked')).deliveries).toMatchObject([
      { id: parked, listener: 'fax', lock_id: checkoutId, state: 'parked', last_error: 'the listener threw' },
    ])
    expect((await listed('?state=overdue&listener=sms')).deliveries).toHaveLength(1)
    expect((await listed('?state=overdue&listener=fax')).deliveries).toEqual([])
    expect(await listed(`?lock_id=${checkoutId}&limit=1`)).toMatchObject({ deliveries: [{ id: due }], more: true })
    expect((await listed('?lock_id=0192cccc-0000-7000-8000-0000000000ab')).deliveries).toEqual([])
  })

  it('cannot be listed for an unknown listener: the error names the known ones', async () => {
    await given('sms', 'due')
    const response = await request('/admin/deliveries?listener=mail')
    expect(response.status).toBe(422)
    const { code, message, context } = errorResponse.parse(await response.json())
    expect(code).toBe('invalid_argument')
    expect(message).toMatch(/^unknown listener "mail"; known listeners: .*\bsms\b/)
    expect(context?.known).toEqual(expect.arrayContaining(['sms', oddName]))
  })

  it('are retried after they were parked, for any listener name, with a record of the actor', async () => {
    const id = await given(oddName, 'parked')
    const response = await retry(id, { 'X-Admin-Actor': 'grace' })
    expect(response.status).toBe(202)
    expect(await response.json()).toMatchObject({ delivery: { id, state: 'due', attempts: 0 } })
    await shop.engine.deliverer.runOnce()
    expect(received).toEqual([id.slice(0, 36)])
    expect((await listed(`?lock_id=${checkoutId}&listener=${encodeURIComponent(oddName)}`)).deliveries).toMatchObject([
      { state: 'delivered', next_at: null },
    ])
    const actions = statement(
      'http_test_redeliveries',
      `select actor, details from holdfast.admin_actions where action = 'redeliver'`,
    )
    expect(await test.database.query(actions)).toEqual([
      { actor: 'grace', details: { eventId: id.slice(0, 36), listener: oddName, type: 'CheckoutStarted' } },
    ])
  })

  it('cannot be retried while running, and get 404 for an unknown or malformed ID', async () => {
    const refused = async (response: Response) => errorResponse.parse(await response.json()).code
    expect(await refused(await retry(await given('busy', 'due', true)))).toBe('delivery_running')
    expect(await refused(await retry('0192cccc-0000-7000-8000-0000000000ff:mail'))).toBe('not_found')
    for (const id of ['mail', '0192cccc-0000-7000-8000-0000000000ff', ':mail', '%']) {
      expect(await refused(await retry(id))).toBe('not_found')
    }
    expect((await request('/admin/deliveries?state=lost')).status).toBe(422)
    expect((await request('/admin/deliveries?limit=0')).status).toBe(422)
  })

  it('are closed without the admin secret', async () => {
    expect((await request('/admin/deliveries', {}, null)).status).toBe(401)
    expect((await request('/admin/deliveries', {}, 'a wrong one')).status).toBe(401)
    const id = await given('closed', 'parked')
    const path = `/admin/deliveries/${encodeURIComponent(id)}/retry`
    expect((await request(path, { method: 'POST' }, null)).status).toBe(401)
    expect((await listed('?state=parked&listener=closed')).deliveries).toHaveLength(1)
  })

  it('are described by OpenAPI', async () => {
    const { paths } = (await (await request('/openapi.json')).json()) as { paths: Record<string, unknown> }
    expect(Object.keys(paths)).toEqual(expect.arrayContaining(['/admin/deliveries', '/admin/deliveries/{id}/retry']))
  })
})
