/** Splitting amounts in proportion to weights. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { allocateProportionally } from '../../src/domain/share.ts'

const amount = fc.oneof(fc.nat({ max: 100_000 }), fc.nat({ max: Number.MAX_SAFE_INTEGER }))
const weights = fc.array(amount, { minLength: 1, maxLength: 12 }).filter(list => list.some(weight => weight > 0))

test('units left over go to the largest remainders, the earlier first', () => {
  expect(allocateProportionally(1000, [500, 500, 500])).toEqual([334, 333, 333])
  expect(allocateProportionally(100, [1, 2, 3])).toEqual([17, 33, 50])
  expect(allocateProportionally(5, [0, 3, 7])).toEqual([0, 2, 3])
  expect(allocateProportionally(0, [0, 0])).toEqual([0, 0])
  expect(allocateProportionally(0, [])).toEqual([])
})

test('shares add up to the total, each within one unit of its exact proportion', () => {
  fc.assert(
    fc.property(amount, weights, (total, list) => {
      const shares = allocateProportionally(total, list)
      const sum = list.reduce((a, b) => a + BigInt(b), 0n)
      expect(shares.reduce((a, b) => a + BigInt(b), 0n)).toBe(BigInt(total))
      shares.forEach((share, index) => {
        const exactTimesSum = BigInt(total) * BigInt(list[index] ?? 0)
        const difference = BigInt(share) * sum - exactTimesSum
        expect(difference < sum && -difference < sum).toBe(true)
      })
    }),
  )
})

test('no share exceeds its weight if the total does not exceed their sum', () => {
  const lists = fc.array(fc.nat({ max: 2 ** 50 }), { minLength: 1, maxLength: 7 })
  fc.assert(
    fc.property(lists, fc.nat({ max: 1_000_000 }), (list, ppm) => {
      const sum = list.reduce((a, b) => a + b, 0)
      const total = Number((BigInt(sum) * BigInt(ppm)) / 1_000_000n)
      const shares = allocateProportionally(total, list)
      expect(shares.every((share, index) => share >= 0 && share <= (list[index] ?? 0))).toBe(true)
    }),
  )
})

test('a total without weights and invalid amounts are refused', () => {
  const calls: [number, number[]][] = [
    [1, []],
    [1, [0]],
    [-1, [1]],
    [1.5, [1]],
    [1, [-1, 2]],
    [1, [Number.NaN]],
  ]
  for (const [total, list] of calls) {
    expect(() => allocateProportionally(total, list)).toThrow(expect.objectContaining({ code: 'invalid_argument' }))
  }
})
