/** Access to the metrics over HTTP, and their formats. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createHttpHandler, type HttpOptions } from '../../../src/http/app.ts'
import { createCarts } from '../../../src/shop/carts/carts.ts'
import { createCatalog } from '../../../src/shop/catalog/catalog.ts'
import { openTestDatabase, type TestDatabase } from '../../support/test-database.ts'
import { httpTestConfig, json, openShop, origin, type TestShop } from '../open-shop.ts'

const secret = 'the secret of the metrics'

describe('GET /metrics', () => {
  let opened: TestDatabase
  let shop: TestShop
  const metrics = {
    render: async (accept: string | null = null) => ({
      contentType: accept?.includes('openmetrics') ? 'application/openmetrics-text' : 'text/plain; version=0.0.4',
      text: 'holdfast_checkouts_started_total 7\n',
    }),
  }

  beforeAll(async () => {
    opened = await openTestDatabase('postgres')
    shop = await openShop(opened.database)
  })
  afterAll(async () => {
    await shop.stop()
    await opened.stop()
  })

  const handlerWith = (options: Pick<HttpOptions, 'config' | 'metrics'>) =>
    createHttpHandler({
      engine: shop.engine,
      catalog: createCatalog(opened.database, { currency: 'EUR' }),
      carts: createCarts(opened.database, { currency: 'EUR' }),
      ...options,
    })

  function getMetrics(
    config: Partial<HttpOptions['config']>,
    headers: Record<string, string> = {},
    times = 1,
  ): Promise<Response[]> {
    const handler = handlerWith({ config: { ...httpTestConfig, ...config }, metrics })
    const environment = { incoming: { socket: { remoteAddress: '192.0.2.9' } } }
    const request = () => handler(new Request(`${origin}/metrics`, { headers }), environment)
    return Promise.all(Array.from({ length: times }, request))
  }

  async function refused(response: Response | undefined, status: number, code: string): Promise<void> {
    if (response === undefined) throw new Error('no response')
    expect(response.status).toBe(status)
    const body = await json(response)
    expect(body.code).toBe(code)
    expect(JSON.stringify(body)).not.toContain('holdfast_')
  }

  test('is open outside production if no secret is set', async () => {
    const [response] = await getMetrics({})
    expect(response?.status).toBe(200)
    expect(response?.headers.get('content-type')).toBe('text/plain; version=0.0.4')
    expect(response?.headers.get('cache-control')).toBe('no-store')
    expect(await response?.text()).toBe('holdfast_checkouts_started_total 7\n')
  })

  test('is closed in production until a secret is set, and names the variable', async () => {
    const [response] = await getMetrics({ production: true })
    expect((await json(response?.clone() ?? Response.json({}))).message).toContain('CHECKOUT_METRICS_SECRET')
    await refused(response, 403, 'metrics_closed')
    await refused((await getMetrics({ production: true, metricsSecret: '' }))[0], 403, 'metrics_closed')
  })

  test('requires the secret if one is set, also outside production', async () => {
    for (const production of [true, false]) {
      const config = { production, metricsSecret: secret }
      await refused((await getMetrics(config))[0], 401, 'metrics_unauthorized')
      await refused((await getMetrics(config, { Authorization: 'Bearer wrong' }))[0], 401, 'metrics_unauthorized')
      await refused((await getMetrics(config, { Authorization: `Bearer ${secret}x` }))[0], 401, 'metrics_unauthorized')
      const [response] = await getMetrics(config, { Authorization: `Bearer ${secret}` })
      expect(response?.status).toBe(200)
    }
  })

  test('does not accept the admin secret', async () => {
    const config = { metricsSecret: secret, adminSecret: 'the secret of the administrators' }
    const [response] = await getMetrics(config, { Authorization: 'Bearer the secret of the administrators' })
    await refused(response, 401, 'metrics_unauthorized')
  })

  test('limits wrong secrets but not correct ones', async () => {
    const config = { metricsSecret: secret }
    const guesses = await getMetrics(config, { Authorization: 'Bearer guess' }, 12)
    expect(guesses.filter(({ status }) => status === 429)).toHaveLength(2)
    const known = await getMetrics(config, { Authorization: `Bearer ${secret}` }, 9)
    expect(known.every(({ status }) => status === 200)).toBe(true)
  })

  test('responds with OpenMetrics if Accept asks for it', async () => {
    const [response] = await getMetrics({}, { Accept: 'application/openmetrics-text; version=1.0.0' })
    expect(response?.headers.get('content-type')).toBe('application/openmetrics-text')
  })

  test('does not exist without metrics', async () => {
    const handler = handlerWith({ config: httpTestConfig })
    await refused(await handler(new Request(`${origin}/metrics`)), 404, 'not_found')
  })

  test('is described by OpenAPI', async () => {
    const handler = handlerWith({ config: httpTestConfig, metrics })
    const document = await json<{ paths: Record<string, { get: { responses: Record<string, unknown> } }> }>(
      await handler(new Request(`${origin}/openapi.json`)),
    )
    expect(document.paths['/metrics']?.get.responses['200']).toMatchObject({ content: { 'text/plain': {} } })
  })
})
