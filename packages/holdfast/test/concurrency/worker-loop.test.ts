/** The loop of background workers. */
import { expect, test } from 'vitest'
import { createWorkerLoop } from '../../src/concurrency/worker-loop.ts'

/** A manual clock: `next` runs what is scheduled and returns its delay. */
function manualClock() {
  let scheduled: { ms: number; run: () => void } | null = null
  return {
    after(ms: number, run: () => void) {
      scheduled = { ms, run }
      return () => {
        scheduled = null
      }
    },
    next(): number | null {
      const due = scheduled
      scheduled = null
      due?.run()
      return due?.ms ?? null
    },
    isIdle: () => scheduled === null,
  }
}

const turns = () => new Promise(resolve => setImmediate(resolve))

test('turns follow each other after the usual pause, or the pause that a turn returns', async () => {
  const clock = manualClock()
  const pauses: (number | null)[] = [null, 0, null]
  const loop = createWorkerLoop({
    turn: async () => pauses.shift() ?? null,
    onError: error => expect.unreachable(String(error)),
    after: clock.after,
    pauseMs: () => 50,
  })
  loop.start(10)
  loop.start(10)
  const delays = []
  for (let turn = 0; turn < 4; turn += 1) {
    delays.push(clock.next())
    await turns()
  }
  expect(delays).toEqual([10, 50, 0, 50])
  await loop.stop()
})

test('the loop continues after a turn that fails', async () => {
  const clock = manualClock()
  const errors: unknown[] = []
  const loop = createWorkerLoop({
    turn: () => Promise.reject(new Error('broken')),
    onError: error => errors.push(error),
    after: clock.after,
    pauseMs: () => 50,
  })
  loop.start()
  clock.next()
  await turns()
  expect(clock.next()).toBe(50)
  await turns()
  expect(errors).toHaveLength(2)
  await loop.stop()
})

test('stop waits for the current turn, and no further turn starts', async () => {
  const clock = manualClock()
  let end = (): void => {}
  const loop = createWorkerLoop({
    turn: () => new Promise(resolve => (end = () => resolve(null))),
    onError: error => expect.unreachable(String(error)),
    after: clock.after,
    pauseMs: () => 50,
  })
  loop.start()
  clock.next()
  let isStopped = false
  const stopped = loop.stop().then(() => (isStopped = true))
  await turns()
  expect(isStopped).toBe(false)
  end()
  await stopped
  expect(clock.isIdle()).toBe(true)
})
