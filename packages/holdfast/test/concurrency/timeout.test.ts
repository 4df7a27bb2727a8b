/** Timeouts of promises. */
import { expect, test } from 'vitest'
import { settlesWithin, within } from '../../src/concurrency/timeout.ts'

const never = new Promise<never>(() => {})
const late = () => new Error('too late')

test('within returns the result of the work and throws its error', async () => {
  expect(await within(Promise.resolve('done'), 60_000, late)).toBe('done')
  await expect(within(Promise.reject(new Error('broken')), 60_000, late)).rejects.toThrow('broken')
})

test('within throws the given error after the timeout', async () => {
  await expect(within(never, 1, late)).rejects.toThrow('too late')
})

test('settlesWithin is true only if the work resolves in time, and throws its error', async () => {
  expect(await settlesWithin(Promise.resolve(), 60_000)).toBe(true)
  expect(await settlesWithin(never, 1)).toBe(false)
  await expect(settlesWithin(Promise.reject(new Error('broken')), 60_000)).rejects.toThrow('broken')
})
