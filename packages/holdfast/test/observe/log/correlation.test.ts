/** A request is named while its call runs, and forgotten with it. */
import { expect, test } from 'vitest'
import { createCorrelation } from '../../../src/observe/log/correlation.ts'

/** A call that runs until it is ended. */
function begun({ during }: ReturnType<typeof createCorrelation>, id: string, requestId: string) {
  let resolve = (_: string): void => {}
  let reject = (_: Error): void => {}
  const work = () =>
    new Promise<string>((done, failed) => {
      resolve = done
      reject = failed
    })
  const result = during([id, requestId], work)
  return { result, resolve: (word: string) => resolve(word), reject: (error: Error) => reject(error) }
}

test('names of several requests the latest that is still at work, and none afterwards', async () => {
  const correlation = createCorrelation()
  const first = begun(correlation, 'lock', 'one')
  const second = begun(correlation, 'lock', 'two')
  const other = begun(correlation, 'other', 'three')
  expect(correlation.requestOf('lock')).toBe('two')
  expect(correlation.requestOf('other')).toBe('three')
  second.reject(new Error('refused'))
  await expect(second.result).rejects.toThrow('refused')
  expect(correlation.requestOf('lock')).toBe('one')
  first.resolve('done')
  other.resolve('done')
  expect(await Promise.all([first.result, other.result])).toEqual(['done', 'done'])
  expect(correlation.requestOf('lock')).toBeUndefined()
  expect(correlation.requestOf('other')).toBeUndefined()
})

test('names nobody for work that no request asked for', async () => {
  const { during, requestOf } = createCorrelation()
  expect(await during(['lock'], async () => requestOf('lock'))).toBeUndefined()
})
