/** Readings that are shared and kept fresh; and the window on the gateway's calls, over time. */
import { describe, expect, it } from 'vitest'
import { keepFresh } from '../../src/observe/health-fresh.ts'
import { createGatewayWindow } from '../../src/observe/health-gateway.ts'

/** A clock that a test sets, and readings that end when it says so. Each gives its number. */
function desk() {
  const clock = { ms: 0 }
  const ends: (() => void)[] = []
  let readings = 0
  const fresh = keepFresh(
    () => {
      readings += 1
      const number = readings
      return new Promise<number>(resolve => ends.push(() => resolve(number)))
    },
    () => clock.ms,
  )
  const settled = () => new Promise(resolve => setImmediate(resolve))
  return {
    clock,
    fresh,
    count: () => readings,
    async end() {
      for (const end of ends.splice(0)) end()
      await settled()
    },
  }
}

describe('a reading that many ask for', () => {
  it('is made once for all who ask at once, and given again for a second', async () => {
    const { clock, fresh, count, end } = desk()
    const asked = Array.from({ length: 100 }, () => fresh())
    await end()
    expect(new Set(await Promise.all(asked))).toEqual(new Set([1]))
    clock.ms = 500
    expect(await fresh()).toBe(1)
    expect(count()).toBe(1)
  })

  it('is made anew in the background once half its time is over: nobody waits for it', async () => {
    const { clock, fresh, count, end } = desk()
    const first = fresh()
    await end()
    await first
    clock.ms = 600
    expect(await fresh()).toBe(1)
    expect(count()).toBe(2)
    clock.ms = 1_000
    expect(await fresh()).toBe(1)
    await end()
    expect(await fresh()).toBe(2)
  })

  it('is never given when it is older: then everybody waits for the next', async () => {
    const { clock, fresh, end } = desk()
    const first = fresh()
    await end()
    await first
    clock.ms = 1_001
    const late = [fresh(), fresh()]
    await end()
    expect(await Promise.all(late)).toEqual([2, 2])
  })

  it('that began too early does not count, however late it ends', async () => {
    const { clock, fresh, count, end } = desk()
    const early = fresh()
    clock.ms = 5_000
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
