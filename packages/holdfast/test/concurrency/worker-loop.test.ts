import { expect, test } from 'vitest'
import { createWorkerLoop } from '../../src/concurrency/worker-loop.ts'

/** A clock that a test turns by hand: `next` runs what is scheduled and gives its delay. */
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

test('runs turn after turn with the usual pause, or the pause that a turn asks for', async () => {
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

test('goes on after a turn that fails', async () => {
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

test('stops after the turn under way, and starts no other', async () => {
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
