/** `holdfast invoices` and `holdfast paid`: lists invoices and payouts due, and books lines of the bank statement. */
import { afterAll, beforeAll, expect, it } from 'vitest'
import { defaultConfig } from '../../../holdfast/src/config/config.ts'
import { requireOrder } from '../../../holdfast/src/domain/outcome.ts'
import type { CheckoutEngine } from '../../../holdfast/src/engine/checkout-engine.ts'
import { createInvoiceGateway } from '../../../holdfast/src/payments/invoice/invoice.ts'
import { openTestStore, type TestStore } from '../../../holdfast/test/support/test-store.ts'
import { runProgram } from '../../src/program.ts'

let store: TestStore
let engine: CheckoutEngine
beforeAll(async () => {
  store = await openTestStore('postgres')
  engine = await store.open({ gateway: createInvoiceGateway({ database: store.database }) })
})
afterAll(() => store?.stop())

async function call(...line: string[]) {
  let out = ''
  let err = ''
  const caller = {
    ...{ colours: false, isTty: false, directory: '.' },
    out: (text: string) => {
      out += text
    },
    err: (text: string) => {
      err += text
    },
  }
  const { database } = store
  const code = await runProgram(line, {
    caller,
    environment: {},
    watch: async () => 0,
    run: work => work({ ...caller, engine, database, config: defaultConfig, migrated: [] }),
    serve: async () => 2,
    work: async () => 2,
  })
  return { code, out, err }
}

async function ordered() {
  const { lockId } = await store.begin({ [await store.article()]: 2 }, { engine })
  const order = requireOrder(await engine.processCheckout(lockId, { method: 'bank_transfer' }))
  return { lockId, reference: order.metadata.transfer?.reference ?? '' }
}

const paid = (reference: string, amount: string, id: string, ...more: string[]) =>
  call('paid', reference, '--amount', amount, '--currency', 'usd', '--line', id, ...more)

it('books statement lines until the order is paid, and records the actor', async () => {
  const { lockId, reference } = await ordered()
  const grouped = reference.replace(/(.{4})(?=.)/g, '$1 ')
  expect((await call('invoices', '--open')).out).toContain(grouped)
  const part = await paid(grouped.toLowerCase(), '20.00', 'a', '--actor', 'Grace', '--booked', '2026-01-31')
  expect(part).toMatchObject({ code: 0, out: `${grouped}  20.00 USD received, 5.00 USD missing\n` })
  expect((await paid(reference, '20.00', 'a')).out).toBe(part.out)
  expect(JSON.parse((await call('invoices', '--json')).out)).toMatchObject({
    open: [{ reference, missingMinor: 500, receivedMinor: 2_000 }],
    owed: [],
  })
  expect(await paid(reference, '6.00', 'b')).toMatchObject({
    code: 0,
    out: `${grouped}  paid; 1.00 USD to return to the buyer\n`,
  })
  expect(await store.facts(lockId)).toMatchObject({ state: 'completed', order: 'paid' })
  const owed = (await call('invoices', '--owed')).out
  expect(owed).toContain('1.00 USD')
  expect(owed).toContain('1 payout due')
  expect(await paid(reference, '1.00', 'c', '--back')).toMatchObject({ code: 0, out: `${grouped}  paid\n` })
  expect((await call('invoices')).out).toBe('0 unpaid invoices\n\n0 payouts due\n')
  const actions = await store.sql<{ action: string; actor: string }>(
    'select action, actor from holdfast.admin_actions where checkout_id = $1 order by at',
    [lockId],
  )
  expect(actions[0]).toEqual({ action: 'paid', actor: 'Grace' })
  expect(actions.map(({ action }) => action)).toEqual(['paid', 'paid', 'paid', 'paid_back'])
})

it('refuses an invalid booking and books nothing', async () => {
  const { reference } = await ordered()
  for (const [line, message] of [
    [['paid', 'RF00 1234', '--amount', '1.00', '--currency', 'USD', '--line', 'x'], /typing error/],
    [['paid', 'RF18539007547034', '--amount', '1.00', '--currency', 'USD', '--line', 'x'], /no invoice/],
    [['paid', reference, '--amount', '2500', '--currency', 'USD', '--line', 'x'], /12\.50/],
    [['paid', reference, '--amount', '25.00', '--currency', 'EUR', '--line', 'x'], /is in USD/],
    [['paid', reference, '--amount', '25.00', '--currency', 'USD'], /--line/],
    [['paid', reference, '--amount', '1.00', '--currency', 'USD', '--line', 'x', '--back'], /more than is owed/],
    [['paid', reference, '--amount', '1.00', '--currency', 'USD', '--line', 'x', '--booked', 'soon'], /day/],
  ] as const) {
    const { code, err } = await call(...line)
    expect(err).toMatch(message)
    expect(code).toBe(2)
  }
  expect(JSON.parse((await call('invoices', '--open', '--json')).out)).toMatchObject({
    open: [{ reference, receivedMinor: 0 }],
  })
})
