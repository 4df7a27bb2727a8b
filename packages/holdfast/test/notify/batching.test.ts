import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { createGrouping, type Grouping } from '../../src/notify/batching.ts'

const windowMs = 1_000
const never = new AbortController().signal

interface Message {
  atMs: number
  items: readonly number[]
  signal: AbortSignal
  answer(): void
  refuse(error: Error): void
}

/** A grouping whose messages are answered by the test, or after `takesMs`. */
function open({ groupMax = 1_000, takesMs = -1 }: { groupMax?: number; takesMs?: number } = {}) {
  const messages: Message[] = []
  const grouping = createGrouping<number>({
    windowMs,
    groupMax,
    send: (items, signal) =>
      new Promise((answer, refuse) => {
        messages.push({ atMs: Date.now(), items, signal, answer, refuse })
        if (takesMs >= 0) setTimeout(answer, takesMs)
      }),
  })
  return { grouping, messages }
}

/** Submits, and says what became of it as soon as that is known. */
function follow(grouping: Grouping<number>, item: number, signal: AbortSignal = never) {
  const followed = { item, outcome: 'waiting' as string }
  grouping.submit(item, signal).then(
    () => {
      followed.outcome = 'accepted'
    },
    (error: unknown) => {
      followed.outcome = error instanceof Error ? error.message : String(error)
    },
  )
  return followed
}

const pass = (ms: number) => vi.advanceTimersByTimeAsync(ms)
const itemsOf = (messages: readonly Message[]) => messages.map(message => message.items)

