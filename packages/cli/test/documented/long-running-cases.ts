/** Cases of documented commands that run until they are stopped, as processes of the built program. */
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:http'
import { createServer as createListener } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { type Database, statement } from '../../../holdfast/src/database/database.ts'
import { connectPostgres } from '../../../holdfast/src/database/postgres/postgres.ts'
import { checkoutId, seedHealthyStore } from '../../../holdfast/test/observe/healthy-store.ts'
import { openTestDatabase, type TestDatabase } from '../../../holdfast/test/support/test-database.ts'
import { buyerAddress, findSku, openBuyer, sendJson } from '../process/buyer.ts'
import { addressIn, openPrograms, type ProgramProcess, type Programs } from '../process/program-process.ts'
import { argumentsOf } from './examples.ts'

const asJson = { headers: { Accept: 'application/json', 'Content-Type': 'application/json' } }

const portOf = (server: { address(): unknown }): number => (server.address() as { port: number }).port

/** A port that was free a moment ago. */
async function freePort(): Promise<number> {
  const listener = createListener().listen(0, '127.0.0.1')
  await once(listener, 'listening')
  const port = portOf(listener)
  listener.close()
  await once(listener, 'close')
  return port
}

const selectSales = statement(
  'documented_sales',
  `select datname from pg_database where starts_with(datname, 'holdfast_flash_sale_')`,
)

