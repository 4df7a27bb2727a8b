/** Shared readings stay fresh, and the window of gateway calls forgets old ones. */
import { describe, expect, it } from 'vitest'
import { createGatewayWindow } from '../../../src/observe/health/gateway-window.ts'
import { keepFresh } from '../../../src/observe/health/shared-reading.ts'

/** A clock and readings under the control of the test. Each reading gives its number. */
function setUp() {
  let ms = 0
  let planned: { at: number; run: () => void }[] = []
  const ends: (() => void)[] = []
  let readings = 0
  let isEager = true
  const fresh = keepFresh(
    () => {
      readings += 1
      const number = readings
      return new Promise<number>(resolve => ends.push(() => resolve(number)))
    },
    {
      mayReadAhead: () => isEager,
      clock: { now: () => ms, after: (delayMs, run) => void planned.push({ at: ms + delayMs, run }) },
    },
  )
  return {
    fresh,
    count: () => readings,
    wait() {
      isEager = false
    },
    async end() {
      for (const end of ends.splice(0)) end()
      await new Promise(resolve => setImmediate(resolve))
    },
    /** Sets the clock and runs the timers that are due. */
    at(time: number) {
      ms = time
      const due = planned.filter(({ at }) => at <= ms)
      planned = planned.filter(({ at }) => at > ms)
      for (const { run } of due) run()
    },
  }
}

describe('a shared reading', () => {
  it('runs once for concurrent callers, and its report is reused while fresh', async () => {
    const { fresh, count, end, at } = setUp()
    const asked = Array.from({ length: 100 }, () => fresh())
    await end()
    expect(new Set(await Promise.all(asked))).toEqual(new Set([1]))
    at(499)
    expect(await fresh()).toBe(1)
    expect(count()).toBe(1)
  })

  it('is read ahead while callers keep asking, so that they do not wait', async () => {
    const { fresh, count, end, at } = setUp()
    const first = fresh()
    await end()
    await first
    for (let half = 1; half <= 10; half += 1) {
      at(half * 500)
      // The reading that just started is still running.
      if (half % 2 === 0) expect(await fresh()).toBe(half)
      await end()
    }
    expect(count()).toBe(11)
    expect(await fresh()).toBe(11)
  })

  it('stops once callers stop asking', async () => {
    const { fresh, count, end, at } = setUp()
    const first = fresh()
    await end()
    await first
    for (let half = 1; half <= 20; half += 1) {
      at(half * 500)
      await end()
    }
    expect(count()).toBe(7)
  })

  it('runs only on request once reading ahead is no longer allowed', async () => {
    const { fresh, count, end, at, wait } = setUp()
    const first = fresh()
    await end()
    await first
    wait()
    at(500)
    await end()
    expect(count()).toBe(1)
    at(2_000)
    const second = fresh()
    await end()
    expect(await second).toBe(2)
    at(2_500)
    expect(count()).toBe(2)
  })

  it('is never returned when older than a second; callers then wait for the next', async () => {
    const { fresh, end, at } = setUp()
    const first = fresh()
    await end()
    await first
    at(500)
    at(1_001)
    const late = [fresh(), fresh()]
    await end()
    expect(await Promise.all(late)).toEqual([2, 2])
  })

  it('does not count if it started too early, even if it ends late', async () => {
    const { fresh, count, end, at } = setUp()
    const early = fresh()
    at(5_000)
    const late = fresh()
    const now = fresh({ maxAgeMs: 0 })
    await end()
    expect([await early, count()]).toEqual([1, 2])
    await end()
    expect(await Promise.all([late, now])).toEqual([2, 2])
  })
})

describe('the window of gateway calls', () => {
  it('counts calls and failed calls; a decline is an answer', () => {
    const window = createGatewayWindow(() => 0)
    for (const outcome of ['succeeded', 'declined', 'unknown', 'not_executed', 'pending', 'not_found'])
      window.note(outcome)
    expect(window.sight()).toEqual({ calls: 6, failed: 2 })
  })

  it('forgets calls after three minutes, also without further calls', () => {
    const clock = { ms: 0 }
    const window = createGatewayWindow(() => clock.ms)
    window.note('unknown')
    clock.ms = 170_000
    window.note('succeeded')
    expect(window.sight()).toEqual({ calls: 2, failed: 1 })
    clock.ms = 180_000
    expect(window.sight()).toEqual({ calls: 1, failed: 0 })
    clock.ms = 400_000
    expect(window.sight()).toEqual({ calls: 0, failed: 0 })
    window.note('unknown')
    expect(window.sight()).toEqual({ calls: 1, failed: 1 })
  })
})
