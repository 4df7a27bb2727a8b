/** Allocation of stock to the lines of one checkout. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import {
  type Allocation,
  type Demand,
  allocate as decide,
  type StockAt,
  takeAllocated,
} from '../../src/domain/allocation.ts'

function demand(lineNo: number, quantity: number, change: Partial<Demand> = {}): Demand {
  return { lineNo, variantId: 'mug', sku: 'MUG', quantity, stockPolicy: 'deny', ...change }
}

function at(locationId: string, priority: number, available: number): StockAt {
  return { locationId, priority, available }
}

/** Allocates, and takes from the stock what was allocated. */
function allocate(demands: Demand[], stock: Map<string, StockAt[]>): Allocation {
  const result = decide(demands, stock)
  if (result.ok) takeAllocated(stock, result.parts)
  return result
}

function served(demands: Demand[], stock: Map<string, StockAt[]>) {
  const result = allocate(demands, stock)
  if (!result.ok) throw new Error(JSON.stringify(result.failure))
  return result.parts.map(part => [part.lineNo, part.partNo, part.locationId, part.quantity])
}

test('a line is served whole from the first location that has all of it', () => {
  const stock = new Map([['mug', [at('c', 3, 9), at('b', 2, 5), at('a', 1, 4)]]])
  expect(served([demand(1, 5)], stock)).toEqual([[1, 1, 'b', 5]])
  expect(stock.get('mug')).toEqual([at('c', 3, 9), at('b', 2, 0), at('a', 1, 4)])
})

test('a line is split in the order of priority if no location has all of it', () => {
  const stock = new Map([['mug', [at('c', 3, 9), at('b', 2, 5), at('a', 1, 4), at('z', 0, 0)]]])
  expect(served([demand(1, 12)], stock)).toEqual([
    [1, 1, 'a', 4],
    [1, 2, 'b', 5],
    [1, 3, 'c', 3],
  ])
})

test('if one line cannot be served, all are refused, every shortage is named, and no stock is taken', () => {
  const stock = new Map([
    ['mug', [at('a', 1, 2), at('b', 2, 1)]],
    ['cup', [at('a', 1, 10)]],
  ])
  const before = structuredClone(stock)
  const demands = [
    demand(1, 3, { variantId: 'cup', sku: 'CUP' }),
    demand(2, 4),
    demand(3, 1, { variantId: 'jug', sku: 'JUG' }),
  ]
  expect(allocate(demands, stock)).toEqual({
    ok: false,
    failure: {
      phase: 'inventory_reservation',
      code: 'insufficient_stock',
      message: 'Only 3 of MUG are left; you asked for 4.',
      context: {
        shortages: [
          { sku: 'MUG', requested: 4, available: 3 },
          { sku: 'JUG', requested: 1, available: 0 },
        ],
        sku: 'MUG',
        requested: 4,
        available: 3,
      },
      retryable: false,
    },
  })
  expect(stock).toEqual(before)
})

test('demands of the same variant are added up', () => {
  const stock = () => new Map([['mug', [at('a', 1, 5)]]])
  expect(served([demand(1, 3), demand(2, 2)], stock())).toEqual([
    [1, 1, 'a', 3],
    [2, 1, 'a', 2],
  ])
  const short = allocate([demand(1, 3), demand(2, 3)], stock())
  expect(short).toMatchObject({ ok: false, failure: { context: { sku: 'MUG', requested: 6, available: 5 } } })
})

test('the next checkout sees what the one before left', () => {
  const stock = new Map([['mug', [at('a', 1, 3)]]])
  expect(allocate([demand(1, 2)], stock).ok).toBe(true)
  expect(allocate([demand(1, 2)], stock)).toMatchObject({ failure: { context: { requested: 2, available: 1 } } })
  expect(allocate([demand(1, 1)], stock).ok).toBe(true)
  expect(allocate([demand(1, 1)], stock)).toMatchObject({ failure: { message: 'MUG is sold out.' } })
})

test('missing units of a variant that may be oversold are back-ordered', () => {
  const stock = new Map([['mug', [at('b', 2, 1), at('a', 1, 3)]]])
  const more = { stockPolicy: 'continue' } as const
  expect(served([demand(1, 6, more)], stock)).toEqual([
    [1, 1, 'a', 3],
    [1, 2, 'b', 1],
    [1, 3, null, 2],
  ])
  expect(served([demand(1, 2, more)], stock)).toEqual([[1, 1, null, 2]])
  expect(served([demand(1, 2, { ...more, variantId: 'unheard-of' })], stock)).toEqual([[1, 1, null, 2]])
})

test('a line that may be back-ordered takes no units from one that may not', () => {
  const stock = new Map([['mug', [at('a', 1, 3)]]])
  expect(served([demand(1, 2, { stockPolicy: 'continue' }), demand(2, 3)], stock)).toEqual([
    [1, 1, null, 2],
    [2, 1, 'a', 3],
  ])
})

