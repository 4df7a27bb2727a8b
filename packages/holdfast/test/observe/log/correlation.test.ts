/** A correlation names a request while its call runs, and forgets it afterwards. */
import { expect, test } from 'vitest'
import { createCorrelation } from '../../../src/observe/log/correlation.ts'

/** Starts a call that runs until it is settled. */
function startCall({ during }: ReturnType<typeof createCorrelation>, id: string, requestId: string) {
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

test('the latest running request of an id is named, and none once all have settled', async () => {
  const correlation = createCorrelation()
  const first = startCall(correlation, 'lock', 'one')
  const second = startCall(correlation, 'lock', 'two')
  const other = startCall(correlation, 'other', 'three')
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

test('work without a request has no request id', async () => {
  const { during, requestOf } = createCorrelation()
  expect(await during(['lock'], async () => requestOf('lock'))).toBeUndefined()
})
