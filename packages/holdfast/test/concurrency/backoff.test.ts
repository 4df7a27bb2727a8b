/** Pauses between attempts. */
import { expect, test } from 'vitest'
import { backoffDelayMs, spreadMs } from '../../src/concurrency/backoff.ts'

const backoff = { baseMs: 100, capMs: 1_000 }

test('the pause doubles from the base to the cap, for any attempt', () => {
  const longest = [1, 2, 3, 4, 5, 1_000_000].map(attempt => backoffDelayMs(backoff, attempt, () => 1))
  expect(longest).toEqual([100, 200, 400, 800, 1_000, 1_000])
})

test('the pause is never shorter than half of the full pause', () => {
  expect(backoffDelayMs(backoff, 3, () => 0)).toBe(200)
})

test('an interval is spread by a quarter either way', () => {
  expect([0, 0.5, 1].map(chance => spreadMs(1_000, () => chance))).toEqual([750, 1_000, 1_250])
})
