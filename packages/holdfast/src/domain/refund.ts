/**
 * What a refund gives back: an amount, and which units of the order it is for. Protects that no unit is refunded twice
 * and that the units of a line, refunded one by one or together, come to exactly what the line cost (A2).
 */
import { CheckoutError } from './failure.ts'
import { proportion } from './money.ts'
import type { Order, OrderLine } from './order.ts'

/** Units of one line of an order, which is named by its number or by its SKU. */
export interface RefundLine {
  lineNo?: number | undefined
  sku?: string | undefined
  /** Units, 1 or more; the same line named twice counts together. */
  quantity: number
}

/** What is asked for. Neither amount nor lines nor shipping: all that is left of the order. */
export interface RefundWish {
  /** Minor units. Beside lines or shipping: this much instead of what they cost, and no more than that. */
  amountMinor: number | undefined
  lines: readonly RefundLine[] | undefined
  /** What the order cost beside its lines: shipping with its tax. */
  shipping: boolean
}

/** Units of a line that a refund is for. */
export interface RefundedLine {
  lineNo: number
  sku: string
  quantity: number
}

/** What a refund will be, once it is known that it can be. */
export interface RefundPlan {
  amountMinor: number
  /** By number of the line. Empty where an amount was asked for and more is left of the order. */
  lines: RefundedLine[]
  shipping: boolean
}

/**
 * What `quantity` units that were not refunded yet cost, in minor units: the line's total, discount and tax as the
 * order has them, shared out by the number of units up to each, so that what rounding takes from one unit the next has.
 */
export function priceOfUnits(
  { quantity: sold, totalMinor, refundedQuantity }: Pick<OrderLine, 'quantity' | 'totalMinor' | 'refundedQuantity'>,
  quantity: number,
): number {
  const upTo = (units: number) => proportion(totalMinor, units, sold)
  return upTo(refundedQuantity + quantity) - upTo(refundedQuantity)
}

/** What an order costs beside its lines: shipping, with the tax that is added to it. Minor units. */
export function priceOfShipping(order: Pick<Order, 'totalMinor' | 'lines'>): number {
  return Math.max(
    0,
    order.lines.reduce((rest, line) => rest - line.totalMinor, order.totalMinor),
  )
}

/** Every unit of an order that was not refunded yet. */
export function unitsLeft(order: Pick<Order, 'lines'>): RefundedLine[] {
  return order.lines
    .map(({ lineNo, sku, quantity, refundedQuantity }) => ({ lineNo, sku, quantity: quantity - refundedQuantity }))
    .filter(({ quantity }) => quantity > 0)
}

/** Minor units of what shipping cost and was not refunded yet. */
export function shippingLeft(order: Order): number {
  return order.shippingRefunded ? 0 : priceOfShipping(order)
}

/** A refusal that says what of the order can be refunded. */
export function notRefundable(order: Order, message: string, more: Record<string, unknown> = {}): CheckoutError {
  const isPaid = order.status === 'paid' || order.status === 'partially_refunded'
  const left = isPaid ? order.totalMinor - order.refundedMinor : 0
  const lines = left === 0 ? [] : unitsLeft(order)
  return new CheckoutError('not_refundable', message, {
    context: {
      ...more,
      refundable: left,
      currency: order.currency,
      lines: lines.map(({ lineNo, sku, quantity }) => ({ line_no: lineNo, sku, quantity })),
      shipping: left === 0 ? 0 : shippingLeft(order),
    },
  })
}

/**
 * The lines that are named, each once and in the order's order, whatever was refunded of them.
 * @throws {CheckoutError} `not_refundable` where one is not the order's, or its quantity is no number of units.
 */
