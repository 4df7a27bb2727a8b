/** Options of `createCheckout` and `createShop` are refused if their name is unknown, before anything is opened. */
import { expect, test } from 'vitest'
import { createCheckout } from '../../src/engine/create-checkout.ts'
import { createSandboxGateway } from '../../src/payments/sandbox/sandbox.ts'
import { createShop } from '../../src/shop/create-shop.ts'

/** No server listens there: opening an engine would fail with a different error. */
const database = 'postgres://localhost:1/none'
const gateway = createSandboxGateway({ database: {} as never })

test.each([
  ['createCheckout', createCheckout as (options: object) => Promise<unknown>],
  ['createShop', createShop as (options: object) => Promise<unknown>],
])('%s refuses a misspelled option, naming it and the known ones', async (call, create) => {
  const refused = await create({ database, gatways: { card: gateway } }).catch((error: unknown) => error)
  expect(refused).toMatchObject({
    name: 'CheckoutError',
    code: 'invalid_argument',
    message: expect.stringMatching(new RegExp(`^unknown option "gatways" of ${call}; known options: .*\\bgateways\\b`)),
    context: { unknown: ['gatways'], known: expect.arrayContaining(['gateways', 'database']) },
  })
})

test.each([
  ['createCheckout', createCheckout as (options: object) => Promise<unknown>],
  ['createShop', createShop as (options: object) => Promise<unknown>],
])('%s refuses the former option gateway instead of selling through the sandbox', async (_call, create) => {
  await expect(create({ database, gateway, onalert: () => {} })).rejects.toMatchObject({
    code: 'invalid_argument',
    context: { unknown: ['gateway', 'onalert'] },
  })
})

test.each([
  ['createCheckout', createCheckout as (options: object) => Promise<unknown>],
  ['createShop', createShop as (options: object) => Promise<unknown>],
])('%s refuses a misspelled setting in config, naming it', async (call, create) => {
  await expect(create({ database, config: { ttlMinute: 5 } })).rejects.toMatchObject({
    code: 'invalid_argument',
    message: expect.stringContaining(`unknown option "ttlMinute" of ${call}({ config }); known options: `),
    context: { unknown: ['ttlMinute'], known: expect.arrayContaining(['ttlMinutes']) },
  })
})

test('an option with a known name is accepted, also if its value is undefined', async () => {
  await expect(createCheckout({ database, config: undefined } as object)).rejects.toMatchObject({
    code: 'connection_lost',
  })
})
