/** Who may read the metrics over HTTP, and what they get. */
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

  function ask(
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
    if (response === undefined) throw new Error('there was no answer')
    expect(response.status).toBe(status)
    const body = await json(response)
    expect(body.code).toBe(code)
    expect(JSON.stringify(body)).not.toContain('holdfast_')
  }

  test('is open where no secret is set and no customer is near', async () => {
    const [response] = await ask({})
    expect(response?.status).toBe(200)
    expect(response?.headers.get('content-type')).toBe('text/plain; version=0.0.4')
    expect(response?.headers.get('cache-control')).toBe('no-store')
    expect(await response?.text()).toBe('holdfast_checkouts_started_total 7\n')
  })

  test('is closed in production until a secret is set, and says which', async () => {
    const [response] = await ask({ production: true })
    expect((await json(response?.clone() ?? Response.json({}))).message).toContain('CHECKOUT_METRICS_SECRET')
    await refused(response, 403, 'metrics_closed')
    await refused((await ask({ production: true, metricsSecret: '' }))[0], 403, 'metrics_closed')
  })

  test('opens with the secret alone, in production and outside of it', async () => {
    for (const production of [true, false]) {
      const config = { production, metricsSecret: secret }
      await refused((await ask(config))[0], 401, 'metrics_unauthorized')
      await refused((await ask(config, { Authorization: 'Bearer wrong' }))[0], 401, 'metrics_unauthorized')
      await refused((await ask(config, { Authorization: `Bearer ${secret}x` }))[0], 401, 'metrics_unauthorized')
      const [response] = await ask(config, { Authorization: `Bearer ${secret}` })
      expect(response?.status).toBe(200)
    }
  })

  test('does not open with the secret of the administration', async () => {
    const config = { metricsSecret: secret, adminSecret: 'the secret of the administrators' }
    const [response] = await ask(config, { Authorization: 'Bearer the secret of the administrators' })
    await refused(response, 401, 'metrics_unauthorized')
  })

  test('locks out who guesses, and never who knows', async () => {
    const config = { metricsSecret: secret }
    const guesses = await ask(config, { Authorization: 'Bearer guess' }, 12)
    expect(guesses.filter(({ status }) => status === 429)).toHaveLength(2)
    const known = await ask(config, { Authorization: `Bearer ${secret}` }, 9)
    expect(known.every(({ status }) => status === 200)).toBe(true)
  })

  test('gives OpenMetrics to who asks for it', async () => {
    const [response] = await ask({}, { Accept: 'application/openmetrics-text; version=1.0.0' })
    expect(response?.headers.get('content-type')).toBe('application/openmetrics-text')
  })

  test('is not there where no metrics are made', async () => {
    const handler = handlerWith({ config: httpTestConfig })
    await refused(await handler(new Request(`${origin}/metrics`)), 404, 'not_found')
  })

  test('stands in the description of the interface', async () => {
    const handler = handlerWith({ config: httpTestConfig, metrics })
    const document = await json<{ paths: Record<string, { get: { responses: Record<string, unknown> } }> }>(
      await handler(new Request(`${origin}/openapi.json`)),
    )
    expect(document.paths['/metrics']?.get.responses['200']).toMatchObject({ content: { 'text/plain': {} } })
  })
})
