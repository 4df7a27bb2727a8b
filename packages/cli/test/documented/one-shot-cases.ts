/** Cases of documented commands that run once, on a store prepared for each. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { statement } from '../../../holdfast/src/database/database.ts'
import type { CheckoutEngine } from '../../../holdfast/src/engine/checkout-engine.ts'
import { createInvoiceGateway } from '../../../holdfast/src/payments/invoice/invoice.ts'
import { checkoutId } from '../../../holdfast/test/observe/healthy-store.ts'
import { fillShop, sessionOf } from '../../src/flash-sale/sale-store.ts'
import { type CallOptions, type Commands, type CommandsOptions, openCommands } from '../commands/open-commands.ts'
import { argumentsOf } from './examples.ts'

/** @param covered receives each command that a case runs */
export function testOneShotCommands(covered: Set<string>): void {
  let opened: Commands
  async function open(options?: CommandsOptions): Promise<void> {
    await opened?.stop()
    opened = await openCommands(options)
  }

  /** Runs a documented command in this process. `id` replaces the ID in it. */
  function run(command: string, { id, ...options }: CallOptions & { id?: string } = {}) {
    covered.add(command)
    return opened.call(
      argumentsOf(command).map(word => (word === 'ID' ? (id ?? word) : word)),
      options,
    )
  }

  /** Runs a documented command that prints JSON; the test does what the `jq` behind it does. */
  async function runJson(command: string, options: CallOptions = {}) {
    return JSON.parse((await run(command, options)).out)
  }

  let queries = 0
  async function rows<Row>(text: string): Promise<Row[]> {
    queries += 1
    return opened.database.query<Row>(statement(`documented_${queries}`, text))
  }
  async function value<Value>(text: string): Promise<Value | undefined> {
    return (await rows<{ value: Value }>(text))[0]?.value
  }
  const change = (text: string) => opened.database.execute(text)

  /** A store with one product for 49.90 EUR and a cart of it; shipping costs 4.90 EUR. */
  async function openSale(options: {
    gateways?: 'invoice'
    config?: { capture: 'later' }
  }): Promise<{ engine: CheckoutEngine; cartIds: string[] }> {
    let cartIds: string[] = []
    await open({
      async seed(database) {
        cartIds = await fillShop(database, 10, [1])
        await database.execute('update holdfast.prices set amount_minor = 4990')
      },
      engine: database => ({
        ...(options.config === undefined ? {} : { config: options.config }),
        ...(options.gateways === undefined ? {} : { gateways: { invoice: createInvoiceGateway({ database }) } }),
      }),
    })
    return { engine: opened.engine, cartIds }
  }

  describe('a documented command', () => {
    afterAll(() => opened?.stop())

    describe('that only reads', () => {
      beforeAll(() => open())

      it('shows the help', async () => {
        expect((await run('holdfast --help')).out).toContain('Serve the shop over HTTP and recover abandoned checkouts')
      })

      it('lists the settings with their values and sources', async () => {
        const environment = { CHECKOUT_TTL_MINUTES: '20' }
        const { out } = await run('CHECKOUT_TTL_MINUTES=20 holdfast config', { environment })
        expect(out).toMatch(/^CHECKOUT_TTL_MINUTES +20 +environment/m)
        expect((await run('holdfast config')).out).toMatch(/^CHECKOUT_TTL_MINUTES +15 +default/m)
      })

      it('checks the invariants', async () => {
        expect((await run('holdfast audit')).lines.slice(-2)).toEqual(['6 checkouts checked', '0 violations'])
        const { violations } = await runJson('holdfast audit --drained --json | jq .violations')
        expect(violations).toBe(4)
      })

      it('shows health and statistics, once or live', async () => {
        expect((await run('holdfast monitor')).out).toMatch(/^healthy .*started in the last 24 hours/s)
        expect(await runJson('holdfast monitor --hours 1 --json')).toMatchObject({
          statistics: { hours: 1, active: 3 },
        })
        const stop = new AbortController()
        const once = { ended: stop.signal, onOutput: () => stop.abort() }
        expect((await run('holdfast monitor --watch', once)).out).toContain('healthy')
        for (const hours of ['', '--hours 1 ']) {
          const ending = new AbortController()
          const filter = "jq -c '[.health.status, .statistics.active]'"
          const { health, statistics, throughput } = await runJson(
            `holdfast monitor ${hours}--watch 10 --json | ${filter}`,
            { ended: ending.signal, onOutput: () => ending.abort() },
          )
          expect([health.status, statistics.active]).toEqual(['healthy', 3])
          expect([statistics.hours, throughput.bucketSeconds]).toEqual([hours === '' ? 24 : 1, 10])
        }
      })

      it('shows problems and one checkout', async () => {
        expect((await run('holdfast diagnose')).out).toContain('Active checkouts: 3')
        const { out } = await run('holdfast diagnose --lock ID', { id: checkoutId.failed })
        expect(out).toContain('capture_refused: Refused.')
      })
    })

    describe('on deliveries', () => {
      const listener = 'mail.order-confirmation'
      const states = () =>
        rows(`select listener, state, count(*) as count from holdfast.deliveries group by 1, 2 order by 1, 2`)
      let id: string
      beforeAll(async () => {
        await open()
        await change(`update holdfast.deliveries set listener = '${listener}', state = 'parked', delivered_at = null`)
        id = (await value(`select event_id as value from holdfast.deliveries where type = 'CheckoutFailed'`)) ?? ''
      })

      it('lists parked ones', async () => {
        for (const command of [
          'holdfast deliveries',
          'holdfast deliveries --state parked',
          `holdfast deliveries --state parked --listener ${listener}`,
        ]) {
          const { code, out } = await run(command)
          expect(out.match(/ parked /g)).toHaveLength(9)
          expect(out).toContain(id)
          expect(code).toBe(1)
        }
      })

      it('retries one', async () => {
        expect(await run(`holdfast deliveries retry ID ${listener}`, { id })).toMatchObject({ code: 0 })
        expect(await states()).toEqual([
          { listener, state: 'due', count: 1 },
          { listener, state: 'parked', count: 8 },
        ])
      })

      it('retries all of a listener', async () => {
        expect(await run(`holdfast deliveries retry --all-parked --listener ${listener}`)).toMatchObject({ code: 0 })
        expect(await states()).toEqual([{ listener, state: 'due', count: 9 }])
      })

      it('parks one of a listener that no longer exists', async () => {
        await change(`update holdfast.deliveries set listener = 'old-listener' where event_id = '${id}'`)
        expect(await run('holdfast deliveries park ID old-listener', { id })).toMatchObject({ code: 0 })
        expect(await states()).toEqual([
          { listener, state: 'due', count: 8 },
          { listener: 'old-listener', state: 'parked', count: 1 },
        ])
      })
    })

    describe('on webhooks', () => {
      const ours = 'evt_1QGk2eLkdIwHu7ix'
      const webhooks = () =>
        rows(`select event_id as event, case when handled_at is not null then 'done' when look_at is null then 'given up'
        else 'due' end as state from holdfast.webhooks order by 1`)
      beforeAll(() => open())
      afterEach(() => change('delete from holdfast.webhooks'))

      async function receive(): Promise<void> {
        const row = (event: string, checkout: string, reference: string) =>
          `('stripe', '${event}', 'charge.refunded', 'money_back', ${checkout}, ${reference}, '{}', now() - interval '4 days', null, 77)`
        await change(`insert into holdfast.webhooks
        (gateway, event_id, type, about, checkout_id, reference, payload, received_at, look_at, looks)
        values ${row(ours, `'${checkoutId.completed}'`, "'pi_1'")}, ${row('evt_other', 'null', "'pi_2'")}`)
      }

      it('lists those given up', async () => {
        await receive()
        const { code, out } = await run('holdfast webhooks')
        expect(out).toMatch(new RegExp(`${ours}.*evt_other`, 's'))
        expect(code).toBe(1)
        const { out: onlyOurs } = await run('holdfast webhooks --state given_up --ours')
        expect(onlyOurs).toContain(ours)
        expect(onlyOurs).not.toContain('evt_other')
      })

      it.each(['holdfast webhooks retry --all-given-up --ours', `holdfast webhooks retry stripe ${ours}`])(
        'makes ours due: %s',
        async command => {
          await receive()
          expect(await run(command)).toMatchObject({ code: 0 })
          expect(await webhooks()).toEqual([
            { event: ours, state: 'due' },
            { event: 'evt_other', state: 'given up' },
          ])
        },
      )

      it('dismisses one', async () => {
        await receive()
        expect(await run(`holdfast webhooks dismiss stripe ${ours}`)).toMatchObject({ code: 0 })
        expect(await webhooks()).toContainEqual({ event: ours, state: 'done' })
      })

      it.each([
        'holdfast webhooks dismiss --all-unmatched',
        'holdfast webhooks dismiss --all-unmatched --gateway stripe',
      ])('dismisses those without a checkout: %s', async command => {
        await receive()
        expect(await run(command)).toMatchObject({ code: 0 })
        expect(await webhooks()).toEqual([
          { event: ours, state: 'given up' },
          { event: 'evt_other', state: 'done' },
        ])
      })
    })

    describe('on checkouts', () => {
      beforeAll(() => open())
      const stateOf = (id: string) => value(`select state as value from holdfast.checkouts where id = '${id}'`)

      it('releases one and records the reason', async () => {
        const id = checkoutId.authorizing
        expect(await run('holdfast release ID --reason "buyer called"', { id })).toMatchObject({ code: 0 })
        expect(await stateOf(id)).toBe('failed')
        const reason = `select details->>'reason' as value from holdfast.admin_actions where checkout_id = '${id}'`
        expect(await value(reason)).toBe('buyer called')
      })

      it('resumes one that was interrupted during its capture', async () => {
        expect(await run('holdfast retry ID', { id: checkoutId.capturing })).toMatchObject({ code: 0 })
        expect(await stateOf(checkoutId.capturing)).toBe('completed')
      })

      it('ends expired ones', async () => {
        await change(`update holdfast.checkouts set expires_at = now() - interval '1 second',
        wake_at = now() - interval '1 second' where id = '${checkoutId.pending}'`)
        expect(await run('holdfast cleanup')).toMatchObject({ code: 0 })
        expect(await stateOf(checkoutId.pending)).toBe('failed')
      })

      it('captures an authorized order', async () => {
        const { engine, cartIds } = await openSale({ config: { capture: 'later' } })
        const lock = await engine.startCheckout(cartIds[0] ?? '', { sessionId: sessionOf(0) })
        expect(await engine.processCheckout(lock.id, { token: 'tok_approve' })).toMatchObject({
          status: 'awaiting_capture',
        })
        expect(await run('holdfast capture ID', { id: lock.id })).toMatchObject({ code: 0 })
        expect(await value(`select status as value from holdfast.orders where checkout_id = '${lock.id}'`)).toBe('paid')
        expect(await value('select captured_minor as value from holdfast_sandbox.payments')).toBe(5_480)
      })
    })

    describe('on refunds', () => {
      const refunded = () =>
        rows(`select o.refunded_minor as refunded, s.on_hand as "onHand",
          (select details->>'reason' from holdfast.admin_actions) as reason
        from holdfast.orders o cross join holdfast.stock_levels s where o.number = '100001'`)

      it.each([
        ['holdfast refund 100001', { refunded: 2_300, onHand: 6, reason: null }],
        [
          'holdfast refund 100001 --amount 12.50 --reason "arrived late"',
          { refunded: 1_250, onHand: 6, reason: 'arrived late' },
        ],
        [
          'holdfast refund 100001 --line CUP-BLUE=2 --shipping --restock --key return-17',
          { refunded: 2_300, onHand: 8, reason: null },
        ],
        [
          'holdfast refund 100001 --line MUG=1 --shipping --restock --key return-17 --reason "broken"',
          { refunded: 1_400, onHand: 7, reason: 'broken' },
        ],
      ])('%s', async (command, effect) => {
        await open()
        if (command.includes('CUP-BLUE')) {
          for (const table of ['variants', 'order_lines', 'price_snapshots']) {
            await change(`update holdfast.${table} set sku = 'CUP-BLUE' where sku = 'MUG'`)
          }
        }
        const { code, err } = await run(command)
        expect({ code, err }).toEqual({ code: 0, err: '' })
        expect(await refunded()).toEqual([effect])
      })
    })

    describe('on reconciliation', () => {
      it('finds differences, voids payments without a checkout, and records refunds', async () => {
        await open()
        expect((await run('holdfast reconcile')).lines.at(-1)).toBe('0 differences')
        await change(
          `update holdfast_sandbox.payments set refunded_minor = 100 where checkout_id = '${checkoutId.completed}'`,
        )
        await change(`update holdfast_sandbox.payments set status = 'authorized', created_at = now() - interval '2 hours'
        where checkout_id = '${checkoutId.failed}'`)
        const { differenceCount } = await runJson('holdfast reconcile --hours 720 --json | jq .differenceCount')
        expect(differenceCount).toBe(2)

        await run('holdfast reconcile --void-orphans')
        const orphan = `select status as value from holdfast_sandbox.payments where checkout_id = '${checkoutId.failed}'`
        expect(await value(orphan)).toBe('voided')

        expect((await run('holdfast reconcile --void-orphans --record')).lines.at(-1)).toBe('0 differences')
        const order = `select refunded_minor as value from holdfast.orders where checkout_id = '${checkoutId.completed}'`
        expect(await value(order)).toBe(100)
      })
    })

    describe('on invoices', () => {
      it('lists invoices, books payments and a returned excess', async () => {
        const { engine, cartIds } = await openSale({ gateways: 'invoice' })
        const lock = await engine.startCheckout(cartIds[0] ?? '', { sessionId: sessionOf(0) })
        await engine.processCheckout(lock.id, { method: 'bank_transfer' })
        const status = () => value(`select status as value from holdfast.orders where checkout_id = '${lock.id}'`)
        const owed = async () => (await runJson('holdfast invoices --json | jq .owed')).owed

        for (const command of ['holdfast invoices', 'holdfast invoices --open']) {
          expect((await run(command)).out).toMatch(/RF69 1000 01 .*54\.80 EUR/)
        }
        expect(await status()).toBe('pending')
        const payment = 'holdfast paid "RF69 1000 01" --amount 54.80 --currency EUR --line 2026-01-31/17'
        expect(await run(payment)).toMatchObject({ code: 0 })
        expect(await status()).toBe('paid')

        for (const reference of ['"RF69 1000 01"', 'RF69100001']) {
          await opened.call(['paid', 'RF69100001', '--amount', '5.00', '--currency', 'EUR', '--line', reference])
          expect(await owed()).toMatchObject([{ reference: 'RF69100001', owedMinor: 500 }])
          // The line counts once, so the second command has a different one.
          await change(`update holdfast_invoices.statement_lines set id = id || ' before' where id like '2026-02-02%'`)
          expect(
            await run(`holdfast paid ${reference} --amount 5.00 --currency EUR --line 2026-02-02/3 --back`),
          ).toMatchObject({ code: 0 })
          expect(await owed()).toEqual([])
        }
      })
    })

    describe('that imports products', () => {
      const head = 'Handle,Title,Option1 Name,Option1 Value,Variant SKU,Variant Price,Variant Inventory Qty\n'
      const stock = () =>
        rows(`select p.amount_minor as price, p.currency, l.code as location, s.on_hand as "onHand"
        from holdfast.variants v join holdfast.prices p on p.variant_id = v.id
        join holdfast.stock_levels s on s.variant_id = v.id join holdfast.locations l on l.id = s.location_id
        where v.sku = 'CUP' order by 2`)

      it.each([
        ['holdfast import products.csv', { currency: 'USD', location: 'main' }],
        ['holdfast import products.csv --currency EUR', { currency: 'EUR', location: 'main' }],
        ['holdfast import products.csv --currency EUR --location berlin', { currency: 'EUR', location: 'berlin' }],
      ])('%s', async (command, effect) => {
        await open()
        await change(
          `insert into holdfast.locations (id, code, name, priority) values (gen_random_uuid(), 'berlin', 'Berlin', 101)`,
        )
        writeFileSync(join(opened.directory, 'products.csv'), `${head}cup,Cup,Title,Default Title,CUP,4.50,7\n`)
        expect(await run(command)).toMatchObject({ code: 0 })
        expect(await stock()).toEqual([{ price: 450, onHand: 7, ...effect }])
      })
    })
  })
}
