/** A change of a cart and a checkout of it at the same time: one waits for the other, and neither misses the other. */
import { v7 } from 'uuid'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { type Database, statement } from '../../../src/database/database.ts'
import type { Cart } from '../../../src/domain/cart.ts'
import { addCartLine, touchCart } from '../../../src/shop/carts/cart-statements.ts'
import { type Carts, createCarts } from '../../../src/shop/carts/carts.ts'
import { importProducts } from '../../../src/shop/import/import-products.ts'
import { openTestDatabase, type TestDatabase } from '../../support/test-database.ts'
import { fileOf, rope, streamOf } from '../import/product-file.ts'
import { openTransaction, untilBlocked } from './barrier.ts'
import { insertLock, lockCartRow } from './insert-lock.ts'

const insertBareLine = statement(
  'test_insert_bare_line',
  `insert into holdfast.cart_lines (id, cart_id, variant_id, quantity)
   select $1, $2, id, 1 from holdfast.variants where sku = 'CLEAT'`,
)
const bareStatements = [
  ['insert', insertBareLine],
  [
    'update',
    statement(
      'test_update_bare_line',
      'update holdfast.cart_lines set quantity = 9 where cart_id = $2 and $1::uuid is not null',
    ),
  ],
  [
    'delete',
    statement('test_delete_bare_line', 'delete from holdfast.cart_lines where cart_id = $2 and $1::uuid is not null'),
  ],
] as const

let opened: TestDatabase
let database: Database
let carts: Carts
let cart: Cart
let session: string

beforeAll(async () => {
  opened = await openTestDatabase('postgres')
  database = opened.database
  carts = createCarts(database, { currency: 'USD' })
  await importProducts(
    database,
    streamOf(fileOf([rope(), rope({ Handle: 'cleat', Title: 'Cleat', 'Variant SKU': 'CLEAT' })])),
  )
})
afterAll(() => opened.stop())
beforeEach(async () => {
  session = v7()
  cart = await carts.addLine(session, { sku: 'ROPE', quantity: 1 })
})

const lock = (tx: Parameters<Parameters<Database['transaction']>[0]>[0]) =>
  tx.query(lockCartRow, [cart.id]).then(() => insertLock(tx, cart))

test('a change that arrives while a checkout takes the cart waits for it and is refused', async () => {
  const checkout = await openTransaction(database, lock)
  const adds = [
    carts.addLine(session, { sku: 'ROPE', quantity: 1 }),
    carts.changeLine(session, cart.lines[0]?.id ?? '', 3),
    carts.setCoupon(session, 'NONE').catch((error: unknown) => error),
    carts.setAddresses(session, { email: 'a@b.example' }),
  ].map(change => change.catch((error: unknown) => error))
  await untilBlocked(database, 3)
  await checkout.commit()
  expect(await Promise.all(adds)).toMatchObject([
    { code: 'cart_locked' },
    { code: 'cart_locked' },
    { code: 'coupon_invalid' },
    { code: 'cart_locked' },
  ])
  expect(await carts.loadCart(cart.id)).toEqual(cart)
})

test('a checkout that arrives during an addition waits for it and takes the complete cart', async () => {
  const add = await openTransaction(database, async tx => {
    await tx.query(touchCart, [cart.id])
    await tx.query(addCartLine, [v7(), cart.id, 'CLEAT', 2])
  })
  const taken = database.transaction(async tx => {
    await lock(tx)
    return createCarts(
      { ...database, query: (asked, values) => tx.query(asked, values) },
      { currency: 'USD' },
    ).loadCart(cart.id)
  })
  await untilBlocked(database)
  await add.commit()
  expect((await taken)?.lines.map(line => [line.sku, line.quantity])).toEqual([
    ['ROPE', 1],
    ['CLEAT', 2],
  ])
})

test.each(bareStatements)(
  'a plain %s of a line cannot bypass a checkout that is taking the cart',
  async (_name, change) => {
    const checkout = await openTransaction(database, lock)
    const changing = database.transaction(tx => tx.query(change, [v7(), cart.id])).catch((error: unknown) => error)
    await untilBlocked(database)
    await checkout.commit()
    expect(await changing).toMatchObject({ code: 'HF423' })
    expect(await carts.loadCart(cart.id)).toEqual(cart)
  },
)

test('an addition that finds the cart just bought creates a new cart', async () => {
  const purchase = await openTransaction(database, async tx => {
    await tx.query(lockCartRow, [cart.id])
    await insertLock(tx, cart, { state: 'completed' })
  })
  const add = carts.addLine(session, { sku: 'CLEAT', quantity: 1 })
  await untilBlocked(database)
  await purchase.commit()
  const next = await add
  expect(next.id).not.toBe(cart.id)
  expect(next.lines.map(line => line.sku)).toEqual(['CLEAT'])
  expect(await carts.currentCart(session)).toEqual(next)
})