test('a location with negative availability counts as empty', () => {
  const stock = new Map([['mug', [at('a', 1, -5), at('b', 2, 3)]]])
  expect(served([demand(1, 3)], stock)).toEqual([[1, 1, 'b', 3]])
})

test('an invalid quantity throws and takes no stock', () => {
  for (const quantity of [0, -1, 1.5, Number.NaN]) {
    const stock = new Map([['mug', [at('a', 1, 3)]]])
    expect(() => allocate([demand(1, 1), demand(2, quantity)], stock)).toThrow(
      expect.objectContaining({ code: 'invalid_argument' }),
    )
    expect(stock.get('mug')).toEqual([at('a', 1, 3)])
  }
})

const variants = ['x', 'y', 'z']
const levels = fc.uniqueArray(
  fc.record({
    locationId: fc.constantFrom('a', 'b', 'c', 'd'),
    priority: fc.nat({ max: 2 }),
    available: fc.nat({ max: 12 }),
  }),
  { selector: level => level.locationId, maxLength: 4 },
)
const stocks = fc.tuple(levels, levels, levels).map(all => new Map(variants.map((id, index) => [id, all[index] ?? []])))
const someDemands = fc
  .array(fc.tuple(fc.constantFrom(...variants), fc.integer({ min: 1, max: 15 })), { minLength: 1, maxLength: 5 })
  .chain(wanted =>
    fc
      .constantFrom('deny' as const, 'continue' as const)
      .map(stockPolicy =>
        wanted.map(([variantId, quantity], index) =>
          demand(index + 1, quantity, { variantId, sku: variantId, stockPolicy }),
        ),
      ),
  )

function availableOf(stock: Map<string, StockAt[]>, variantId: string, locationId: string): number {
  return stock.get(variantId)?.find(level => level.locationId === locationId)?.available ?? 0
}

test('an allocation is all or nothing, never exceeds the stock, and conserves it', () => {
  fc.assert(
    fc.property(someDemands, stocks, (demands, stock) => {
      const before = structuredClone(stock)
      const result = allocate(demands, stock)
      const isShort = variants.some(id => {
        const wanted = demands.filter(each => each.variantId === id && each.stockPolicy === 'deny')
        const there = (before.get(id) ?? []).reduce((total, level) => total + level.available, 0)
        return wanted.reduce((total, each) => total + each.quantity, 0) > there
      })
      expect(result.ok).toBe(!isShort)
      if (!result.ok) {
        expect(stock).toEqual(before)
        return
      }
      const { parts } = result
      for (const each of demands) {
        const own = parts.filter(part => part.lineNo === each.lineNo)
        expect(own.reduce((total, part) => total + part.quantity, 0)).toBe(each.quantity)
        expect(own.map(part => part.partNo)).toEqual(own.map((_, index) => index + 1))
        expect(own.every(part => part.quantity > 0 && part.variantId === each.variantId)).toBe(true)
      }
      if (demands[0]?.stockPolicy === 'deny') expect(parts.every(part => part.locationId !== null)).toBe(true)
      for (const id of variants) {
        for (const { locationId, available } of stock.get(id) ?? []) {
          const own = parts.filter(part => part.variantId === id && part.locationId === locationId)
          const taken = own.reduce((total, part) => total + part.quantity, 0)
          expect(available).toBeGreaterThanOrEqual(0)
          expect(available + taken).toBe(availableOf(before, id, locationId))
        }
        const backOrdered = parts.some(part => part.variantId === id && part.locationId === null)
        if (backOrdered) expect((stock.get(id) ?? []).every(level => level.available === 0)).toBe(true)
      }
    }),
    { numRuns: 2000 },
  )
})

test('allocating changes no stock before it is taken', () => {
  fc.assert(
    fc.property(someDemands, stocks, (demands, stock) => {
      const before = structuredClone(stock)
      decide(demands, stock)
      expect(stock).toEqual(before)
    }),
  )
})

test('a line that one location can serve is never split', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 15 }), levels, (quantity, list) => {
      const fits = list.some(level => level.available >= quantity)
      const result = allocate([demand(1, quantity)], new Map([['mug', list]]))
      if (fits) expect(result).toMatchObject({ ok: true, parts: { length: 1 } })
      else if (result.ok) expect(result.parts.length).toBeGreaterThan(1)
    }),
  )
})

test('the order in which locations are given does not matter', () => {
  const twoOrders = levels.chain(list =>
    fc.tuple(fc.constant(list), fc.shuffledSubarray(list, { minLength: list.length, maxLength: list.length })),
  )
  fc.assert(
    fc.property(someDemands, twoOrders, (demands, [one, other]) => {
      const stockOf = (list: StockAt[]) => new Map(variants.map(id => [id, structuredClone(list)]))
      expect(allocate(demands, stockOf(one))).toEqual(allocate(demands, stockOf(other)))
    }),
  )
})
