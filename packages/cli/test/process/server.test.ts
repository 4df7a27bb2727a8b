/** The whole server: it starts, serves, receives the sandbox's webhooks, runs forwarded commands, and stops. */
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { defaultConfig } from '../../../holdfast/src/config/config.ts'
import { cartResponse, completedResponse } from '../../../holdfast/src/http/schemas/responses.ts'
import { silentLog } from '../../../holdfast/src/observe/log/log.ts'
import { listen } from '../../src/process/http-server.ts'
import { type Server, startServer } from '../../src/process/server.ts'
import { buyerAddress, findSku, openBuyer, sendJson } from './buyer.ts'
import { addressIn, openPrograms, type Programs } from './program-process.ts'

const address = {
  firstName: 'Ada',
  lastName: 'Lovelace',
  lineOne: '1 Main St',
  city: 'Albany',
  state: 'NY',
  postcode: '12207',
  country: 'US',
}

describe('a server in this process', () => {
  let server: Server
  beforeEach(async () => {
    server = await startServer({
      config: { ...defaultConfig, secret: 's'.repeat(32), port: 0 },
      dataDirectory: 'memory://',
      log: silentLog,
      demo: true,
    })
  })
  afterEach(() => server?.close())

  it('serves the demo shop, and completes a payment when the webhook of the buyer’s approval arrives', async () => {
    const [url] = server.addresses
    expect(url).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/)
    expect(await (await fetch(`${url}/health/checkout`)).json()).toMatchObject({ status: 'healthy' })

    const { engine, carts, catalog, sandbox } = server.shop
    const { products } = await catalog.listProducts({})
    const sku = products.flatMap(product => product.variants).find(variant => variant.available > 0)?.sku
    if (sku === undefined) throw new Error('the demo catalog has nothing in stock')
    const cart = await carts.addLine('session', { sku, quantity: 1 })
    const lock = await engine.startCheckout(cart.id, { sessionId: 'session' })
    const outcome = await engine.processCheckout(lock.id, {
      token: 'tok_action_required',
      email: 'ada@example.com',
      shippingAddress: address,
    })
    expect(outcome.status).toBe('action_required')
    const completed = new Promise<void>(resolve => {
      engine.subscribe(change => {
        if (change.checkoutId === lock.id && change.state === 'completed') resolve()
      })
    })
    await sandbox?.approve(`sbx_${lock.id}:authorize:1`)
    await completed
    expect((await engine.getCheckoutStatus(lock.id))?.order).toMatchObject({ status: 'paid' })
    expect(await engine.audit({ drained: true })).toMatchObject({ violations: 0, checkouts: 1 })
  })
})

describe('listening', () => {
  it('reports a port in use in one sentence', async () => {
    const other = createServer().listen(0, '127.0.0.1')
    await new Promise(resolve => other.once('listening', resolve))
    const { port } = other.address() as { port: number }
    await expect(listen(async () => new Response(), { port, host: '127.0.0.1' })).rejects.toThrow(
      `port ${port} on 127.0.0.1 is in use; stop the process that uses it, or choose another port with --port`,
    )
    other.close()
  })

  it('answers the requests in flight before it closes', async () => {
    let finish = () => {}
    let arrived = () => {}
    const held = new Promise<void>(resolve => {
      finish = resolve
    })
    const here = new Promise<void>(resolve => {
      arrived = resolve
    })
    const server = await listen(
      async () => {
        arrived()
        await held
        return new Response('done')
      },
      { port: 0, host: '127.0.0.1' },
    )
    const answer = fetch(server.addresses[0] ?? '')
    await here
    const closed = server.close()
    finish()
    expect(await (await answer).text()).toBe('done')
    await closed
  })
})

describe('the holdfast process', () => {
  let directory: string
  let programs: Programs
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'holdfast-serve-'))
    programs = openPrograms(directory)
  })
  afterEach(async () => {
    await programs.killAll()
    rmSync(directory, { recursive: true, force: true })
  })

  it('lists every invalid setting and exits with 2', async () => {
    const { code, output } = programs.start(['audit'], { PORT: 'x', CHECKOUT_SECRET: 'hunter2' })
    expect(await code).toBe(2)
    expect(output.err).toContain('2 mistakes')
    expect(output.err).not.toContain('hunter2')
    expect(output.out).toBe('')
  })

  it('serves, runs forwarded commands, refuses a second server, and stops on SIGTERM', async () => {
    const server = programs.start(['serve', '--port', '0'])
    expect(await server.ready).toMatch(/^holdfast ready on http:\/\/127\.0\.0\.1:\d+ \(embedded database \.holdfast\)$/)

    const audit = programs.start(['audit', '--json'])
    const second = programs.start(['serve', '--port', '0'])
    expect(await audit.code).toBe(0)
    expect(JSON.parse(audit.output.out)).toMatchObject({ violations: 0 })
    expect(await second.code).toBe(1)
    expect(second.output.err).toContain('in use by another process')
    expect(second.output.out).toBe('')

    const startedAt = performance.now()
    server.child.kill('SIGTERM')
    expect(await server.code).toBe(0)
    expect(performance.now() - startedAt).toBeLessThan(10_000)
    expect(server.output.out.split('\n')).toHaveLength(2)
  }, 120_000)

  it('sells an order with express shipping at the price that the cart listed', async () => {
    const server = programs.start(['serve', '--demo', '--port', '0'])
    const buyer = await openBuyer(addressIn(await server.ready))
    await sendJson(buyer, 'POST', '/cart/lines', { sku: await findSku(buyer), quantity: 1 })
    await sendJson(buyer, 'PUT', '/cart/addresses', { email: 'ada@example.com', shipping_address: buyerAddress })

    const cart = cartResponse.parse(await sendJson(buyer, 'GET', '/cart'))
    expect(cart.shipping_methods.map(({ code }) => code)).toEqual(['standard', 'express'])
    const [standard, express] = cart.shipping_methods
    expect(express?.amount).toBeGreaterThan(standard?.amount ?? 0)
    expect(cart).toMatchObject({ shipping_method: 'standard', totals: { shipping: standard?.amount } })

    await sendJson(buyer, 'PUT', '/cart/shipping-method', { code: 'express' })
    await sendJson(buyer, 'GET', '/checkout')
    const payment = { payment_method: 'card', payment_token: 'tok_approve' }
    const { order } = completedResponse.parse(await sendJson(buyer, 'POST', '/checkout', payment))
    expect(order).toMatchObject({ status: 'paid', shipping_method: 'express', shipping: express?.amount })
    expect(await server.stop()).toBe(0)
  }, 120_000)
})
