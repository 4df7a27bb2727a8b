/** Liveness, readiness, and health of the checkout over HTTP. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { HttpHandler } from '../../../src/http/app.ts'
import { healthResponse, readinessResponse } from '../../../src/http/schemas/responses.ts'
import { openTestDatabase, type TestDatabase } from '../../support/test-database.ts'
import { json, openShop, origin, type TestShop } from '../open-shop.ts'

let opened: TestDatabase
let shop: TestShop
const stopping = new AbortController()
beforeAll(async () => {
  opened = await openTestDatabase('postgres')
  shop = await openShop(opened.database, { stopping: stopping.signal })
})
afterAll(async () => {
  await shop?.stop()
  await opened?.stop()
})

const get = (path: string, handler: HttpHandler = shop.handler) => handler(new Request(`${origin}${path}`))

describe('GET /health', () => {
  it('/checkout has the shape of the guide', async () => {
    const response = await get('/health/checkout')
    expect([response.status, response.headers.get('cache-control')]).toEqual([200, 'no-store'])
    const health = healthResponse.parse(await response.json())
    expect(Object.keys(health)).toEqual(['status', 'checks', 'timestamp'])
    expect(health).toMatchObject({
      status: 'healthy',
      checks: {
        expired_locks: { status: 'ok', count: 0, message: '0 expired locks (normal)' },
        stuck_checkouts: { status: 'ok', count: 0, message: 'No stuck checkouts' },
        database: { status: 'ok', message: 'Database connection healthy' },
      },
    })
    expect(Object.keys(health.checks)).toEqual(
      expect.arrayContaining(['rollbacks', 'captures', 'gateway', 'deliveries', 'webhooks', 'reconciliation']),
    )
  })

  it('without a database, /live responds with 200, /ready and /checkout with 503', async () => {
    const lost = await openTestDatabase('postgres')
    const other = await openShop(lost.database)
    expect((await get('/health/ready', other.handler)).status).toBe(200)
    await other.stop()
    await lost.stop()
    const live = await get('/health/live', other.handler)
    expect([live.status, await json(live)]).toEqual([200, { status: 'live' }])
    const ready = await get('/health/ready', other.handler)
    expect([ready.status, readinessResponse.parse(await ready.json()).status]).toEqual([503, 'not_ready'])
    const health = await get('/health/checkout', other.handler)
    expect([health.status, healthResponse.parse(await health.json())]).toMatchObject([
      503,
      { status: 'unhealthy', checks: { database: { status: 'critical', message: 'Database does not respond' } } },
    ])
  })

  it('sets no cookie and responds to HEAD', async () => {
    for (const path of ['/health/live', '/health/ready', '/health/checkout']) {
      const response = await shop.handler(new Request(`${origin}${path}`, { method: 'HEAD' }))
      expect([response.status, response.headers.has('set-cookie')], path).toEqual([200, false])
    }
  })

  it('is described by OpenAPI', async () => {
    const { paths } = await json<{ paths: Record<string, { get: { responses: object } }> }>(await get('/openapi.json'))
    const statuses = ['/health/live', '/health/ready', '/health/checkout'].map(path =>
      Object.keys(paths[path]?.get.responses ?? {}),
    )
    expect(statuses).toEqual([
      ['200', 'default'],
      ['200', '503', 'default'],
      ['200', '503', 'default'],
    ])
  })

  // Must be the last test, because it stops the shop.
  it('/ready responds with 503 as soon as the process begins to stop, while requests are still served', async () => {
    expect((await get('/health/ready')).status).toBe(200)
    stopping.abort()
    const ready = await get('/health/ready')
    expect([ready.status, readinessResponse.parse(await ready.json())]).toMatchObject([
      503,
      { status: 'not_ready', checks: { process: { status: 'critical', message: 'Process is shutting down' } } },
    ])
    expect((await get('/health/live')).status).toBe(200)
    expect((await get('/products')).status).toBe(200)
  })
})
