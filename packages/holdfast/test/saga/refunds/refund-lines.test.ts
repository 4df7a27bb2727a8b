/** Refunds by line: each unit is refunded once, exact to the minor unit, and restocked to its own warehouse. */
import { expect, test } from 'vitest'
import { type CrashPoint, killableProcess } from '../../../../testing/src/crash-points.ts'
import { requireOrder } from '../../../src/domain/outcome.ts'
import type { CheckoutEngine, RefundOptions } from '../../../src/engine/checkout-engine.ts'
import { type Article, describeStore, type TestStore } from '../../support/test-store.ts'

/** A paid order of one article at 3.33 each, with shipping at 5.00. */
async function bought(store: TestStore, quantity: number, article: Article = {}, coupon?: string) {
  const sku = await store.article({ stock: [10], priceMinor: 333, ...article })
  const { lockId } = await store.begin(
    { [sku]: quantity },
    coupon === undefined ? {} : { cart: { couponCode: coupon } },
  )
  return { sku, lockId, order: requireOrder(await store.engine.processCheckout(lockId, { token: 'tok_approve' })) }
}

/** Units on hand by warehouse. */
function shelves(store: TestStore, sku: string) {
  return store.sql<{ code: string; onHand: number }>(
    `select l.code, s.on_hand as "onHand" from holdfast.stock_levels s
     join holdfast.locations l on l.id = s.location_id join holdfast.variants v on v.id = s.variant_id
     where v.sku = $1 order by l.priority`,
    [sku],
  )
}

const refundsIn = async (store: TestStore, lockId: string) =>
  (await store.facts(lockId)).events.filter(type => type === 'OrderRefunded').length

