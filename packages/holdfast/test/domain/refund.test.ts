/** Refund arithmetic: every unit costs its share, all units add up to their line, and nothing is refunded twice. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { CheckoutError } from '../../src/domain/failure.ts'
import type { Order, OrderLine } from '../../src/domain/order.ts'
import { planRefund, priceOfShipping, priceOfUnits, type RefundWish } from '../../src/domain/refund.ts'

function lineOf(lineNo: number, quantity: number, totalMinor: number): OrderLine {
  const sku = `SKU-${lineNo}`
  const amounts = { unitMinor: 0, subtotalMinor: totalMinor, discountMinor: 0, taxMinor: 0, totalMinor }
  return { lineNo, sku, title: sku, quantity, ...amounts, refundedQuantity: 0 }
}

function orderOf(lines: OrderLine[], shippingMinor = 0): Order {
  const linesMinor = lines.reduce((sum, line) => sum + line.totalMinor, 0)
  return {
    ...({ number: '100042', status: 'paid', currency: 'USD' } as Order),
    totalMinor: linesMinor + shippingMinor,
    shippingMinor,
    refundedMinor: 0,
    shippingRefunded: false,
    lines,
  }
}

/** Plans a refund and applies it to the order. Returns the error if it was refused. */
function refund(order: Order, wish: Partial<RefundWish>) {
  try {
    const plan = planRefund(order, { amountMinor: undefined, lines: undefined, shipping: false, ...wish })
    order.refundedMinor += plan.amountMinor
    order.status = order.refundedMinor === order.totalMinor ? 'refunded' : 'partially_refunded'
    order.shippingRefunded ||= plan.shipping
    for (const { lineNo, quantity } of plan.lines) {
      const line = order.lines.find(each => each.lineNo === lineNo)
      if (line !== undefined) line.refundedQuantity += quantity
    }
    return plan
  } catch (error) {
    if (error instanceof CheckoutError && error.code === 'not_refundable') return error
    throw error
  }
}

const total = fc.oneof(fc.nat({ max: 5_000 }), fc.nat({ max: Number.MAX_SAFE_INTEGER }))
const units = fc.integer({ min: 1, max: 60 })
const anyOrder = fc
  .tuple(fc.array(fc.tuple(units, fc.nat({ max: 90_000 })), { minLength: 1, maxLength: 5 }), fc.nat({ max: 2_000 }))
  .map(([lines, shippingMinor]) =>
    orderOf(
      lines.map(([quantity, totalMinor], index) => lineOf(index + 1, quantity, totalMinor)),
      shippingMinor,
    ),
  )
const anyWish = fc.record<Partial<RefundWish>>(
  {
    amountMinor: fc.integer({ min: -5, max: 100_000 }),
    lines: fc.array(fc.record({ lineNo: fc.integer({ min: 0, max: 6 }), quantity: fc.integer({ min: 0, max: 40 }) }), {
      maxLength: 4,
    }),
    shipping: fc.boolean(),
  },
  { requiredKeys: [] },
)

describe('the price of units', () => {
  test('splits an odd total unit by unit', () => {
    const priceFrom = (refundedQuantity: number) =>
      priceOfUnits({ quantity: 3, totalMinor: 1_000, refundedQuantity }, 1)
    expect([0, 1, 2].map(priceFrom)).toEqual([333, 334, 333])
  })

  test('adds up to exactly the line, in any steps in which its units are refunded', () => {
    fc.assert(
      fc.property(units, total, fc.infiniteStream(fc.integer({ min: 1, max: 60 })), (quantity, totalMinor, steps) => {
        let refundedQuantity = 0
        let sum = 0n
        for (const step of steps) {
          const now = Math.min(step, quantity - refundedQuantity)
          if (now === 0) break
          sum += BigInt(priceOfUnits({ quantity, totalMinor, refundedQuantity }, now))
          refundedQuantity += now
        }
        expect(sum).toBe(BigInt(totalMinor))
      }),
    )
  })

  test('is within one minor unit of the exact share, and never negative', () => {
    fc.assert(
      fc.property(units, total, fc.nat(), fc.nat(), (quantity, totalMinor, first, second) => {
        const refundedQuantity = first % quantity
        const wanted = 1 + (second % (quantity - refundedQuantity))
        const price = BigInt(priceOfUnits({ quantity, totalMinor, refundedQuantity }, wanted))
        const difference = price * BigInt(quantity) - BigInt(totalMinor) * BigInt(wanted)
        expect(price >= 0n).toBe(true)
        expect(difference <= BigInt(quantity) && -difference <= BigInt(quantity)).toBe(true)
      }),
    )
  })
})

