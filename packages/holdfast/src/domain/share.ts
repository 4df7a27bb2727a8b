/** Splitting an amount in proportion to weights. The shares add up to the amount, to the last minor unit. */
import { CheckoutError } from './failure.ts'
import { isMinor } from './money.ts'

/**
 * Splits `total` by largest remainder: each share is its exact proportion rounded down, and each unit left over goes to
 * the next largest remainder, the earlier first among equals. No share exceeds its weight if `total` does not exceed the
 * sum of the weights.
 * @throws {CheckoutError} `invalid_argument` if an argument is not a valid amount, or all weights are 0.
 */
export function allocateProportionally(total: number, weights: readonly number[]): number[] {
  let sum = 0
  let largest = 0
  let valid = isMinor(total)
  for (const weight of weights) {
    valid &&= isMinor(weight)
    sum += weight
    if (weight > largest) largest = weight
  }
  if (!valid || (sum === 0 && total > 0)) {
    const message = `cannot split ${total}: total and weights must be whole numbers from 0, with a weight above 0`
    throw new CheckoutError('invalid_argument', message, { context: { total, weights } })
  }
  if (total === 0) return weights.map(() => 0)
  const fits = sum <= Number.MAX_SAFE_INTEGER && total * largest <= Number.MAX_SAFE_INTEGER
  return fits ? shareNumbers(total, weights, sum) : shareBigInts(total, weights)
}

function shareNumbers(total: number, weights: readonly number[], sum: number): number[] {
  const shares: number[] = []
  const remainders: number[] = []
  let left = total
  for (const weight of weights) {
    const product = total * weight
    const remainder = product % sum
    const share = (product - remainder) / sum
    shares.push(share)
    remainders.push(remainder)
    left -= share
  }
  return distributeRest(shares, remainders, left)
}

function shareBigInts(total: number, weights: readonly number[]): number[] {
  let sum = 0n
  for (const weight of weights) sum += BigInt(weight)
  const shares: number[] = []
  const remainders: bigint[] = []
  let left = total
  for (const weight of weights) {
    const product = BigInt(total) * BigInt(weight)
    const share = Number(product / sum)
    shares.push(share)
    remainders.push(product % sum)
    left -= share
  }
  return distributeRest(shares, remainders, left)
}

/** Fewer units are left over than remainders above 0, so no share gets two of them. */
function distributeRest<Remainder extends number | bigint>(
  shares: number[],
  remainders: Remainder[],
  left: number,
): number[] {
  if (left === 0) return shares
  const order = remainders.map((remainder, index) => ({ remainder, index }))
  order.sort((a, b) => (a.remainder === b.remainder ? a.index - b.index : a.remainder < b.remainder ? 1 : -1))
  for (const { index } of order.slice(0, left)) shares[index] = (shares[index] ?? 0) + 1
  return shares
}
