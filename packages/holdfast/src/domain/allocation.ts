/**
 * Decides from which locations the lines of one checkout are served. Protects: all or nothing, and never more than a
 * location has available (invariant A5).
 */
import { CheckoutError, type Failure } from './failure.ts'

export interface StockAt {
  locationId: string
  /** Lower is served first; equal ones in the order of their ids. */
  priority: number
  /** on_hand − reserved; what is allocated is taken from it. */
  available: number
}

export interface Demand {
  lineNo: number
  variantId: string
  sku: string
  quantity: number
  /** `deny`: sells only what is there. `continue`: what is missing is back-ordered. */
  stockPolicy: 'deny' | 'continue'
}

export interface AllocatedPart {
  lineNo: number
  /** Counts from 1 in its line. */
  partNo: number
  sku: string
  variantId: string
  /** null: back-ordered */
  locationId: string | null
  quantity: number
}

export type Allocation = { ok: true; parts: AllocatedPart[] } | { ok: false; failure: Failure }

interface Shortage {
  sku: string
  requested: number
  available: number
}

/**
 * Serves every demand, or none. One location that has the whole line goes before several; else the line is split in
 * the order of priority. Several demands of one variant add up. On success what was allocated has left `available`,
 * so that the next checkout sees what remains; on failure (`insufficient_stock`) nothing has.
 * @throws {CheckoutError} `invalid_argument` when a quantity is not a positive integer.
 */
export function allocate(demands: readonly Demand[], stock: ReadonlyMap<string, StockAt[]>): Allocation {
  const shortages = findShortages(demands, stock)
  const first = shortages[0]
  if (first !== undefined) return { ok: false, failure: insufficientStock(first, shortages) }
  const parts: AllocatedPart[] = []
  // What may be back-ordered waits for what must be there.
  for (const demand of demands) if (demand.stockPolicy === 'deny') serve(demand, stock, parts)
  const denied = parts.length
  for (const demand of demands) if (demand.stockPolicy === 'continue') serve(demand, stock, parts)
  if (denied > 0 && denied < parts.length) parts.sort((a, b) => a.lineNo - b.lineNo || a.partNo - b.partNo)
  return { ok: true, parts }
}

/** One for each variant of which more must be there than is, in the order of the demands. */
function findShortages(demands: readonly Demand[], stock: ReadonlyMap<string, StockAt[]>): Shortage[] {
  const wanted = new Map<string, Shortage>()
  for (const { variantId, sku, quantity, stockPolicy } of demands) {
    if (!Number.isSafeInteger(quantity) || quantity < 1) {
      throw new CheckoutError('invalid_argument', 'A quantity is a positive whole number.', {
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

/** Takes what the demand wants, as far as it is there; the rest is back-ordered. */
function serve(demand: Demand, stock: ReadonlyMap<string, StockAt[]>, parts: AllocatedPart[]): void {
  const { lineNo, sku, variantId, quantity } = demand
  const levels = stock.get(variantId) ?? []
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
