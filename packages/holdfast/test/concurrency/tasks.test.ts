/** Running promises that a stop waits for. */
import { expect, test } from 'vitest'
import { createTasks } from '../../src/concurrency/tasks.ts'

const turn = () => new Promise(resolve => setImmediate(resolve))

test('settled waits for work that succeeds and work that fails, and never rejects', async () => {
  const tasks = createTasks()
  let succeed = (): void => {}
  let fail = (): void => {}
  const good = tasks.track(new Promise<void>(resolve => (succeed = resolve)))
  const bad = tasks.track(new Promise<void>((_, reject) => (fail = () => reject(new Error('broken')))))
  bad.catch(() => {})
  let isSettled = false
  const settled = tasks.settled().then(() => {
    isSettled = true
  })
  succeed()
  await turn()
  expect(isSettled).toBe(false)
  fail()
  await settled
  await expect(good).resolves.toBeUndefined()
  await expect(bad).rejects.toThrow('broken')
})

test('settled resolves at once without work', async () => {
  await createTasks().settled()
})
