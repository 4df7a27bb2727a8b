/** The worker process: it delivers events, and its probe server reports metrics, readiness, and shutdown. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import { createServer as createListener } from 'node:net'
import { afterAll, beforeAll, describe, expect, inject, it, vi } from 'vitest'
import { defaultConfig } from '../../../holdfast/src/config/config.ts'
import { silentLog } from '../../../holdfast/src/observe/log/log.ts'
import { createShop } from '../../../holdfast/src/shop/create-shop.ts'
import { openTestDatabase, type TestDatabase } from '../../../holdfast/test/support/test-database.ts'
import { seedDemo } from '../../../storefront/src/demo/seed-demo.ts'
import { startWorker } from '../../src/process/worker.ts'

const secret = 'kept by every process of this shop'
const metricsSecret = 'the secret of the metrics'
const webhookSecret = `whsec_${Buffer.alloc(24, 7).toString('base64')}`
const shippingAddress = {
  firstName: 'Ada',
  lastName: 'Lovelace',
  lineOne: '1 Main St',
  city: 'Albany',
  state: 'NY',
  postcode: '12207',
  country: 'US',
}

const portOf = (server: { address(): unknown }) => (server.address() as { port: number }).port

describe('holdfast work', () => {
  let opened: TestDatabase
  let receiver: Server
  let received = 0
  let child: ChildProcess | null = null

  beforeAll(async () => {
    opened = await openTestDatabase('postgres', { poolMax: 4 })
    receiver = createServer((request, response) => {
      request.resume().once('end', () => {
        received += 1
        response.writeHead(204).end()
      })
    }).listen(0, '127.0.0.1')
    await once(receiver, 'listening')
  })
  afterAll(async () => {
    child?.kill('SIGKILL')
    receiver.close()
    await opened.stop()
  })

  /** One paid order, placed without workers: its events are left for the worker process. */
  async function sell(webhookUrl: string): Promise<void> {
    const { database } = opened
    await seedDemo(database)
    const config = { ...defaultConfig, environment: 'test' as const, secret, webhookUrl, webhookSecret }
    const shop = await createShop({
      database,
      config,
      log: silentLog,
      workers: false,
      mailDirectory: null,
      migrate: false,
    })
    const { products } = await shop.catalog.listProducts({})
    const sku = products.flatMap(({ variants }) => variants).find(({ available }) => available > 0)?.sku ?? ''
    const cart = await shop.carts.addLine('session', { sku, quantity: 1 })
    const lock = await shop.engine.startCheckout(cart.id, { sessionId: 'session' })
    const payment = { token: 'tok_approve', email: 'ada@example.com', shippingAddress }
    expect((await shop.engine.processCheckout(lock.id, payment)).status).toBe('completed')
    await shop.close()
  }

  async function work(environment: Record<string, string>): Promise<{ process: ChildProcess; url: string }> {
    const process_ = spawn(process.execPath, [inject('main'), 'work', '--port', '0'], {
      env: {
        PATH: process.env.PATH,
        NODE_ENV: 'test',
        DATABASE_URL: opened.url,
        CHECKOUT_SECRET: secret,
        ...environment,
      },
    })
    child = process_
    let output = ''
    for (const stream of [process_.stdout, process_.stderr]) stream.on('data', chunk => (output += chunk))
    const url = await vi.waitUntil(() => /^worker started on (http:\S+) \(PostgreSQL /m.exec(output)?.[1], {
      timeout: 60_000,
    })
    return { process: process_, url }
  }

  it('delivers events, counts them in its metrics, requires the metrics secret, and reports its shutdown', async () => {
    const webhookUrl = `http://127.0.0.1:${portOf(receiver)}/events`
    await sell(webhookUrl)
    expect(received).toBe(0)
    const { process: worker, url } = await work({
      CHECKOUT_WEBHOOK_URL: webhookUrl,
      CHECKOUT_WEBHOOK_SECRET: webhookSecret,
      CHECKOUT_METRICS_SECRET: metricsSecret,
    })
    const ask = (path: string) => fetch(url + path, { headers: { authorization: `Bearer ${metricsSecret}` } })
    const statusOf = async (path: string) => (await ask(path)).status

    const count = async () =>
      Number(
        /^holdfast_deliveries_total\{[^}]*outcome="delivered"\} (\d+)$/m.exec(
          await (await ask('/metrics')).text(),
        )?.[1],
      )
    await vi.waitFor(async () => expect(await count()).toBeGreaterThan(0), { timeout: 30_000, interval: 100 })
    await vi.waitFor(async () => expect(await count()).toBe(received))
    expect((await fetch(`${url}/metrics`)).status).toBe(401)
    expect(await statusOf('/health/live')).toBe(200)
    expect(await (await ask('/health/ready')).json()).toMatchObject({ status: 'ready' })
    expect(await (await ask('/health/checkout')).json()).toMatchObject({ status: 'healthy' })
    // A worker serves no shop.
    expect(await statusOf('/products')).toBe(404)

    const ended = once(worker, 'exit')
    worker.kill('SIGTERM')
    await vi.waitFor(async () => expect(await statusOf('/health/ready')).toBe(503))
    expect(await statusOf('/health/live')).toBe(200)
    expect(await ended).toEqual([0, null])
  })

  it('reports a port in use before it connects to the database', async () => {
    const other = createListener().listen(0, '127.0.0.1')
    await once(other, 'listening')
    const port = portOf(other)
    const nowhere = 'postgres://nobody@127.0.0.1:1/nothing'
    const config = { ...defaultConfig, secret, databaseUrl: nowhere, workerPort: port }
    await expect(startWorker({ config, log: silentLog })).rejects.toThrow(
      `port ${port} on 127.0.0.1 is in use; stop the process that uses it, or choose another port with --port`,
    )
    other.close()
  })
})