describeStore('Refunds by line', store => {
  test('refunding every unit separately adds up to the price of the line, and shipping to the total', async () => {
    const { order, sku, lockId } = await bought(store, 3, {}, 'TEN')
    expect(order).toMatchObject({ totalMinor: 1_399, lines: [{ totalMinor: 899, refundedQuantity: 0 }] })
    const given: number[] = []
    for (let unit = 1; unit <= 3; unit += 1) {
      const refund = await store.engine.refundOrder(order.id, { lines: [{ sku, quantity: 1 }] })
      expect(refund).toMatchObject({
        status: 'refunded',
        lines: [{ lineNo: 1, sku, quantity: 1 }],
        order: { status: 'partially_refunded', lines: [{ refundedQuantity: unit }] },
      })
      given.push(refund.refundedMinor)
    }
    expect(given).toEqual([300, 299, 300])
    expect(await store.engine.refundOrder(order.id, { shipping: true })).toMatchObject({
      refundedMinor: 500,
      lines: [],
      order: { status: 'refunded', refundedMinor: 1_399, shippingRefunded: true },
    })
    expect(await store.facts(lockId)).toMatchObject({ charged: 0, order: 'refunded' })
    expect(await store.stock(sku)).toEqual({ onHand: 7, reserved: 0 })
  })

  test('a refund of more units than were sold is refused with the units that are left', async () => {
    const { order, sku, lockId } = await bought(store, 2)
    await store.engine.refundOrder(order.id, { lines: [{ lineNo: 1, quantity: 1 }] })
    await expect(store.engine.refundOrder(order.id, { lines: [{ sku, quantity: 2 }] })).rejects.toMatchObject({
      code: 'not_refundable',
      context: {
        requested: 2,
        available: 1,
        refundable: 833,
        lines: [{ line_no: 1, sku, quantity: 1 }],
        shipping: 500,
      },
    })
    for (const lines of [[], [{ quantity: 1 }], [{ sku: 'nothing', quantity: 1 }], [{ sku, quantity: 0.5 }]]) {
      await expect(store.engine.refundOrder(order.id, { lines })).rejects.toMatchObject({ code: 'not_refundable' })
    }
    expect(await store.facts(lockId)).toMatchObject({ charged: 833 })
  })

  test('refunds by line and by amount together never exceed the captured amount, so the last units may refund less', async () => {
    const { order, sku, lockId } = await bought(store, 2)
    await store.engine.refundOrder(order.id, { amountMinor: 900 })
    await expect(store.engine.refundOrder(order.id, { lines: [{ sku, quantity: 1 }] })).rejects.toMatchObject({
      code: 'not_refundable',
      context: { amount: 333, refundable: 266 },
    })
    const rest: RefundOptions = { lines: [{ sku, quantity: 1 }], amountMinor: 266, restock: true }
    expect(await store.engine.refundOrder(order.id, rest)).toMatchObject({
      refundedMinor: 266,
      order: { status: 'refunded', lines: [{ refundedQuantity: 1 }] },
    })
    expect(await store.facts(lockId)).toMatchObject({ charged: 0 })
    expect(await store.stock(sku)).toEqual({ onHand: 9, reserved: 0 })
  })

  test('shipping is refunded once', async () => {
    const { order, sku } = await bought(store, 2)
    expect(await store.engine.refundOrder(order.id, { lines: [{ sku, quantity: 1 }], shipping: true })).toMatchObject({
      refundedMinor: 833,
      order: { shippingRefunded: true },
    })
    await expect(store.engine.refundOrder(order.id, { shipping: true })).rejects.toMatchObject({
      code: 'not_refundable',
      context: { shipping: 0 },
    })
  })

  test('exactly the refunded units are restocked, first to the warehouse that was taken from first', async () => {
    const { order, sku } = await bought(store, 5, { stock: [2, 4] })
    expect(await shelves(store, sku)).toEqual([
      { code: 'main', onHand: 0 },
      { code: 'annex', onHand: 1 },
    ])
    const back = (quantity: number, restock: boolean) =>
      store.engine.refundOrder(order.id, { lines: [{ sku, quantity }], restock })
    await back(1, true)
    expect((await shelves(store, sku)).map(({ onHand }) => onHand)).toEqual([1, 1])
    await back(1, false)
    expect((await shelves(store, sku)).map(({ onHand }) => onHand)).toEqual([1, 1])
    await back(2, true)
    expect((await shelves(store, sku)).map(({ onHand }) => onHand)).toEqual([2, 2])
    // The rest of the order is one unit and shipping.
    expect(await store.engine.refundOrder(order.id, { restock: true })).toMatchObject({
      lines: [{ sku, quantity: 1 }],
      order: { status: 'refunded', shippingRefunded: true, lines: [{ refundedQuantity: 5 }] },
    })
    expect((await shelves(store, sku)).map(({ onHand }) => onHand)).toEqual([2, 3])
  })

  test('back-ordered units are restocked to no warehouse', async () => {
    const { order, sku } = await bought(store, 5, { stock: [2], policy: 'continue' })
    await store.engine.refundOrder(order.id, { lines: [{ sku, quantity: 4 }], restock: true })
    expect(await store.stock(sku)).toEqual({ onHand: 2, reserved: 0 })
    await store.engine.refundOrder(order.id, { restock: true })
    expect(await store.stock(sku)).toEqual({ onHand: 2, reserved: 0 })
  })

  test('a refund of one line leaves the other lines unchanged', async () => {
    const [one, other] = [await store.article({ stock: [5] }), await store.article({ stock: [5], priceMinor: 2_000 })]
    const { lockId } = await store.begin({ [one]: 2, [other]: 1 })
    const order = requireOrder(await store.engine.processCheckout(lockId, { token: 'tok_approve' }))
    const refund = await store.engine.refundOrder(order.id, { lines: [{ sku: other, quantity: 1 }], restock: true })
    expect(refund).toMatchObject({ refundedMinor: 2_000 })
    expect(refund.order.lines.map(line => line.refundedQuantity)).toEqual([0, 1])
    expect([(await store.stock(one)).onHand, (await store.stock(other)).onHand]).toEqual([3, 5])
  })

  test('a repeated key returns the same refund, and is refused with different lines, shipping, amount, or restocking', async () => {
    const { order, sku, lockId } = await bought(store, 4)
    const wanted: RefundOptions = { lines: [{ sku, quantity: 2 }], restock: true, key: 'parcel 1' }
    const refunds = await Promise.all([1, 2, 3, 4].map(() => store.engine.refundOrder(order.id, wanted)))
    for (const refund of refunds) expect(refund).toMatchObject({ refundedMinor: 666, lines: [{ sku, quantity: 2 }] })
    // A different form of the same request is the same refund.
    const again = { ...wanted, lines: [1, 2].map(() => ({ lineNo: 1, quantity: 1 })) }
    expect(await store.engine.refundOrder(order.id, again)).toMatchObject({ status: 'refunded', refundedMinor: 666 })
    const others: RefundOptions[] = [
      { ...wanted, lines: [{ sku, quantity: 1 }] },
      { ...wanted, amountMinor: 666 },
      { ...wanted, shipping: true },
      { ...wanted, restock: false },
      { amountMinor: 666, restock: true, key: 'parcel 1' },
      { key: 'parcel 1' },
    ]
    for (const other of others) {
      await expect(store.engine.refundOrder(order.id, other)).rejects.toMatchObject({
        code: 'not_refundable',
        message: 'This key was used for another refund of this order.',
      })
    }
    expect(await store.stock(sku)).toEqual({ onHand: 8, reserved: 0 })
    expect(await refundsIn(store, lockId)).toBe(1)
  })

  test.each<Record<string, unknown>>([
    { key: '' },
    { key: 'k'.repeat(256) },
    { reason: 'nul \0' },
    { actor: '\ud800' },
    { amountMinor: null },
    { amountMinor: '100' },
    { lines: null },
    { lines: 'SKU' },
    { restock: 'false' },
    { shipping: 0 },
  ])('what makes no sense is refused, not taken for all that is left: %j', async options => {
    const { order, lockId } = await bought(store, 1)
    await expect(store.engine.refundOrder(order.id, options)).rejects.toMatchObject({ code: 'invalid_argument' })
    expect(await store.facts(lockId)).toMatchObject({ charged: 833 })
  })

  test('ten concurrent refunds of the last unit refund it once', async () => {
    const { order, sku, lockId } = await bought(store, 2)
    await store.engine.refundOrder(order.id, { lines: [{ sku, quantity: 1 }], restock: true })
    const other = await store.open({ apart: true })
    const refunds = await Promise.allSettled(
      Array.from({ length: 10 }, (_, index) =>
        (index % 2 === 0 ? store.engine : other).refundOrder(order.id, {
          lines: [{ sku, quantity: 1 }],
          restock: true,
        }),
      ),
    )
    expect(refunds.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
    for (const refund of refunds) {
      if (refund.status === 'rejected') expect(refund.reason).toMatchObject({ code: 'not_refundable' })
    }
    expect(await store.stock(sku)).toEqual({ onHand: 10, reserved: 0 })
    expect(await store.facts(lockId)).toMatchObject({ charged: 500, order: 'partially_refunded' })
    expect(await refundsIn(store, lockId)).toBe(2)
  })

  test('the event of a refund has its amount, lines, and restocking', async () => {
    const published: unknown[] = []
    const engine = await store.open({
      listeners: { OrderRefunded: [{ name: `refunds-${store.kind}`, run: event => void published.push(event) }] },
    })
    const { order, sku } = await bought(store, 2)
    await engine.refundOrder(order.id, { lines: [{ sku, quantity: 1 }], shipping: true, restock: true })
    await store.drain()
    expect(published).toMatchObject([
      {
        refundedMinor: 833,
        lines: [{ lineNo: 1, sku, quantity: 1 }],
        shipping: true,
        restocked: true,
        order: { id: order.id },
      },
    ])
  })

  test('the operator of a refund is recorded once with the intent, even if the process dies before the call', async () => {
    const { order, sku, lockId } = await bought(store, 2)
    const life = killableProcess(store.database, store.gateway, 'before_call:refund')
    const { database, gateway, clock } = life
    const doomed = await store.open({ database, gateway, clock })
    const wanted = { lines: [{ sku, quantity: 1 }], actor: 'ada', key: 'return', reason: 'broken' }
    await Promise.race([doomed.refundOrder(order.id, wanted), life.died])
    await store.wake(lockId)
    await store.engine.refundOrder(order.id, wanted)
    expect(
      await store.sql('select action, actor, details from holdfast.admin_actions where checkout_id = $1', [lockId]),
    ).toEqual([
      {
        action: 'refund',
        actor: 'ada',
        details: {
          amountMinor: 333,
          lines: [{ lineNo: 1, sku, quantity: 1 }],
          shipping: false,
          restock: false,
          reason: 'broken',
          key: 'return',
        },
      },
    ])
  })

  test('an intent from before refunds had lines is recorded with the lines that it covers', async () => {
    const { order, sku, lockId } = await bought(store, 2)
    store.faults.with = ({ kind }) => (kind === 'refund' ? 'error_before' : null)
    await store.engine.refundOrder(order.id, { restock: true, key: 'old' })
    await store.sql(
      `update holdfast.payment_operations set purpose = '{"key": "old", "restock": true}' where checkout_id = $1 and kind = 'refund'`,
      [lockId],
    )
    store.faults.with = null
    await store.drain()
    expect(await store.engine.refundOrder(order.id, { restock: true, key: 'old' })).toMatchObject({
      status: 'refunded',
      order: { status: 'refunded', lines: [{ refundedQuantity: 2 }] },
    })
    expect(await store.stock(sku)).toEqual({ onHand: 10, reserved: 0 })
    expect(await refundsIn(store, lockId)).toBe(1)
  })

  test('the database refuses to refund or restock more units than were sold', async () => {
    const { order, lockId } = await bought(store, 2)
    for (const text of [
      `update holdfast.order_lines set refunded_quantity = 3 where order_id = '${order.id}'`,
      `update holdfast.order_lines set refunded_quantity = -1 where order_id = '${order.id}'`,
      `update holdfast.stock_reservations set restocked = 3 where checkout_id = '${lockId}'`,
      `update holdfast.orders set shipping_refunded = true where id = '${order.id}'`,
    ]) {
      await expect(store.sql(text)).rejects.toMatchObject({ code: '23514' })
    }
  })
})

/** The points at which the process of a refund can die. */
const points: CrashPoint[] = [
  'before_commit:intend',
  'after_commit:intend',
  'before_call:refund',
  'after_call:refund',
  'before_commit:record',
  'after_commit:record',
]

function survives(store: TestStore): void {
  async function run(diesAt: CrashPoint | null) {
    const { order, sku, lockId } = await bought(store, 5, { stock: [2, 4] })
    const life = killableProcess(store.database, store.gateway, diesAt)
    const doomed = await store.open({ database: life.database, gateway: life.gateway, clock: life.clock })
    const refund = (engine: CheckoutEngine) =>
      engine.refundOrder(order.id, { lines: [{ sku, quantity: 3 }], shipping: true, restock: true, key: 'return' })
    await Promise.race([refund(doomed), life.died])
    return { sku, lockId, life, refund }
  }

  test('a refund passes exactly the expected crash points', async () => {
    expect((await run(null)).life.reached).toEqual(points)
  })

  test.each(points)('a refund is recorded and restocked once after a crash %s', async point => {
    for (const first of ['recovery', 'caller'] as const) {
      const { sku, lockId, life, refund } = await run(point)
      expect(life.reached.at(-1)).toBe(point)
      expect(await store.violations()).toEqual([])
      if (first === 'recovery') await store.drain()
      else await store.wake(lockId)
      expect(await refund(store.engine)).toMatchObject({
        status: 'refunded',
        refundedMinor: 1_499,
        order: { refundedMinor: 1_499, shippingRefunded: true, lines: [{ refundedQuantity: 3 }] },
      })
      await store.drain()
      expect((await shelves(store, sku)).map(({ onHand }) => onHand)).toEqual([2, 2])
      expect(await store.facts(lockId)).toMatchObject({ charged: 666, order: 'partially_refunded' })
      expect(await refundsIn(store, lockId)).toBe(1)
    }
  })
}

describeStore('A refund of lines', survives, ['postgres'])
