import { expect, test } from 'vitest'
import { settlesWithin, within } from '../../src/concurrency/timeout.ts'

const never = new Promise<never>(() => {})
const late = () => new Error('too late')

test('gives what the work gives, and throws what it throws', async () => {
  expect(await within(Promise.resolve('done'), 60_000, late)).toBe('done')
  await expect(within(Promise.reject(new Error('broken')), 60_000, late)).rejects.toThrow('broken')
})

test('throws the error for lateness when the time has passed', async () => {
  await expect(within(never, 1, late)).rejects.toThrow('too late')
})

test('says whether the work settled in time', async () => {
  expect(await settlesWithin(Promise.resolve(), 60_000)).toBe(true)
  expect(await settlesWithin(never, 1)).toBe(false)
  await expect(settlesWithin(Promise.reject(new Error('broken')), 60_000)).rejects.toThrow('broken')
})