export function namedLines(order: Order, wanted: readonly RefundLine[]): RefundedLine[] {
  const units = new Map<number, number>()
  for (const { lineNo, sku, quantity } of wanted) {
    const line = order.lines.find(
      each =>
        (lineNo ?? each.lineNo) === each.lineNo && (sku ?? each.sku) === each.sku && (lineNo ?? sku) !== undefined,
    )
    if (line === undefined) {
      throw notRefundable(order, 'A line that is named is none of this order.', { line_no: lineNo, sku })
    }
    const sum = (units.get(line.lineNo) ?? 0) + quantity
    if (!Number.isSafeInteger(quantity) || quantity < 1 || !Number.isSafeInteger(sum)) {
      throw notRefundable(order, 'A quantity is a whole number of units, from 1.', {
        sku: line.sku,
        requested: quantity,
      })
    }
    units.set(line.lineNo, sum)
  }
  return order.lines.flatMap(({ lineNo, sku }) => {
    const quantity = units.get(lineNo)
    return quantity === undefined ? [] : [{ lineNo, sku, quantity }]
  })
}

/**
 * Decides what a refund is, from the order as it is now.
 * @throws {CheckoutError} `not_refundable`, with what can be refunded: never more than was captured, never more units
 * than were sold, never shipping twice.
 */
export function planRefund(order: Order, wish: RefundWish): RefundPlan {
  if (order.status !== 'paid' && order.status !== 'partially_refunded') {
    const message = `An order that is ${order.status.replace('_', ' ')} cannot be refunded.`
    throw notRefundable(order, message, { status: order.status })
  }
  const leftMinor = order.totalMinor - order.refundedMinor
  if (wish.lines === undefined && !wish.shipping) {
    const amountMinor = wish.amountMinor ?? leftMinor
    refuseAmount(order, amountMinor, leftMinor)
    // An amount says nothing of units; the last of the money is for all that is left.
    const isLast = amountMinor === leftMinor
    return { amountMinor, lines: isLast ? unitsLeft(order) : [], shipping: isLast && shippingLeft(order) > 0 }
  }
  const lines = namedLines(order, wish.lines ?? [])
  const priceMinor = priceOf(order, lines, wish.shipping)
  const amountMinor = wish.amountMinor ?? priceMinor
  if (wish.amountMinor === undefined && priceMinor > leftMinor) {
    const message = `This comes to ${priceMinor}, and ${leftMinor} ${order.currency} minor units are left: name an amount too.`
    throw notRefundable(order, message, { amount: priceMinor })
  }
  refuseAmount(order, amountMinor, Math.min(priceMinor, leftMinor))
  return { amountMinor, lines, shipping: wish.shipping }
}

/** What units and shipping cost, where all of it is still to be had. */
function priceOf(order: Order, lines: readonly RefundedLine[], shipping: boolean): number {
  if (lines.length === 0 && !shipping) throw notRefundable(order, 'No line is named.')
  let priceMinor = 0
  for (const line of order.lines) {
    const quantity = lines.find(({ lineNo }) => lineNo === line.lineNo)?.quantity ?? 0
    const left = line.quantity - line.refundedQuantity
    if (quantity > left) {
      const message = `Of ${line.sku} ${left} of ${line.quantity} can be refunded.`
      throw notRefundable(order, message, { sku: line.sku, requested: quantity, available: left })
    }
    priceMinor += priceOfUnits(line, quantity)
  }
  if (!shipping) return priceMinor
  const shippingMinor = shippingLeft(order)
  if (shippingMinor === 0) {
    throw notRefundable(order, order.shippingRefunded ? 'Shipping was refunded before.' : 'Shipping cost nothing.')
  }
  return priceMinor + shippingMinor
}

function refuseAmount(order: Order, amountMinor: number, mostMinor: number): void {
  if (Number.isSafeInteger(amountMinor) && amountMinor >= 1 && amountMinor <= mostMinor) return
  const message =
    mostMinor === 0
      ? 'There is no money to give back for this.'
      : `Between 1 and ${mostMinor} ${order.currency} minor units can be refunded.`
  throw notRefundable(order, message, { amount: amountMinor })
}
