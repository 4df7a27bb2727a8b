/** Readings that are shared and kept fresh; and the window on the gateway's calls, over time. */
import { describe, expect, it } from 'vitest'
import { createGatewayWindow } from '../../../src/observe/health/gateway-window.ts'
import { keepFresh } from '../../../src/observe/health/shared-reading.ts'

/** A clock that a test sets, and readings that end when it says so. Each gives its number. */
function desk() {
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
      mayGoAhead: () => isEager,
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
    /** It is so late now; what was planned until then happens. */
    at(time: number) {
      ms = time
      const due = planned.filter(({ at }) => at <= ms)
      planned = planned.filter(({ at }) => at > ms)
      for (const { run } of due) run()
    },
  }
}

describe('a reading that many ask for', () => {
  it('is made once for all who ask at once, and given again meanwhile', async () => {
    const { fresh, count, end, at } = desk()
    const asked = Array.from({ length: 100 }, () => fresh())
    await end()
    expect(new Set(await Promise.all(asked))).toEqual(new Set([1]))
    at(499)
    expect(await fresh()).toBe(1)
    expect(count()).toBe(1)
  })

  it('is made anew while somebody keeps asking, once a second say: nobody waits for it', async () => {
    const { fresh, count, end, at } = desk()
    const first = fresh()
    await end()
    await first
    for (let half = 1; half <= 10; half += 1) {
      at(half * 500)
      // The one that was begun just now is still under way.
      if (half % 2 === 0) expect(await fresh()).toBe(half)
      await end()
    }
    expect(count()).toBe(11)
    expect(await fresh()).toBe(11)
  })

  it('is not made any more once nobody asks', async () => {
    const { fresh, count, end, at } = desk()
    const first = fresh()
    await end()
    await first
    for (let half = 1; half <= 20; half += 1) {
      at(half * 500)
      await end()
    }
    expect(count()).toBe(7)
  })

  it('is made for who asks alone, from when it may not go ahead any more', async () => {
    const { fresh, count, end, at, wait } = desk()
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

  it('is never given when it is older than a second: then everybody waits for the next', async () => {
    const { fresh, end, at } = desk()
    const first = fresh()
    await end()
    await first
    at(500)
    at(1_001)
    const late = [fresh(), fresh()]
    await end()
    expect(await Promise.all(late)).toEqual([2, 2])
  })

  it('that began too early does not count, however late it ends', async () => {
    const { fresh, count, end, at } = desk()
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

describe('the window on the gateway', () => {
  it('counts calls and those that came to nothing; a decline is an answer', () => {
    const window = createGatewayWindow(() => 0)
    for (const outcome of ['succeeded', 'declined', 'unknown', 'not_executed', 'pending', 'not_found'])
      window.note(outcome)
    expect(window.sight()).toEqual({ calls: 6, failed: 2 })
  })

  it('forgets after three minutes, also when nothing is called any more', () => {
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
