/** A session fills one cart at a time; a held or bought cart cannot be changed. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Database, statement } from '../../../src/database/database.ts'
import type { Address, Cart } from '../../../src/domain/cart.ts'
import { type Carts, createCarts } from '../../../src/shop/carts/carts.ts'
import { upsertCoupon } from '../../../src/shop/catalog/coupons.ts'
import { setExchangeRate, setPrice } from '../../../src/shop/catalog/prices.ts'
import { upsertShippingMethod } from '../../../src/shop/catalog/shipping.ts'
import { importProducts } from '../../../src/shop/import/import-products.ts'
import { openTestDatabase, type TestDatabase } from '../../support/test-database.ts'
import { fileOf, rope, streamOf } from '../import/product-file.ts'
import { insertLock, releaseLock } from './insert-lock.ts'

const address: Address = {
  firstName: 'Ada',
  lastName: 'Lovelace',
  lineOne: '12 St James Square',
  city: 'London',
  postcode: 'SW1Y 4JH',
  country: 'GB',
}

const catalog = fileOf([
  rope(),
  rope({
    Handle: 'cleat',
    Title: 'Cleat',
    'Option1 Name': 'Size',
    'Option1 Value': 'Small',
    'Variant SKU': 'CLEAT-S',
    'Variant Price': '5',
  }),
  {
    Handle: 'cleat',
    'Option1 Value': 'Large',
    'Variant SKU': 'CLEAT-L',
    'Variant Price': '7.50',
    'Variant Inventory Policy': 'continue',
  },
  rope({ Handle: 'draft', Title: 'Draft', 'Variant SKU': 'DRAFT', Published: 'false' }),
])

const countCarts = statement('test_count_carts', 'select count(*) as carts from holdfast.carts where session_id = $1')

const lines = (cart: Cart | null) => cart?.lines.map(line => [line.sku, line.quantity])

describe.each(['postgres', 'embedded'] as const)('carts on %s', kind => {
  let opened: TestDatabase
  let database: Database
  let carts: Carts

  beforeAll(async () => {
    opened = await openTestDatabase(kind)
    database = opened.database
    carts = createCarts(database, { currency: 'USD' })
    const report = await importProducts(database, streamOf(catalog))
    expect(report.problems).toEqual([])
    await upsertShippingMethod(database, {
      code: 'standard',
      name: 'Standard',
      rates: [{ country: '*', currency: 'USD', amountMinor: 500 }],
    })
    await upsertCoupon(database, { code: 'TEN', discount: { ratePpm: 100_000 } })
    await upsertCoupon(database, { code: 'OLD', discount: { ratePpm: 100_000 }, endsAt: '2001-01-01T00:00:00Z' })
    await upsertCoupon(database, { code: 'GONE', discount: { ratePpm: 100_000 }, usageLimit: 0 })
  })
  afterAll(() => opened.stop())

  test('a cart is created with all its fields and becomes the session’s cart', async () => {
    const id = await carts.createCart({
      sessionId: 'whole',
      userId: 'u1',
      email: ' ada@example.com ',
      lines: [
        { sku: 'CLEAT-L', quantity: 1 },
        { sku: 'ROPE', quantity: 2 },
        { sku: 'CLEAT-L', quantity: 3 },
      ],
      couponCode: 'ten',
      shippingAddress: { ...address, country: 'gb', lineTwo: ' ' },
      shippingMethod: 'standard',
    })
    const cart = await carts.loadCart(id)
    expect(cart).toMatchObject({
      id,
      sessionId: 'whole',
      userId: 'u1',
      currency: 'USD',
      email: 'ada@example.com',
      couponCode: 'TEN',
      billingAddress: null,
      shippingMethod: 'standard',
    })
    expect(cart?.shippingAddress).toEqual(address)
    expect(cart?.lines).toMatchObject([
      {
        sku: 'CLEAT-L',
        title: 'Cleat – Large',
        quantity: 4,
        unitMinor: 750,
        stockPolicy: 'continue',
        purchasable: true,
        requiresShipping: true,
        taxClass: 'standard',
      },
      { sku: 'ROPE', title: 'Rope', quantity: 2, unitMinor: 2000, stockPolicy: 'deny' },
    ])
    expect(await carts.currentCart('whole')).toEqual(cart)
    expect(lines(await carts.addLine('whole', { sku: 'ROPE', quantity: 1 }))).toEqual([
      ['CLEAT-L', 4],
      ['ROPE', 3],
    ])
  })

  test('many carts are created at once, and the newest becomes the cart of its session', async () => {
    const ids = await carts.createCarts([
      { sessionId: 'many-1', lines: [{ sku: 'ROPE', quantity: 1 }] },
      { sessionId: 'many-2', lines: [] },
      { sessionId: 'many-1', lines: [{ sku: 'CLEAT-S', quantity: 2 }] },
    ])
    expect(new Set(ids).size).toBe(3)
    expect(await carts.currentCart('many-1')).toMatchObject({ id: ids[2] })
    expect(await carts.currentCart('many-2')).toMatchObject({ id: ids[1], lines: [] })
    expect(await carts.createCarts([])).toEqual([])
  })

  test('no cart is created if one SKU is unknown, and the error names it', async () => {
    const creation = carts.createCarts([
      { sessionId: 'never', lines: [{ sku: 'ROPE', quantity: 1 }] },
      { sessionId: 'never-2', lines: [{ sku: 'NOPE', quantity: 1 }] },
    ])
    await expect(creation).rejects.toMatchObject({ code: 'variant_unavailable', context: { skus: ['NOPE'] } })
    expect(await carts.currentCart('never')).toBeNull()
  })

  test('a price in a different currency is the set one, else converted, else none', async () => {
    const lineOf = async (currency: string) => {
      const id = await carts.createCart({
        sessionId: `in-${currency}`,
        currency,
        lines: [{ sku: 'CLEAT-S', quantity: 1 }],
      })
      return (await carts.loadCart(id))?.lines[0]?.unitMinor
    }
    expect(await lineOf('GBP')).toBeNull()
    await setExchangeRate(database, { base: 'USD', quote: 'GBP', rate: 0.8 })
    expect(await lineOf('GBP')).toBe(400)
    await setPrice(database, { sku: 'CLEAT-S', currency: 'GBP', amountMinor: 499 })
    expect(await lineOf('GBP')).toBe(499)
  })

  test('lines can be added, changed, removed, and cleared, and equal SKUs are added up', async () => {
    await carts.addLine('lines', { sku: 'ROPE', quantity: 2 })
    await carts.addLine('lines', { sku: 'CLEAT-S', quantity: 1 })
    const cart = await carts.addLine('lines', { sku: 'ROPE', quantity: 3 })
    expect(lines(cart)).toEqual([
      ['ROPE', 5],
      ['CLEAT-S', 1],
    ])
    const [ropes, cleats] = cart.lines.map(line => line.id)
    expect(lines(await carts.changeLine('lines', ropes ?? '', 9_999))).toEqual([
      ['ROPE', 9_999],
      ['CLEAT-S', 1],
    ])
    await expect(carts.addLine('lines', { sku: 'ROPE', quantity: 1 })).rejects.toMatchObject({
      code: 'invalid_argument',
    })
    expect(lines(await carts.removeLine('lines', cleats ?? ''))).toEqual([['ROPE', 9_999]])
    expect(lines(await carts.clear('lines'))).toEqual([])
    expect(await carts.currentCart('lines')).toMatchObject({ id: cart.id })
  })

  test.each([0, -1, 1.5, 10_000, Number.NaN])('a quantity of %s is refused', async quantity => {
    const cart = await carts.addLine('units', { sku: 'ROPE', quantity: 1 })
    await expect(carts.addLine('units', { sku: 'ROPE', quantity })).rejects.toMatchObject({ code: 'invalid_argument' })
    const change = carts.changeLine('units', cart.lines[0]?.id ?? '', quantity)
    await expect(change).rejects.toMatchObject({ code: 'invalid_argument' })
    await expect(carts.createCart({ sessionId: 'units', lines: [{ sku: 'ROPE', quantity }] })).rejects.toMatchObject({
      code: 'invalid_argument',
    })
  })

  test('an unknown or unpublished SKU is refused without creating a cart', async () => {
    for (const sku of ['NOPE', 'DRAFT']) {
      await expect(carts.addLine('unsold', { sku, quantity: 1 })).rejects.toMatchObject({ code: 'variant_unavailable' })
    }
    expect(await carts.currentCart('unsold')).toBeNull()
  })

  test("a line of another session's cart is answered like one that does not exist", async () => {
    const cart = await carts.addLine('owner', { sku: 'ROPE', quantity: 1 })
    await carts.addLine('stranger', { sku: 'ROPE', quantity: 1 })
    const lineId = cart.lines[0]?.id ?? ''
    for (const session of ['stranger', 'nobody']) {
      await expect(carts.changeLine(session, lineId, 5)).rejects.toMatchObject({ code: 'cart_not_found' })
      await expect(carts.removeLine(session, lineId)).rejects.toMatchObject({ code: 'cart_not_found' })
    }
    await expect(carts.removeLine('owner', 'not-an-id')).rejects.toMatchObject({ code: 'cart_not_found' })
    expect(await carts.currentCart('owner')).toEqual(cart)
  })

  test('a session without additions has no cart to change', async () => {
    await expect(carts.clear('empty')).rejects.toMatchObject({ code: 'cart_not_found' })
    await expect(carts.setCoupon('empty', 'TEN')).rejects.toMatchObject({ code: 'cart_not_found' })
    await expect(carts.setAddresses('empty', { email: 'a@b.c' })).rejects.toMatchObject({ code: 'cart_not_found' })
    expect(await carts.loadCart('not-an-id')).toBeNull()
    expect(await carts.loadCart('\0')).toBeNull()
  })

  test('a cart whose id the shop has chosen is loaded by it', async () => {
    await database.query(
      statement('test_insert_own_cart', 'insert into holdfast.carts (id, session_id, currency) values ($1, $2, $3)'),
      ['cart-42', 'own', 'USD'],
    )
    expect(await carts.loadCart('cart-42')).toMatchObject({ id: 'cart-42', sessionId: 'own', lines: [] })
  })

  test('coupon, addresses, and shipping method are set and removed independently', async () => {
    await carts.addLine('fields', { sku: 'ROPE', quantity: 1 })
    expect(await carts.setCoupon('fields', ' ten ')).toMatchObject({ couponCode: 'TEN' })
    expect(await carts.setAddresses('fields', { email: 'a@b.example' })).toMatchObject({
      email: 'a@b.example',
      shippingAddress: null,
    })
    expect(await carts.setAddresses('fields', { shippingAddress: address })).toMatchObject({
      email: 'a@b.example',
      shippingAddress: address,
    })
    expect(await carts.setShippingMethod('fields', 'standard')).toMatchObject({ shippingMethod: 'standard' })
    expect(await carts.removeCoupon('fields')).toMatchObject({ couponCode: null, shippingMethod: 'standard' })
    expect(await carts.setAddresses('fields', { email: null, shippingAddress: null })).toMatchObject({
      email: null,
      shippingAddress: null,
    })
    expect(await carts.setShippingMethod('fields', null)).toMatchObject({ shippingMethod: null })
  })

  test('unusable coupons, addresses, and shipping methods are refused with the reason', async () => {
    await carts.addLine('wrong', { sku: 'ROPE', quantity: 1 })
    await expect(carts.setCoupon('wrong', 'NOPE')).rejects.toMatchObject({ code: 'coupon_invalid' })
    await expect(carts.setCoupon('wrong', 'OLD')).rejects.toMatchObject({ code: 'coupon_invalid' })
    await expect(carts.setCoupon('wrong', 'GONE')).rejects.toMatchObject({ code: 'coupon_exhausted' })
    await expect(carts.setShippingMethod('wrong', 'rocket')).rejects.toMatchObject({ code: 'shipping_unavailable' })
    await expect(carts.setAddresses('wrong', { email: 'no mail' })).rejects.toMatchObject({ code: 'invalid_argument' })
    const incomplete = carts.setAddresses('wrong', { shippingAddress: { ...address, city: '', country: 'England' } })
    await expect(incomplete).rejects.toMatchObject({
      code: 'address_invalid',
      context: { fields: ['city', 'country'] },
    })
  })

  test('simultaneous first additions of a session end in one cart', async () => {
    for (let round = 0; round < 5; round += 1) {
      const session = `first-${round}`
      await Promise.all([
        carts.addLine(session, { sku: 'ROPE', quantity: 1 }),
        carts.addLine(session, { sku: 'ROPE', quantity: 1 }),
        carts.addLine(session, { sku: 'CLEAT-S', quantity: 1 }),
      ])
      const cart = await carts.currentCart(session)
      expect(new Map(cart?.lines.map(line => [line.sku, line.quantity]))).toEqual(
        new Map([
          ['ROPE', 2],
          ['CLEAT-S', 1],
        ]),
      )
      expect(await database.query(countCarts, [session])).toEqual([{ carts: 1 }])
    }
  })

  test('every change of a held cart is refused, and accepted again after the release', async () => {
    const cart = await carts.addLine('held', { sku: 'ROPE', quantity: 1 })
    const lineId = cart.lines[0]?.id ?? ''
    const lockId = await insertLock(database, cart)
    const changes = [
      () => carts.addLine('held', { sku: 'ROPE', quantity: 1 }),
      () => carts.addLine('held', { sku: 'CLEAT-S', quantity: 1 }),
      () => carts.changeLine('held', lineId, 2),
      () => carts.removeLine('held', lineId),
      () => carts.clear('held'),
      () => carts.setCoupon('held', 'TEN'),
      () => carts.removeCoupon('held'),
      () => carts.setAddresses('held', { email: 'a@b.example' }),
      () => carts.setShippingMethod('held', 'standard'),
    ]
    for (const change of changes) {
      await expect(change()).rejects.toMatchObject({ code: 'cart_locked', context: { lockId } })
    }
    expect(await carts.currentCart('held')).toEqual(cart)
    await releaseLock(database, cart.id)
    expect(lines(await carts.changeLine('held', lineId, 2))).toEqual([['ROPE', 2]])
  })

  test('a cart with only an expired lock, or without protection, can be changed', async () => {
    const cart = await carts.addLine('expired', { sku: 'ROPE', quantity: 1 })
    await insertLock(database, cart, { minutes: -1 })
    expect(lines(await carts.addLine('expired', { sku: 'ROPE', quantity: 1 }))).toEqual([['ROPE', 2]])
    const other = await carts.addLine('open', { sku: 'ROPE', quantity: 1 })
    await insertLock(database, other)
    const unprotected = createCarts(database, { currency: 'USD', protection: false })
    expect(lines(await unprotected.addLine('open', { sku: 'ROPE', quantity: 1 }))).toEqual([['ROPE', 2]])
    await expect(carts.clear('open')).rejects.toMatchObject({ code: 'cart_locked' })
  })

  test('an addition after a purchase creates a new cart, and the bought one stays unchanged', async () => {
    const bought = await carts.addLine('bought', { sku: 'ROPE', quantity: 1 })
    await insertLock(database, bought, { state: 'completed' })
    expect(await carts.currentCart('bought')).toBeNull()
    await expect(carts.changeLine('bought', bought.lines[0]?.id ?? '', 2)).rejects.toMatchObject({
      code: 'cart_ordered',
    })
    const unprotected = createCarts(database, { currency: 'USD', protection: false })
    await expect(unprotected.clear('bought')).rejects.toMatchObject({ code: 'cart_ordered' })
    const next = await carts.addLine('bought', { sku: 'CLEAT-S', quantity: 1 })
    expect(next.id).not.toBe(bought.id)
    expect(lines(next)).toEqual([['CLEAT-S', 1]])
    expect(await carts.loadCart(bought.id)).toEqual(bought)
  })
})