describe('grouping', () => {
  beforeEach(() => {
    vi.useFakeTimers()
  })
  afterEach(() => {
    // Nothing may be left that keeps a process alive.
    expect(vi.getTimerCount()).toBe(0)
    vi.useRealTimers()
  })

  test('sends the first of a quiet time at once, and what follows together when the window is over', async () => {
    const { grouping, messages } = open({ takesMs: 0 })
    const all = [1, 2, 3].map(item => follow(grouping, item))
    expect(itemsOf(messages)).toEqual([[1]])
    await pass(windowMs - 1)
    expect(all.map(each => each.outcome)).toEqual(['accepted', 'waiting', 'waiting'])
    await pass(2)
    expect(itemsOf(messages)).toEqual([[1], [2, 3]])
    expect(all.map(each => each.outcome)).toEqual(['accepted', 'accepted', 'accepted'])
    await pass(windowMs)
    // It is quiet again.
    follow(grouping, 4)
    expect(itemsOf(messages)).toEqual([[1], [2, 3], [4]])
    await pass(windowMs)
  })

  test('does not say that an item is told before its own message was accepted', async () => {
    const { grouping, messages } = open()
    const first = follow(grouping, 1)
    const second = follow(grouping, 2)
    messages[0]?.answer()
    await pass(windowMs)
    expect([first.outcome, second.outcome]).toEqual(['accepted', 'waiting'])
    messages[1]?.answer()
    await pass(windowMs)
    expect(second.outcome).toBe('accepted')
  })

  test('fails everyone in a message that was refused, and nobody else; the window stays open', async () => {
    const { grouping, messages } = open()
    const first = follow(grouping, 1)
    messages[0]?.refuse(new Error('no'))
    await pass(1)
    expect(first.outcome).toBe('no')
    const again = follow(grouping, 1)
    const second = follow(grouping, 2)
    expect(messages).toHaveLength(1)
    await pass(windowMs)
    messages[1]?.answer()
    await pass(windowMs)
    expect(itemsOf(messages)).toEqual([[1], [1, 2]])
    expect([again.outcome, second.outcome]).toEqual(['accepted', 'accepted'])
  })

  test('fails the submit where sending throws at once', async () => {
    const grouping = createGrouping<number>({
      windowMs,
      groupMax: 10,
      send: () => {
        throw new Error('broken')
      },
    })
    const one = follow(grouping, 1)
    await pass(windowMs)
    expect(one.outcome).toBe('broken')
  })

  test('leaves out an item that was given up while it gathered', async () => {
    const { grouping, messages } = open({ takesMs: 0 })
    follow(grouping, 1)
    const stop = new AbortController()
    const second = follow(grouping, 2, stop.signal)
    const third = follow(grouping, 3)
    stop.abort(new Error('stopped'))
    await pass(1)
    expect(second.outcome).toBe('stopped')
    await pass(2 * windowMs)
    expect(itemsOf(messages)).toEqual([[1], [3]])
    expect(third.outcome).toBe('accepted')
    const late = follow(grouping, 4, stop.signal)
    await pass(1)
    expect(late.outcome).toBe('stopped')
    expect(messages).toHaveLength(2)
  })

  test('goes on with a message while anybody waits for it, and gives it up when nobody does', async () => {
    const { grouping, messages } = open()
    const stops = [1, 2].map(() => new AbortController())
    follow(grouping, 0)
    messages[0]?.answer()
    const [first, second] = stops.map((stop, index) => follow(grouping, index + 1, stop.signal))
    await pass(windowMs)
    stops[0]?.abort(new Error('stopped'))
    await pass(1)
    expect(first?.outcome).toBe('stopped')
    expect(messages[1]?.signal.aborted).toBe(false)
    stops[1]?.abort(new Error('stopped'))
    await pass(1)
    expect(second?.outcome).toBe('stopped')
    expect(messages[1]?.signal.aborted).toBe(true)
    // It never ends, and holds up nobody.
    await pass(windowMs)
    const third = follow(grouping, 3)
    messages[2]?.answer()
    await pass(windowMs)
    expect(itemsOf(messages)).toEqual([[0], [1, 2], [3]])
    expect(third.outcome).toBe('accepted')
  })

  test('sends what has gathered as it closes, and waits for the answer', async () => {
    const { grouping, messages } = open()
    follow(grouping, 1)
    const second = follow(grouping, 2)
    messages[0]?.answer()
    await pass(10)
    let closed = false
    const closing = grouping.close().then(() => {
      closed = true
    })
    await pass(0)
    expect(itemsOf(messages)).toEqual([[1], [2]])
    expect(closed).toBe(false)
    const third = follow(grouping, 3)
    messages[1]?.answer()
    await pass(0)
    messages[2]?.answer()
    await closing
    await pass(0)
    expect(itemsOf(messages)).toEqual([[1], [2], [3]])
    expect([second.outcome, third.outcome]).toEqual(['accepted', 'accepted'])
  })

  test('loses nothing, tells nothing twice, and sends one message a window, whatever comes when', async () => {
    const step = fc.record({
      waitMs: fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 3 * windowMs })),
      count: fc.integer({ min: 1, max: 12 }),
      givenUpAfterMs: fc.oneof(fc.constant(null), fc.integer({ min: 0, max: 2 * windowMs })),
    })
    const groupMax = 5
    await fc.assert(
      fc.asyncProperty(
        fc.array(step, { maxLength: 15 }),
        fc.integer({ min: 0, max: 2_500 }),
        async (steps, takesMs) => {
          const { grouping, messages } = open({ groupMax, takesMs })
          const all: (ReturnType<typeof follow> & { mayLeave: boolean })[] = []
          for (const { waitMs, count, givenUpAfterMs } of steps) {
            await pass(waitMs)
            for (let index = 0; index < count; index += 1) {
              const stop = new AbortController()
              if (givenUpAfterMs !== null) setTimeout(() => stop.abort(new Error('given up')), givenUpAfterMs)
              const mayLeave = givenUpAfterMs !== null
              all.push(Object.assign(follow(grouping, all.length, stop.signal), { mayLeave }))
            }
          }
          await vi.runAllTimersAsync()
          await grouping.close()

          const told = messages.flatMap(message => message.items)
          expect(new Set(told).size).toBe(told.length)
          for (const { item, outcome, mayLeave } of all) {
            expect(outcome).not.toBe('waiting')
            if (!mayLeave) expect(outcome).toBe('accepted')
            if (outcome === 'accepted') expect(told).toContain(item)
          }
          for (const [index, message] of messages.entries()) {
            expect(message.items.length).toBeGreaterThan(0)
            expect(message.items.length).toBeLessThanOrEqual(groupMax)
            const before = messages[index - 1]
            if (before !== undefined) expect(message.atMs - before.atMs).toBeGreaterThanOrEqual(windowMs)
          }
        },
      ),
      { numRuns: 150 },
    )
  })
})