/** @param covered receives each command that a case runs */
export function testLongRunningCommands(covered: Set<string>): void {
  describe('a documented long-running command', () => {
    let directory: string
    let programs: Programs
    let databases: TestDatabase[]
    beforeAll(() => {
      directory = mkdtempSync(join(tmpdir(), 'holdfast-documented-'))
      programs = openPrograms(directory)
      databases = []
    })
    afterAll(async () => {
      await programs.killAll()
      await Promise.all(databases.map(({ stop }) => stop()))
      rmSync(directory, { recursive: true, force: true })
    })

    const secret = 'a secret that every process of the shop has'
    async function openDatabase(migrated = true): Promise<{ database: Database; url: string }> {
      const one = await openTestDatabase('postgres', { migrated, poolMax: 2 })
      databases.push(one)
      if (one.url === undefined) throw new Error('a PostgreSQL database has a URL')
      return { database: one.database, url: one.url }
    }

    /** Starts a documented command on its own port; further words replace those of the documentation. */
    function start(command: string, { environment = {}, replace = {}, port = 0 }: StartOptions = {}): ProgramProcess {
      covered.add(command)
      const words = argumentsOf(command).map(word => replace[word] ?? word)
      const at = words.indexOf('--port')
      const args = at === -1 ? [...words, '--port', String(port)] : words.with(at + 1, String(port))
      return programs.start(args, { CHECKOUT_SECRET: secret, ...environment })
    }
    interface StartOptions {
      environment?: Record<string, string>
      replace?: Record<string, string>
      port?: number
    }
    const ready = async (process: ProgramProcess) => addressIn(await process.ready)
    const statusOf = async (url: string) => (await fetch(url)).status

    it('migrates a database, which several workers and servers then share', async () => {
      const { database, url } = await openDatabase(false)
      const environment = { DATABASE_URL: url }
      covered.add('holdfast migrate')
      const migration = programs.start(argumentsOf('holdfast migrate'), environment)
      expect(await migration.code).toBe(0)
      expect(migration.output.out).toMatch(/^applied \S+$/m)
      await seedHealthyStore(database)
      await database.execute(`update holdfast.checkouts set expires_at = now() - interval '1 second',
      wake_at = now() - interval '1 second' where id = '${checkoutId.pending}'`)

      // No server runs yet: the worker alone ends the expired checkout.
      covered.add('holdfast work')
      const worker = programs.start(argumentsOf('holdfast work'), { CHECKOUT_SECRET: secret, ...environment })
      expect(await worker.ready).toMatch(/^worker started \(PostgreSQL /)
      const pending = statement('documented_pending', `select state from holdfast.checkouts where id = $1::uuid`)
      await expect.poll(() => database.query(pending, [checkoutId.pending])).toEqual([{ state: 'failed' }])

      const observed = start('holdfast work --port 9464', { environment })
      expect(await statusOf(`${await ready(observed)}/health/ready`)).toBe(200)
      const servers = ['--port 3000', '--port 3001', '--port 8080 --host 0.0.0.0'].map(options =>
        start(`holdfast serve ${options}`, { environment }),
      )
      for (const server of servers) {
        const { products } = (await (await fetch(`${await ready(server)}/products`, asJson)).json()) as { products: [] }
        expect(products).toHaveLength(1)
      }
      expect(await Promise.all([worker, observed, ...servers].map(process => process.stop()))).toEqual([0, 0, 0, 0, 0])
    })

    it('serves the demo catalog on the embedded database', async () => {
      const server = start('holdfast serve --demo')
      expect(await findSku(await openBuyer(await ready(server)))).not.toBe('')
      expect(server.output.out).toContain('embedded database .holdfast')
      expect(await server.stop()).toBe(0)
    })

    it('serves payments through Stripe', async () => {
      const { url } = await openDatabase()
      const keys = { STRIPE_SECRET_KEY: 'sk_test_documented1', STRIPE_WEBHOOK_SECRET: 'whsec_documented' }
      const server = start('holdfast serve', { environment: { DATABASE_URL: url, ...keys } })
      const webhook = await fetch(`${await ready(server)}/webhooks/stripe`, { method: 'POST', body: '{}', ...asJson })
      // The endpoint exists, and refuses an unsigned webhook.
      expect([webhook.status, await webhook.json()]).toMatchObject([400, { code: 'webhook_refused' }])
      expect(await server.stop()).toBe(0)
    })

    it('serves a shop whose buyers pay by bank transfer', async () => {
      const { url } = await openDatabase()
      const invoices = { CHECKOUT_PAYMENT_GATEWAY: 'invoice', CHECKOUT_INVOICE_IBAN: 'DE89 3704 0044 0532 0130 00' }
      const server = start('CHECKOUT_PAYMENT_GATEWAY=invoice holdfast serve --demo', {
        environment: { DATABASE_URL: url, ...invoices },
      })
      const buyer = await openBuyer(await ready(server))
      await sendJson(buyer, 'POST', '/cart/lines', { sku: await findSku(buyer), quantity: 1 })
      await sendJson(buyer, 'GET', '/checkout')
      const { order } = await sendJson<{ order: { status: string; transfer: { iban: string } } }>(
        buyer,
        'POST',
        '/checkout',
        { email: 'ada@example.com', payment_method: 'bank_transfer', shipping_address: buyerAddress },
      )
      expect(order).toMatchObject({ status: 'pending', transfer: { iban: 'DE89370400440532013000' } })
      expect(await server.stop()).toBe(0)
    })

    it('sells an order paid through the Stripe simulator', async () => {
      const { database, url } = await openDatabase()
      const port = await freePort()
      const webhooks = `http://127.0.0.1:${port}/webhooks/stripe`
      const simulator = start(
        'holdfast stripe-simulator --port 12111 --webhook-url http://127.0.0.1:3000/webhooks/stripe --webhook-secret whsec_simulated',
        { replace: { 'http://127.0.0.1:3000/webhooks/stripe': webhooks } },
      )
      const stripe = await ready(simulator)
      const publishableKey = 'pk_test_simulated1'
      const command =
        'STRIPE_SECRET_KEY=sk_test_simulated1 STRIPE_PUBLISHABLE_KEY=pk_test_simulated1 ' +
        'STRIPE_WEBHOOK_SECRET=whsec_simulated STRIPE_API_URL=http://127.0.0.1:12111 holdfast serve --demo'
      const variables = command.split(' holdfast')[0]?.split(' ') ?? []
      const environment = Object.fromEntries(variables.map(pair => pair.split('=')))
      const server = start(command, {
        environment: { ...environment, STRIPE_API_URL: stripe, DATABASE_URL: url },
        port,
      })
      const buyer = await openBuyer(await ready(server))
      await sendJson(buyer, 'POST', '/cart/lines', { sku: await findSku(buyer), quantity: 1 })
      await sendJson(buyer, 'GET', '/checkout')
      const { action } = await sendJson<{ action: { client_secret: string } }>(buyer, 'POST', '/checkout', {
        email: 'ada@example.com',
        payment_method: 'card',
        shipping_address: buyerAddress,
      })
      const [intent = ''] = action.client_secret.split('_secret_')
      const confirmed = await fetch(`${stripe}/v1/payment_intents/${intent}/confirm`, {
        method: 'POST',
        body: new URLSearchParams({
          key: publishableKey,
          client_secret: action.client_secret,
          payment_method: 'pm_card_visa',
        }),
      })
      expect(confirmed.status).toBe(200)
      // The simulator's webhook completes the checkout.
      const orders = statement('documented_orders', 'select status from holdfast.orders')
      await expect.poll(() => database.query(orders)).toEqual([{ status: 'paid' }])
      expect(await Promise.all([server.stop(), simulator.stop()])).toEqual([0, 0])
    })

    it('simulates Stripe and sends signed webhooks', async () => {
      const signatures: unknown[] = []
      const receiver = createServer((request, response) => {
        signatures.push(request.headers['stripe-signature'])
        request.resume().once('end', () => response.writeHead(200).end())
      }).listen(0, '127.0.0.1')
      await once(receiver, 'listening')
      const hook = `http://127.0.0.1:${portOf(receiver)}/webhooks/stripe`
      const simulators = [
        start('holdfast stripe-simulator'),
        start(
          'holdfast stripe-simulator --webhook-url http://127.0.0.1:3000/webhooks/stripe --webhook-secret whsec_test',
          { replace: { 'http://127.0.0.1:3000/webhooks/stripe': hook } },
        ),
      ]
      for (const simulator of simulators) {
        const created = await fetch(`${await ready(simulator)}/v1/payment_intents`, {
          method: 'POST',
          headers: { authorization: 'Bearer sk_test_1' },
          body: new URLSearchParams({
            ...{ amount: '500', currency: 'usd', payment_method: 'pm_card_visa', confirm: 'true' },
            'allowed_payment_method_types[0]': 'card',
          }),
        })
        expect(await created.json()).toMatchObject({ object: 'payment_intent', status: 'succeeded' })
      }
      await expect.poll(() => signatures).toContainEqual(expect.stringMatching(/^t=\d+,v1=/))
      expect(await Promise.all(simulators.map(simulator => simulator.stop()))).toEqual([0, 0])
      receiver.close()
    })

    it('runs a sale, and removes its database when it is stopped', async () => {
      const server = inject('postgresUrl')
      const commands = [
        'holdfast flash-sale',
        'holdfast flash-sale --buyers 10000 --units 100 --seconds 60 --database-url postgres://localhost/shop',
      ]
      const buyers = ['2,000', '10,000']
      for (const [index, command] of commands.entries()) {
        covered.add(command)
        const args = argumentsOf(command).map(word => (word === 'postgres://localhost/shop' ? server : word))
        const sale = programs.start(args, { TMPDIR: directory })
        await expect
          .poll(() => sale.output.err, { timeout: 60_000 })
          .toContain(`sale opens for ${buyers[index]} buyers`)
        expect(await sale.stop()).toBe(130)
      }
      const administrator = await connectPostgres({ url: server, poolMax: 1 })
      expect(await administrator.query(selectSales)).toEqual([])
      await administrator.close()
    })
  })
}
