/**
 * What a refund returns: an amount, and the units of the order that it covers. Protects A2: no unit is refunded twice,
 * and the units of a line, refunded singly or together, add up to exactly what the line cost.
 */
import { CheckoutError } from './failure.ts'
import { proportion } from './money.ts'
import type { Order, OrderLine } from './order.ts'

/** Units of one order line to refund. The line is given by its number or its SKU. */
export interface RefundLine {
  lineNo?: number | undefined
  sku?: string | undefined
  /** Units, from 1. Units of a line that is given twice are added up. */
  quantity: number
}

/** A requested refund. Without amount, lines, and shipping: all that is left of the order. */
export interface RefundWish {
  /** Minor units. With lines or shipping: replaces their price, and may not exceed it. */
  amountMinor: number | undefined
  lines: readonly RefundLine[] | undefined
  /** Refund shipping with its tax. */
  shipping: boolean
}

/** Units of one order line that a refund covers. */
export interface RefundedLine {
  lineNo: number
  sku: string
  quantity: number
}

/** A refund that is possible. */
export interface RefundPlan {
  amountMinor: number
  /** In the order of line numbers. Empty for a refund by amount that leaves a rest. */
  lines: RefundedLine[]
  shipping: boolean
}

/**
 * The price of the next `quantity` unrefunded units of a line, minor units, with discount and tax. The line's total is
 * split by unit count, so the units of a line always add up to its total.
 */
export function priceOfUnits(
  { quantity: sold, totalMinor, refundedQuantity }: Pick<OrderLine, 'quantity' | 'totalMinor' | 'refundedQuantity'>,
  quantity: number,
): number {
  const upTo = (units: number) => proportion(totalMinor, units, sold)
  return upTo(refundedQuantity + quantity) - upTo(refundedQuantity)
}

/** The price of shipping with its added tax, minor units: what the order costs besides its lines. */
export function priceOfShipping(order: Pick<Order, 'totalMinor' | 'lines'>): number {
  return Math.max(
    0,
    order.lines.reduce((rest, line) => rest - line.totalMinor, order.totalMinor),
  )
}

/** The units of an order that are not refunded yet. */
export function unitsLeft(order: Pick<Order, 'lines'>): RefundedLine[] {
  return order.lines
    .map(({ lineNo, sku, quantity, refundedQuantity }) => ({ lineNo, sku, quantity: quantity - refundedQuantity }))
    .filter(({ quantity }) => quantity > 0)
}

/** The price of shipping if it is not refunded yet, else 0. Minor units. */
export function shippingLeft(order: Order): number {
  return order.shippingRefunded ? 0 : priceOfShipping(order)
}

/** The error `not_refundable`, whose context says what can be refunded. */
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
 * The requested lines, each once, in the order of the order's lines. Does not check what is already refunded.
 * @throws {CheckoutError} `not_refundable` if the order has no such line, or a quantity is invalid.
 */
export function namedLines(order: Order, wanted: readonly RefundLine[]): RefundedLine[] {
  const units = new Map<number, number>()
  for (const { lineNo, sku, quantity } of wanted) {
    const line = order.lines.find(
      each =>
        (lineNo ?? each.lineNo) === each.lineNo && (sku ?? each.sku) === each.sku && (lineNo ?? sku) !== undefined,
    )
    if (line === undefined) {
      const wantedLine =
        lineNo === undefined ? `line with SKU ${sku}` : `line ${lineNo}${sku === undefined ? '' : ` with SKU ${sku}`}`
      throw notRefundable(order, `order ${order.number} has no ${wantedLine}`, { line_no: lineNo, sku })
    }
    const sum = (units.get(line.lineNo) ?? 0) + quantity
    if (!Number.isSafeInteger(quantity) || quantity < 1 || !Number.isSafeInteger(sum)) {
      throw notRefundable(order, `invalid quantity ${quantity} of ${line.sku}; expected a whole number from 1`, {
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
 * Decides what a refund returns, from the current order.
 * @throws {CheckoutError} `not_refundable`, with what can be refunded: never more than was captured, never more units than
 * were sold, never shipping twice.
 */
export function planRefund(order: Order, wish: RefundWish): RefundPlan {
  if (order.status !== 'paid' && order.status !== 'partially_refunded') {
    const message = `order ${order.number} cannot be refunded: its status is ${order.status}`
    throw notRefundable(order, message, { status: order.status })
  }
  const leftMinor = order.totalMinor - order.refundedMinor
  if (wish.lines === undefined && !wish.shipping) {
    const amountMinor = wish.amountMinor ?? leftMinor
    refuseAmount(order, amountMinor, leftMinor)
    // A refund by amount covers no units, unless it refunds the rest of the order: then it covers all units left.
    const isLast = amountMinor === leftMinor
    return { amountMinor, lines: isLast ? unitsLeft(order) : [], shipping: isLast && shippingLeft(order) > 0 }
  }
  const lines = namedLines(order, wish.lines ?? [])
  const priceMinor = priceOf(order, lines, wish.shipping)
  const amountMinor = wish.amountMinor ?? priceMinor
  if (wish.amountMinor === undefined && priceMinor > leftMinor) {
    const message = `these lines cost ${priceMinor} minor units of ${order.currency}, but only ${leftMinor} are left; give an amount`
    throw notRefundable(order, message, { amount: priceMinor })
  }
  refuseAmount(order, amountMinor, Math.min(priceMinor, leftMinor))
  return { amountMinor, lines, shipping: wish.shipping }
}

/** The price of units and shipping that are not refunded yet. */
function priceOf(order: Order, lines: readonly RefundedLine[], shipping: boolean): number {
  if (lines.length === 0 && !shipping) throw notRefundable(order, 'no lines given')
  let priceMinor = 0
  for (const line of order.lines) {
    const quantity = lines.find(({ lineNo }) => lineNo === line.lineNo)?.quantity ?? 0
    const left = line.quantity - line.refundedQuantity
    if (quantity > left) {
      const message = `cannot refund ${quantity} of ${line.sku}: ${left} of ${line.quantity} can be refunded`
      throw notRefundable(order, message, { sku: line.sku, requested: quantity, available: left })
    }
    priceMinor += priceOfUnits(line, quantity)
  }
  if (!shipping) return priceMinor
  const shippingMinor = shippingLeft(order)
  if (shippingMinor === 0) {
    throw notRefundable(order, order.shippingRefunded ? 'shipping is already refunded' : 'shipping was free')
  }
  return priceMinor + shippingMinor
}

function refuseAmount(order: Order, amountMinor: number, mostMinor: number): void {
  if (Number.isSafeInteger(amountMinor) && amountMinor >= 1 && amountMinor <= mostMinor) return
  const message =
    mostMinor === 0
      ? 'nothing is left to refund'
      : `invalid amount ${amountMinor}; expected 1 to ${mostMinor} minor units of ${order.currency}`
  throw notRefundable(order, message, { amount: amountMinor })
}