describe('a planned refund', () => {
  test('never exceeds the money, units, and shipping of the order, for any sequence of requests', () => {
    fc.assert(
      fc.property(anyOrder, fc.array(anyWish, { maxLength: 12 }), (order, wishes) => {
        for (const wish of wishes) {
          const plan = refund(order, wish)
          if (plan instanceof CheckoutError) continue
          expect(plan.amountMinor).toBeGreaterThan(0)
          expect(order.refundedMinor).toBeLessThanOrEqual(order.totalMinor)
          for (const line of order.lines) expect(line.refundedQuantity).toBeLessThanOrEqual(line.quantity)
        }
      }),
    )
  })

  test('of each line and then of shipping refunds the whole order', () => {
    fc.assert(
      fc.property(anyOrder, order => {
        for (const { lineNo, quantity, totalMinor } of order.lines) {
          const plan = refund(order, { lines: [{ lineNo, quantity }] })
          // A free line has nothing to refund.
          expect(plan instanceof CheckoutError).toBe(totalMinor === 0)
        }
        if (order.shippingMinor > 0) expect(refund(order, { shipping: true })).toMatchObject({ shipping: true })
        expect(order.refundedMinor).toBe(order.totalMinor)
      }),
    )
  })

  test('of the rest of the order covers every unit left', () => {
    fc.assert(
      fc.property(anyOrder, anyWish, (order, wish) => {
        refund(order, wish)
        if (order.refundedMinor === order.totalMinor) return
        expect(refund(order, {})).toMatchObject({ amountMinor: expect.any(Number) })
        expect(order.lines.every(line => line.refundedQuantity === line.quantity)).toBe(true)
        expect(order.shippingRefunded).toBe(order.shippingMinor > 0)
      }),
    )
  })

  test('accepts lines by number and by SKU, and adds up lines that are given twice', () => {
    const order = orderOf([lineOf(1, 4, 400), lineOf(2, 2, 900)])
    const lines = [
      { sku: 'SKU-2', quantity: 1 },
      { lineNo: 1, quantity: 1 },
      { sku: 'SKU-1', lineNo: 1, quantity: 2 },
    ]
    expect(refund(order, { lines })).toEqual({
      amountMinor: 750,
      lines: [
        { lineNo: 1, sku: 'SKU-1', quantity: 3 },
        { lineNo: 2, sku: 'SKU-2', quantity: 1 },
      ],
      shipping: false,
    })
  })

  test('may refund less than the lines cost, but not more', () => {
    const order = orderOf([lineOf(1, 2, 1_000)], 500)
    expect(refund(order, { lines: [{ lineNo: 1, quantity: 1 }], amountMinor: 501 })).toMatchObject({
      context: { refundable: 1_500, amount: 501 },
      message: 'invalid amount 501; expected 1 to 500 minor units of USD',
    })
    expect(refund(order, { lines: [{ lineNo: 1, quantity: 1 }], amountMinor: 450 })).toMatchObject({ amountMinor: 450 })
    expect(order.lines[0]?.refundedQuantity).toBe(1)
  })

  test('is refused with the refundable rest in its context', () => {
    const order = orderOf([lineOf(1, 2, 1_000), lineOf(2, 1, 300)], 500)
    refund(order, { lines: [{ lineNo: 1, quantity: 1 }], shipping: true })
    expect(refund(order, { lines: [{ lineNo: 1, quantity: 2 }] })).toMatchObject({
      message: 'cannot refund 2 of SKU-1: 1 of 2 can be refunded',
      context: {
        sku: 'SKU-1',
        requested: 2,
        available: 1,
        refundable: 800,
        currency: 'USD',
        lines: [
          { line_no: 1, sku: 'SKU-1', quantity: 1 },
          { line_no: 2, sku: 'SKU-2', quantity: 1 },
        ],
        shipping: 0,
      },
    })
    expect(refund(order, { shipping: true })).toMatchObject({ message: 'shipping is already refunded' })
    expect(refund(order, { lines: [] })).toMatchObject({ message: 'no lines given' })
    refund(order, { amountMinor: 700 })
    expect(refund(order, { lines: [{ lineNo: 2, quantity: 1 }] })).toMatchObject({
      context: { amount: 300, refundable: 100 },
    })
  })

  test.each([
    { quantity: 0, lineNo: 1 },
    { quantity: 1.5, lineNo: 1 },
    { quantity: -1, lineNo: 1 },
    { quantity: Number.NaN, lineNo: 1 },
    { quantity: Number.MAX_SAFE_INTEGER, lineNo: 1 },
    { quantity: 1, lineNo: 3 },
    { quantity: 1, sku: 'nothing' },
    { quantity: 1, lineNo: 1, sku: 'SKU-2' },
    { quantity: 1 },
  ])('refuses the invalid line %j', line => {
    const order = orderOf([lineOf(1, 2, 1_000), lineOf(2, 1, 300)])
    expect(refund(order, { lines: [line, { lineNo: 1, quantity: 1 }] })).toBeInstanceOf(CheckoutError)
  })

  test('a refusal of an unknown line names the order and the line', () => {
    const order = orderOf([lineOf(1, 2, 1_000)])
    expect(refund(order, { lines: [{ lineNo: 7, quantity: 1 }] })).toMatchObject({
      message: 'order 100042 has no line 7',
    })
    expect(refund(order, { lines: [{ sku: 'MUG', quantity: 1 }] })).toMatchObject({
      message: 'order 100042 has no line with SKU MUG',
    })
  })

  test('of shipping includes the tax on shipping', () => {
    const order = orderOf([lineOf(1, 1, 1_000)])
    expect(priceOfShipping({ ...order, totalMinor: 1_535, shippingMinor: 500 } as Order)).toBe(535)
    expect(priceOfShipping({ ...order, totalMinor: 990 })).toBe(0)
  })
})
