/**
 * Allocation of stock: from which locations the lines of one checkout are served. Protects A5: all lines or none, and
 * never more than a location has available.
 */
import { CheckoutError, type Failure } from './failure.ts'

export interface StockAt {
  locationId: string
  /** The lowest is served first; equal ones in the order of their IDs. */
  priority: number
  /** Units on hand that are not reserved. Less than 0 counts as none. */
  available: number
}

export interface Demand {
  lineNo: number
  variantId: string
  sku: string
  quantity: number
  /** `deny`: only available units are sold. `continue`: missing units are back-ordered. */
  stockPolicy: 'deny' | 'continue'
}

export interface AllocatedPart {
  lineNo: number
  /** From 1 within its line. */
  partNo: number
  sku: string
  variantId: string
  /** Null: back-ordered. */
  locationId: string | null
  quantity: number
}

export type Allocation = { ok: true; parts: AllocatedPart[] } | { ok: false; failure: Failure }

interface Shortage {
  sku: string
  requested: number
  available: number
}

/** Stock by variant. */
export type Stock = ReadonlyMap<string, readonly StockAt[]>

/**
 * Serves every demand, or fails with `insufficient_stock`. A location that has a whole line is preferred; otherwise the
 * line is split in the order of priority. Demands of the same variant add up. Changes nothing: `takeAllocated` takes
 * the result from the stock.
 * @throws {CheckoutError} `invalid_argument` if a quantity is not a positive whole number.
 */
export function allocate(demands: readonly Demand[], stock: Stock): Allocation {
  const shortages = findShortages(demands, stock)
  const first = shortages[0]
  if (first !== undefined) return { ok: false, failure: insufficientStock(first, shortages) }
  const left = new Map<string, StockAt[]>()
  for (const { variantId } of demands) {
    if (!left.has(variantId))
      left.set(
        variantId,
        (stock.get(variantId) ?? []).map(level => ({ ...level })),
      )
  }
  const parts: AllocatedPart[] = []
  // Lines that may be back-ordered come last, so they never take a unit from a line that may not.
  for (const demand of demands) if (demand.stockPolicy === 'deny') serve(demand, left, parts)
  const denied = parts.length
  for (const demand of demands) if (demand.stockPolicy === 'continue') serve(demand, left, parts)
  if (denied > 0 && denied < parts.length) parts.sort((a, b) => a.lineNo - b.lineNo || a.partNo - b.partNo)
  return { ok: true, parts }
}

/** Takes allocated parts from the stock, so that the next allocation sees what is left. */
export function takeAllocated(stock: Stock, parts: readonly AllocatedPart[]): void {
  for (const { variantId, locationId, quantity } of parts) {
    const level = stock.get(variantId)?.find(at => at.locationId === locationId)
    if (level !== undefined) level.available -= quantity
  }
}

/** The variants with too few units, in the order of the demands. */
function findShortages(demands: readonly Demand[], stock: Stock): Shortage[] {
  const wanted = new Map<string, Shortage>()
  for (const { variantId, sku, quantity, stockPolicy } of demands) {
    if (!Number.isSafeInteger(quantity) || quantity < 1) {
      throw new CheckoutError('invalid_argument', `invalid quantity ${quantity} of ${sku}; expected 1 or more`, {
        phase: 'inventory_reservation',
        context: { sku, quantity },
      })
    }
    if (stockPolicy === 'continue') continue
    const known = wanted.get(variantId)
    if (known === undefined)
      wanted.set(variantId, { sku, requested: quantity, available: totalOf(stock.get(variantId)) })
    else known.requested += quantity
  }
  const shortages: Shortage[] = []
  for (const shortage of wanted.values()) if (shortage.requested > shortage.available) shortages.push(shortage)
  return shortages
}

function totalOf(levels: readonly StockAt[] | undefined): number {
  let total = 0
  if (levels !== undefined) for (const level of levels) if (level.available > 0) total += level.available
  return total
}

/** Serves one demand from `left`, as far as units are available. The rest is back-ordered. */
function serve(demand: Demand, left: ReadonlyMap<string, StockAt[]>, parts: AllocatedPart[]): void {
  const { lineNo, sku, variantId, quantity } = demand
  const levels = left.get(variantId) ?? []
  const whole = firstWithWhole(levels, quantity)
  if (whole !== null) {
    whole.available -= quantity
    parts.push({ lineNo, partNo: 1, sku, variantId, locationId: whole.locationId, quantity })
    return
  }
  let missing = quantity
  let partNo = 0
  for (const level of levels.filter(({ available }) => available > 0).sort(compareServed)) {
    const taken = Math.min(missing, level.available)
    level.available -= taken
    missing -= taken
    partNo += 1
    parts.push({ lineNo, partNo, sku, variantId, locationId: level.locationId, quantity: taken })
    if (missing === 0) return
  }
  parts.push({ lineNo, partNo: partNo + 1, sku, variantId, locationId: null, quantity: missing })
}

function firstWithWhole(levels: readonly StockAt[], quantity: number): StockAt | null {
  let best: StockAt | null = null
  for (const level of levels) {
    if (level.available >= quantity && (best === null || compareServed(level, best) < 0)) best = level
  }
  return best
}

function compareServed(a: StockAt, b: StockAt): number {
  if (a.priority !== b.priority) return a.priority - b.priority
  return a.locationId < b.locationId ? -1 : a.locationId > b.locationId ? 1 : 0
}

function insufficientStock(first: Shortage, shortages: Shortage[]): Failure {
  const { sku, requested, available } = first
  return {
    phase: 'inventory_reservation',
    code: 'insufficient_stock',
    message:
      available === 0
        ? `${sku} is sold out.`
        : `Only ${available} of ${sku} ${available === 1 ? 'is' : 'are'} left; you asked for ${requested}.`,
    context: { shortages, sku, requested, available },
    retryable: false,
  }
}
